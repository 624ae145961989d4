//! `ratchet`: measurements against the committed floor.

use clap::Subcommand;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tollgate_gates::ratchet::{RatchetInputs, Request, gate, inputs, judge, remember};
use tollgate_gates::{Decision, Inputs, history, record};
use tollgate_ratchet::merge::MergeInputs;
use tollgate_ratchet::show::{show, show_tightened};
use tollgate_ratchet::{
    Catalogue, Checked, Floors, History, TightenInput, Tightened, Waiver, adopt, merge_driver,
    tighten,
};
use tollgate_report::unchecked::is_ci;
use tollgate_report::{Clock, Day, ExitCode, Finding, Severity, Verdict, write_atomic};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// Compare measurements with the committed floor
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: {tollgate} ratchet show")]
pub enum RatchetCommand {
    /// Fail when a measurement is worse than its floor
    #[command(
        after_help = "Example: {tollgate} ratchet check --report .tollgate/coverage/lcov.info"
    )]
    Check {
        /// Reports to read; by default those that the last tiers wrote
        #[arg(long = "report", value_name = "FILE")]
        reports: Vec<PathBuf>,
    },
    /// Raise the floors that measurements exceed, and write quality_ratchet.json
    #[command(after_help = "Example: {tollgate} ratchet tighten")]
    Tighten {
        /// Reports to read; by default those that the last tiers wrote
        #[arg(long = "report", value_name = "FILE")]
        reports: Vec<PathBuf>,
        /// Write nothing; show the new floors
        #[arg(long)]
        dry_run: bool,
    },
    /// Show each metric with floor, value, delta and trend
    #[command(after_help = "Example: {tollgate} ratchet show")]
    Show,
    /// Waive a metric until a day
    #[command(
        after_help = "Example: {tollgate} ratchet waive lint_warnings_max --owner ada --reason \"new lint\" --expires 2027-01-31"
    )]
    Waive {
        /// The metric
        metric: String,
        /// Who is responsible for it
        #[arg(long)]
        owner: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// The last day on which it applies, as YYYY-MM-DD
        #[arg(long)]
        expires: String,
        /// The worst value that it allows; by default the value that is measured now
        #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
        limit: Option<f64>,
    },
    /// Exchange the recorded values of past runs with other checkouts, through a git ref
    #[command(subcommand, after_help = "Example: {tollgate} ratchet history fetch")]
    History(HistoryCommand),
    /// Merge two versions of the floor file, as git's merge driver
    #[command(after_help = "Example: {tollgate} ratchet merge ancestor.json ours.json theirs.json")]
    Merge {
        ancestor: PathBuf,
        ours: PathBuf,
        theirs: PathBuf,
    },
}

/// Exchange the recorded values of past runs with other checkouts
#[derive(Debug, Subcommand)]
pub enum HistoryCommand {
    /// Add the values of the remote to this checkout
    #[command(after_help = "Example: {tollgate} ratchet history fetch")]
    Fetch,
    /// Add the values of this machine to the remote
    #[command(after_help = "Example: {tollgate} ratchet history push")]
    Push,
}

/// `ratchet …`.
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
            limit,
        } => waive(
            context,
            Waiver {
                file: String::new(),
                metric,
                scope: "repository".into(),
                owner,
                reason,
                expires: Some(expires),
                limit,
            },
        ),
        RatchetCommand::History(command) => run_history(context, &command),
        RatchetCommand::Merge {
            ancestor,
            ours,
            theirs,
        } => {
            let read = |path: &PathBuf| {
                fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
            };
            let (ancestor, our_bytes, theirs) = (read(&ancestor)?, read(&ours)?, read(&theirs)?);
            let inputs = MergeInputs {
                ancestor: &ancestor,
                ours: &our_bytes,
                theirs: &theirs,
            };
            let merged =
                merge_driver(&inputs).map_err(|error| Failure::new(ExitCode::Findings, error))?;
            for note in &merged.notes {
                context.output.progress(format!(
                    "note: {note}; to be worse for a while, write a waiver: `{{tollgate}} ratchet waive METRIC --owner NAME --reason TEXT --expires DAY`"
                ));
            }
            write_atomic(&ours, merged.text.as_bytes()).map_err(Failure::environment)?;
            Ok(ExitCode::Pass)
        }
    }
}

fn run_history(context: &Context, command: &HistoryCommand) -> CommandResult {
    let exchanged = match command {
        HistoryCommand::Fetch => history::fetch(context)?,
        HistoryCommand::Push => history::push(context)?,
    };
    context.output.line(format!(
        "{} recorded values, {} of them received, {} sent",
        exchanged.n_values, exchanged.n_received, exchanged.n_sent
    ));
    Ok(ExitCode::Pass)
}

/// A fresh checkout in CI has no history of its own, so the remote's is fetched.
fn fetch_history(context: &Context) {
    if !is_ci() || history::has_ref(context) || !history::has_remote(context) {
        return;
    }
    if let Err(failure) = history::fetch(context) {
        context.output.progress(format!("note: {failure}"));
    }
}

fn run_check(context: &Context, reports: &[PathBuf]) -> CommandResult {
    let started = context.clock.monotonic();
    let evidence = context.evidence()?;
    fetch_history(context);
    let request = Request {
        reports: reports.to_vec(),
        ..Request::default()
    };
    let inputs = inputs(context, &request)?;
    let run = context.new_run_id("ratchet");
    let (gate, checked) = gate(context, &evidence, &run, &inputs, started)?;
    remember(context, &inputs, &[], &run)?;
    print(context, &checked, &inputs, Some(&gate));
    Ok(ExitCode::from_outcome(gate.outcome()))
}

fn run_show(context: &Context) -> CommandResult {
    let inputs = inputs(context, &Request::default())?;
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

fn print(context: &Context, checked: &Checked, inputs: &RatchetInputs, gate: Option<&Decision>) {
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
    if let Some(patch) = inputs.patch.as_ref().filter(|patch| patch.n_lines > 0) {
        context.output.line(format!("patch: {}", patch.summary()));
        for (file, lines) in &patch.uncovered {
            let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
            context
                .output
                .line(format!("  not run: {file}:{}", lines.join(", ")));
        }
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
    let request = Request {
        reports: reports.to_vec(),
        may_lack_floors: true,
        ..Request::default()
    };
    let inputs = inputs(context, &request)?;
    if let Some(gap) = inputs.gaps.first() {
        let error = anyhow::anyhow!(
            "cannot tighten the floors: {}; the other reports show too good a value",
            gap.message
        );
        return Err(Failure::new(ExitCode::Findings, error).hint(
            "run the step that writes the report, or correct `reports` in the section [ratchet] of tollgate.toml",
        ));
    }
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
    if inputs.measurements.is_empty() {
        context.output.line(
            "nothing is measured yet: name the reports of your tests in `reports` in the section [ratchet] of tollgate.toml",
        );
    }
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
    let gate = record(
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

fn waive(context: &Context, mut waiver: Waiver) -> CommandResult {
    let settings = &context.settings.ratchet;
    let catalogue = Catalogue::new(settings);
    if catalogue.get(&waiver.metric).is_none() {
        let hint = catalogue
            .did_you_mean(&waiver.metric)
            .map(|near| format!("did you mean `{near}`?"));
        let failure = Failure::usage(format!("there is no metric `{}` to waive", waiver.metric));
        return Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure.hint("`{tollgate} ratchet show` lists the metrics"),
        });
    }
    for (flag, text) in [("--owner", &waiver.owner), ("--reason", &waiver.reason)] {
        if text.trim().is_empty() {
            return Err(Failure::usage(format!(
                "`{flag}` is empty: the waiver of `{}` needs an owner and a reason",
                waiver.metric
            )));
        }
    }
    check_last_day(context, &waiver)?;
    if waiver.limit.is_none() {
        waiver.limit = worse_value(context, &waiver.metric);
    }
    waiver.file = free_name(context, &waiver);
    // What is written must be readable.
    let text = waiver.render();
    let waiver =
        Waiver::parse(&text, &waiver.file).map_err(|error| Failure::new(ExitCode::Usage, error))?;
    let path = context.root.join(&waiver.file);
    waiver.save(&path).map_err(Failure::environment)?;
    context.output.line(format!(
        "wrote {}; commit it, and every report lists it until it ends",
        waiver.file
    ));
    Ok(ExitCode::Pass)
}

fn check_last_day(context: &Context, waiver: &Waiver) -> Result<(), Failure> {
    let said = waiver.expires.as_deref().unwrap_or_default();
    let Some(day) = Day::from_date(said) else {
        let is_shaped = said.len() == 10 && said.bytes().all(|b| b == b'-' || b.is_ascii_digit());
        let fault = if is_shaped {
            "there is no such day"
        } else {
            "a day is written as YYYY-MM-DD"
        };
        return Err(Failure::usage(format!(
            "`--expires {said}` is malformed: {fault}"
        )));
    };
    let now = context.clock.now();
    if day.is_over(now) {
        return Err(Failure::usage(format!("`--expires {said}` is in the past")));
    }
    let days_max = context.settings.ratchet.waiver_days_max;
    if waiver.is_too_long(now, days_max) {
        let latest = Day::of(now).plus_days(days_max);
        let text = format!("`--expires {said}` is too late: {latest} is the last day allowed");
        return Err(Failure::usage(text).hint(
            "`waiver_days_max` in the section [ratchet] of tollgate.toml is the longest time in days",
        ));
    }
    Ok(())
}

/// The value of a metric that is worse than its floor now; absent when it is not, or not measured.
fn worse_value(context: &Context, metric: &str) -> Option<f64> {
    let inputs = inputs(context, &Request::default()).ok()?;
    let floors = Floors::parse(&inputs.floors, &context.settings.ratchet.file).ok()?;
    let floor = floors.0.get(metric)?;
    let values = inputs.measurements.iter().filter(|measurement| {
        measurement.metric == metric
            && measurement.unit == floor.unit
            && floor.direction.is_worse(measurement.value, floor.floor)
    });
    values
        .map(|measurement| measurement.value)
        .reduce(|one, other| {
            if floor.direction.is_worse(other, one) {
                other
            } else {
                one
            }
        })
}

/// A file for the waiver that does not exist: a waiver is never changed after it was agreed on.
fn free_name(context: &Context, waiver: &Waiver) -> String {
    let folder = &context.settings.ratchet.waivers;
    // The scope of a metric is a path, and a file has a plain name.
    let metric = waiver.metric.replace(['/', '*'], "-");
    let expires = waiver.expires.as_deref().unwrap_or_default();
    let numbered = (2..).map(|n| format!("{folder}/{metric}-{expires}-{n}.toml"));
    [
        format!("{folder}/{metric}.toml"),
        format!("{folder}/{metric}-{expires}.toml"),
    ]
    .into_iter()
    .chain(numbered)
    .find(|name| !context.root.join(name).exists())
    .unwrap_or_default()
}
