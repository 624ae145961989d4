//! Which rules of one ruleset find less in another one.

use std::collections::{BTreeMap, BTreeSet};

use crate::rule::RuleLevel;
use crate::ruleset::Ruleset;

/// A rule that finds less than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    /// The rule's name.
    pub rule: String,
    /// Its level before, or its definition.
    pub before: String,
    /// The same now; below which pointer or in which files, where it is not everywhere.
    pub after: String,
}

/// A rule in some files, below a pointer.
type Part = (String, String, String);

impl Ruleset {
    /// The rules of this set that are off, lower, defined another way, or lower in some files in
    /// `new`.
    #[must_use]
    pub fn loosened(&self, new: &Self) -> Vec<RuleChange> {
        let mut changes: Vec<RuleChange> = Vec::new();
        for name in self.enabled() {
            let (before, after) = (self.level(name), new.level(name));
            if after < before {
                changes.push(change(name, word(before), word(after).to_owned()));
                continue;
            }
            let definition = |ruleset: &Self| {
                let rule = ruleset.rules.get(name);
                rule.and_then(|rule| rule.definition.clone())
            };
            let (before, after) = (definition(self), definition(new));
            if before != after {
                let shown = |text: Option<String>| text.unwrap_or_else(|| "as built in".to_owned());
                changes.push(change(name, &shown(before), shown(after)));
            }
        }
        let everywhere: BTreeSet<String> = changes.iter().map(|it| it.rule.clone()).collect();
        changes.extend(self.loosened_in_parts(new, &everywhere));
        changes
    }

    fn loosened_in_parts(&self, new: &Self, known: &BTreeSet<String>) -> Vec<RuleChange> {
        let (before, after) = (self.parts(), new.parts());
        let keys: BTreeSet<&Part> = before.keys().chain(after.keys()).collect();
        let mut changes = Vec::new();
        for key in keys {
            let (rule, glob, pointer) = key;
            let level = |ruleset: &Self, parts: &BTreeMap<Part, RuleLevel>| {
                parts
                    .get(key)
                    .copied()
                    .unwrap_or_else(|| ruleset.level(rule))
            };
            let (old, now) = (level(self, &before), level(new, &after));
            if now < old && !known.contains(rule) {
                let place = match pointer.as_str() {
                    "" => format!("in `{glob}`"),
                    pointer => format!("in `{glob}#{pointer}`"),
                };
                changes.push(change(rule, word(old), format!("{} {place}", word(now))));
            }
        }
        changes
    }

    /// The levels of rules where overrides name them.
    fn parts(&self) -> BTreeMap<Part, RuleLevel> {
        let mut parts = BTreeMap::new();
        for change in &self.overrides {
            let own = change.rules.iter().flatten().map(|(name, rule)| {
                let level = if rule.is_enabled {
                    rule.level
                } else {
                    RuleLevel::Off
                };
                (name, level)
            });
            let own = own.filter(|(name, level)| *level != self.level(name));
            let levels = change.levels.iter().map(|(name, level)| (name, *level));
            for (name, level) in own.chain(levels) {
                for (glob, pointer) in &change.files {
                    parts.insert((name.clone(), glob.clone(), pointer.clone()), level);
                }
            }
        }
        parts
    }
}

fn change(rule: &str, before: &str, after: String) -> RuleChange {
    RuleChange {
        rule: rule.to_owned(),
        before: before.to_owned(),
        after,
    }
}

fn word(level: RuleLevel) -> &'static str {
    match level {
        RuleLevel::Off => "off",
        RuleLevel::Hint => "hint",
        RuleLevel::Info => "info",
        RuleLevel::Warning => "warning",
        RuleLevel::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use crate::read_ruleset;

    #[track_caller]
    fn check(before: &str, after: &str, want: &[(&str, &str, &str)]) {
        let read =
            |text: &str| read_ruleset(".spectral.yaml", &mut |_| Ok(text.to_owned())).unwrap();
        let found = read(before).loosened(&read(after));
        let got: Vec<(&str, &str, &str)> = found
            .iter()
            .map(|it| (it.rule.as_str(), it.before.as_str(), it.after.as_str()))
            .collect();
        assert_eq!(got, want);
    }

    const BASE: &str = "extends: spectral:oas\nrules:\n  operation-tags: error\n  own:\n    given: $.info\n    severity: error\n    then: {field: title, function: truthy}\n";

    #[test]
    fn a_stricter_ruleset_is_not_looser() {
        check(BASE, BASE, &[]);
        check("extends: spectral:oas\n", BASE, &[]);
        let message = BASE.replace("    severity", "    message: say why\n    severity");
        check(BASE, &message, &[]);
    }

    #[test]
    fn a_rule_that_is_off_lower_or_checks_something_else_is_looser() {
        let off = BASE.replace("operation-tags: error", "operation-tags: off");
        check(BASE, &off, &[("operation-tags", "error", "off")]);
        let lower = BASE.replace("severity: error", "severity: hint");
        check(BASE, &lower, &[("own", "error", "hint")]);
        let other = BASE.replace("$.info", "$.nothing");
        let before = r#"given: "$.info"; then: {"field":"title","function":"truthy"}"#;
        let after = before.replace("info", "nothing");
        check(BASE, &other, &[("own", before, &after)]);
    }

    #[test]
    fn without_what_it_extends_a_ruleset_is_looser() {
        let without = BASE
            .replace("extends: spectral:oas\n", "")
            .replace("  operation-tags: error\n", "");
        let read = |text: &str| read_ruleset("a.yaml", &mut |_| Ok(text.to_owned())).unwrap();
        let found = read(BASE).loosened(&read(&without));
        let n_oas = read("extends: spectral:oas\n").enabled().len();
        assert!(
            n_oas > 10 && found.len() >= n_oas,
            "{} of {n_oas}",
            found.len()
        );
    }

    #[test]
    fn an_override_that_is_new_or_wider_is_looser() {
        let with = |glob: &str| {
            format!("{BASE}overrides:\n  - files: ['{glob}']\n    rules: {{own: off}}\n")
        };
        check(
            BASE,
            &with("old/*.yaml"),
            &[("own", "error", "off in `old/*.yaml`")],
        );
        check(
            &with("old/*.yaml"),
            &with("**"),
            &[("own", "error", "off in `**`")],
        );
        check(&with("**"), BASE, &[]);
    }
}
