//! A load report against its limits. Pure.

use std::time::Duration;

use super::report::LoadReport;
use crate::result::Cause;
use crate::settings::LoadBudget;

/// The first limit that is broken: share of errors, then p99, then p95. A run in which nothing was
/// sent, or nothing measured although a latency is limited, is not a pass: it could not be checked.
pub fn evaluate(report: &LoadReport, budget: &LoadBudget) -> Result<(), Cause> {
    if report.n_sent == 0 {
        return Err(Cause::prober(
            "no_data",
            "requests of the load",
            "at least one sent",
            "none",
        ));
    }
    let limit = budget.error_rate.map_or(0.0, |percent| percent.0);
    let rate = report.error_rate();
    if rate > limit {
        let got = format!(
            "{:.2}%: {} of {} requests; {}",
            rate * 100.0,
            report.n_planned - report.n_ok.min(report.n_planned),
            report.n_planned,
            kinds(report)
        );
        let expected = format!("at most {:.2}%", limit * 100.0);
        return Err(Cause::target(
            "error_rate",
            "share of errors",
            expected,
            got,
        ));
    }
    let latency = &report.latency;
    for (name, limit, got_us) in [
        ("p99", budget.p99, latency.p99_us),
        ("p95", budget.p95, latency.p95_us),
    ] {
        let Some(limit) = limit else { continue };
        if latency.n == 0 {
            return Err(Cause::prober(
                "no_data",
                format!("{name} of latency"),
                "a measurement",
                "none",
            ));
        }
        let got = Duration::from_micros(got_us);
        if got > limit.0 {
            let what = format!("{name} of latency");
            return Err(Cause::target(
                name,
                what,
                format!("at most {limit}"),
                format!("{got:?}"),
            ));
        }
    }
    Ok(())
}

fn kinds(report: &LoadReport) -> String {
    let statuses = report
        .by_status
        .iter()
        .map(|(status, n)| format!("{n} × {status}"));
    let errors = report
        .errors
        .iter()
        .map(|(kind, n)| format!("{n} × {kind}"));
    let never = (report.n_never_sent > 0).then(|| format!("{} × never sent", report.n_never_sent));
    statuses
        .chain(errors)
        .chain(never)
        .collect::<Vec<_>>()
        .join(", ")
}
