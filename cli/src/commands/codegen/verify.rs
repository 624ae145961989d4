//! `codegen verify DIR…`: proves generated packages, and prints the proof as a table.

use std::path::PathBuf;

use clap::Args;
use tollgate_codegen::manifest;
use tollgate_gates::contracts;
use tollgate_process::Limits;
use tollgate_proof::verify::{Verification, Verified, VerifyError, verify};
use tollgate_proof::wire::cases::Amount;
use tollgate_proof::{Compilers, Extent, LanguageProof, Places, exit_code};
use tollgate_report::render::render_table;

use crate::commands::codegen::arguments::{ProofArgs, failed};
use crate::context::Context;
use crate::failure::CommandResult;

/// Compile generated packages and prove that values keep their shape on the wire
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Folders that hold generated packages
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// The contracts; by default those that the packages name
    #[arg(long, value_name = "FILE")]
    pub contract: Vec<PathBuf>,
    #[command(flatten)]
    pub proof: ProofArgs,
}

/// What the flags set for limits and amounts.
pub fn extent(args: &ProofArgs, slot: usize) -> Extent {
    Extent {
        limits: Limits {
            time: args.time.0,
            memory_bytes: args.memory.0,
            // Answers of drivers are not cut.
            stdout_max_bytes: usize::MAX,
            stderr_max_bytes: 256 << 10,
        },
        amount: Amount {
            seed: args.seed,
            per_type: args.per_type,
        },
        has_wire: !args.no_wire,
        slot,
    }
}

/// The compilers of this machine, with a cache that all repositories share.
pub fn compilers(context: &Context) -> Compilers {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map(|cache| cache.join("tollgate"));
    let folders = ["node_modules", "tests/node/node_modules"];
    Compilers::find(&Places {
        root: context.root.clone(),
        cache: cache.unwrap_or_else(|| context.state_dir.join("cache")),
        node_modules: folders.map(|folder| context.root.join(folder)).into(),
    })
}

/// Whether a missing compiler fails the command: in CI, where all should be installed.
pub fn needs_all(args: &ProofArgs) -> bool {
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1");
    is_ci && !args.may_be_missing
}

/// `codegen verify`.
pub fn run(context: &Context, args: &VerifyArgs) -> CommandResult {
    let absolute = |path: &PathBuf| manifest::normal(&context.here.join(path));
    let compilers = compilers(context);
    let wanted = Verification {
        compilers: &compilers,
        folders: args.folders.iter().map(absolute).collect(),
        contracts: args.contract.iter().map(absolute).collect(),
        root: &context.root,
        work: context.state_dir.join("codegen"),
        extent: extent(&args.proof, 0),
    };
    let verified = verify(&wanted, |path| contracts::load(context, path));
    let verified = verified.map_err(|error| match error {
        VerifyError::Load(failure) => failure,
        VerifyError::Proof(error) => failed(error),
    })?;
    print(context, &verified);
    let rows = verified.rows.iter();
    Ok(exit_code(
        rows.map(|row| (&row.proof, !row.changed.is_empty())),
        needs_all(&args.proof),
    ))
}

fn print(context: &Context, verified: &Verified) {
    let (output, rows) = (&context.output, &verified.rows);
    output.json(&serde_json::json!({
        "version": 1, "packages": rows, "sent": verified.sent,
    }));
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut line = vec![row.folder.clone(), row.proof.language.word().to_owned()];
            line.extend(cells(&row.proof));
            line.push(format!("{:.1}", row.proof.seconds));
            line
        })
        .collect();
    let header = [&["package", "language"], &CELLS[..], &["seconds"]].concat();
    output.text(|out| render_table(out, &header, &cells));
    for row in rows {
        for file in &row.changed {
            output.line(format!("{}/{file} is not what was generated", row.folder));
        }
        for reason in &row.proof.reasons {
            output.line(format!("{}: {reason}", row.folder));
        }
    }
}

/// The headers of [`cells`].
pub const CELLS: [&str; 4] = ["compiles", "wire", "refused", "paths"];

/// A language's cells: compiles, values that came back, values that were refused, refusals at the
/// right place.
pub fn cells(proof: &LanguageProof) -> [String; 4] {
    let [wire, refused, paths] = match &proof.share {
        Some(share) => {
            let explained = match share.n_explained() {
                0 => String::new(),
                n => format!(" + {n} explained"),
            };
            [
                format!("{} of {}", share.equal, share.instances),
                format!("{} of {}{explained}", share.refused, share.broken),
                format!(
                    "{} of {}",
                    share.right_path + share.around_path,
                    share.refused
                ),
            ]
        }
        None => [proof.wire.word().to_owned(), "-".to_owned(), "-".to_owned()],
    };
    [proof.compiles.word().to_owned(), wire, refused, paths]
}
