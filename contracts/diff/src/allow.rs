//! Changes that someone agreed to: entries of the settings with a reason and a last day, and lines
//! of oasdiff's ignore files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::{Day, Finding};

use crate::change::{Change, Level};
use crate::oasdiff::PeerFinding;
use crate::settings::{DiffSettings, Stability};

/// One agreed change, or all of a kind. All given fields must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Allowed {
    /// The fingerprint that `contract diff` prints. Default: any.
    pub fingerprint: Option<String>,
    /// The code, or oasdiff's id. Default: any.
    pub code: Option<String>,
    /// The operation, such as `GET /orders`. Default: any.
    pub operation: Option<String>,
    /// Why the change is agreed to; required.
    pub reason: String,
    /// The last day on which it is agreed to, `YYYY-MM-DD`; required.
    pub expires: String,
}

/// `[contracts.diff]`: how contracts are compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompareSettings {
    /// Days from deprecation to sunset of what is beta; 0 requires no sunset. Default 0.
    pub deprecation_days_beta: u32,
    /// Days from deprecation to sunset of what is stable; 0 requires no sunset. Default 0.
    pub deprecation_days_stable: u32,
    /// Operations below this level (`x-stability-level`) may change as they like. Default `beta`.
    pub stability_level: Stability,
    /// For how many breaking changes a value is sought that shows the break. Default 100.
    pub witnesses_max: usize,
    /// Changes that are agreed to. Default: none.
    pub allow: Vec<Allowed>,
}

impl Default for CompareSettings {
    fn default() -> Self {
        Self {
            deprecation_days_beta: 0,
            deprecation_days_stable: 0,
            stability_level: Stability::Beta,
            witnesses_max: 100,
            allow: Vec::new(),
        }
    }
}

impl CompareSettings {
    /// What a comparison on this day is told.
    #[must_use]
    pub fn on(&self, today: Day) -> DiffSettings {
        DiffSettings {
            today: Some(today),
            deprecation_days_beta: self.deprecation_days_beta,
            deprecation_days_stable: self.deprecation_days_stable,
            stability_level: self.stability_level,
            witnesses_max: self.witnesses_max,
        }
    }
}

impl Allowed {
    fn fits(&self, change: &Change) -> bool {
        let is_code =
            |code: &String| *code == change.code || Some(code) == change.alias_oasdiff.as_ref();
        let is_any = self.fingerprint.is_none() && self.code.is_none() && self.operation.is_none();
        let fingerprint = self.fingerprint.as_ref();
        let operation = self.operation.as_ref();
        !is_any
            && fingerprint.is_none_or(|fingerprint| *fingerprint == change.fingerprint())
            && self.code.as_ref().is_none_or(is_code)
            && operation.is_none_or(|operation| change.operations.contains(operation))
    }
}

/// Takes agreed changes out. Returns them with the reason, and findings about entries that are
/// wrong, have expired or fit nothing.
#[must_use]
pub fn take_allowed(
    changes: &mut Vec<Change>,
    allowed: &[Allowed],
    today: Day,
) -> (Vec<(Change, String)>, Vec<Finding>) {
    let mut taken = Vec::new();
    let mut findings = Vec::new();
    for entry in allowed {
        let name = entry.fingerprint.as_ref().or(entry.code.as_ref());
        let name = name.or(entry.operation.as_ref()).map_or("", String::as_str);
        let problem = match entry.expires.parse::<Day>() {
            _ if entry.reason.trim().is_empty() => Some("has no reason".to_owned()),
            Err(error) => Some(format!("has no last day: {error}")),
            Ok(last) if last < today => Some(format!("has expired on {last}")),
            Ok(_) => None,
        };
        if let Some(problem) = problem {
            let text = format!("the allowed change `{name}` {problem}");
            findings.push(
                Finding::warning("allowed-change-not-used", text)
                    .fix("extend the entry with a reason and a later day, or remove it"),
            );
            continue;
        }
        let (fitting, kept) = std::mem::take(changes)
            .into_iter()
            .partition::<Vec<_>, _>(|change| entry.fits(change));
        *changes = kept;
        taken.extend(
            fitting
                .into_iter()
                .map(|change| (change, entry.reason.clone())),
        );
    }
    (taken, findings)
}

/// Removes the changes of one level that are named by lines of an oasdiff ignore file. A line names
/// the method and path of an operation, and either `[id]` or the text of the finding. Of the
/// findings of that operation, a line matches those whose values are all in the line and that share
/// the most words with it.
#[must_use]
pub fn take_ignored(
    changes: &mut Vec<Change>,
    peer: &[PeerFinding],
    lines: &str,
    level: Level,
) -> Vec<Change> {
    let mut ignored: Vec<(&str, &'static str)> = Vec::new();
    for line in lines.lines().map(str::to_lowercase) {
        let scored: Vec<(usize, &PeerFinding)> = peer
            .iter()
            .filter(|finding| finding.level == level)
            .filter_map(|finding| Some((score(&line, finding)?, finding)))
            .collect();
        let best = scored.iter().map(|(score, _)| *score).max();
        let hits = scored.iter().filter(|(score, _)| Some(*score) == best);
        ignored.extend(hits.map(|(_, finding)| (finding.operation.as_str(), finding.id)));
    }
    let mut taken = Vec::new();
    changes.retain_mut(|change| {
        let Some(alias) = change.alias_oasdiff.clone() else {
            return true;
        };
        let is_ignored = |operation: &str| ignored.contains(&(operation, alias.as_str()));
        if change.operations.is_empty() {
            if is_ignored("") {
                taken.push(change.clone());
                return false;
            }
            return true;
        }
        let (gone, kept): (Vec<String>, Vec<String>) = std::mem::take(&mut change.operations)
            .into_iter()
            .partition(|operation| is_ignored(operation));
        if kept.is_empty() {
            change.operations = gone;
            taken.push(change.clone());
            return false;
        }
        change.operation = kept.first().cloned();
        change.operations = kept;
        true
    });
    taken
}

/// How well a line, in lower case, names a finding; none when it names another.
fn score(line: &str, finding: &PeerFinding) -> Option<usize> {
    let place = if finding.method.is_empty() {
        String::new()
    } else {
        format!("{} {}", finding.method, finding.path).to_lowercase()
    };
    let is_place = place.is_empty()
        || line
            .split_once(&place)
            .is_some_and(|(_, rest)| rest.is_empty() || rest.starts_with([' ', '\t', ',', ':']));
    if !is_place {
        return None;
    }
    if line.contains(&format!("[{}]", finding.id)) {
        return Some(usize::MAX);
    }
    // What is outside operations is only named by a line without one.
    if place.is_empty() && line.split_whitespace().any(|word| word.starts_with('/')) {
        return None;
    }
    let has_args = finding
        .args
        .iter()
        .all(|arg| line.contains(arg.to_lowercase().trim_matches('/')));
    let says = |word: &&str| {
        let others: &[&str] = match *word {
            "removed" => &["removed", "deleted"],
            "added" | "new" => &["added", "new"],
            "set" => &["set", "limited"],
            word => return line.contains(word),
        };
        others.iter().any(|other| line.contains(other))
    };
    let n_words = finding.id.split('-').filter(|word| word.len() > 2).count();
    let n_said = finding
        .id
        .split('-')
        .filter(|word| word.len() > 2)
        .filter(says)
        .count();
    (has_args && n_said * 2 > n_words).then_some(n_said * 100 / n_words.max(1))
}
