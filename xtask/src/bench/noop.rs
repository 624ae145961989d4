//! `bench noop`: a tier 0 that has nothing to do next to `git status`, in one run, alternately.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use tollgate_report::ExitCode;
use tollgate_report::render::render_table;

use tollgate::{CommandResult, Context, Failure};

/// The memo trusts files that are two seconds older than itself.
const SETTLED: Duration = Duration::from_millis(2_200);

#[derive(Debug, Clone, Args)]
pub struct BenchNoopArgs {
    /// Crates of the workspace
    #[arg(long, default_value_t = 60)]
    pub crates: usize,
    /// Files in all
    #[arg(long, default_value_t = 6_000)]
    pub files: usize,
    /// How often each is run; the median counts
    #[arg(long, default_value_t = 21)]
    pub runs: usize,
    /// The binary to measure; by default the running one
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

/// `bench noop`.
pub fn run(context: &Context, args: &BenchNoopArgs) -> CommandResult {
    let binary = match &args.binary {
        Some(path) => context.here.join(path),
        None => context.executable()?,
    };
    let folder = context
        .state_dir
        .join(format!("bench-noop-{}", std::process::id()));
    let measured = measure(&folder, &binary, args);
    // Left behind it would only take space.
    let _ = fs::remove_dir_all(&folder);
    let [ours, git] = measured?;
    let ratio = ours.as_secs_f64() / git.as_secs_f64();
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1_000.0);
    context.output.json(&serde_json::json!({
        "version": 1, "crates": args.crates, "files": args.files,
        "tier0_ms": ours.as_secs_f64() * 1_000.0, "git_status_ms": git.as_secs_f64() * 1_000.0, "ratio": ratio,
    }));
    context.output.text(|out| {
        render_table(
            out,
            &["crates", "files", "tier0 ms", "git status ms", "ratio"],
            &[vec![
                args.crates.to_string(),
                args.files.to_string(),
                ms(ours),
                ms(git),
                format!("{ratio:.2}"),
            ]],
        )
    });
    Ok(ExitCode::Pass)
}

fn measure(folder: &Path, binary: &Path, args: &BenchNoopArgs) -> Result<[Duration; 2], Failure> {
    write_workspace(folder, (args.crates, args.files), "")?;
    let step = |name: &str| {
        format!(
            "[[tiers.tier0.steps]]\nname = \"{name}\"\ncommand = [\"true\", \"{{packages}}\"]\nper_crate = true\ntools = [[\"rustc\", \"-vV\"]]\n"
        )
    };
    let settings = [step("fmt"), step("lint"), step("test")].concat();
    fs::write(folder.join("tollgate.toml"), settings)?;
    commit(folder)?;
    timed(folder, binary, &["tier0"])?;
    std::thread::sleep(SETTLED);
    // One run keeps the memo, the next one the answer; git writes its index as well.
    for _ in 0..2 {
        timed(folder, binary, &["tier0"])?;
        timed(folder, Path::new("git"), &["status", "--porcelain"])?;
    }
    let (mut ours, mut git) = (Vec::new(), Vec::new());
    for _ in 0..args.runs.max(1) {
        ours.push(timed(folder, binary, &["tier0"])?);
        git.push(timed(folder, Path::new("git"), &["status", "--porcelain"])?);
    }
    Ok([median(ours), median(git)])
}

/// Commits the workspace in a repository of its own.
pub(super) fn commit(folder: &Path) -> Result<(), Failure> {
    for words in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["commit", "-q", "-m", "start"],
    ] {
        let name = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        timed(folder, Path::new("git"), &[&name[..], words].concat())?;
    }
    Ok(())
}

pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

pub(super) fn timed(folder: &Path, program: &Path, words: &[&str]) -> Result<Duration, Failure> {
    let started = Instant::now();
    let status = Command::new(program)
        .args(words)
        .current_dir(folder)
        .env_remove("CI")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        return Ok(started.elapsed());
    }
    let command = format!("{} {}", program.display(), words.join(" "));
    Err(Failure::environment(anyhow::anyhow!(
        "`{command}` in `{}` ended with {status}",
        folder.display()
    )))
}

pub(super) fn write_workspace(
    folder: &Path,
    (n_crates, n_files): (usize, usize),
    lib: &str,
) -> Result<(), Failure> {
    let n_crates = n_crates.max(1);
    let n_each = (n_files / n_crates).saturating_sub(2).max(1);
    let mut members = String::new();
    for n in 0..n_crates {
        let crate_folder = folder.join(format!("c{n}"));
        for m in 0..n_each {
            let source = crate_folder.join(format!("src/part{}", m / 12));
            fs::create_dir_all(&source)?;
            fs::write(source.join(format!("m{m}.rs")), format!("// {m}\n"))?;
        }
        fs::write(crate_folder.join("src/lib.rs"), lib)?;
        let need = if n == 0 {
            String::new()
        } else {
            format!("c{0} = {{ path = \"../c{0}\" }}\n", n - 1)
        };
        fs::write(
            crate_folder.join("Cargo.toml"),
            format!(
                "[package]\nname = \"c{n}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{need}"
            ),
        )?;
        // Writing into a text can't fail.
        let _ = write!(members, "\"c{n}\",");
    }
    fs::write(
        folder.join("Cargo.toml"),
        format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n"),
    )?;
    fs::write(folder.join(".gitignore"), "/.tollgate\n/target\n")?;
    Ok(())
}
