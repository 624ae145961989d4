//! A set of rules as it runs: which rules are on, their levels, and where they differ.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_contracts_model::pattern::Patterns;
use tollgate_report::{Finding, Place, suggest};

use crate::rule::{Rule, RuleLevel};
use crate::rules;

/// Which rules run and how much they matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LintSettings {
    /// A ruleset in the format of Spectral (`.spectral.yaml`), relative to the repository; it
    /// takes the place of the recommended rules. Default: none.
    pub ruleset: Option<String>,
    /// Level by rule name; a rule that is not named keeps its own level. Default: none.
    pub rules: BTreeMap<String, RuleLevel>,
    /// Whether Tollgate's own rules run (permission, budget class and error response of each
    /// operation, naming, pagination). Default: false.
    pub own_rules: bool,
}

/// Rules with their levels. Made by [`Ruleset::recommended`] or
/// [`load_ruleset`](crate::load_ruleset).
pub struct Ruleset {
    /// The file it was read from; absent for the recommended rules.
    pub(crate) file: Option<String>,
    pub(crate) rules: BTreeMap<String, Rule>,
    pub(crate) overrides: Vec<Override>,
    /// Problems of the ruleset itself.
    pub(crate) findings: Vec<Finding>,
    pub(crate) patterns: Patterns,
}

/// Rules that differ in some files, or in parts of them.
pub(crate) struct Override {
    /// Patterns of files, each with the pointer below which it holds; empty for the whole file.
    pub(crate) files: Vec<(String, String)>,
    /// The rules that the files get instead, by name; nothing for levels alone.
    pub(crate) rules: Option<BTreeMap<String, Rule>>,
    /// Levels by rule name.
    pub(crate) levels: Vec<(String, RuleLevel)>,
}

/// The level of a rule below a pointer.
pub(crate) struct LevelAt {
    pub(crate) rule: String,
    pub(crate) glob: String,
    pub(crate) pointer: String,
    pub(crate) level: RuleLevel,
}

impl Ruleset {
    /// The recommended rules of Spectral's `oas` and `asyncapi` sets.
    #[must_use]
    pub fn recommended() -> Self {
        let patterns = Patterns::default();
        let rules = ["spectral:oas", "spectral:asyncapi"]
            .into_iter()
            .flat_map(|set| rules::rules_of(set, &patterns))
            .map(|rule| (rule.name.clone(), rule))
            .collect();
        Self {
            file: None,
            rules,
            overrides: Vec::new(),
            findings: Vec::new(),
            patterns,
        }
    }

    /// All rules of all sets, ours too.
    #[must_use]
    pub fn all() -> Self {
        let mut ruleset = Self::recommended();
        ruleset.add_own_rules();
        for rule in ruleset.rules.values_mut() {
            rule.is_enabled = true;
        }
        ruleset
    }

    /// The same rules with Tollgate's own.
    pub(crate) fn add_own_rules(&mut self) {
        for rule in rules::rules_of("tollgate:own", &self.patterns) {
            self.rules.entry(rule.name.clone()).or_insert(rule);
        }
    }

    /// The same rules with the levels of the settings. A setting for an unknown rule becomes a
    /// finding (`lint-unknown-rule`) of the file `settings`.
    #[must_use]
    pub fn with_settings(mut self, settings: &LintSettings, settings_file: &str) -> Self {
        if settings.own_rules {
            self.add_own_rules();
        }
        for (name, level) in &settings.rules {
            if !self.rules.contains_key(name) {
                let own = rules::rules_of("tollgate:own", &self.patterns);
                if let Some(rule) = own.into_iter().find(|rule| rule.name == *name) {
                    self.rules.insert(name.clone(), rule);
                }
            }
            match self.rules.get_mut(name) {
                Some(rule) => {
                    rule.level = *level;
                    rule.is_enabled = *level != RuleLevel::Off;
                }
                None => self.findings.push(self.unknown_rule(name, settings_file)),
            }
        }
        self
    }

    fn unknown_rule(&self, name: &str, file: &str) -> Finding {
        let finding = Finding::warning(
            "lint-unknown-rule",
            format!("the settings name a rule `{name}` that is not there"),
        )
        .at(Place::file(file));
        match nearest_rule(name, self.rules.keys().map(String::as_str)) {
            Some(nearest) => finding.fix(format!("did you mean `{nearest}`?")),
            None => finding.fix("remove it"),
        }
    }

    /// Problems of the ruleset itself: parts that cannot run, are not fetched, or are unknown.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The level of a rule; off when it does not run.
    #[must_use]
    pub fn level(&self, name: &str) -> RuleLevel {
        let rule = self.rules.get(name).filter(|rule| rule.is_enabled);
        rule.map_or(RuleLevel::Off, |rule| rule.level)
    }

    /// The names of the rules that are on, sorted.
    #[must_use]
    pub fn enabled(&self) -> Vec<&str> {
        let rules = self.rules.values();
        let on = rules.filter(|rule| rule.is_enabled && rule.level != RuleLevel::Off);
        on.map(|rule| rule.name.as_str()).collect()
    }

    /// The rules for one file, and the levels that hold in parts of files.
    pub(crate) fn for_file(&self, file: &str) -> (BTreeMap<&str, Rule>, Vec<LevelAt>) {
        let mut rules: BTreeMap<&str, Rule> = self
            .rules
            .iter()
            .map(|(name, rule)| (name.as_str(), rule.clone()))
            .collect();
        let mut parts = Vec::new();
        for change in &self.overrides {
            for (glob, pointer) in &change.files {
                if pointer.is_empty() {
                    continue;
                }
                parts.extend(change.levels.iter().map(|(rule, level)| LevelAt {
                    rule: rule.clone(),
                    glob: glob.clone(),
                    pointer: pointer.clone(),
                    level: *level,
                }));
            }
            let is_whole = change
                .files
                .iter()
                .any(|(glob, pointer)| pointer.is_empty() && self.is_file(glob, file));
            if !is_whole {
                continue;
            }
            for (name, rule) in change.rules.iter().flatten() {
                rules.insert(name.as_str(), rule.clone());
            }
            for (name, level) in &change.levels {
                if let Some(rule) = rules.get_mut(name.as_str()) {
                    rule.is_enabled = *level != RuleLevel::Off;
                    if rule.is_enabled {
                        rule.level = *level;
                    }
                }
            }
        }
        // A rule that is off may be on in parts.
        for part in &parts {
            if let Some(rule) = rules
                .get_mut(part.rule.as_str())
                .filter(|rule| !rule.is_enabled)
            {
                rule.is_enabled = true;
                rule.level = RuleLevel::Off;
            }
        }
        (rules, parts)
    }

    /// Whether a pattern of files, relative to the ruleset, names a file.
    pub(crate) fn is_file(&self, glob: &str, file: &str) -> bool {
        let folder = self.file.as_deref().and_then(|file| file.rsplit_once('/'));
        let relative = match folder {
            Some((folder, _)) => file
                .strip_prefix(folder)
                .unwrap_or(file)
                .trim_start_matches('/'),
            None => file,
        };
        let relative = relative.trim_start_matches("./");
        matches_glob(glob.trim_start_matches("./"), relative)
    }
}

/// The rule whose name is nearest to a word.
pub(crate) fn nearest_rule<'a>(
    word: &str,
    names: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let mut all: Vec<&str> = names.collect();
    all.extend(rules::names().into_iter().map(|(name, _)| name));
    suggest::nearest(word, all)
}

/// Whether a glob (`*`, `**`, `?`, `{a,b}`, `[ab]`) matches a path with `/`.
pub(crate) fn matches_glob(glob: &str, path: &str) -> bool {
    if let Some((before, rest)) = glob.split_once('{')
        && let Some((inner, after)) = rest.split_once('}')
    {
        return inner
            .split(',')
            .any(|word| matches_glob(&format!("{before}{word}{after}"), path));
    }
    let glob: Vec<char> = glob.chars().collect();
    let path: Vec<char> = path.chars().collect();
    let mut budget = 100_000;
    glob_from(&glob, &path, &mut budget)
}

fn glob_from(glob: &[char], path: &[char], budget: &mut u32) -> bool {
    if *budget == 0 {
        return false;
    }
    *budget -= 1;
    match glob {
        [] => path.is_empty(),
        ['*', '*', '/', rest @ ..] => {
            glob_from(rest, path, budget)
                || (0..path.len())
                    .filter(|at| path[*at] == '/')
                    .any(|at| glob_from(rest, &path[at + 1..], budget))
        }
        ['*', '*'] => true,
        ['*', rest @ ..] => {
            let end = path
                .iter()
                .position(|letter| *letter == '/')
                .unwrap_or(path.len());
            (0..=end).any(|at| glob_from(rest, &path[at..], budget))
        }
        ['?', rest @ ..] => {
            path.first().is_some_and(|letter| *letter != '/') && glob_from(rest, &path[1..], budget)
        }
        ['[', rest @ ..] => {
            let Some(end) = rest.iter().position(|letter| *letter == ']') else {
                return false;
            };
            let is_in = |letter: char| rest[..end].contains(&letter);
            path.first().is_some_and(|letter| is_in(*letter))
                && glob_from(&rest[end + 1..], &path[1..], budget)
        }
        [letter, rest @ ..] => path.first() == Some(letter) && glob_from(rest, &path[1..], budget),
    }
}

#[cfg(test)]
mod tests {
    use super::matches_glob;

    #[test]
    fn globs_match_as_in_minimatch() {
        for (glob, path) in [
            ("*.yaml", "a.yaml"),
            ("**/*.yaml", "a.yaml"),
            ("**/*.yaml", "a/b/c.yaml"),
            ("v1/**", "v1/a/b.json"),
            ("{a,b}.json", "b.json"),
            ("a?.json", "ab.json"),
            ("[ab].json", "a.json"),
        ] {
            assert!(matches_glob(glob, path), "{glob} {path}");
        }
        for (glob, path) in [
            ("*.yaml", "a/b.yaml"),
            ("a.json", "b.json"),
            ("v1/**", "v2/a"),
        ] {
            assert!(!matches_glob(glob, path), "{glob} {path}");
        }
    }
}
