//! `bench leaf`: a tier 0 after one crate of a workspace changed that no other depends on, next to
//! plain `cargo nextest run -p` of it, in one run, alternately.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tollgate_report::render::render_table;
use tollgate_report::{ExitCode, write_atomic};

use tollgate::{CommandResult, Context, Failure};

use super::noop::{commit, median, timed, write_workspace};

const LIB: &str = "//! A crate.\n\n#[test]\nfn it_adds() {\n    assert_eq!(1 + 1, 2);\n}\n";
const SETTINGS: &str = "[[tiers.tier0.steps]]\nbuiltin = \"test\"\n";

#[derive(Debug, Clone, Args)]
pub struct BenchLeafArgs {
    /// Crates of the workspace
    #[arg(long, default_value_t = 60)]
    pub crates: usize,
    /// Files in all
    #[arg(long, default_value_t = 6_000)]
    pub files: usize,
    /// How often each is run; the median counts
    #[arg(long, default_value_t = 9)]
    pub runs: usize,
    /// The binary to measure; by default the running one
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

/// `bench leaf`.
pub fn run(context: &Context, args: &BenchLeafArgs) -> CommandResult {
    let binary = match &args.binary {
        Some(path) => context.here.join(path),
        None => context.executable()?,
    };
    let name = format!("bench-leaf-{}", std::process::id());
    let folder = context.state_dir.join(name);
    let measured = measure(&folder, &binary, args);
    // Left behind it would only take space.
    let _ = fs::remove_dir_all(&folder);
    let [ours, plain] = measured?.map(|time| time.as_secs_f64() * 1_000.0);
    let ratio = ours / plain;
    context.output.json(&serde_json::json!({
        "version": 1, "crates": args.crates, "files": args.files,
        "tier0_ms": ours, "nextest_ms": plain, "ratio": ratio,
    }));
    let shown = [ours, plain].map(|ms| format!("{ms:.0}"));
    context.output.text(|out| {
        let counts = [args.crates.to_string(), args.files.to_string()];
        let ratio = [format!("{ratio:.2}")];
        render_table(
            out,
            &["crates", "files", "tier0 ms", "nextest -p ms", "ratio"],
            &[[&counts[..], &shown, &ratio].concat()],
        )
    });
    Ok(ExitCode::Pass)
}

fn measure(folder: &Path, binary: &Path, args: &BenchLeafArgs) -> Result<[Duration; 2], Failure> {
    write_workspace(folder, (args.crates, args.files), LIB)?;
    write(&folder.join("tollgate.toml"), SETTINGS)?;
    let leaf = format!("c{}", args.crates.max(1) - 1);
    let source = folder.join(&leaf).join("src/lib.rs");
    let plain = ["nextest", "run", "-p", &leaf];
    let plain = || timed(folder, Path::new("cargo"), &plain);
    timed(
        folder,
        Path::new("cargo"),
        &["generate-lockfile", "--offline"],
    )?;
    commit(folder)?;
    timed(folder, binary, &["tier0"])?;
    plain()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..args.runs.max(1) {
        write(&source, &format!("{LIB}// {n}\n"))?;
        ours.push(timed(folder, binary, &["tier0"])?);
        write(&source, &format!("{LIB}// {n} again\n"))?;
        theirs.push(plain()?);
    }
    Ok([median(ours), median(theirs)])
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_atomic(path, text.as_bytes()).map_err(Failure::environment)
}
