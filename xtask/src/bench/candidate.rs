//! One measured command: seconds, peak memory and emitted bytes.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use tollgate_process::{self as process, Limits};
use tollgate_proof::package::in_path;

use tollgate::Failure;

/// What one measured process may use.
pub(super) const LIMITS: Limits = Limits {
    time: Duration::from_secs(900),
    memory_bytes: 12 << 30,
    stdout_max_bytes: usize::MAX,
    stderr_max_bytes: 256 << 10,
};

/// One measured command.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    /// The version of a peer; absent for ours.
    pub(super) version: Option<&'static str>,
    /// What was run, for a person who wants to run it again.
    pub(super) command: String,
    /// The fastest run, in seconds; absent when it could not be run.
    pub(super) seconds: Option<f64>,
    pub(super) peak_mib: Option<f64>,
    pub(super) emitted_kb: Option<u64>,
    /// Why it could not be run, and how to install it.
    pub(super) problem: Option<String>,
}

/// A command to measure, with the folder that it fills.
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) version: Option<&'static str>,
    pub(super) argv: Vec<String>,
    pub(super) folder: Option<PathBuf>,
    pub(super) env: Vec<(String, String)>,
    pub(super) how: &'static str,
}

pub(super) fn candidate(name: &str, argv: &[&str], folder: Option<&Path>) -> Candidate {
    Candidate {
        name: name.to_owned(),
        version: None,
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        folder: folder.map(Path::to_path_buf),
        env: Vec::new(),
        how: "{tollgate} bench codegen --install",
    }
}

pub(super) fn measure(candidate: Candidate, runs: u32) -> Result<Row, Failure> {
    let mut row = Row {
        name: candidate.name,
        version: candidate.version,
        command: candidate.argv.join(" "),
        seconds: None,
        peak_mib: None,
        emitted_kb: None,
        problem: None,
    };
    let program = Path::new(&candidate.argv[0]);
    if !program.is_file() && in_path(&candidate.argv[0]).is_none() {
        row.problem = Some(format!("not installed: {}", candidate.how));
        return Ok(row);
    }
    for _ in 0..runs.max(1) {
        if let Some(folder) = candidate.folder.as_ref().filter(|folder| folder.exists()) {
            fs::remove_dir_all(folder)?;
        }
        if let Some(above) = &candidate.folder {
            fs::create_dir_all(above)?;
        }
        let mut command = Command::new(program);
        command
            .args(&candidate.argv[1..])
            .envs(candidate.env.iter().cloned());
        let ran = process::run(command, Vec::new(), &LIMITS)?;
        // Findings of lint and diff are results, not failures.
        if !ran.is_success() && ran.end != process::End::Exited(Some(3)) {
            let text = ran.text();
            let last = text
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .unwrap_or_default();
            row.problem = Some(format!(
                "{}: {}",
                ran.reason(&LIMITS),
                last.chars().take(160).collect::<String>()
            ));
            return Ok(row);
        }
        let seconds = ran.duration.as_secs_f64();
        row.seconds = Some(row.seconds.map_or(seconds, |best| best.min(seconds)));
        let mib = ran.peak_bytes as f64 / f64::from(1 << 20);
        row.peak_mib = Some(row.peak_mib.map_or(mib, |worst| worst.max(mib)));
    }
    row.emitted_kb = candidate
        .folder
        .as_deref()
        .map(|folder| bytes_below(folder) / 1000);
    Ok(row)
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(facts, path)| {
            if facts.is_dir() {
                bytes_below(&path)
            } else {
                facts.len()
            }
        })
        .sum()
}
