//! `budgets/performance_sla.json`: the promises, each with a target and a critical value.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use tollgate_report::json::{message, unique_keys};

use crate::unit::{Unit, shown};

/// Version of the file's form.
pub const LIMITS_VERSION: u32 = 1;

/// Which number of a measurement a limit is about.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Statistic {
    /// A percentile, above 0 and below 100; written `p50`, `p99`, `p99.9`.
    Percentile(f64),
    /// Events of a total in percent; written `rate`.
    Rate,
    /// A plain number such as a throughput, a peak or a duration; written `value`.
    Value,
}

/// The text is not a statistic.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a statistic: expected `p50`, `p95`, `p99.9`, `rate` or `value`")]
pub struct StatisticError(String);

impl TryFrom<String> for Statistic {
    type Error = StatisticError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "rate" => return Ok(Self::Rate),
            "value" => return Ok(Self::Value),
            _ => {}
        }
        let percentile = text
            .strip_prefix('p')
            .and_then(|number| number.parse::<f64>().ok());
        match percentile {
            Some(percentile) if percentile > 0.0 && percentile < 100.0 => {
                Ok(Self::Percentile(percentile))
            }
            _ => Err(StatisticError(text)),
        }
    }
}

impl From<Statistic> for String {
    fn from(statistic: Statistic) -> Self {
        statistic.to_string()
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percentile) => write!(f, "p{percentile}"),
            Self::Rate => f.write_str("rate"),
            Self::Value => f.write_str("value"),
        }
    }
}

/// The good side of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The value stays at or below it.
    #[default]
    Max,
    /// The value stays at or above it.
    Min,
}

impl Bound {
    /// Whether `value` is on the bad side of `limit`.
    #[must_use]
    pub fn is_broken(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Max => value > limit,
            Self::Min => value < limit,
        }
    }

    /// The sign shown to people.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Max => "≤",
            Self::Min => "≥",
        }
    }
}

/// One promise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Id of the measurement that it is about, such as `api.latency`.
    pub measurement: String,
    /// Which number of it.
    pub statistic: Statistic,
    /// Unit of target and critical.
    pub unit: Unit,
    /// `max` (default) or `min`.
    #[serde(default)]
    pub bound: Bound,
    /// Beyond it the gate warns.
    pub target: f64,
    /// Beyond it the gate fails; no stricter than the target.
    pub critical: f64,
}

impl Limit {
    /// The fault of this limit, if any.
    fn fault(&self) -> Option<String> {
        let (target, critical) = (self.target, self.critical);
        if !(target.is_finite() && critical.is_finite() && target >= 0.0 && critical >= 0.0) {
            return Some("its target and critical must be finite and not negative".to_owned());
        }
        if self.bound.is_broken(target, critical) {
            let (target, critical) = (shown(target), shown(critical));
            return Some(format!(
                "its critical `{critical}` is stricter than its target `{target}`"
            ));
        }
        let is_rate = self.statistic == Statistic::Rate;
        if is_rate != (self.unit == Unit::Percent)
            && (is_rate || self.statistic != Statistic::Value)
        {
            return Some(format!(
                "a limit on `{}` cannot be in `{}`",
                self.statistic, self.unit
            ));
        }
        let is_provable = |share: f64| share > 0.0 && share < 100.0;
        if is_rate && !(is_provable(target) && is_provable(critical)) {
            return Some(
                "a rate of 0% or 100% cannot be shown by any number of samples".to_owned(),
            );
        }
        None
    }
}

/// The promise of an operation or of a class of operations: a latency that is not exceeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationLimit {
    /// Which percentile of the latency.
    pub statistic: Statistic,
    /// Unit of target and critical, a time.
    pub unit: Unit,
    /// Beyond it the gate warns.
    pub target: f64,
    /// Beyond it the gate fails.
    pub critical: f64,
}

impl OperationLimit {
    /// The limit on the latency of one operation: measurement `operation.ID`.
    #[must_use]
    pub fn limit(&self, operation: &str) -> Limit {
        Limit {
            measurement: format!("operation.{operation}"),
            statistic: self.statistic,
            unit: self.unit,
            bound: Bound::Max,
            target: self.target,
            critical: self.critical,
        }
    }
}

/// All promises of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetFile {
    /// Form of the file: 1.
    pub version: u32,
    /// What the numbers are, for people.
    #[serde(default)]
    pub about: String,
    /// Limits by id, such as `api.latency.p95`.
    #[serde(deserialize_with = "unique_keys")]
    pub limits: BTreeMap<String, Limit>,
    /// The limit of the operations of a class, by class.
    #[serde(default, deserialize_with = "unique_keys")]
    pub classes: BTreeMap<String, OperationLimit>,
    /// The limit of a single operation, by operation id of the contract; it replaces that of the class.
    #[serde(default, deserialize_with = "unique_keys")]
    pub operations: BTreeMap<String, OperationLimit>,
}

/// The file cannot be used. The text names the file, the line and the column.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// The file cannot be read.
    #[error(
        "cannot read the budgets in `{path}`: {cause}\n\nhint: correct `file` in the section [budgets] of tollgate.toml"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The file is not of the form of version 1.
    #[error("cannot read the budgets in `{file}:{line}:{column}`: {message}\n\nhint: {hint}")]
    Form {
        /// The file.
        file: String,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl BudgetFile {
    /// Reads the file's text; `file` is its name in error texts.
    pub fn parse(text: &str, file: &str) -> Result<Self, LimitsError> {
        let form = |(line, column), message, hint: &str| LimitsError::Form {
            file: file.to_owned(),
            line,
            column,
            message,
            hint: hint.to_owned(),
        };
        let budgets: Self = serde_json::from_str(text).map_err(|error| {
            let place = (error.line().max(1), error.column().max(1));
            let hint = "a limit has `measurement`, `statistic`, `unit`, `target` and `critical`";
            form(place, message(&error), hint)
        })?;
        if budgets.version != LIMITS_VERSION {
            let message = format!(
                "its version is `{}`, and only `{LIMITS_VERSION}` is supported",
                budgets.version
            );
            let hint = "use the version of Tollgate that the file was written for";
            return Err(form(key_place(text, "version"), message, hint));
        }
        let operations = budgets.classes.iter().chain(&budgets.operations);
        let operations = operations.map(|(id, limit)| (id, limit.limit(id)));
        let limits = budgets.limits.iter().map(|(id, limit)| (id, limit.clone()));
        for (id, limit) in limits.chain(operations) {
            if let Some(fault) = limit.fault() {
                let message = format!("the limit `{id}` is not valid: {fault}");
                return Err(form(key_place(text, id), message, "fix that line"));
            }
        }
        let not_latency = budgets
            .classes
            .iter()
            .chain(&budgets.operations)
            .find(|(_, limit)| {
                !matches!(limit.statistic, Statistic::Percentile(_))
                    || limit.unit.factor_to(Unit::Millis).is_none()
            });
        if let Some((id, _)) = not_latency {
            let message = format!(
                "the limit `{id}` is not valid: the limit of an operation is a percentile of a time"
            );
            return Err(form(
                key_place(text, id),
                message,
                "write `\"statistic\": \"p95\"` and `\"unit\": \"ms\"`",
            ));
        }
        Ok(budgets)
    }

    /// Loads the file.
    pub fn load(path: &Path) -> Result<Self, LimitsError> {
        let text = fs::read_to_string(path).map_err(|cause| LimitsError::Read {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse(&text, &path.to_string_lossy())
    }

    /// The JSON Schema of the file.
    #[must_use]
    pub fn schema() -> Schema {
        schema_for!(Self)
    }
}

/// Line and column, from 1, of the first quoted `word` in the text; 1:1 when there is none.
pub(crate) fn key_place(text: &str, word: &str) -> (usize, usize) {
    let quoted = serde_json::to_string(word).expect("a text is JSON");
    for (line_idx, line) in text.lines().enumerate() {
        if let Some(at) = line.find(&quoted) {
            return (line_idx + 1, line[..at].chars().count() + 1);
        }
    }
    (1, 1)
}
