//! `ratchet`: measurements against the committed floor.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_ratchet::history::append;
use tollgate_ratchet::merge::MergeInputs;
use tollgate_ratchet::show::{show, show_tightened};
use tollgate_ratchet::{
    Catalogue, CheckInput, Checked, Floors, History, HistoryEntry, Measurement, RatchetSettings,
    Report, TightenInput, Tightened, Waiver, adopt, check, detect, diff_floors, measure,
    merge_driver, read, tighten,
};
use tollgate_report::{
    Clock, EvidenceLog, ExitCode, Finding, Outcome, Severity, Timestamp, Verdict, write_atomic,
};

use crate::cli::RatchetCommand;
use crate::commands::tier;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::gate::{self, Gate, Inputs};
use crate::git;

/// The newest recorded values of a metric that a verdict looks at.
const HISTORY_PER_METRIC: usize = 60;

/// All that a ratchet verdict depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RatchetInputs {
    /// The text of `quality_ratchet.json`.
    pub floors: String,
    /// Its text in the commit that is checked out; absent where there is none.
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
    // A committed file that can't be read is mended by the one that can.
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

/// Reads what the ratchet looks at: reports, the user's own commands, past runs, waivers.
pub fn inputs(
    context: &Context,
    reports: &[PathBuf],
    more: Vec<Measurement>,
) -> Result<RatchetInputs, Failure> {
    let settings = &context.settings.ratchet;
    let path = context.root.join(&settings.file);
    let floors = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let error =
                anyhow::Error::new(error).context(format!("read the floors `{}`", settings.file));
            return Err(Failure::settings(error).hint(
                "`cargo xtask ratchet tighten` writes the first one from what is measured now",
            ));
        }
    };
    let mut measurements = read_reports(context, reports)?;
    measurements.extend(run_commands(context)?);
    measurements.extend(more);
    for (metric, measurement) in tier::measured(context) {
        // What was read just now is newer than what a step left.
        if measurements.iter().all(|known| known.metric != metric) {
            measurements.push(measurement);
        }
    }
    let mut waivers =
        Waiver::load_all(&context.root.join(&settings.waivers)).map_err(Failure::settings)?;
    for waiver in &mut waivers {
        waiver.file = relative(&context.root, Path::new(&waiver.file));
    }
    let history =
        recent(History::load(&context.root.join(&settings.history)).map_err(Failure::environment)?);
    let committed = git::show(&context.root, "HEAD", &format!("./{}", settings.file)).ok();
    Ok(RatchetInputs {
        floors,
        committed,
        measurements,
        history,
        waivers,
        now: context.clock.now(),
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
fn read_reports(context: &Context, reports: &[PathBuf]) -> Result<Vec<Measurement>, Failure> {
    let mut read_ones: Vec<Report> = Vec::new();
    let is_asked = !reports.is_empty();
    let paths: Vec<PathBuf> = if is_asked {
        reports
            .iter()
            .map(|report| context.here.join(report))
            .collect()
    } else {
        context
            .settings
            .ratchet
            .reports
            .iter()
            .map(|report| context.root.join(report))
            .collect()
    };
    for path in paths {
        let name = relative(&context.root, &path);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_asked => continue,
            Err(error) => {
                return Err(Failure::environment(
                    anyhow::Error::new(error).context(format!("read report `{name}`")),
                ));
            }
        };
        let kind = detect(&bytes, &name).ok_or_else(|| {
            Failure::settings(anyhow::anyhow!("tell what kind of report `{name}` is"))
                .hint("LCOV, llvm-cov JSON, JUnit, cargo-mutants outcomes.json and clippy's JSON lines are read")
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

fn run_commands(context: &Context) -> Result<Vec<Measurement>, Failure> {
    let mut measurements = Vec::new();
    for (metric, user) in &context.settings.ratchet.metrics {
        let Some((program, args)) = user.command.split_first() else {
            continue;
        };
        let shown = user.command.join(" ");
        let output = Command::new(program)
            .args(args)
            .current_dir(&context.root)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("start `{shown}` to measure `{metric}`"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(anyhow::anyhow!(
                "measure `{metric}` by `{shown}`: {}: {said}",
                output.status
            )
            .into());
        }
        let value: CommandValue = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "read what `{shown}` prints for `{metric}`: `{{\"value\": NUMBER}}` was expected"
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
    context: &Context,
    evidence: &EvidenceLog,
    run: &str,
    inputs: &RatchetInputs,
    started: Duration,
) -> Result<(Gate, Checked), Failure> {
    let checked = judge(inputs, &context.settings.ratchet)?;
    let kept = Inputs::json("ratchet", inputs).with_settings(&context.settings.ratchet);
    let duration = context.clock.monotonic().saturating_sub(started);
    let subject = (("ratchet"), context.settings.ratchet.file.as_str());
    let gate = gate::record(
        context,
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
    context: &Context,
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
        &context.root.join(&context.settings.ratchet.history),
        &entries,
    )
    .map_err(Failure::environment)
}

/// Computes a recorded verdict again.
pub fn replay(bytes: &[u8], settings: &serde_json::Value) -> Result<Verdict, Failure> {
    let inputs: RatchetInputs =
        serde_json::from_slice(bytes).context("read the recorded inputs of the ratchet")?;
    let settings: RatchetSettings = serde_json::from_value(settings.clone())
        .context("read the recorded settings of the ratchet")?;
    Ok(judge(&inputs, &settings)?.verdict)
}

/// `cargo xtask ratchet …`.
pub fn run(context: &Context, command: RatchetCommand) -> CommandResult {
    match command {
        RatchetCommand::Check { reports } => run_check(context, &reports),
        RatchetCommand::Tighten { reports, dry_run } => run_tighten(context, &reports, dry_run),
        RatchetCommand::Show => run_show(context),
        RatchetCommand::Waive {
            metric,
            owner,
            reason,
            expires,
        } => {
            let file = format!("{}/{metric}.toml", context.settings.ratchet.waivers);
            waive(
                context,
                Waiver {
                    file,
                    metric,
                    scope: "repository".into(),
                    owner,
                    reason,
                    expires: Some(expires),
                },
            )
        }
        RatchetCommand::Merge {
            ancestor,
            ours,
            theirs,
        } => {
            let read = |path: &PathBuf| {
                fs::read(path).with_context(|| format!("read `{}`", path.display()))
            };
            let (ancestor, our_bytes, theirs) = (read(&ancestor)?, read(&ours)?, read(&theirs)?);
            let inputs = MergeInputs {
                ancestor: &ancestor,
                ours: &our_bytes,
                theirs: &theirs,
            };
            let merged =
                merge_driver(&inputs).map_err(|error| Failure::new(ExitCode::Findings, error))?;
            write_atomic(&ours, &merged).map_err(Failure::environment)?;
            Ok(ExitCode::Pass)
        }
    }
}

fn run_check(context: &Context, reports: &[PathBuf]) -> CommandResult {
    let started = context.clock.monotonic();
    let evidence = context.evidence()?;
    let inputs = inputs(context, reports, Vec::new())?;
    let run = context.new_run_id("ratchet");
    let (gate, checked) = gate(context, &evidence, &run, &inputs, started)?;
    print(context, &checked, &inputs, Some(&gate));
    Ok(ExitCode::from_outcome(gate.outcome()))
}

fn run_show(context: &Context) -> CommandResult {
    let inputs = inputs(context, &[], Vec::new())?;
    let checked = judge(&inputs, &context.settings.ratchet)?;
    print(context, &checked, &inputs, None);
    let catalogue = Catalogue::new(&context.settings.ratchet);
    let floors = Floors::parse_known(&inputs.floors, &context.settings.ratchet.file, &catalogue)
        .map_err(Failure::settings)?;
    let history = History {
        entries: inputs.history.clone(),
        torn_line: None,
    };
    let page = tollgate_ratchet::trend::trend_html(&floors, &history);
    let path = context.state_dir.join("ratchet-trend.html");
    write_atomic(&path, page.as_bytes()).map_err(Failure::environment)?;
    context
        .output
        .line(format!("\ntrend report: {}", path.display()));
    Ok(ExitCode::Pass)
}

fn print(context: &Context, checked: &Checked, inputs: &RatchetInputs, gate: Option<&Gate>) {
    let history = History {
        entries: inputs.history.clone(),
        torn_line: None,
    };
    context
        .output
        .text(|out| show(out, checked, &history, context.output.paint));
    context
        .output
        .json(&serde_json::json!({ "version": 1, "gate": gate, "checked": checked }));
    // The table tells of broken floors; what else is wrong is about the files.
    let others: Vec<Finding> = checked
        .verdict
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error && finding.code != "floor-broken")
        .cloned()
        .collect();
    if !others.is_empty() {
        context.output.line("");
        context.output.findings(&others, &context.root);
    }
    if let Some(gate) = gate {
        let outcome = context.output.paint.outcome(gate.outcome());
        context.output.line(format!(
            "\nratchet: {outcome}: {} (evidence {})",
            gate.verdict.reason, gate.evidence
        ));
    }
}

fn run_tighten(context: &Context, reports: &[PathBuf], is_dry_run: bool) -> CommandResult {
    let settings = &context.settings.ratchet;
    let path = context.root.join(&settings.file);
    let catalogue = Catalogue::new(settings);
    if !path.exists() && !is_dry_run {
        Floors::defaults(&catalogue)
            .save(&path)
            .map_err(Failure::environment)?;
    }
    let inputs = inputs(context, reports, Vec::new())?;
    let floors = Floors::parse_known(&inputs.floors, &settings.file, &catalogue)
        .map_err(Failure::settings)?;
    let history = History {
        entries: inputs.history.clone(),
        torn_line: None,
    };
    let input = TightenInput {
        floors: &floors,
        measurements: &inputs.measurements,
        history: &history,
        settings,
    };
    let tightened = tighten(&input);
    let adopted = adopt(&TightenInput {
        floors: &tightened.floors,
        ..input
    });
    let tightened = Tightened {
        floors: adopted.floors,
        changes: tightened
            .changes
            .into_iter()
            .chain(adopted.changes)
            .collect(),
        waiting: tightened.waiting,
    };
    context.output.text(|out| show_tightened(out, &tightened));
    context.output.json(&serde_json::json!({ "version": 1, "changes": tightened.changes, "waiting": tightened.waiting }));
    if !is_dry_run && !tightened.changes.is_empty() {
        record_tightening(context, &inputs, &tightened)?;
        tightened.floors.save(&path).map_err(Failure::environment)?;
        context.output.line(format!("wrote {}", settings.file));
    }
    Ok(ExitCode::Pass)
}

/// A tightened floor is a decision like any other: it is recorded before the file changes.
fn record_tightening(
    context: &Context,
    inputs: &RatchetInputs,
    tightened: &Tightened,
) -> Result<(), Failure> {
    let evidence = context.evidence()?;
    let findings = tightened
        .changes
        .iter()
        .map(|change| {
            let before = change
                .before
                .map_or_else(|| "none".to_owned(), |before| before.to_string());
            Finding::info(
                "floor-tightened",
                format!(
                    "`{}` from {before} to {}: {}",
                    change.metric, change.after, change.reason
                ),
            )
        })
        .collect();
    let verdict = Verdict::from_findings(
        findings,
        format!("{} floors tightened", tightened.changes.len()),
    );
    let kept = Inputs::json("ratchet", inputs).with_settings(&context.settings.ratchet);
    let run = context.new_run_id("tighten");
    let subject = ("tighten", context.settings.ratchet.file.as_str());
    let gate = gate::record(
        context,
        &evidence,
        &run,
        subject,
        kept,
        verdict,
        Duration::ZERO,
    )?;
    context.output.line(format!("evidence {}", gate.evidence));
    Ok(())
}

/// Whether a text has the form of a day; whether there is such a day, the waiver's reader says.
fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

fn waive(context: &Context, waiver: Waiver) -> CommandResult {
    let settings = &context.settings.ratchet;
    let catalogue = Catalogue::new(settings);
    if catalogue.get(&waiver.metric).is_none() {
        let hint = catalogue
            .did_you_mean(&waiver.metric)
            .map(|near| format!("did you mean `{near}`?"));
        let failure = Failure::usage(format!(
            "waive `{}`: there is no such metric",
            waiver.metric
        ));
        return Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure.hint("`cargo xtask ratchet show` lists the metrics"),
        });
    }
    if !waiver.expires.as_deref().is_some_and(is_date) {
        let said = waiver.expires.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!(
            "read --expires `{said}`: a day as YYYY-MM-DD was expected"
        )));
    }
    if !waiver.is_live(context.clock.now()) {
        let said = waiver.expires.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!(
            "waive until `{said}`: that day is over"
        )));
    }
    // What is written must be readable, with a date that is one and an explanation.
    let text = waiver.render();
    let waiver =
        Waiver::parse(&text, &waiver.file).map_err(|error| Failure::new(ExitCode::Usage, error))?;
    if waiver.reason.trim().is_empty() || waiver.owner.trim().is_empty() {
        return Err(Failure::usage(format!(
            "waive `{}`: an owner and a reason are needed",
            waiver.metric
        )));
    }
    let path = context.root.join(&waiver.file);
    waiver.save(&path).map_err(Failure::environment)?;
    context.output.line(format!(
        "wrote {}; commit it, and every report lists it until it ends",
        waiver.file
    ));
    Ok(ExitCode::Pass)
}
