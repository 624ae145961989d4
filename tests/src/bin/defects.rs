//! The service with defects as a process, and the comparison of two tools that look for them.
//!
//! `defects serve [DEFECT]` prints its address and serves until it is ended.
//! `defects compare TOLLGATE [SCHEMATHESIS] [--seed N] [--max-requests N] [--part I/N]` runs both
//! tools on each defect, one at a time; with `--part` on every N-th defect from the I-th, so that
//! several of these commands share the work. Schemathesis goes first with its defaults; then `conform` gets at most as
//! many requests as the service counted, and at most N. A defect counts as found when the tool says
//! something that it does not say of the service without defects.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use tollgate_tests::defects::{COUNT_PATH, DEFECTS, KEY, start};

/// The contract of the service.
const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/items.yaml");

/// What one tool did.
struct Seen {
    found: BTreeSet<String>,
    n_requests: usize,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve("").await,
        ["serve", defect] => serve(defect).await,
        ["compare", rest @ ..] => compare(rest).await,
        _ => {
            writeln!(
                io::stderr(),
                "usage: defects serve [DEFECT] | compare TOLLGATE [SCHEMATHESIS] [--seed N] [--max-requests N]"
            )?;
            std::process::exit(2);
        }
    }
}

async fn serve(defect: &str) -> io::Result<()> {
    let (base, task) = start(defect).await?;
    writeln!(io::stdout(), "{base}")?;
    task.await.map_err(io::Error::other)
}

fn option(words: &[&str], name: &str, default: usize) -> usize {
    let at = words.iter().position(|word| *word == name);
    at.and_then(|at| words.get(at + 1)?.parse().ok())
        .unwrap_or(default)
}

async fn compare(words: &[&str]) -> io::Result<()> {
    let tools: Vec<&str> = words
        .iter()
        .take_while(|word| !word.starts_with("--"))
        .copied()
        .collect();
    let (Some(tollgate), schemathesis) = (tools.first(), tools.get(1)) else {
        return Err(io::Error::other("name the tollgate binary"));
    };
    let (seed, n_max) = (
        option(words, "--seed", 1),
        option(words, "--max-requests", 1000),
    );
    let mut out = io::stdout();
    let n_to_count = |n: usize| n.min(n_max);
    let part = words.iter().position(|word| *word == "--part");
    let part = part.and_then(|at| words.get(at + 1)?.split_once('/'));
    let part =
        part.and_then(|(at, of)| Some((at.parse::<usize>().ok()?, of.parse::<usize>().ok()?)));
    let theirs_clean = look(&schemathesis, "", seed, n_max, run_schemathesis).await?;
    let ours_clean = look(
        &Some(tollgate),
        "",
        seed,
        n_to_count(theirs_clean.as_ref().map_or(n_max, |seen| seen.n_requests)),
        run_conform,
    )
    .await?;
    writeln!(
        out,
        "| defect | conform | requests | schemathesis | requests |"
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    let clean = |seen: &Option<Seen>| match seen {
        Some(seen) if seen.found.is_empty() => ("nothing".to_owned(), seen.n_requests.to_string()),
        Some(seen) => (join(&seen.found), seen.n_requests.to_string()),
        None => ("not run".to_owned(), String::new()),
    };
    let (ours, theirs) = (clean(&ours_clean), clean(&theirs_clean));
    writeln!(
        out,
        "| (none) | {} | {} | {} | {} |",
        ours.0, ours.1, theirs.0, theirs.1
    )?;
    let (mut n_ours, mut n_theirs) = (0, 0);
    for (idx, (defect, _)) in DEFECTS.into_iter().enumerate() {
        if part.is_some_and(|(at, of)| idx % of.max(1) != at % of.max(1)) {
            continue;
        }
        let theirs = look(&schemathesis, defect, seed, n_max, run_schemathesis).await?;
        let n = n_to_count(theirs.as_ref().map_or(n_max, |seen| seen.n_requests));
        let ours = look(&Some(tollgate), defect, seed, n, run_conform).await?;
        let new = |seen: &Option<Seen>, clean: &Option<Seen>| -> (String, String, usize) {
            let Some(seen) = seen else {
                return ("not run".to_owned(), String::new(), 0);
            };
            let known = clean
                .as_ref()
                .map(|clean| clean.found.clone())
                .unwrap_or_default();
            let found: BTreeSet<String> = seen.found.difference(&known).cloned().collect();
            let n = usize::from(!found.is_empty());
            let text = if found.is_empty() {
                "–".to_owned()
            } else {
                join(&found)
            };
            (text, seen.n_requests.to_string(), n)
        };
        let (ours, theirs) = (new(&ours, &ours_clean), new(&theirs, &theirs_clean));
        n_ours += ours.2;
        n_theirs += theirs.2;
        writeln!(
            out,
            "| {defect} | {} | {} | {} | {} |",
            ours.0, ours.1, theirs.0, theirs.1
        )?;
    }
    writeln!(
        out,
        "| **found of {}** | **{n_ours}** | | **{n_theirs}** | |",
        DEFECTS.len()
    )
}

fn join(words: &BTreeSet<String>) -> String {
    words.iter().cloned().collect::<Vec<_>>().join(", ")
}

type Run = fn(tool: &str, base: &str, seed: usize, n: usize) -> io::Result<BTreeSet<String>>;

/// Starts the service, lets a tool look at it, and counts the requests.
async fn look(
    tool: &Option<&&str>,
    defect: &str,
    seed: usize,
    n: usize,
    run: Run,
) -> io::Result<Option<Seen>> {
    let Some(tool) = tool else {
        return Ok(None);
    };
    let (base, task) = start(defect).await?;
    let (tool, address) = ((**tool).to_owned(), base.clone());
    let found = tokio::task::spawn_blocking(move || run(&tool, &address, seed, n))
        .await
        .map_err(io::Error::other)??;
    let addr = base
        .trim_start_matches("http://")
        .parse()
        .map_err(io::Error::other)?;
    let count =
        tokio::task::spawn_blocking(move || tollgate_tests::http::get(addr, COUNT_PATH, None));
    let (_, count) = count.await.map_err(io::Error::other)??;
    task.abort();
    Ok(Some(Seen {
        found,
        n_requests: count.trim().parse().map_err(io::Error::other)?,
    }))
}

/// The checks of `conform` that failed.
fn run_conform(tool: &str, base: &str, seed: usize, n: usize) -> io::Result<BTreeSet<String>> {
    let output = Command::new(tool)
        .args([
            "contract",
            "conform",
            base,
            "--contract",
            CONTRACT,
            "--format",
            "json",
        ])
        .args([
            "--seed",
            &seed.to_string(),
            "--max-requests",
            &n.to_string(),
        ])
        .args(["--header", &format!("authorization: Bearer {KEY}")])
        .stderr(Stdio::null())
        .output()?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let failures = report["failures"].as_array().cloned().unwrap_or_default();
    let checks = failures
        .iter()
        .filter_map(|failure| failure["check"].as_str());
    Ok(checks.map(str::to_owned).collect())
}

/// The kinds of failure in the summary of schemathesis: the lines `- Title` under each operation,
/// with the operation.
fn run_schemathesis(tool: &str, base: &str, seed: usize, _: usize) -> io::Result<BTreeSet<String>> {
    let output = Command::new(tool)
        .args(["run", CONTRACT, "--url", base, "--seed", &seed.to_string()])
        .args(["-H", &format!("Authorization: Bearer {KEY}")])
        .args(["--checks", "all", "--continue-on-failure"])
        .env("NO_COLOR", "1")
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = BTreeSet::new();
    for line in text.lines() {
        // Titles stand in lines of their own, such as `- Undocumented HTTP status code`.
        if let Some(title) = line.strip_prefix("- ")
            && title.starts_with(char::is_uppercase)
        {
            found.insert(title.trim().to_owned());
        }
    }
    Ok(found)
}
