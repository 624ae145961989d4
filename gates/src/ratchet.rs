//! The ratchet gate: measurements against the committed floors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_ratchet::history::append;
use tollgate_ratchet::{
    Catalogue, CheckInput, Checked, Floors, History, HistoryEntry, Measurement, RatchetSettings,
    Report, Waiver, check, detect, diff_floors, measure, read,
};
use tollgate_report::{Clock, EvidenceLog, Finding, Outcome, Timestamp, Verdict};

use crate::base;
use crate::failure::Failure;
use crate::gate::{Gate, from_json};
use crate::record::{Decision, Inputs, record};
use crate::repository::Repository;
use crate::tier;

/// The ratchet gate.
#[derive(Debug)]
pub struct Ratchet;

impl Gate for Ratchet {
    const NAMES: &'static [&'static str] = &["ratchet"];
    const INPUT: &'static str = "ratchet";
    type Inputs = RatchetInputs;
    type Settings = RatchetSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded inputs of the ratchet", bytes)
    }

    fn judge(inputs: &Self::Inputs, settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(judge(inputs, settings)?.verdict)
    }
}

/// How many of the newest recorded values of a metric a verdict uses.
const HISTORY_PER_METRIC: usize = 60;

/// All that a ratchet verdict depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatchetInputs {
    /// The text of `quality_ratchet.json`.
    pub floors: String,
    /// Its text in the base of the change; absent if the base does not contain it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<String>,
    pub measurements: Vec<Measurement>,
    pub history: Vec<HistoryEntry>,
    pub waivers: Vec<Waiver>,
    pub now: Timestamp,
}

/// What the ratchet decides. Pure.
pub fn judge(inputs: &RatchetInputs, settings: &RatchetSettings) -> Result<Checked, Failure> {
    let catalogue = Catalogue::new(settings);
    let floors = Floors::parse_known(&inputs.floors, &settings.file, &catalogue)
        .map_err(Failure::settings)?;
    let history = History {
        entries: inputs.history.clone(),
        torn_line: None,
    };
    let mut checked = check(&CheckInput {
        floors: &floors,
        measurements: &inputs.measurements,
        history: &history,
        waivers: &inputs.waivers,
        now: inputs.now,
        settings,
    });
    // A committed file that can't be read is replaced by the one that can.
    let committed = inputs
        .committed
        .as_ref()
        .and_then(|text| Floors::parse(text, &settings.file).ok());
    if let Some(committed) = committed {
        let loosened = diff_floors(&committed, &floors, &settings.file);
        checked.verdict = with_loosened(checked.verdict, loosened);
    }
    Ok(checked)
}

/// The verdict with what the floors file loosens; the loosened floors come first.
fn with_loosened(verdict: Verdict, loosened: Vec<Finding>) -> Verdict {
    let Some(first) = loosened.first() else {
        return verdict;
    };
    let reason = format!("{}; {}", first.message, verdict.reason);
    let findings = loosened.into_iter().chain(verdict.findings).collect();
    Verdict {
        outcome: Outcome::Fail,
        reason,
        findings,
    }
}

/// Reads the inputs of the ratchet: reports, the user's own commands, past runs, waivers.
pub fn inputs(
    repository: &Repository,
    reports: &[PathBuf],
    more: Vec<Measurement>,
) -> Result<RatchetInputs, Failure> {
    let settings = &repository.settings.ratchet;
    let path = repository.root.join(&settings.file);
    let floors = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let error = anyhow::Error::new(error)
                .context(format!("cannot read the floors `{}`", settings.file));
            return Err(Failure::settings(error).hint(
                "`{tollgate} ratchet tighten` writes a first file from the current measurements",
            ));
        }
    };
    let mut measurements = read_reports(repository, reports)?;
    measurements.extend(run_commands(repository)?);
    measurements.extend(more);
    for (metric, measurement) in tier::measured(repository) {
        // What was read just now is newer than what a step left.
        if measurements.iter().all(|known| known.metric != metric) {
            measurements.push(measurement);
        }
    }
    let mut waivers =
        Waiver::load_all(&repository.root.join(&settings.waivers)).map_err(Failure::settings)?;
    for waiver in &mut waivers {
        waiver.file = relative(&repository.root, Path::new(&waiver.file));
    }
    let history = recent(
        History::load(&repository.root.join(&settings.history)).map_err(Failure::environment)?,
    );
    let committed = base::of(repository)?.text(&repository.root, &settings.file)?;
    Ok(RatchetInputs {
        floors,
        committed,
        measurements,
        history,
        waivers,
        now: repository.clock.now(),
    })
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
        .replace('\\', "/")
}

fn recent(history: History) -> Vec<HistoryEntry> {
    let mut n_kept = std::collections::BTreeMap::<String, usize>::new();
    let mut kept: Vec<HistoryEntry> = Vec::new();
    for entry in history.entries.into_iter().rev() {
        let n = n_kept.entry(entry.metric.clone()).or_default();
        if *n < HISTORY_PER_METRIC {
            *n += 1;
            kept.push(entry);
        }
    }
    kept.reverse();
    kept
}

/// The named reports, which must be there; or those of the settings that the last tiers left.
fn read_reports(repository: &Repository, reports: &[PathBuf]) -> Result<Vec<Measurement>, Failure> {
    let mut read_ones: Vec<Report> = Vec::new();
    let is_asked = !reports.is_empty();
    let paths: Vec<PathBuf> = if is_asked {
        reports
            .iter()
            .map(|report| repository.here.join(report))
            .collect()
    } else {
        repository
            .settings
            .ratchet
            .reports
            .iter()
            .map(|report| repository.root.join(report))
            .collect()
    };
    for path in paths {
        let name = relative(&repository.root, &path);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_asked => continue,
            Err(error) => {
                return Err(Failure::environment(
                    anyhow::Error::new(error).context(format!("cannot read report `{name}`")),
                ));
            }
        };
        let kind = detect(&bytes, &name).ok_or_else(|| {
            Failure::settings(anyhow::anyhow!("cannot detect which kind of report `{name}` is"))
                .hint("supported are LCOV, llvm-cov JSON, JUnit, outcomes.json of cargo-mutants and the JSON lines of clippy")
        })?;
        read_ones.push(read(kind, &bytes, &name).map_err(Failure::settings)?);
    }
    Ok(measure(&read_ones))
}

/// What a user's metric command prints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandValue {
    value: f64,
}

fn run_commands(repository: &Repository) -> Result<Vec<Measurement>, Failure> {
    let mut measurements = Vec::new();
    for (metric, user) in &repository.settings.ratchet.metrics {
        let Some((program, args)) = user.command.split_first() else {
            continue;
        };
        let shown = user.command.join(" ");
        let output = Command::new(program)
            .args(args)
            .current_dir(&repository.root)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start `{shown}` to measure `{metric}`"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(anyhow::anyhow!(
                "cannot measure `{metric}`: `{shown}` ended with {}: {said}",
                output.status
            )
            .into());
        }
        let value: CommandValue = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "cannot cannot read the output of `{shown}` for `{metric}`: it must print `{{\"value\": NUMBER}}`"
            )
        })?;
        measurements.push(Measurement {
            metric: metric.clone(),
            unit: user.unit.clone(),
            value: value.value,
            detail: shown,
        });
    }
    Ok(measurements)
}

/// Checks and records: the gate of `ship` and of `ratchet check`.
pub fn gate(
    repository: &Repository,
    evidence: &EvidenceLog,
    run: &str,
    inputs: &RatchetInputs,
    started: Duration,
) -> Result<(Decision, Checked), Failure> {
    let checked = judge(inputs, &repository.settings.ratchet)?;
    let kept = Inputs::json("ratchet", inputs).with_settings(&repository.settings.ratchet);
    let duration = repository.clock.monotonic().saturating_sub(started);
    let subject = (("ratchet"), repository.settings.ratchet.file.as_str());
    let gate = record(
        repository,
        evidence,
        run,
        subject,
        kept,
        checked.verdict.clone(),
        duration,
    )?;
    Ok((gate, checked))
}

/// Adds measured values to the history, so that noise can be told from change: those of reports
/// and commands, and of the tier's those in `kept`.
pub fn remember(
    repository: &Repository,
    inputs: &RatchetInputs,
    kept: &[Measurement],
    run: &str,
) -> Result<(), Failure> {
    let is_time = |measurement: &&Measurement| measurement.metric.starts_with("tier");
    let others = inputs
        .measurements
        .iter()
        .filter(|measurement| !is_time(measurement));
    let times = kept.iter().filter(is_time);
    let entries: Vec<HistoryEntry> = others
        .chain(times)
        .map(|measurement| HistoryEntry::new(measurement, inputs.now, run))
        .collect();
    append(
        &repository.root.join(&repository.settings.ratchet.history),
        &entries,
    )
    .map_err(Failure::environment)
}
