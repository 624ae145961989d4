//! The probe format: entries of `[[probes]]` in `tollgate.toml`. It must not know how a probe runs.
//!
//! The kind of a probe is the name of its table, so that an unknown key is reported on its line:
//!
//! ```toml
//! [[probes]]
//! name = "health"
//! target = "200ms"
//! [probes.http]
//! path = "/health"
//! operation = "getHealth"
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_report::Finding;
use tollgate_report::quantity::{Percent, Size, Span};

use crate::metrics::text::parse_quantity;

mod defaults;

/// One probe: what all kinds share, and the check itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Entry", into = "Entry")]
#[schemars(with = "Entry")]
pub struct Probe {
    /// Unique name.
    pub name: String,
    /// Time from one run to the next.
    pub every: Span,
    /// Longest time of one attempt.
    pub timeout: Span,
    /// A pass slower than this is degraded.
    pub target: Option<Span>,
    /// How often a failed attempt is repeated; each attempt is shown.
    pub retries: u32,
    /// Failures in a row before the target counts as down.
    pub failures_before_down: u32,
    /// Passes in a row before it counts as up again.
    pub passes_before_up: u32,
    /// Variable to the environment variable that holds its secret value.
    pub secret_env: BTreeMap<String, String>,
    /// What is done and expected.
    pub check: Check,
}

/// What a probe does, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// One request.
    Http(Box<HttpCheck>),
    /// Several requests that pass values on.
    Journey(JourneyCheck),
    /// A WebSocket connection.
    Websocket(Box<WebsocketCheck>),
    /// A Prometheus endpoint.
    Metrics(MetricsCheck),
    /// A program.
    Command(CommandCheck),
    /// Many requests against a budget.
    Load(Box<LoadCheck>),
}

/// The kinds of probes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// See [`HttpCheck`].
    Http,
    /// See [`JourneyCheck`].
    Journey,
    /// See [`WebsocketCheck`].
    Websocket,
    /// See [`MetricsCheck`].
    Metrics,
    /// See [`CommandCheck`].
    Command,
    /// See [`LoadCheck`].
    Load,
}

impl Kind {
    /// The word that settings and tables use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Journey => "journey",
            Self::Websocket => "websocket",
            Self::Metrics => "metrics",
            Self::Command => "command",
            Self::Load => "load",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Check {
    /// The kind of this check.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Http(_) => Kind::Http,
            Self::Journey(_) => Kind::Journey,
            Self::Websocket(_) => Kind::Websocket,
            Self::Metrics(_) => Kind::Metrics,
            Self::Command(_) => Kind::Command,
            Self::Load(_) => Kind::Load,
        }
    }
}

impl Probe {
    /// A probe of a check with every shared setting at its default.
    #[must_use]
    pub fn new(name: impl Into<String>, check: Check) -> Self {
        Self {
            name: name.into(),
            every: defaults::every(),
            timeout: defaults::timeout(),
            target: None,
            retries: 0,
            failures_before_down: defaults::failures_before_down(),
            passes_before_up: defaults::passes_before_up(),
            secret_env: BTreeMap::new(),
            check,
        }
    }
}

/// One entry of `[[probes]]` as it is written: exactly one of the kind tables is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Probe")]
struct Entry {
    /// Unique name, shown in results and alerts.
    name: String,
    /// Time from one run to the next (default 30s).
    #[serde(default = "defaults::every")]
    every: Span,
    /// Longest time of one attempt (default 10s); over it the probe fails.
    #[serde(default = "defaults::timeout")]
    timeout: Span,
    /// A pass slower than this is degraded (default: none). For `load`, compared with p95.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Span>,
    /// How often a failed attempt is repeated at once (default 0); each attempt is shown.
    #[serde(default)]
    retries: u32,
    /// Failures in a row before the target counts as down (default 3).
    #[serde(default = "defaults::failures_before_down")]
    failures_before_down: u32,
    /// Passes in a row before it counts as up again (default 1).
    #[serde(default = "defaults::passes_before_up")]
    passes_before_up: u32,
    /// Secrets: variable name to the environment variable that holds it; never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    secret_env: BTreeMap<String, String>,
    /// One request and what is expected of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http: Option<Box<HttpCheck>>,
    /// Several requests that pass values on, and clean-up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    journey: Option<JourneyCheck>,
    /// A WebSocket connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    websocket: Option<Box<WebsocketCheck>>,
    /// A scrape of a Prometheus endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metrics: Option<MetricsCheck>,
    /// A program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<CommandCheck>,
    /// Many requests against a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    load: Option<Box<LoadCheck>>,
}

/// An entry did not name exactly one kind.
#[derive(Debug, thiserror::Error)]
#[error(
    "probe `{name}` must have exactly one of the tables http, journey, websocket, metrics, command, load; it has {n_kinds}"
)]
pub struct KindError {
    name: String,
    n_kinds: usize,
}

impl TryFrom<Entry> for Probe {
    type Error = KindError;

    fn try_from(entry: Entry) -> Result<Self, KindError> {
        let mut checks: Vec<Check> = Vec::new();
        checks.extend(entry.http.map(Check::Http));
        checks.extend(entry.journey.map(Check::Journey));
        checks.extend(entry.websocket.map(Check::Websocket));
        checks.extend(entry.metrics.map(Check::Metrics));
        checks.extend(entry.command.map(Check::Command));
        checks.extend(entry.load.map(Check::Load));
        let n_kinds = checks.len();
        let (Some(check), 1) = (checks.pop(), n_kinds) else {
            return Err(KindError {
                name: entry.name,
                n_kinds,
            });
        };
        Ok(Self {
            name: entry.name,
            every: entry.every,
            timeout: entry.timeout,
            target: entry.target,
            retries: entry.retries,
            failures_before_down: entry.failures_before_down,
            passes_before_up: entry.passes_before_up,
            secret_env: entry.secret_env,
            check,
        })
    }
}

impl From<Probe> for Entry {
    fn from(probe: Probe) -> Self {
        let mut entry = Self {
            name: probe.name,
            every: probe.every,
            timeout: probe.timeout,
            target: probe.target,
            retries: probe.retries,
            failures_before_down: probe.failures_before_down,
            passes_before_up: probe.passes_before_up,
            secret_env: probe.secret_env,
            http: None,
            journey: None,
            websocket: None,
            metrics: None,
            command: None,
            load: None,
        };
        match probe.check {
            Check::Http(check) => entry.http = Some(check),
            Check::Journey(check) => entry.journey = Some(check),
            Check::Websocket(check) => entry.websocket = Some(check),
            Check::Metrics(check) => entry.metrics = Some(check),
            Check::Command(check) => entry.command = Some(check),
            Check::Load(check) => entry.load = Some(check),
        }
        entry
    }
}

/// One HTTP request and what is expected of its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpCheck {
    /// Name of the step in a journey; empty for a single request.
    pub name: String,
    /// Method (default GET).
    pub method: String,
    /// Path after the base URL, or a whole URL; `{name}` is replaced by a variable.
    pub path: String,
    /// Request headers; values may use variables.
    pub headers: BTreeMap<String, String>,
    /// Body as text; variables are replaced. Not together with `json`.
    pub body: Option<String>,
    /// Body as JSON; variables are replaced in its strings; sets the content type.
    pub json: Option<Value>,
    /// Operation id of the contract whose response schema the body must match.
    pub operation: Option<String>,
    /// JSON Schema that the body must match, given in place of `operation`.
    pub schema: Option<Value>,
    /// What the answer must be.
    pub expect: Expect,
    /// Variables taken from the answer, by name.
    pub capture: BTreeMap<String, Capture>,
    /// How many redirects are followed (default 0).
    pub redirects_max: u32,
    /// A longer answer fails (default 1MiB).
    pub body_size_max: Size,
}

/// What an answer must be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Allowed status codes (default: 200 to 299).
    pub status: Vec<u16>,
    /// Headers by name; the value is a regular expression that must match.
    pub headers: BTreeMap<String, String>,
    /// Texts that the body must contain.
    pub body_contains: Vec<String>,
    /// Regular expressions that must match the body.
    pub body_matches: Vec<String>,
    /// Checks of values inside a JSON body.
    pub json: Vec<JsonExpect>,
}

/// A check of one value inside a JSON body. All of the fields that are set must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JsonExpect {
    /// JSON pointer (RFC 6901); empty is the whole body.
    pub pointer: String,
    /// The value must be there (true, default) or must not be there (false).
    pub exists: Option<bool>,
    /// The value; variables are replaced in its strings.
    pub equals: Option<Value>,
    /// The value contains this: an object by subset, an array by one item that does.
    pub contains: Option<Value>,
    /// Regular expression for a string value.
    pub matches: Option<String>,
}

/// Where a variable is taken from: exactly one of `pointer` and `header`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    /// JSON pointer into the body.
    pub pointer: Option<String>,
    /// Name of a response header.
    pub header: Option<String>,
    /// Never show the value (default false); for tickets and tokens.
    pub secret: bool,
}

/// Several requests in order; a failed step ends it, the clean-up always runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JourneyCheck {
    /// The steps, in order.
    pub steps: Vec<HttpCheck>,
    /// Runs after the steps, also after a failure or a timeout. A step whose variables were
    /// never captured is skipped.
    pub cleanup: Vec<HttpCheck>,
}

/// A WebSocket connection: handshake, request and reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebsocketCheck {
    /// Path after the base URL (`http` becomes `ws`); variables are replaced.
    pub path: String,
    /// Headers of the handshake.
    pub headers: BTreeMap<String, String>,
    /// Subprotocol that is asked for and must be agreed.
    pub subprotocol: Option<String>,
    /// A request before the handshake whose captures may be used in it.
    pub ticket: Option<HttpCheck>,
    /// Message sent as JSON text; variables are replaced in its strings.
    pub send: Option<Value>,
    /// A message is awaited that contains this JSON (default: none is awaited).
    pub expect: Option<Value>,
    /// Message of the contract whose schema the matching message must match.
    pub message: Option<String>,
    /// JSON Schema for the matching message, given in place of `message`.
    pub schema: Option<Value>,
    /// Hold the connection open this long after the reply; it must stay open. Counts into `timeout`.
    pub hold: Option<Span>,
    /// A longer message fails (default 1MiB).
    pub message_size_max: Size,
}

/// A scrape of a Prometheus endpoint with checks on its samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsCheck {
    /// Path after the base URL (default /metrics).
    pub path: String,
    /// Request headers; values may use variables.
    pub headers: BTreeMap<String, String>,
    /// Checks; the values they look at become measurements.
    pub checks: Vec<MetricCheck>,
    /// A longer answer fails (default 4MiB).
    pub body_size_max: Size,
}

/// One check on the samples of a metric. Without `op` it only collects.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricCheck {
    /// Name of the metric.
    pub metric: String,
    /// Labels that a sample must carry; others are free.
    pub labels: BTreeMap<String, String>,
    /// Comparison; every matching sample must hold it.
    pub op: Option<Comparison>,
    /// The limit: a number, a size (`500MiB`), a duration (`250ms`, in seconds) or a share (`5%`).
    pub value: Option<String>,
    /// Name of the measurement (default: metric and labels).
    pub measure: Option<String>,
}

/// How a sample is compared with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    /// Less.
    #[serde(rename = "<")]
    Less,
    /// Less or equal.
    #[serde(rename = "<=")]
    LessEqual,
    /// Greater.
    #[serde(rename = ">")]
    Greater,
    /// Greater or equal.
    #[serde(rename = ">=")]
    GreaterEqual,
    /// Equal.
    #[serde(rename = "==")]
    Equal,
    /// Not equal.
    #[serde(rename = "!=")]
    NotEqual,
}

/// Any program. It gets the base URL as `TOLLGATE_BASE_URL`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CommandCheck {
    /// The program; no shell is used.
    pub program: String,
    /// Arguments; variables are replaced.
    pub args: Vec<String>,
    /// Environment variables; values may use variables.
    pub env: BTreeMap<String, String>,
    /// Exit codes that pass (default 0).
    pub exit: Vec<i32>,
    /// The last line of stdout is a JSON object of numbers, taken as measurements (default false).
    pub measurements: bool,
    /// Output after this many bytes is thrown away (default 64KiB).
    pub output_size_max: Size,
}

/// Many requests for a while, judged against a budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoadCheck {
    /// The request; only its status is checked.
    pub request: HttpCheck,
    /// Requests per second at constant arrival (open model); absent: each connection sends as
    /// soon as it is free (closed model).
    pub rate: Option<f64>,
    /// Connections, which bound the requests in flight (default 16).
    pub connections: u32,
    /// How long requests are sent (default 10s).
    pub duration: Span,
    /// Longest time of one request from its sending (default 10s).
    pub request_timeout: Span,
    /// What the result is judged against.
    pub budget: LoadBudget,
}

/// Limits of a load run; absent limits don't judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoadBudget {
    /// Limit of the 95th percentile of latency.
    pub p95: Option<Span>,
    /// Limit of the 99th percentile of latency.
    pub p99: Option<Span>,
    /// Limit of the share of requests that failed or were never sent (default 0%).
    pub error_rate: Option<Percent>,
}

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
            say(format!("probe name `{name}` is empty or used twice"));
        }
        if probe.timeout.0.is_zero() || probe.every.0.is_zero() {
            say(format!(
                "probe `{name}` needs `timeout` and `every` above 0s"
            ));
        }
        if probe.failures_before_down == 0 || probe.passes_before_up == 0 {
            say(format!(
                "probe `{name}` needs `failures_before_down` and `passes_before_up` of at least 1"
            ));
        }
        for message in check_kind(&probe.check) {
            say(format!("probe `{name}`: {message}"));
        }
    }
    findings
}

fn check_kind(check: &Check) -> Vec<String> {
    let mut messages = Vec::new();
    match check {
        Check::Http(http) => check_http(http, &mut messages),
        Check::Journey(journey) => {
            if journey.steps.is_empty() {
                messages.push("a journey needs at least one step".to_owned());
            }
            for step in journey.steps.iter().chain(&journey.cleanup) {
                check_http(step, &mut messages);
            }
        }
        Check::Websocket(websocket) => {
            if let Some(ticket) = &websocket.ticket {
                check_http(ticket, &mut messages);
            }
            if websocket.expect.is_none()
                && (websocket.message.is_some() || websocket.schema.is_some())
            {
                messages
                    .push("`message` and `schema` need `expect`, the reply they judge".to_owned());
            }
        }
        Check::Metrics(metrics) => {
            for metric in &metrics.checks {
                check_metric(metric, &mut messages);
            }
        }
        Check::Command(command) => {
            if command.program.is_empty() {
                messages.push("`program` is empty".to_owned());
            }
        }
        Check::Load(load) => {
            check_http(&load.request, &mut messages);
            check_load(load, &mut messages);
        }
    }
    messages
}

fn check_metric(metric: &MetricCheck, messages: &mut Vec<String>) {
    if metric.metric.is_empty() {
        messages.push("a metric check needs `metric`".to_owned());
    }
    if metric.op.is_some() != metric.value.is_some() {
        messages.push(format!(
            "`{}` needs both `op` and `value`, or neither",
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
        messages.push("`body` and `json` exclude each other".to_owned());
    }
    if ::http::Method::from_bytes(http.method.as_bytes()).is_err() {
        messages.push(format!("`{}` is not a method", http.method));
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
                "capture `{name}` needs exactly one of `pointer` and `header`"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
