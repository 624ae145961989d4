//! `quality_ratchet.json`: the committed floors, sorted, one metric on each line, without totals.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::atomic::{WriteError, write_atomic};
use tollgate_report::json::{message, unique_keys};
use tollgate_report::suggest::nearest;

use crate::catalogue::Catalogue;
use crate::metric::{Direction, Unit};

/// Version of the file's form.
pub const FLOORS_VERSION: u32 = 1;
/// The command that writes the file, named in its first line. Files that name another are accepted.
const MADE_BY: &str = "tollgate ratchet tighten";
/// Floors have six decimals, rounded to the side on which the measured value still passes.
const DECIMALS: f64 = 1e6;

/// The floor of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Unit of the floor.
    pub unit: Unit,
    /// Which way is better.
    pub direction: Direction,
    /// The value to keep, finite; 0 when the direction is `zero`.
    pub floor: f64,
    /// For noisy metrics: how far, in percent of the floor, a value may be worse; 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance_percent: Option<f64>,
}

impl Floor {
    /// The fault of this floor, if any.
    fn fault(&self) -> Option<String> {
        if !self.floor.is_finite() {
            return Some("its floor is not a finite number".to_owned());
        }
        if self.direction == Direction::Zero && self.floor != 0.0 {
            return Some(format!(
                "its direction is `zero` and its floor is `{}`",
                self.floor
            ));
        }
        let tolerance = self.tolerance_percent.unwrap_or(0.0);
        (!(0.0..=100.0).contains(&tolerance))
            .then(|| format!("its tolerance `{tolerance}` is not from 0 to 100 percent"))
    }
}

/// `value` to six decimals, never on the side of the floor where `value` itself would fail.
#[must_use]
pub fn rounded(direction: Direction, value: f64) -> f64 {
    if value.abs() > 1e9 {
        return value;
    }
    let scaled = value * DECIMALS;
    let nearest = scaled.round() / DECIMALS;
    if !direction.is_worse(value, nearest) {
        return nearest;
    }
    match direction {
        Direction::Up => scaled.floor() / DECIMALS,
        Direction::Down | Direction::Zero => scaled.ceil() / DECIMALS,
    }
}

/// All floors by metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Floors(pub BTreeMap<String, Floor>);

/// The floors file cannot be used. The text names the file, the line and the column.
#[derive(Debug, thiserror::Error)]
pub enum FloorsError {
    /// The file cannot be read.
    #[error(
        "cannot read the floors in `{path}`: {cause}\n\nhint: `{{tollgate}} ratchet tighten` creates the file"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
    /// The file is not of the form of version 1.
    #[error("cannot read the floors in `{file}:{line}:{column}`: {message}\n\nhint: {hint}")]
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
    /// The file cannot be written.
    #[error("cannot write the floors")]
    Write(#[from] WriteError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FloorsFile {
    #[serde(rename = "made_by")]
    _made_by: Option<String>,
    version: u32,
    #[serde(deserialize_with = "unique_keys")]
    metrics: BTreeMap<String, Floor>,
}

impl Floors {
    /// The floors of the reference system, for comparison, and of the user's metrics that name one.
    #[must_use]
    pub fn defaults(catalogue: &Catalogue) -> Self {
        let floors = catalogue.iter().filter_map(|metric| {
            let floor = Floor {
                unit: metric.unit.clone(),
                direction: metric.direction,
                floor: metric.default_floor?,
                tolerance_percent: metric.tolerance_percent,
            };
            Some((metric.id.clone(), floor))
        });
        Self(floors.collect())
    }

    /// Reads the file's text; `file` is its name in error texts. Any metric is accepted.
    pub fn parse(text: &str, file: &str) -> Result<Self, FloorsError> {
        let form = |line, column, message: String, hint: &str| FloorsError::Form {
            file: file.to_owned(),
            line,
            column,
            message,
            hint: hint.to_owned(),
        };
        let marker = ["<<<<<<<", "=======", ">>>>>>>"];
        let conflict = text
            .lines()
            .position(|line| marker.iter().any(|mark| line.starts_with(mark)));
        if let Some(line_idx) = conflict {
            let hint = "undo the merge, run `{tollgate} setup --hook`, which installs the merge driver \
                        `{tollgate} ratchet merge`, and merge again; it keeps the stricter floor of both sides";
            return Err(form(
                line_idx + 1,
                1,
                "the file contains the markers of a merge conflict".to_owned(),
                hint,
            ));
        }
        let floors: FloorsFile = serde_json::from_str(text).map_err(|error| {
            let message = message(&error);
            let hint = if message.starts_with("missing field `unit`") {
                "add the unit, such as `\"unit\": \"%\"`, `\"s\"` or `\"count\"`"
            } else {
                "fix that line, or restore the file with `git checkout -- FILE` and run \
                 `{tollgate} ratchet tighten`"
            };
            form(error.line().max(1), error.column().max(1), message, hint)
        })?;
        if floors.version != FLOORS_VERSION {
            let (line, column) = key_place(text, "version");
            let message = format!(
                "its version is `{}`, and only `{FLOORS_VERSION}` is supported",
                floors.version
            );
            return Err(form(
                line,
                column,
                message,
                "use the version of Tollgate that wrote the file",
            ));
        }
        for (id, floor) in &floors.metrics {
            if let Some(fault) = floor.fault() {
                let (line, column) = key_place(text, id);
                let hint = "fix that line; `{tollgate} ratchet tighten` writes valid floors";
                return Err(form(
                    line,
                    column,
                    format!("the floor of `{id}` is not valid: {fault}"),
                    hint,
                ));
            }
        }
        Ok(Self(floors.metrics))
    }

    /// Reads the file's text and rejects metrics that the catalogue does not have.
    pub fn parse_known(text: &str, file: &str, catalogue: &Catalogue) -> Result<Self, FloorsError> {
        let floors = Self::parse(text, file)?;
        for id in floors.0.keys() {
            if catalogue.get(id).is_none() {
                let (line, column) = key_place(text, id);
                let hint = match catalogue.did_you_mean(id) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!(
                        "add the section [ratchet.metrics.{id}] with `unit` and `direction` to tollgate.toml"
                    ),
                };
                return Err(FloorsError::Form {
                    file: file.to_owned(),
                    line,
                    column,
                    message: format!("the metric `{id}` does not exist"),
                    hint,
                });
            }
        }
        Ok(floors)
    }

    /// The file's text: sorted, one metric on each line.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!(
            "{{\n  \"made_by\": \"{MADE_BY}\",\n  \"version\": {FLOORS_VERSION},\n  \"metrics\": {{"
        );
        for (idx, (id, floor)) in self.0.iter().enumerate() {
            let comma = if idx == 0 { "" } else { "," };
            let id = serde_json::to_string(id).expect("a text is JSON");
            let line = serde_json::to_string(floor).expect("a floor is finite");
            let line = line.replace("\":", "\": ").replace(",\"", ", \"");
            write!(text, "{comma}\n    {id}: {line}").expect("a String takes all text");
        }
        text.push_str(if self.0.is_empty() {
            "}\n}\n"
        } else {
            "\n  }\n}\n"
        });
        text
    }

    /// Loads the file and rejects unknown metrics.
    pub fn load(path: &Path, catalogue: &Catalogue) -> Result<Self, FloorsError> {
        let text = fs::read_to_string(path).map_err(|cause| FloorsError::Read {
            path: path.to_owned(),
            cause,
        })?;
        Self::parse_known(&text, &path.to_string_lossy(), catalogue)
    }

    /// Replaces the file atomically.
    pub fn save(&self, path: &Path) -> Result<(), FloorsError> {
        let text = self.render();
        debug_assert_eq!(
            Self::parse(&text, "").ok().as_ref(),
            Some(self),
            "what is written reads back"
        );
        Ok(write_atomic(path, text.as_bytes())?)
    }

    /// The metric with a floor nearest to `id`, when it is near enough to be a typing mistake.
    #[must_use]
    pub fn did_you_mean(&self, id: &str) -> Option<&str> {
        nearest(id, self.0.keys().map(String::as_str))
    }
}

/// Line and column, from 1, of the first `"key":` in the text; 1:1 when there is none.
#[must_use]
pub fn key_place(text: &str, key: &str) -> (usize, usize) {
    let quoted = serde_json::to_string(key).expect("a text is JSON");
    for (line_idx, line) in text.lines().enumerate() {
        if let Some(at) = line.find(&quoted)
            && line[at + quoted.len()..].trim_start().starts_with(':')
        {
            return (line_idx + 1, line[..at].chars().count() + 1);
        }
    }
    (1, 1)
}
