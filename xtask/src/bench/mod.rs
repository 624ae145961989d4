//! `bench codegen`: our generator compared with its peers, each in a process of its own, in one run:
//! seconds, peak memory, emitted bytes; and how the cost grows with the document. `bench noop`: a
//! tier 0 that has nothing to do next to `git status`. `bench leaf`: one after a change of one crate.

mod candidate;
mod growth;
pub mod leaf;
pub mod noop;
mod peers;

use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

use tollgate_report::render::render_table;
use tollgate_report::{ExitCode, write_atomic};

use tollgate::{CommandResult, Context, Failure};

use candidate::{Row, candidate, measure};

#[derive(Debug, Clone, Subcommand)]
pub enum BenchCommand {
    /// Generate models of one document with ours and the peers: seconds, memory, size
    #[command(
        after_help = "Example: cargo run --release --package xtask -- bench codegen --install"
    )]
    Codegen(BenchCodegenArgs),
    /// Run a tier 0 that has nothing to do next to `git status`
    #[command(
        after_help = "Example: cargo run --release --package xtask -- bench noop --files 50000"
    )]
    Noop(noop::BenchNoopArgs),
    /// Run a tier 0 after one crate changed next to `cargo nextest run -p` of it
    #[command(after_help = "Example: cargo run --release --package xtask -- bench leaf")]
    Leaf(leaf::BenchLeafArgs),
}

#[derive(Debug, Clone, Args)]
pub struct BenchCodegenArgs {
    /// The document
    #[arg(
        default_value = "../shared/corpus/github-2026.json",
        value_name = "FILE"
    )]
    pub document: PathBuf,
    /// An older one, to measure the comparison of both
    #[arg(long, value_name = "FILE")]
    pub old: Option<PathBuf>,
    /// How often each is run; the fastest counts
    #[arg(long, default_value_t = 3)]
    pub runs: u32,
    /// Install the peers first (npm, pip, cargo)
    #[arg(long)]
    pub install: bool,
    /// Where the peers are; by default the user's cache
    #[arg(long, value_name = "DIR")]
    pub tools: Option<PathBuf>,
    /// Also measure documents of ×1 to ×16 and draw the cost here
    #[arg(long, value_name = "FILE")]
    pub chart: Option<PathBuf>,
}

/// `bench codegen`.
pub fn codegen(context: &Context, args: &BenchCodegenArgs) -> CommandResult {
    let tools = args
        .tools
        .clone()
        .map_or_else(|| cache(context), |path| context.here.join(path));
    if args.install {
        peers::install(context, &tools)?;
    }
    let document = context.here.join(&args.document);
    if !document.is_file() {
        return Err(Failure::usage(format!(
            "there is no file `{}`",
            document.display()
        )));
    }
    let work = tools.join("out");
    let own = context.executable()?;
    let mut rows = ours(context, args, &own, &document, &work)?;
    for peer in peers::candidates(&tools, &document, &work)? {
        rows.push(measure(peer, args.runs)?);
    }
    let steps = match &args.chart {
        Some(path) => {
            let steps = growth::measure(&own, &work, args.runs)?;
            write_atomic(&context.here.join(path), growth::chart(&steps).as_bytes())
                .map_err(Failure::environment)?;
            steps
        }
        None => Vec::new(),
    };
    print(context, &rows, &steps);
    Ok(ExitCode::Pass)
}

fn cache(context: &Context) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    cache
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map_or_else(
            || context.state_dir.join("bench"),
            |cache| cache.join("tollgate/bench"),
        )
}

fn ours(
    context: &Context,
    args: &BenchCodegenArgs,
    own: &Path,
    document: &Path,
    work: &Path,
) -> Result<Vec<Row>, Failure> {
    let (own, document) = (own.display().to_string(), document.display().to_string());
    let out = work.join("tollgate");
    let folder = out.display().to_string();
    let mut all = vec![candidate(
        "tollgate: models, three languages",
        &[
            &own,
            "codegen",
            "--contract",
            &document,
            "--language",
            "rust,swift,typescript",
            "--out",
            &folder,
        ],
        Some(&out),
    )];
    for language in ["rust", "swift", "typescript"] {
        let out = work.join(format!("tollgate-{language}"));
        let folder = out.display().to_string();
        let name = format!("tollgate: models, {language}");
        let argv = [
            &own,
            "codegen",
            "--contract",
            &document,
            "--language",
            language,
            "--out",
            &folder,
        ];
        all.push(candidate(&name, &argv, Some(&out)));
    }
    all.push(candidate(
        "tollgate: lint",
        &[&own, "contract", "lint", &document],
        None,
    ));
    if let Some(old) = &args.old {
        let old = context.here.join(old).display().to_string();
        all.push(candidate(
            "tollgate: diff",
            &[&own, "contract", "diff", &old, &document],
            None,
        ));
    }
    all.push(candidate(
        "tollgate: codegen --check of this repository",
        &[&own, "codegen", "--check"],
        None,
    ));
    all.into_iter()
        .map(|candidate| measure(candidate, args.runs))
        .collect()
}

fn print(context: &Context, rows: &[Row], steps: &[growth::Step]) {
    let output = &context.output;
    let is_release = !cfg!(debug_assertions);
    output.json(&serde_json::json!({
        "version": 1, "is_release": is_release, "rows": rows, "growth": steps,
    }));
    if !is_release {
        output.line(
            "this is a debug build of ours: cargo run --release --package xtask -- bench codegen",
        );
    }
    let base = rows.first().and_then(|row| row.seconds);
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| match row.seconds {
            Some(seconds) => vec![
                shown(row),
                format!("{seconds:.3}"),
                base.map_or_else(String::new, |base| format!("{:.1}×", seconds / base)),
                row.peak_mib
                    .map_or_else(String::new, |mib| format!("{mib:.0}")),
                row.emitted_kb.map_or_else(String::new, |kb| kb.to_string()),
            ],
            None => vec![shown(row), row.problem.clone().unwrap_or_default()],
        })
        .collect();
    output.text(|out| {
        render_table(
            out,
            &["tool", "seconds", "of ours", "peak MiB", "kB written"],
            &cells,
        )
    });
    for step in steps {
        output.line(format!(
            "×{}: {} kB, {:.3} s, {:.0} MiB",
            step.factor,
            step.bytes / 1000,
            step.seconds,
            step.peak_mib
        ));
    }
}

fn shown(row: &Row) -> String {
    match row.version {
        Some(version) => format!("{} {version}", row.name),
        None => row.name.clone(),
    }
}
