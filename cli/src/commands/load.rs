//! `load`: constant load on one address, measured and judged.

use std::time::Duration;

use clap::Args;
use tollgate_gates::Inputs;
use tollgate_gates::record::record;
use tollgate_probes::render::verdict;
use tollgate_probes::settings::{HttpCheck, LoadBudget, LoadCheck};
use tollgate_probes::{Check, Probe, run_probe};
use tollgate_report::{Clock, ExitCode};

use crate::commands::probe::print;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// Put load on an address of this machine and measure it
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Example: {tollgate} load http://127.0.0.1:8080/health --rate 200 --duration 10s"
)]
pub struct LoadArgs {
    /// Where to send requests; loopback, unless --allow-host names the host
    pub url: String,
    /// Requests a second, at a constant rate (open model)
    #[arg(long, default_value_t = 50.0)]
    pub rate: f64,
    /// How long
    #[arg(long, default_value = "10s")]
    pub duration: tollgate_report::quantity::Span,
    /// The most connections at once
    #[arg(long, default_value_t = 16)]
    pub connections: usize,
    /// Fail when p95 is over this
    #[arg(long, value_name = "SPAN")]
    pub p95: Option<tollgate_report::quantity::Span>,
    /// Fail when more than this share of requests fails, such as 0.1%
    #[arg(long, value_name = "PERCENT")]
    pub errors: Option<tollgate_report::quantity::Percent>,
    /// A host other than this machine that may be loaded
    #[arg(long, value_name = "HOST")]
    pub allow_host: Option<String>,
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

/// Runs the load and judges it.
pub async fn run(context: &Context, args: &LoadArgs) -> CommandResult {
    if !is_loopback(&args.url) && args.allow_host.as_deref() != Some(host_of(&args.url)) {
        return Err(
            Failure::usage(format!("`{}` is not on this machine", args.url))
                .hint("if the service is yours, pass its host with --allow-host"),
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
    let gate = record(
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
