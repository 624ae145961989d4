//! What `tests/tidy/known.toml` lists: findings that are still in the tree. The lists only shrink.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::tree;

/// The file, from the root of the repository.
pub const FILE: &str = "tests/tidy/known.toml";

/// How many findings of one rule each top-level folder may still have.
pub type Counts = BTreeMap<String, usize>;

/// The content of the file.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Import circles, each as its sorted files.
    #[serde(default)]
    pub circles: BTreeSet<Vec<String>>,
    /// Circles that stay, such as data types that contain each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub harmless: Vec<Harmless>,
    /// Rule → folder → findings.
    #[serde(default)]
    pub counts: BTreeMap<String, Counts>,
}

/// A circle that stays, and why.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Harmless {
    pub files: Vec<String>,
    pub reason: String,
}

impl Known {
    /// Whether a circle may stay.
    #[must_use]
    pub fn is_harmless(&self, circle: &[String]) -> bool {
        self.harmless
            .iter()
            .any(|harmless| harmless.files == circle)
    }

    /// Reads the file.
    ///
    /// # Panics
    /// When the file is missing or malformed.
    #[must_use]
    pub fn load() -> Known {
        let text = std::fs::read_to_string(tree::root().join(FILE))
            .expect("tests/tidy/known.toml is committed");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"))
    }

    /// Compares findings of a rule with the numbers that are allowed; returns those of folders with
    /// more, and nothing when all is well.
    #[must_use]
    pub fn too_many(&self, rule: &str, findings: &[Finding]) -> String {
        let mut text = String::new();
        for (folder, n) in count(findings) {
            let allowed = self
                .counts
                .get(rule)
                .and_then(|counts| counts.get(&folder))
                .copied()
                .unwrap_or(0);
            if n > allowed {
                text.push_str(&format!("{folder}: {n} findings, {allowed} allowed\n"));
                for finding in findings
                    .iter()
                    .filter(|one| tree::area(&one.path) == folder)
                {
                    text.push_str(&format!("  {finding}\n"));
                }
            }
        }
        text
    }
}

/// One place that breaks a rule.
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Findings by top-level folder.
#[must_use]
pub fn count(findings: &[Finding]) -> Counts {
    let mut counts = Counts::new();
    for finding in findings {
        *counts
            .entry(tree::area(&finding.path).to_owned())
            .or_default() += 1;
    }
    counts
}
