//! `ratchet`: measurements against the committed floor.

use clap::Subcommand;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tollgate_gates::ratchet::{RatchetInputs, gate, inputs, judge};
use tollgate_gates::{Decision, Inputs, record};
use tollgate_ratchet::merge::MergeInputs;
use tollgate_ratchet::show::{show, show_tightened};
use tollgate_ratchet::{
    Catalogue, Checked, Floors, History, TightenInput, Tightened, Waiver, adopt, merge_driver,
    tighten,
};
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
    },
    /// Merge two versions of the floor file, as git's merge driver
    #[command(after_help = "Example: {tollgate} ratchet merge ancestor.json ours.json theirs.json")]
    Merge {
        ancestor: PathBuf,
        ours: PathBuf,
        theirs: PathBuf,
    },
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

fn waive(context: &Context, waiver: Waiver) -> CommandResult {
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
    if waiver.expires.as_deref().and_then(Day::from_date).is_none() {
        let said = waiver.expires.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!(
            "`--expires` is malformed: `{said}` is not a day as YYYY-MM-DD"
        )));
    }
    if !waiver.is_live(context.clock.now()) {
        let said = waiver.expires.as_deref().unwrap_or_default();
        return Err(Failure::usage(format!("`--expires {said}` is in the past")));
    }
    // What is written must be readable, with a date that is one and an explanation.
    let text = waiver.render();
    let waiver =
        Waiver::parse(&text, &waiver.file).map_err(|error| Failure::new(ExitCode::Usage, error))?;
    if waiver.reason.trim().is_empty() || waiver.owner.trim().is_empty() {
        return Err(Failure::usage(format!(
            "the waiver of `{}` needs an owner and a reason",
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
