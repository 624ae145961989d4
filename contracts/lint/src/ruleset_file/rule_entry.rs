//! One entry under `rules`: a level for a known rule, or a rule of its own.

use tollgate_contracts_model::{Entry, Node};
use tollgate_report::{Finding, Severity, suggest};

use super::{Reader, Rules, Setting, or_near};
use crate::rule::{Rule, RuleLevel};
use crate::rules;
use crate::ruleset::nearest_rule;

/// Keys that a rule may have.
const RULE_KEYS: &[&str] = &[
    "description",
    "documentationUrl",
    "enabled",
    "extensions",
    "formats",
    "given",
    "message",
    "recommended",
    "resolved",
    "severity",
    "summary",
    "tags",
    "then",
    "type",
];

/// Rules that were renamed after Spectral 5.
const RENAMED: &[(&str, &str)] = &[
    (
        "example-value-or-externalValue",
        "oas3-examples-value-or-externalValue",
    ),
    ("oas3-unused-components-schema", "oas3-unused-component"),
    (
        "oas3-valid-content-schema-example",
        "oas3-valid-media-example",
    ),
    (
        "oas3-valid-header-schema-example",
        "oas3-valid-media-example",
    ),
    ("oas3-valid-oas-content-example", "oas3-valid-media-example"),
    ("oas3-valid-oas-header-example", "oas3-valid-media-example"),
    (
        "oas3-valid-oas-parameter-example",
        "oas3-valid-media-example",
    ),
    (
        "oas3-valid-parameter-schema-example",
        "oas3-valid-media-example",
    ),
    ("operation-2xx-response", "operation-success-response"),
];

impl Reader<'_, '_> {
    pub(super) fn rule(&mut self, setting: &Setting<'_>, entry: &Entry, rules: &mut Rules) {
        let (file, node) = (setting.file, &entry.node);
        let name = entry.key.as_str();
        if node.as_object().is_some() {
            self.rule_object(setting, entry, rules);
            return;
        }
        if node.is_null() {
            return;
        }
        // `[level, options]` is how Spectral 5 wrote a level.
        let level = node.items().next().unwrap_or(node);
        let renamed = RENAMED.iter().find(|(old, _)| *old == name);
        if let Some((_, new)) = renamed.filter(|_| !rules.contains_key(name)) {
            let finding = Finding::info(
                "ruleset-unknown-rule",
                format!("the rule `{name}` is called `{new}` since Spectral 6; it is changed"),
            );
            self.say(
                finding
                    .at(entry.key_span.place(file))
                    .fix(format!("write `{new}`")),
            );
        }
        let name = renamed.map_or(name, |(_, new)| new);
        let Some(rule) = rules.get_mut(name) else {
            self.unknown_rule(file, entry, rules);
            return;
        };
        match (level.as_bool(), RuleLevel::of_node(level)) {
            (Some(is_enabled), _) => rule.is_enabled = is_enabled,
            (None, Some(RuleLevel::Off)) => rule.is_enabled = false,
            (None, Some(level)) => {
                rule.level = level;
                rule.is_enabled = true;
            }
            (None, None) => self.bad_level(file, level),
        }
    }

    fn rule_object(&mut self, setting: &Setting<'_>, entry: &Entry, rules: &mut Rules) {
        let (file, node, name) = (setting.file, &entry.node, entry.key.as_str());
        for entry in node.entries() {
            if !RULE_KEYS.contains(&entry.key.as_str()) && !entry.key.starts_with("x-") {
                self.unknown_key(file, entry, RULE_KEYS, "a rule");
            }
        }
        let mut rule = match rules.get(name) {
            Some(known) => {
                let mut rule = known.clone();
                rule.is_enabled = true;
                rule
            }
            None => {
                if node.get("given").is_none() || node.get("then").is_none() {
                    let message = format!("the rule `{name}` needs `given` and `then`");
                    self.odd(Severity::Error, "ruleset-rule", file, node, message);
                    return;
                }
                Rule {
                    name: name.to_owned(),
                    description: None,
                    message: None,
                    why: None,
                    fix: None,
                    documentation: None,
                    level: RuleLevel::Warning,
                    is_recommended: true,
                    is_enabled: true,
                    formats: setting.formats.clone(),
                    is_resolved: true,
                    given: Vec::new(),
                    then: Vec::new(),
                    definition: None,
                    set: file.to_owned(),
                }
            }
        };
        let is_new = !rules.contains_key(name);
        self.rule_fields(setting, node, &mut rule);
        if is_new && rule.set == file {
            rule.is_enabled = rule.is_recommended;
        }
        let parts = ["given", "then", "formats", "resolved"];
        let own: Vec<String> = parts
            .iter()
            .filter_map(|key| Some(format!("{key}: {}", node.get(key)?.to_json())))
            .collect();
        if !own.is_empty() {
            rule.definition = Some(own.join("; "));
        }
        if let Some(given) = node.get("given") {
            rule.given = self.given(setting, given);
        }
        if let Some(then) = node.get("then") {
            rule.then = self.then(setting, then);
        }
        rules.insert(name.to_owned(), rule);
    }

    fn rule_fields(&mut self, setting: &Setting<'_>, node: &Node, rule: &mut Rule) {
        let file = setting.file;
        let text = |key: &str| node.get(key).and_then(Node::scalar_text).map(str::to_owned);
        if let Some(text) = text("description") {
            rule.description = Some(text);
        }
        if let Some(text) = text("message") {
            rule.message = Some(text);
        }
        if let Some(text) = text("documentationUrl") {
            rule.documentation = Some(text);
        }
        if let Some(is_recommended) = node.get("recommended").and_then(Node::as_bool) {
            rule.is_recommended = is_recommended;
        }
        if let Some(is_resolved) = node.get("resolved").and_then(Node::as_bool) {
            rule.is_resolved = is_resolved;
        }
        if let Some(is_enabled) = node.get("enabled").and_then(Node::as_bool) {
            rule.is_recommended = is_enabled;
        }
        if let Some(formats) = node.get("formats") {
            rule.formats = Some(self.formats(file, formats));
        }
        if let Some(severity) = node.get("severity") {
            match RuleLevel::of_node(severity) {
                Some(level) => rule.level = level,
                None => self.bad_level(file, severity),
            }
        }
    }

    pub(super) fn bad_level(&mut self, file: &str, node: &Node) {
        let shown = node.to_json();
        let finding = Finding::error(
            "ruleset-level",
            format!("the severity `{shown}` is not known"),
        )
        .at(node.place(file));
        let words = ["error", "warn", "info", "hint", "off"];
        let near = suggest::nearest(node.scalar_text().unwrap_or_default(), words);
        let otherwise = "write `error`, `warn`, `info`, `hint` or `off`, or 0 to 3";
        self.say(or_near(finding, near, otherwise));
    }

    pub(super) fn unknown_rule(&mut self, file: &str, entry: &Entry, rules: &Rules) {
        let name = entry.key.as_str();
        if name.starts_with("oas2-") {
            let message = format!("`{name}` is about Swagger 2, which is not read: it never runs");
            let place = entry.key_span.place(file);
            self.say(Finding::info("ruleset-unknown-rule", message).at(place));
            return;
        }
        let known: Vec<&str> = rules.keys().map(String::as_str).collect();
        let set = rules::names().into_iter().find(|(known, _)| *known == name);
        // Where a part was not fetched, the name may be one of that part.
        let severity = if self.is_partial {
            Severity::Info
        } else {
            Severity::Warning
        };
        let finding = Finding::new(
            severity,
            "ruleset-unknown-rule",
            format!("there is no rule `{name}` to change"),
        )
        .at(entry.key_span.place(file));
        let near = nearest_rule(name, known.into_iter());
        let finding = match (set, near) {
            (Some((_, set)), _) => finding.fix(format!("extend `{set}`, which has it")),
            (None, near) => {
                let otherwise = "extend the ruleset that has it, or write `given` and `then`";
                or_near(finding, near, otherwise)
            }
        };
        self.say(finding);
    }
}
