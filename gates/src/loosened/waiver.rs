//! Waivers of what a change loosens: one small TOML file each, with an owner, a reason and an end.

use std::collections::BTreeMap;

use serde::Deserialize;
use tollgate_report::{Day, Finding, Place, Severity, Timestamp};

use crate::failure::Failure;

/// Permission to loosen one thing until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiver {
    pub file: String,
    /// The code of the finding that it allows.
    pub loosens: String,
    /// What it is about, as the finding names it.
    pub scope: String,
    pub owner: String,
    pub reason: String,
    /// The last day on which it applies.
    pub expires: Option<Day>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    loosens: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    reason: String,
    expires: Option<toml::value::Datetime>,
}

impl Waiver {
    pub fn parse(file: &str, text: &str) -> Result<Self, Failure> {
        let read: File = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let line = text.get(..offset).unwrap_or(text).matches('\n').count() + 1;
            Failure::settings(anyhow::anyhow!(
                "cannot read the waiver in `{file}:{line}`: {}",
                error.message().trim().replace('\n', ", ")
            ))
            .hint("a waiver has `loosens`, `scope`, `owner`, `reason` and `expires = 2026-12-31`")
        })?;
        let expires = read.expires.filter(|it| it.time.is_none());
        let expires = expires.and_then(|it| Day::from_date(&it.to_string()));
        Ok(Self {
            file: file.to_owned(),
            loosens: read.loosens,
            scope: read.scope,
            owner: read.owner,
            reason: read.reason,
            expires,
        })
    }

    fn missing(&self) -> Vec<&'static str> {
        let fields = [
            ("loosens", self.loosens.trim().is_empty()),
            ("scope", self.scope.trim().is_empty()),
            ("owner", self.owner.trim().is_empty()),
            ("reason", self.reason.trim().is_empty()),
            ("expires", self.expires.is_none()),
        ];
        let missing = fields.into_iter().filter(|(_, is_missing)| *is_missing);
        missing.map(|(name, _)| name).collect()
    }

    fn words(&self) -> String {
        let until = self.expires.map_or_else(String::new, |day| day.to_string());
        format!("until {until} by `{}`: {}", self.owner, self.reason)
    }
}

/// The waivers of the tree, those of the base, and how long one may last.
#[derive(Debug, Clone)]
pub(super) struct Waivers {
    pub now: Vec<Waiver>,
    pub before: BTreeMap<String, Waiver>,
    pub days_max: u32,
    pub at: Timestamp,
    /// The folder that the fix of a finding names.
    pub folder: String,
}

impl Waivers {
    fn is_live(&self, waiver: &Waiver) -> bool {
        self.fault(waiver).is_none()
    }

    fn fault(&self, waiver: &Waiver) -> Option<Finding> {
        let scope = &waiver.scope;
        let last = Day::of(self.at).plus_days(self.days_max);
        let missing = waiver.missing();
        let finding = match waiver.expires {
            _ if !missing.is_empty() => {
                let message = format!(
                    "the waiver `{}` lacks its {}",
                    waiver.file,
                    missing.join(", ")
                );
                Finding::error("waiver-unexplained", message)
                    .because("nobody is responsible for a waiver without an owner, and without a reason and an end it is a loosened rule")
                    .fix("add the missing lines, or delete the file")
            }
            Some(day) if day.is_over(self.at) => {
                let message = format!("the waiver of `{scope}` expired after {day}");
                Finding::error("waiver-expired", message)
                    .because(format!("its owner is `{}`: {}", waiver.owner, waiver.reason))
                    .fix("restore what it allowed and delete the file, or agree on a new date with its owner")
            }
            Some(day) if day > last => {
                let message = format!(
                    "the waiver of `{scope}` lasts until {day}, and {} days from today end on {last}",
                    self.days_max
                );
                Finding::error("waiver-too-long", message).fix(
                    "choose an earlier day; `days_max` of [waivers] in tollgate.toml is the bound",
                )
            }
            _ => return None,
        };
        Some(finding.at(Place::file(&waiver.file)))
    }

    /// What is wrong with the waivers, and each live one, so that every report shows it.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for waiver in &self.now {
            if let Some(fault) = self.fault(waiver) {
                findings.push(fault);
                continue;
            }
            let message = format!(
                "waiver of `{}` ({}) {}",
                waiver.scope,
                waiver.loosens,
                waiver.words()
            );
            findings.push(Finding::info("waiver-live", message).at(Place::file(&waiver.file)));
            let before = self.before.get(&waiver.file).and_then(|it| it.expires);
            if let (Some(before), Some(now)) = (before, waiver.expires)
                && now > before
            {
                let message = format!(
                    "the waiver of `{}` was extended from {before} to {now}",
                    waiver.scope
                );
                let finding = Finding::warning("waiver-extended", message);
                findings.push(finding.at(Place::file(&waiver.file)));
            }
        }
        findings
    }

    /// The finding as it counts: a warning where a live waiver allows it.
    pub fn apply(&self, scope: &str, finding: Finding) -> Finding {
        let fits = |waiver: &&Waiver| {
            waiver.loosens == finding.code && waiver.scope == scope && self.is_live(waiver)
        };
        let Some(waiver) = self.now.iter().find(fits) else {
            let folder = &self.folder;
            let code = &finding.code;
            let fix = format!(
                "restore it, or agree to it with a file `{folder}/NAME.toml`: `loosens = \"{code}\"`, `scope = \"{scope}\"`, `owner`, `reason`, `expires`"
            );
            return finding.fix(fix);
        };
        let message = format!("{}; waived {}", finding.message, waiver.words());
        let severity = finding.severity.min(Severity::Warning);
        Finding {
            severity,
            message,
            ..finding
        }
    }
}
