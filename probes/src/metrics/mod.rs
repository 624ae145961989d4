//! Metrics probes: scrape, check, measure. No value is kept from one run to the next.

pub mod text;

use std::time::Duration;

use crate::attempt::RunCheck;
use crate::context::{Context, Vars};
use crate::http::{client::Connection, expect, prepare};
use crate::result::{Cause, Observation};
use crate::settings::{Comparison, HttpCheck, MetricCheck, MetricsCheck};
use text::{Exposition, Sample, parse, parse_quantity};
use tollgate_report::suggest::nearest;
impl RunCheck for MetricsCheck {
    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        _timeout: Duration,
    ) -> Result<(), Cause> {
        run(self, cx, vars, seen).await
    }
}

/// Runs one scrape and its checks; every value that a check uses becomes a measurement.
async fn run(
    check: &MetricsCheck,
    cx: &Context,
    vars: &Vars,
    seen: &mut Observation,
) -> Result<(), Cause> {
    let http = HttpCheck {
        path: check.path.clone(),
        headers: check.headers.clone(),
        body_size_max: check.body_size_max,
        ..HttpCheck::default()
    };
    let prepared = prepare(&http, cx, vars)?;
    let label = prepared.label.clone();
    let mut connection = Connection::open(&prepared.target, cx.tls(), &mut |name, took| {
        seen.phase(name, took)
    })
    .await
    .map_err(|error| error.to_cause(&label))?;
    let reply = connection
        .exchange(prepared.request, check.body_size_max.0)
        .await
        .map_err(|error| error.to_cause(&label))?;
    expect::judge(&http, &label, &reply, cx, vars)?;
    let body = String::from_utf8_lossy(&reply.body);
    let exposition = parse(&body).map_err(|error| {
        let got = format!("line {}: {}", error.line, error.message);
        Cause::target(
            "exposition",
            format!("body of {label}"),
            "the Prometheus text format",
            got,
        )
    })?;
    seen.measurements
        .insert("samples".to_owned(), exposition.samples.len() as f64);
    judge(&check.checks, &exposition, seen)
}

/// Evaluates every check, so that all measurements are recorded, and returns the first cause; an
/// exceeded limit comes before a missing metric.
fn judge(
    checks: &[MetricCheck],
    exposition: &Exposition,
    seen: &mut Observation,
) -> Result<(), Cause> {
    let mut broken = None;
    let mut missing = None;
    for check in checks {
        let samples: Vec<&Sample> = exposition.matching(&check.metric, &check.labels).collect();
        if samples.is_empty() {
            missing.get_or_insert_with(|| absent(check, exposition));
        }
        for sample in samples {
            let name = measure_name(check, sample);
            if sample.value.is_finite() {
                seen.measurements.insert(name.clone(), sample.value);
            }
            if let Err(cause) = judge_sample(check, sample, &name) {
                broken.get_or_insert(cause);
            }
        }
    }
    match broken.or(missing) {
        Some(cause) => Err(cause),
        None => Ok(()),
    }
}

fn measure_name(check: &MetricCheck, sample: &Sample) -> String {
    match &check.measure {
        Some(measure) => measure.clone(),
        None => sample.key(),
    }
}

/// A missing metric is not evidence about the target: the check could not be made.
fn absent(check: &MetricCheck, exposition: &Exposition) -> Cause {
    let names = exposition.samples.iter().map(|sample| sample.name.as_str());
    let hint = nearest(&check.metric, names.filter(|name| *name != check.metric))
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    let what = format!("metric `{}`", check.metric);
    Cause::prober(
        "no_metric",
        what,
        "at least one sample",
        format!("none{hint}"),
    )
}

fn judge_sample(check: &MetricCheck, sample: &Sample, name: &str) -> Result<(), Cause> {
    let (Some(op), Some(value)) = (check.op, &check.value) else {
        return Ok(());
    };
    let limit = parse_quantity(value).ok_or_else(|| {
        Cause::prober(
            "settings",
            format!("limit of `{name}`"),
            "a number with its unit",
            format!("`{value}`"),
        )
    })?;
    if holds(op, sample.value, limit) {
        return Ok(());
    }
    let expected = format!("{} {value}", word(op));
    Err(Cause::target(
        "metric",
        format!("`{name}`"),
        expected,
        sample.value.to_string(),
    ))
}

/// NaN holds nothing but `!=`, as in IEEE 754.
fn holds(op: Comparison, value: f64, limit: f64) -> bool {
    match op {
        Comparison::Less => value < limit,
        Comparison::LessEqual => value <= limit,
        Comparison::Greater => value > limit,
        Comparison::GreaterEqual => value >= limit,
        Comparison::Equal => value == limit,
        Comparison::NotEqual => value != limit,
    }
}

fn word(op: Comparison) -> &'static str {
    match op {
        Comparison::Less => "<",
        Comparison::LessEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterEqual => ">=",
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
    }
}
