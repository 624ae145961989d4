//! The ratchet gate: measurements against the committed floors.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_ratchet::history::append;
use tollgate_ratchet::reader::Coverage;
use tollgate_ratchet::{
    BaseInput, Catalogue, CheckInput, Checked, Floors, History, HistoryEntry, Measurement, Patch,
    RatchetSettings, ReportGap, Version, Waiver, check, compare_with_base, scope_of,
};
use tollgate_report::{Clock, EvidenceLog, Finding, Outcome, Severity, Timestamp, Verdict};

use crate::base::{self, Base};
use crate::failure::Failure;
use crate::gate::{Gate, from_json};
use crate::history;
use crate::line;
use crate::loosened::{self, Compared, Section};
use crate::record::{Decision, Inputs, record};
use crate::reports::{self, relative};
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

/// What the base of a change commits about floors.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatchetBase {
    /// The commit, and how it was found.
    pub revision: String,
    /// The text of `quality_ratchet.json` there.
    pub floors: String,
    /// Its waivers.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
}

/// All that a ratchet verdict depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatchetInputs {
    /// The text of `quality_ratchet.json`.
    pub floors: String,
    /// The base of the change; absent if it has no floors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<RatchetBase>,
    pub measurements: Vec<Measurement>,
    /// Metrics that a report is about and does not measure, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmeasured: Vec<(String, String)>,
    /// Reports of the settings that are missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<ReportGap>,
    /// Which lines of the change ran; absent without a base or a report of lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patch: Option<Patch>,
    /// Whether what is unmeasured fails.
    #[serde(default)]
    pub is_strict: bool,
    pub history: Vec<HistoryEntry>,
    pub waivers: Vec<Waiver>,
    /// The settings of the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Box<Compared>>,
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
    // A file of the base that can't be read is replaced by the one that can.
    let base = inputs.base.as_ref();
    let base_floors = base.and_then(|base| Floors::parse(&base.floors, &settings.file).ok());
    let mut checked = check(&CheckInput {
        floors: &floors,
        base: base_floors.as_ref(),
        measurements: &inputs.measurements,
        unmeasured: &inputs.unmeasured,
        gaps: &inputs.gaps,
        history: &history,
        waivers: &inputs.waivers,
        now: inputs.now,
        is_strict: inputs.is_strict,
        settings,
    });
    if let (Some(base), Some(base_floors)) = (base, &base_floors) {
        let loosened = compare_with_base(&BaseInput {
            base: Version {
                floors: base_floors,
                waivers: &base.waivers,
            },
            now: Version {
                floors: &floors,
                waivers: &inputs.waivers,
            },
            text: &inputs.floors,
            file: &settings.file,
            at: inputs.now,
            waiver_days_max: settings.waiver_days_max,
        });
        checked.verdict = with_loosened(checked.verdict, loosened);
    }
    if let Some(compared) = &inputs.compared {
        let sections = BTreeSet::from([Section::Ratchet]);
        let found = loosened::judge(compared, &sections, Vec::new())?;
        let is_waiver = |finding: &Finding| finding.code.starts_with("waiver-");
        let (waivers, found) = found
            .into_iter()
            .partition(|it| it.severity == Severity::Info && is_waiver(it));
        checked.verdict = with_loosened(checked.verdict, found);
        let waivers: Vec<Finding> = waivers;
        checked.verdict.findings.extend(waivers);
    }
    if let Some(patch) = &inputs.patch {
        let least = settings.patch_coverage_min.map(|least| least.0 * 100.0);
        let mut found = patch.findings(least);
        if found
            .first()
            .is_some_and(|first| first.severity == Severity::Error)
        {
            checked.verdict = with_loosened(checked.verdict, found);
        } else {
            checked.verdict.findings.append(&mut found);
        }
    }
    Ok(checked)
}

/// The verdict with what the change makes worse; errors come first, and fail.
fn with_loosened(verdict: Verdict, loosened: Vec<Finding>) -> Verdict {
    let Some(first) = loosened.first() else {
        return verdict;
    };
    let (outcome, reason) = if first.severity == Severity::Error {
        let reason = format!("{}; {}", first.message, verdict.reason);
        (Outcome::Fail, reason)
    } else {
        let outcome = verdict.outcome.worst(Outcome::Warn);
        (outcome, format!("{}; {}", verdict.reason, first.message))
    };
    let findings = loosened.into_iter().chain(verdict.findings).collect();
    Verdict {
        outcome,
        reason,
        findings,
    }
}

/// What a check is given on the command line.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The reports to read instead of those of the settings.
    pub reports: Vec<PathBuf>,
    /// Values that were measured elsewhere.
    pub more: Vec<Measurement>,
    /// Whether the floors file may be missing, as before the first `ratchet tighten`.
    pub may_lack_floors: bool,
}

/// Reads the inputs of the ratchet: reports, the user's own commands, past runs, waivers, the base.
pub fn inputs(repository: &Repository, request: &Request) -> Result<RatchetInputs, Failure> {
    let settings = &repository.settings.ratchet;
    let floors = read_floors(repository, request.may_lack_floors)?;
    let found = if request.reports.is_empty() {
        reports::of_settings(repository, &tier::made(repository))?
    } else {
        reports::named(repository, &request.reports)?
    };
    let mut measurements = found.together.measurements();
    let scopes = scopes(repository, &floors);
    measurements.extend(
        found
            .together
            .measurements_in(scopes.iter().map(String::as_str)),
    );
    measurements.extend(run_commands(repository)?);
    measurements.extend(request.more.iter().cloned());
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
    let past = line::of(&repository.root).own(history::load(repository)?);
    let base = base::of(repository)?;
    let coverage = found.together.coverage.as_ref();
    Ok(RatchetInputs {
        floors,
        patch: coverage.and_then(|coverage| patch_of(repository, &base, coverage)),
        base: base_of(repository, &base)?,
        measurements,
        unmeasured: found.together.unmeasured(),
        gaps: found.gaps,
        is_strict: repository.is_strict,
        history: recent(past),
        waivers,
        compared: Some(Box::new(loosened::compared(repository)?)),
        now: repository.clock.now(),
    })
}

fn read_floors(repository: &Repository, may_be_missing: bool) -> Result<String, Failure> {
    let settings = &repository.settings.ratchet;
    match fs::read_to_string(repository.root.join(&settings.file)) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_be_missing => {
            Ok(Floors::default().render())
        }
        Err(error) => {
            let error = anyhow::Error::new(error)
                .context(format!("cannot read the floors `{}`", settings.file));
            Err(Failure::settings(error).hint(
                "`{tollgate} ratchet tighten` writes a first file from the current measurements",
            ))
        }
    }
}

/// What the base of the change contains about floors; absent when it has no floors.
fn base_of(repository: &Repository, base: &Base) -> Result<Option<RatchetBase>, Failure> {
    let settings = &repository.settings.ratchet;
    let root = &repository.root;
    let Some(floors) = base.text(root, &settings.file)? else {
        return Ok(None);
    };
    let files = base.folder(root, &settings.waivers, ".toml")?;
    let waivers = files
        .iter()
        // A waiver of the base that can't be read was none.
        .filter_map(|(file, text)| Waiver::parse(text, file).ok())
        .collect();
    Ok(Some(RatchetBase {
        revision: format!("{}, {}", base.short(), base.source),
        floors,
        waivers,
    }))
}

/// Which lines of the change since the base ran; absent without a base.
fn patch_of(repository: &Repository, base: &Base, coverage: &Coverage) -> Option<Patch> {
    let output = Command::new("git")
        .current_dir(&repository.root)
        .args([
            "-c",
            "core.quotePath=false",
            "diff",
            "--unified=0",
            "--no-color",
            "--no-ext-diff",
        ])
        .args(["--relative", "--src-prefix=a/", "--dst-prefix=b/"])
        .arg(base.commit.as_ref()?)
        .output()
        .ok()?;
    let diff = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| Patch::of(&diff, coverage))
}

/// The folders and files with coverage of their own: those of the settings, and those that have a
/// floor.
fn scopes(repository: &Repository, floors: &str) -> BTreeSet<String> {
    let settings = &repository.settings.ratchet;
    let floors = Floors::parse(floors, &settings.file).unwrap_or_default();
    let with_floor = floors.0.keys().filter_map(|id| scope_of(id).1);
    let mut scopes: BTreeSet<String> = with_floor.map(str::to_owned).collect();
    for scope in &settings.scopes {
        match scope.strip_suffix("/*") {
            Some(folder) => scopes.extend(folders(&repository.root, folder)),
            None => {
                scopes.insert(scope.trim_end_matches('/').to_owned());
            }
        }
    }
    scopes
}

fn folders(root: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root.join(folder))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
        .collect()
}

/// The newest values of each metric.
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
                "cannot read the output of `{shown}` for `{metric}`: it must print `{{\"value\": NUMBER}}`"
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
    let line = line::of(&repository.root);
    let entries: Vec<HistoryEntry> = others
        .chain(times)
        .filter(|measurement| measurement.value.is_finite())
        .map(|measurement| line.mark(HistoryEntry::new(measurement, inputs.now, run)))
        .collect();
    append(
        &repository.root.join(&repository.settings.ratchet.history),
        &entries,
    )
    .map_err(Failure::environment)
}
