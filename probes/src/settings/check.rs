//! What the types of the settings cannot say.

use std::collections::BTreeSet;

use tollgate_report::Finding;

use super::{
    CheckSettings, CommandCheck, HttpCheck, JourneyCheck, LoadCheck, MetricCheck, MetricsCheck,
    Probe, TcpCheck, WebsocketCheck,
};
use crate::metrics::text::parse_quantity;

/// Checks what a type cannot say: unique names, patterns, pointers, limits. Empty when all is good.
#[must_use]
pub fn check(probes: &[Probe]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    for probe in probes {
        let mut say = |message: String| {
            findings.push(Finding::error("probe-settings", message));
        };
        let name = &probe.name;
        if name.is_empty() || !names.insert(name) {
            say(format!("probe name `{name}` is empty or not unique"));
        }
        if probe.timeout.0.is_zero() || probe.every.0.is_zero() {
            say(format!(
                "probe `{name}` requires `timeout` and `every` above 0s"
            ));
        }
        if probe.failures_before_down == 0 || probe.passes_before_up == 0 {
            say(format!(
                "probe `{name}` requires `failures_before_down` and `passes_before_up` of at least 1"
            ));
        }
        for message in probe.check.problems() {
            say(format!("probe `{name}`: {message}"));
        }
    }
    findings
}

impl CheckSettings for HttpCheck {
    fn problems(&self, messages: &mut Vec<String>) {
        check_http(self, messages);
    }
}

impl CheckSettings for JourneyCheck {
    fn problems(&self, messages: &mut Vec<String>) {
        if self.steps.is_empty() {
            messages.push("a journey requires at least one step".to_owned());
        }
        for step in self.steps.iter().chain(&self.cleanup) {
            check_http(step, messages);
        }
    }
}

impl CheckSettings for WebsocketCheck {
    fn problems(&self, messages: &mut Vec<String>) {
        if let Some(ticket) = &self.ticket {
            check_http(ticket, messages);
        }
        if self.expect.is_none() && (self.message.is_some() || self.schema.is_some()) {
            messages.push(
                "`message` and `schema` require `expect`, the reply that they are compared with"
                    .to_owned(),
            );
        }
    }
}

impl CheckSettings for MetricsCheck {
    fn problems(&self, messages: &mut Vec<String>) {
        for metric in &self.checks {
            check_metric(metric, messages);
        }
    }
}

impl CheckSettings for TcpCheck {
    fn problems(&self, messages: &mut Vec<String>) {
        let has_port = |address: &String| {
            let port = address.rsplit_once(':').map(|(_, port)| port);
            // A variable may hold it.
            address.ends_with('}') || port.is_some_and(|port| port.parse::<u16>().is_ok())
        };
        if let Some(address) = &self.address
            && !has_port(address)
        {
            messages.push(format!(
                "`address` is `{address}`: a host and a port such as `localhost:5432` are required"
            ));
        }
    }
}

impl CheckSettings for CommandCheck {
    fn problems(&self, messages: &mut Vec<String>) {
        if self.program.is_empty() {
            messages.push("`program` is empty".to_owned());
        }
    }
}

impl CheckSettings for LoadCheck {
    fn problems(&self, messages: &mut Vec<String>) {
        check_http(&self.request, messages);
        check_load(self, messages);
    }
}

fn check_metric(metric: &MetricCheck, messages: &mut Vec<String>) {
    if metric.metric.is_empty() {
        messages.push("a metric check requires `metric`".to_owned());
    }
    if metric.op.is_some() != metric.value.is_some() {
        messages.push(format!(
            "`{}` requires both `op` and `value`, or neither",
            metric.metric
        ));
    }
    if let Some(value) = &metric.value
        && parse_quantity(value).is_none()
    {
        messages.push(format!(
            "`{value}` is not a number, a size such as `500MiB`, a duration such as `250ms` or a share such as `5%`"
        ));
    }
}

/// More connections than this is a slip: a single source address has about 28,000 free ports.
const CONNECTIONS_MAX: u32 = 10_000;

fn check_load(load: &LoadCheck, messages: &mut Vec<String>) {
    if load.connections == 0 || load.connections > CONNECTIONS_MAX {
        messages.push(format!("`connections` must be from 1 to {CONNECTIONS_MAX}"));
    }
    if load.rate.is_some_and(|rate| !(0.001..=1e6).contains(&rate)) {
        messages.push("`rate` must be from 0.001 to 1000000 requests per second".to_owned());
    }
    if load.duration.0.is_zero() || load.request_timeout.0.is_zero() {
        messages.push("`duration` and `request_timeout` must be above 0s".to_owned());
    }
}

fn check_http(http: &HttpCheck, messages: &mut Vec<String>) {
    if http.body.is_some() && http.json.is_some() {
        messages.push("`body` and `json` exclude each other: only one can be sent".to_owned());
    }
    if ::http::Method::from_bytes(http.method.as_bytes()).is_err() {
        messages.push(format!("`{}` is not an HTTP method", http.method));
    }
    let expect = &http.expect;
    let patterns = expect.headers.values().chain(&expect.body_matches);
    let patterns = patterns.chain(expect.json.iter().filter_map(|json| json.matches.as_ref()));
    for pattern in patterns {
        if let Err(error) = regex::Regex::new(pattern) {
            messages.push(format!("`{pattern}` is not a regular expression: {error}"));
        }
    }
    let pointers = expect.json.iter().map(|json| &json.pointer);
    let captured = http
        .capture
        .values()
        .filter_map(|capture| capture.pointer.as_ref());
    for pointer in pointers.chain(captured) {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            messages.push(format!(
                "`{pointer}` is not a JSON pointer: it must start with `/`"
            ));
        }
    }
    for (name, capture) in &http.capture {
        if capture.pointer.is_some() == capture.header.is_some() {
            messages.push(format!(
                "capture `{name}` requires exactly one of `pointer` and `header`"
            ));
        }
    }
}
