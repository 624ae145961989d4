//! `probe`: synthetic requests against a running service.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tollgate_probes::render::{junit, table, verdict};
use tollgate_probes::schedule::Pace;
use tollgate_probes::{ProbeResult, Scheduler, State, run_all};
use tollgate_report::render::render_table;
use tollgate_report::{Clock, ExitCode, write_atomic};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use tollgate_gates::probe::{CONCURRENCY, chosen, probe_context};
use tollgate_gates::{Decision, Inputs, record};

/// Run synthetic probes
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: {tollgate} probe run --base http://127.0.0.1:8080")]
pub enum ProbeCommand {
    /// Run the probes once
    #[command(after_help = "Example: {tollgate} probe run --base http://127.0.0.1:8080")]
    Run(ProbeArgs),
    /// Run the probes repeatedly
    #[command(
        after_help = "Example: {tollgate} probe watch --base http://127.0.0.1:8080 --every 5s"
    )]
    Watch {
        #[command(flatten)]
        probe: ProbeArgs,
        /// Time between two runs
        #[arg(long, default_value = "30s")]
        every: tollgate_report::quantity::Span,
        /// Stop after this many rounds; 0 runs until Ctrl-C
        #[arg(long, default_value_t = 0)]
        rounds: u32,
    },
    /// List the probes of the settings
    #[command(after_help = "Example: {tollgate} probe list")]
    List,
}

#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// Only probes with these names
    pub names: Vec<String>,
    /// The service's address
    #[arg(long, env = "TOLLGATE_BASE")]
    pub base: Option<String>,
    /// Values for the probes' `{name}` placeholders
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Also write the results as JUnit
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

fn context_of(
    context: &Context,
    args: &ProbeArgs,
) -> Result<Arc<tollgate_probes::Context>, Failure> {
    let base = args.base.as_deref().ok_or_else(|| {
        Failure::usage("there is no address to probe")
            .hint("add --base http://127.0.0.1:8080, or set TOLLGATE_BASE")
    })?;
    if !base.starts_with("http://") && !base.starts_with("https://") {
        return Err(Failure::usage(format!("`{base}` is not an address"))
            .hint("write it with its scheme, such as --base http://127.0.0.1:8080"));
    }
    let mut probe_context = probe_context(context, base)?;
    for var in &args.vars {
        let (name, value) = var.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`--var {var}` is malformed: write NAME=VALUE"))
        })?;
        probe_context = probe_context.with_var(name, value);
    }
    Ok(Arc::new(probe_context))
}

/// `probe …`.
pub async fn run(context: &Context, command: ProbeCommand) -> CommandResult {
    match command {
        ProbeCommand::List => {
            let rows: Vec<Vec<String>> = context
                .settings
                .probes
                .iter()
                .map(|probe| {
                    vec![
                        probe.name.clone(),
                        probe.check.kind().to_string(),
                        format!("every {}", probe.every),
                    ]
                })
                .collect();
            context
                .output
                .text(|out| render_table(out, &["probe", "kind", "when"], &rows));
            context
                .output
                .json(&serde_json::json!({ "version": 1, "probes": context.settings.probes }));
            Ok(ExitCode::Pass)
        }
        ProbeCommand::Run(args) => run_once(context, &args).await,
        ProbeCommand::Watch {
            probe,
            every,
            rounds,
        } => watch(context, &probe, every.0, rounds).await,
    }
}

async fn run_once(context: &Context, args: &ProbeArgs) -> CommandResult {
    let started = context.clock.monotonic();
    let probes = chosen(context, &args.names)?;
    let probe_context = context_of(context, args)?;
    let evidence = context.evidence()?;
    let results = run_all(&probes, &probe_context, CONCURRENCY).await;
    let run = context.new_run_id("probe");
    let duration = context.clock.monotonic().saturating_sub(started);
    let inputs = Inputs::json("probes", &results);
    let base = probe_context.base_url().to_owned();
    let gate = record(
        context,
        &evidence,
        &run,
        ("probe", &base),
        inputs,
        verdict(&results),
        duration,
    )?;
    if let Some(path) = &args.junit {
        let mut text = Vec::new();
        junit(&mut text, &results)?;
        write_atomic(&context.here.join(path), &text).map_err(Failure::environment)?;
    }
    print(context, &results, &gate);
    // A probe that could not measure tells nothing about the service, so the command did not pass.
    let is_blind = results.iter().any(|result| result.state == State::Error);
    Ok(match ExitCode::from_outcome(gate.outcome()) {
        ExitCode::Pass if is_blind => ExitCode::Environment,
        code => code,
    })
}

/// Prints results and the verdict over them.
pub fn print(context: &Context, results: &[ProbeResult], gate: &Decision) {
    context
        .output
        .text(|out| table(out, results, context.output.paint));
    context
        .output
        .json(&serde_json::json!({ "version": 1, "gate": gate, "results": results }));
    let outcome = context.output.paint.outcome(gate.outcome());
    context.output.line(format!(
        "\nprobes: {outcome}: {} (evidence {})",
        gate.verdict.reason, gate.evidence
    ));
}

async fn watch(context: &Context, args: &ProbeArgs, every: Duration, rounds: u32) -> CommandResult {
    let mut probes = chosen(context, &args.names)?;
    for probe in &mut probes {
        probe.every = tollgate_report::quantity::Span(every);
    }
    let probe_context = context_of(context, args)?;
    let n_probes = probes.len();
    let (sender, mut receiver) = mpsc::channel(64);
    let scheduler = Scheduler::start(probes, probe_context, Pace::default(), sender);
    let mut n_results = 0usize;
    let mut worst = ExitCode::Pass;
    loop {
        // Ctrl-C ends the watch; a result that was on its way is not shown.
        let result = tokio::select! {
            result = receiver.recv() => result,
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(result) = result else { break };
        n_results += 1;
        if result.state == State::Fail {
            worst = ExitCode::Findings;
        }
        context.output.text(|out| {
            let cause = result.failure.as_ref().map(|cause| {
                format!(
                    " {}: expected {}, got {}",
                    cause.what, cause.expected, cause.got
                )
            });
            writeln!(
                out,
                "{} {} {} {:.1} ms{}",
                result.at,
                result.state.word(),
                result.name,
                result.duration_us as f64 / 1_000.0,
                cause.unwrap_or_default()
            )
        });
        context.output.json(&result);
        if rounds > 0 && n_results >= n_probes * rounds as usize {
            break;
        }
    }
    receiver.close();
    scheduler.stop().await;
    Ok(worst)
}
