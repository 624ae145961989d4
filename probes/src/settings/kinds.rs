//! The settings of each kind of probe.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tollgate_report::quantity::{Percent, Size, Span};

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
    /// Checks; the values that they use become measurements.
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

/// A TCP connection: the port accepts it and, where `expect` is set, answers with a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TcpCheck {
    /// Host and port, such as `db.internal:5432`; variables are replaced (default: those of the base URL).
    pub address: Option<String>,
    /// Whether TLS is spoken (default false; true where `address` is absent and the base URL is https).
    pub tls: bool,
    /// Text sent after the connection; variables are replaced.
    pub send: Option<String>,
    /// Text that the answer must contain; variables are replaced (default: no answer is awaited).
    pub expect: Option<String>,
    /// A longer answer fails (default 64KiB).
    pub answer_size_max: Size,
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
