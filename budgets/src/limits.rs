//! `budgets/performance_sla.json`: the promises, target and critical each. It must not judge.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, schema_for};
use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
#[error("read `{0}` as a statistic: `p50`, `p95`, `p99.9`, `rate` or `value` was expected")]
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

/// Which side of the limit is good.
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
    /// What is wrong with it, if anything.
    fn fault(&self) -> Option<String> {
        let (target, critical) = (self.target, self.critical);
        if !(target.is_finite() && critical.is_finite() && target >= 0.0 && critical >= 0.0) {
            return Some("target and critical must be finite and not negative".to_owned());
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
                "a limit on `{}` can't be in `{}`",
                self.statistic, self.unit
            ));
        }
        let is_provable = |share: f64| share > 0.0 && share < 100.0;
        if is_rate && !(is_provable(target) && is_provable(critical)) {
            return Some("no number of samples proves a rate of 0% or 100%".to_owned());
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
    /// What the numbers are, for readers of the file.
    #[serde(default)]
    pub about: String,
    /// Limits by id, such as `api.latency.p95`.
    #[serde(deserialize_with = "without_duplicates")]
    pub limits: BTreeMap<String, Limit>,
    /// What operations of a class get, by class.
    #[serde(default, deserialize_with = "without_duplicates")]
    pub classes: BTreeMap<String, OperationLimit>,
    /// What single operations get instead, by operation id of the contract.
    #[serde(default, deserialize_with = "without_duplicates")]
    pub operations: BTreeMap<String, OperationLimit>,
}

/// The file can't be used. The text names file, line and column, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LimitsError {
    /// The file can't be read.
    #[error(
        "read the budgets in `{path}`\n\nhint: name the right file as `file` under [budgets] in tollgate.toml"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not of the form of version 1.
    #[error("read the budgets in `{file}:{line}:{column}`: {message}\n\nhint: {hint}")]
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
            form(place, without_place(&error), hint)
        })?;
        if budgets.version != LIMITS_VERSION {
            let message = format!("version `{}` is not `{LIMITS_VERSION}`", budgets.version);
            let hint = "use the tollgate that the file was written for";
            return Err(form(key_place(text, "version"), message, hint));
        }
        let operations = budgets.classes.iter().chain(&budgets.operations);
        let operations = operations.map(|(id, limit)| (id, limit.limit(id)));
        let limits = budgets.limits.iter().map(|(id, limit)| (id, limit.clone()));
        for (id, limit) in limits.chain(operations) {
            if let Some(fault) = limit.fault() {
                let message = format!("`{id}` is no limit: {fault}");
                return Err(form(key_place(text, id), message, "mend that line"));
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
            let message = format!("`{id}` is no limit: operations have a percentile of a time");
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
        let text = fs::read_to_string(path).map_err(|source| LimitsError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, &path.to_string_lossy())
    }

    /// The JSON Schema of the file.
    #[must_use]
    pub fn schema() -> Schema {
        schema_for!(Self)
    }
}

/// serde_json lets the last of two equal keys win; a promise must not vanish so.
fn without_duplicates<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    struct Entries<T>(PhantomData<T>);
    impl<'de, T: DeserializeOwned> Visitor<'de> for Entries<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of limits by id")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = BTreeMap::new();
            while let Some(id) = map.next_key::<String>()? {
                let entry = map.next_value()?;
                if entries.insert(id.clone(), entry).is_some() {
                    return Err(A::Error::custom(format!("`{id}` is there twice")));
                }
            }
            Ok(entries)
        }
    }
    deserializer.deserialize_map(Entries(PhantomData))
}

/// The text of a JSON error without the position at its end.
pub(crate) fn without_place(error: &serde_json::Error) -> String {
    let whole = error.to_string();
    let text = whole
        .rsplit_once(" at line ")
        .map_or(whole.as_str(), |(text, _)| text);
    text.to_owned()
}

/// Line and column, from 1, of the first quoted `word` in the text; 1:1 when it is not there.
pub(crate) fn key_place(text: &str, word: &str) -> (usize, usize) {
    let quoted = serde_json::to_string(word).expect("a text is JSON");
    for (line_idx, line) in text.lines().enumerate() {
        if let Some(at) = line.find(&quoted) {
            return (line_idx + 1, line[..at].chars().count() + 1);
        }
    }
    (1, 1)
}
