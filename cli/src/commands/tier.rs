//! `tier0` to `tier3`: the steps of a tier, and its verdict as evidence.

use clap::Args;
use tollgate_gates::tier::{INTERRUPT, News, TierRequest, gate, history, measurements};
use tollgate_ratchet::Measurement;
use tollgate_release::Narrator;
use tollgate_report::{Clock, ExitCode};
use tollgate_tiers::render::Detail;
use tollgate_tiers::settings::Tier;
use tollgate_tiers::{OverTime, render_text};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::narrator::Voice;

#[derive(Debug, Clone, Args)]
pub struct TierArgs {
    /// Check the content of the index, not the working tree
    #[arg(long, conflicts_with = "since")]
    pub staged: bool,
    /// Check only what changed since this revision
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Run every step, even when its result is cached
    #[arg(long, conflicts_with = "since")]
    pub all: bool,
    /// Show why each step ran, was cached or was skipped
    #[arg(long)]
    pub explain: bool,
}

/// `tierN`.
pub fn run(context: &Context, tier: Tier, args: &TierArgs) -> CommandResult {
    catch_interrupt();
    let evidence = context.evidence()?;
    let run = context.new_run_id(tier.word());
    let request = TierRequest {
        staged: args.staged,
        since: args.since.clone(),
        all: args.all,
        over_time: OverTime::Fails,
    };
    let voice = Voice::new(context).explaining(args.explain);
    voice.begin(tier.word());
    let on_news = |news: News<'_>| voice.tier(news);
    let tier_run = gate(context, &evidence, &run, tier, &request, &on_news);
    voice.end();
    let tier_run = tier_run?;
    let report = &tier_run.report;
    let detail = Detail {
        paint: context.output.paint,
        explain: args.explain,
    };
    context
        .output
        .findings(&report.record.loosened, &context.root);
    context.output.text(|out| {
        render_text(out, report, detail)?;
        writeln!(out, "evidence {}", tier_run.gate.evidence)
    });
    context.output.json(report);
    let measured = history(report, &measurements(report));
    if !measured.is_empty() {
        remember(context, &measured, &run)?;
    }
    // The test runner's own closing lines come last, where people and CI look for them.
    for line in report
        .record
        .steps
        .iter()
        .flat_map(|step| &step.closing_lines)
    {
        context.output.line(line);
    }
    if report.record.is_interrupted {
        return Ok(ExitCode::Environment);
    }
    Ok(ExitCode::from_outcome(tier_run.gate.outcome()))
}

fn remember(context: &Context, measured: &[Measurement], run: &str) -> Result<(), Failure> {
    let now = context.clock.now();
    let line = tollgate_gates::line::of(&context.root);
    let entries: Vec<_> = measured
        .iter()
        .map(|measurement| line.mark(tollgate_ratchet::HistoryEntry::new(measurement, now, run)))
        .collect();
    tollgate_ratchet::history::append(
        &context.root.join(&context.settings.ratchet.history),
        &entries,
    )
    .map_err(Failure::environment)
}

/// The first Ctrl-C lets the runner stop its children and report; they are groups of their own.
pub fn catch_interrupt() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        if let Ok(runtime) = runtime
            && runtime.block_on(tokio::signal::ctrl_c()).is_ok()
        {
            INTERRUPT.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
}
