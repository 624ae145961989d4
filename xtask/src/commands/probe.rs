//! `probe` and `load`: synthetic requests against a running service.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tollgate_probes::render::{junit, table, verdict};
use tollgate_probes::schedule::Pace;
use tollgate_probes::settings::{HttpCheck, LoadBudget, LoadCheck};
use tollgate_probes::{Check, Probe, ProbeResult, Scheduler, State, run_all, run_probe};
use tollgate_report::render::render_table;
use tollgate_report::{Clock, ExitCode, Verdict, suggest, write_atomic};

use crate::cli::{LoadArgs, ProbeArgs, ProbeCommand};
use crate::commands::contract;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::gate::{self, Gate, Inputs};
use crate::schemas::ContractSchemas;

/// Probes that run at once at most.
pub const CONCURRENCY: usize = 4;

/// The probes of the settings with these names; all when none is named.
pub fn chosen(context: &Context, names: &[String]) -> Result<Vec<Probe>, Failure> {
    let probes = &context.settings.probes;
    if let Some(finding) = tollgate_probes::settings::check(probes).into_iter().next() {
        return Err(Failure::at(finding, None));
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| probes.iter().all(|probe| probe.name != **name))
    {
        let failure = Failure::usage(format!(
            "run probe `{unknown}`: the settings have no such probe"
        ));
        return Err(
            match suggest::nearest(unknown, probes.iter().map(|probe| probe.name.as_str())) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`cargo xtask probe list` shows them"),
            },
        );
    }
    let probes: Vec<Probe> = probes
        .iter()
        .filter(|probe| names.is_empty() || names.contains(&probe.name))
        .cloned()
        .collect();
    if probes.is_empty() {
        return Err(Failure::settings(anyhow::anyhow!(
            "run probes: tollgate.toml has no [[probes]]"
        )));
    }
    Ok(probes)
}

/// What probes need to look at `base`: variables, and the contracts' schemas.
pub fn probe_context(context: &Context, base: &str) -> Result<tollgate_probes::Context, Failure> {
    let schemas = ContractSchemas(contract::load_all(context)?);
    Ok(tollgate_probes::Context::new(base).with_schemas(Arc::new(schemas)))
}

fn context_of(
    context: &Context,
    args: &ProbeArgs,
) -> Result<Arc<tollgate_probes::Context>, Failure> {
    let base = args.base.as_deref().ok_or_else(|| {
        Failure::usage("run probes: no address is named")
            .hint("add --base http://127.0.0.1:8080, or set TOLLGATE_BASE")
    })?;
    if !base.starts_with("http://") && !base.starts_with("https://") {
        return Err(
            Failure::usage(format!("run probes: `{base}` is not an address"))
                .hint("name it with its scheme, such as --base http://127.0.0.1:8080"),
        );
    }
    let mut probe_context = probe_context(context, base)?;
    for var in &args.vars {
        let (name, value) = var.split_once('=').ok_or_else(|| {
            Failure::usage(format!("read --var `{var}`: NAME=VALUE was expected"))
        })?;
        probe_context = probe_context.with_var(name, value);
    }
    Ok(Arc::new(probe_context))
}

/// `cargo xtask probe …`.
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
    let gate = gate::record(
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
    // A probe that could not look says nothing about the service, so the command did not pass.
    let is_blind = results.iter().any(|result| result.state == State::Error);
    Ok(match ExitCode::from_outcome(gate.outcome()) {
        ExitCode::Pass if is_blind => ExitCode::Environment,
        code => code,
    })
}

fn print(context: &Context, results: &[ProbeResult], gate: &Gate) {
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

/// Computes a recorded verdict again.
pub fn replay(bytes: &[u8]) -> Result<Verdict, Failure> {
    let results: Vec<ProbeResult> =
        serde_json::from_slice(bytes).context("read the recorded probe results")?;
    Ok(verdict(&results))
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

/// Whether an address is on this machine.
fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
        .split(':')
        .next()
        .unwrap_or_default()
}

/// `cargo xtask load URL`.
pub async fn load(context: &Context, args: &LoadArgs) -> CommandResult {
    if !is_loopback(&args.url) && args.allow_host.as_deref() != Some(host_of(&args.url)) {
        return Err(
            Failure::usage(format!("load `{}`: it is not on this machine", args.url))
                .hint("load only what is yours; then name its host with --allow-host"),
        );
    }
    let (scheme, rest) = args.url.split_once("://").unwrap_or(("http", &args.url));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let check = LoadCheck {
        request: HttpCheck {
            path: format!("/{path}"),
            ..HttpCheck::default()
        },
        rate: Some(args.rate),
        connections: u32::try_from(args.connections).unwrap_or(u32::MAX),
        duration: args.duration,
        budget: LoadBudget {
            p95: args.p95,
            error_rate: args.errors,
            ..LoadBudget::default()
        },
        ..LoadCheck::default()
    };
    let mut probe = Probe::new("load", Check::Load(Box::new(check)));
    probe.timeout = tollgate_report::quantity::Span(args.duration.0 + Duration::from_secs(30));
    let started = context.clock.monotonic();
    let probe_context = tollgate_probes::Context::new(format!("{scheme}://{authority}"));
    let results = vec![run_probe(&probe, &probe_context).await];
    let evidence = context.evidence()?;
    let duration = context.clock.monotonic().saturating_sub(started);
    let inputs = Inputs::json("probes", &results);
    let run = context.new_run_id("load");
    let gate = gate::record(
        context,
        &evidence,
        &run,
        ("probe", &args.url),
        inputs,
        verdict(&results),
        duration,
    )?;
    print(context, &results, &gate);
    if let Some(report) = results.first().and_then(|result| result.load.as_ref()) {
        let latency = &report.latency;
        let ms = |us: u64| us as f64 / 1_000.0;
        context.output.line(format!(
            "{} planned, {} sent, {} ok, {:.1} requests/s; from the intended send time: p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
            report.n_planned,
            report.n_sent,
            report.n_ok,
            report.requests_per_second(),
            ms(latency.p50_us),
            ms(latency.p95_us),
            ms(latency.p99_us),
            ms(latency.max_us)
        ));
    }
    Ok(ExitCode::from_outcome(gate.outcome()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_may_be_loaded_without_asking() {
        for here in [
            "http://127.0.0.1:8080/x",
            "http://localhost",
            "http://[::1]:80/",
            "http://127.1.2.3",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in [
            "http://10.0.0.1/",
            "http://example.com",
            "http://127.0.0.1@example.com/",
            "http://localhost.example.com",
        ] {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
