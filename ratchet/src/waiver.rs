//! Waivers: one small TOML file each under `ratchet/waivers/`. A waiver that has expired or gives
//! no reason fails the check.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::atomic::{WriteError, write_atomic};
use tollgate_report::{Day, Finding, Place, Timestamp};

use crate::floors::Floors;

/// The only scope: the metric as a whole.
pub const SCOPE_REPOSITORY: &str = "repository";

/// Permission to be worse than a floor until a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Its file, relative to the repository.
    pub file: String,
    /// Id of the metric.
    pub metric: String,
    /// What it covers: `repository`.
    pub scope: String,
    /// The person who is responsible for it; empty when the file names none.
    pub owner: String,
    /// The reason; empty when the file gives none.
    pub reason: String,
    /// The last day, `YYYY-MM-DD` in UTC; absent when the file gives none.
    pub expires: Option<String>,
    /// The worst value that it allows; absent when it allows any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverFile {
    metric: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    reason: String,
    expires: Option<toml::value::Datetime>,
    limit: Option<f64>,
}

/// A waiver cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WaiverError {
    /// The folder or a file cannot be read.
    #[error("cannot read the waivers in `{path}`")]
    Read {
        /// Folder or file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file is not a waiver.
    #[error(
        "cannot read the waiver in `{file}:{line}:{column}`: {message}\n\nhint: a waiver has `metric`, `scope`, `owner`, `reason` and `expires = 2026-12-31`; `{{tollgate}} ratchet waive` writes one"
    )]
    Form {
        /// The file.
        file: String,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The file cannot be written.
    #[error("cannot write the waiver")]
    Write(#[from] WriteError),
}

impl Waiver {
    /// Reads one file's text.
    pub fn parse(text: &str, file: &str) -> Result<Self, WaiverError> {
        let form = |offset: usize, message: String| {
            let before = text.get(..offset).unwrap_or(text);
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            WaiverError::Form {
                file: file.to_owned(),
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                message,
            }
        };
        let waiver: WaiverFile = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            form(offset, error.message().trim().replace('\n', ", "))
        })?;
        let expires = match waiver.expires {
            None => None,
            Some(toml::value::Datetime {
                date: Some(date),
                time: None,
                offset: None,
            }) => {
                let text_of_day = date.to_string();
                if Day::from_date(&text_of_day).is_none() {
                    let offset = text.find("expires").unwrap_or(0);
                    return Err(form(offset, format!("there is no day `{text_of_day}`")));
                }
                Some(text_of_day)
            }
            Some(other) => {
                let offset = text.find("expires").unwrap_or(0);
                return Err(form(offset, format!("`{other}` is not a date")));
            }
        };
        if waiver.limit.is_some_and(|limit| !limit.is_finite()) {
            let offset = text.find("limit").unwrap_or(0);
            return Err(form(offset, "its limit is not a finite number".to_owned()));
        }
        Ok(Self {
            file: file.to_owned(),
            metric: waiver.metric,
            scope: waiver.scope,
            owner: waiver.owner,
            reason: waiver.reason,
            expires,
            limit: waiver.limit,
        })
    }

    /// The file's text.
    #[must_use]
    pub fn render(&self) -> String {
        let quote = |text: &str| toml::Value::from(text).to_string();
        let mut text = format!(
            "metric = {}\nscope = {}\nowner = {}\nreason = {}\n",
            quote(&self.metric),
            quote(&self.scope),
            quote(&self.owner),
            quote(&self.reason)
        );
        if let Some(expires) = &self.expires {
            text.push_str(&format!("expires = {expires}\n"));
        }
        if let Some(limit) = self.limit {
            text.push_str(&format!("limit = {}\n", toml::Value::Float(limit)));
        }
        text
    }

    /// Loads all `*.toml` of a folder, sorted by name; a missing folder has none.
    pub fn load_all(folder: &Path) -> Result<Vec<Self>, WaiverError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |source| WaiverError::Read { path, source }
        };
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(fail(folder)(source)),
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(fail(folder))?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                paths.push(path);
            }
        }
        paths.sort();
        paths
            .iter()
            .map(|path| {
                let text = fs::read_to_string(path).map_err(fail(path))?;
                Self::parse(&text, &path.to_string_lossy().replace('\\', "/"))
            })
            .collect()
    }

    /// Writes the waiver to `path`, atomically.
    pub fn save(&self, path: &Path) -> Result<(), WaiverError> {
        Ok(write_atomic(path, self.render().as_bytes())?)
    }

    /// Its last day; absent when the file gives none.
    #[must_use]
    pub fn last_day(&self) -> Option<Day> {
        Day::from_date(self.expires.as_deref()?)
    }

    /// The first moment at which it is no longer in force: the day after `expires`, 00:00 UTC.
    #[must_use]
    pub fn ends(&self) -> Option<Timestamp> {
        Some(self.last_day()?.ends())
    }

    /// Whether it is in force at `now`: complete, of a known scope and not expired.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.missing().is_empty()
            && self.scope == SCOPE_REPOSITORY
            && self.ends().is_some_and(|ends| now < ends)
    }

    /// Whether it ends later than so many days from now.
    #[must_use]
    pub fn is_too_long(&self, now: Timestamp, days_max: u32) -> bool {
        let latest = Day::of(now).plus_days(days_max);
        self.last_day().is_some_and(|last| last > latest)
    }

    fn missing(&self) -> Vec<&'static str> {
        let fields = [
            ("scope", self.scope.trim().is_empty()),
            ("owner", self.owner.trim().is_empty()),
            ("reason", self.reason.trim().is_empty()),
            ("expires", self.expires.is_none()),
        ];
        fields
            .into_iter()
            .filter(|(_, is_missing)| *is_missing)
            .map(|(name, _)| name)
            .collect()
    }
}

/// What the faults of waivers depend on.
#[derive(Debug, Clone, Copy)]
pub struct WaiverRules<'a> {
    /// The floors that waivers may be about.
    pub floors: &'a Floors,
    /// Floors of the base: a waiver may be about one that was removed.
    pub base: Option<&'a Floors>,
    /// The time of the check.
    pub now: Timestamp,
    /// The longest time from now to the end of a waiver, in days.
    pub days_max: u32,
}

/// The faults of the waivers: `waiver-unexplained`, `waiver-expired`, `waiver-too-long`,
/// `waiver-scope-unknown`, `waiver-without-floor`, each an error.
#[must_use]
pub fn check_waivers(waivers: &[Waiver], rules: &WaiverRules<'_>) -> Vec<Finding> {
    waivers
        .iter()
        .filter_map(|waiver| check_waiver(waiver, rules))
        .collect()
}

fn check_waiver(waiver: &Waiver, rules: &WaiverRules<'_>) -> Option<Finding> {
    let metric = &waiver.metric;
    let missing = waiver.missing();
    let has_floor = rules.floors.0.contains_key(metric)
        || rules.base.is_some_and(|base| base.0.contains_key(metric));
    let finding = if !missing.is_empty() {
        let message = format!("the waiver of `{metric}` lacks its {}", missing.join(", "));
        Finding::error("waiver-unexplained", message)
            .because("nobody is responsible for a waiver without an owner, and without a reason and an end it is a loosened floor")
            .fix("add the missing lines, or delete the file")
    } else if waiver.scope != SCOPE_REPOSITORY {
        let message = format!(
            "the waiver of `{metric}` has the unknown scope `{}`",
            waiver.scope
        );
        Finding::error("waiver-scope-unknown", message)
            .fix(format!("write `scope = \"{SCOPE_REPOSITORY}\"`"))
    } else if !has_floor {
        let message = format!("the waiver is about `{metric}`, which has no floor");
        let hint = match rules.floors.did_you_mean(metric) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "delete the file".to_owned(),
        };
        Finding::error("waiver-without-floor", message).fix(hint)
    } else {
        out_of_time(waiver, rules)?
    };
    Some(finding.at(Place::file(&waiver.file)))
}

fn out_of_time(waiver: &Waiver, rules: &WaiverRules<'_>) -> Option<Finding> {
    let metric = &waiver.metric;
    let expires = waiver.expires.as_deref().unwrap_or_default();
    let finding = if waiver.is_too_long(rules.now, rules.days_max) {
        let latest = Day::of(rules.now).plus_days(rules.days_max);
        let message = format!(
            "the waiver of `{metric}` expires on {expires}, and {latest} is the last day that is allowed today"
        );
        Finding::error("waiver-too-long", message)
            .because(format!(
                "`waiver_days_max` in the section [ratchet] of tollgate.toml is {}",
                rules.days_max
            ))
            .fix(format!("write `expires = {latest}` or an earlier day"))
    } else if !waiver.is_live(rules.now) {
        let message = match waiver.ends() {
            Some(_) => format!("the waiver of `{metric}` expired after {expires}"),
            None => format!("the waiver of `{metric}` expires on `{expires}`, which is not a day"),
        };
        Finding::error("waiver-expired", message)
            .because(format!(
                "its owner is `{}`: {}",
                waiver.owner, waiver.reason
            ))
            .fix("improve the metric and delete the file, or replace it by a new waiver")
    } else {
        return None;
    };
    Some(finding)
}
