//! The rules that a ruleset takes from others: sets that come with Tollgate, and files next to it.

use tollgate_contracts_model::Node;
use tollgate_contracts_model::targets::normalise_path;
use tollgate_report::{Finding, Severity, suggest};

use super::{Reader, Rules, RulesetError, one_or_more, or_near};
use crate::rules;

/// How deep rulesets may extend each other.
const EXTENDS_MAX: usize = 16;

impl Reader<'_, '_> {
    pub(super) fn extends(&mut self, file: &str, extends: &Node, rules: &mut Rules) {
        for extended in one_or_more(extends) {
            let (name, mode) = match extended.as_array() {
                Some([name, mode]) => (name, mode.as_str()),
                Some([name]) => (name, None),
                _ => (extended, None),
            };
            let Some(text) = name.as_str() else {
                let message = "`extends` names rulesets by text".to_owned();
                self.odd(Severity::Error, "ruleset-extends", file, name, message);
                continue;
            };
            let Some(mut more) = self.extended(file, name, text) else {
                continue;
            };
            match mode {
                None => {}
                Some(mode @ ("all" | "recommended" | "off")) => {
                    for rule in more.values_mut() {
                        rule.is_enabled =
                            mode == "all" || (mode == "recommended" && rule.is_recommended);
                    }
                }
                Some(other) => {
                    let message =
                        format!("`{other}` is unknown; write `recommended`, `all` or `off`");
                    self.odd(Severity::Error, "ruleset-extends", file, extended, message);
                }
            }
            rules.append(&mut more);
        }
    }

    /// The rules of one extended ruleset; nothing when it isn't fetched.
    fn extended(&mut self, file: &str, node: &Node, name: &str) -> Option<Rules> {
        let set = match name {
            // The names of Spectral 5.
            "spectral:oas2" | "spectral:oas3" => "spectral:oas",
            "spectral:asyncapi2" => "spectral:asyncapi",
            other => other,
        };
        if rules::SETS.contains(&set) {
            let rules = rules::rules_of(set, &self.patterns);
            return Some(
                rules
                    .into_iter()
                    .map(|rule| (rule.name.clone(), rule))
                    .collect(),
            );
        }
        if name == "spectral:arazzo" {
            let message =
                "`spectral:arazzo` is not supported: Tollgate does not read Arazzo documents"
                    .to_owned();
            self.odd(Severity::Info, "ruleset-extends", file, node, message);
            return Some(Rules::new());
        }
        if let Some(set) = name.strip_prefix("spectral:") {
            let finding = Finding::error(
                "ruleset-extends",
                format!("there is no set `spectral:{set}`"),
            )
            .at(node.place(file));
            let near = suggest::nearest(name, rules::SETS.iter().copied());
            let otherwise = "write `spectral:oas` or `spectral:asyncapi`";
            self.say(or_near(finding, near, otherwise));
            return None;
        }
        if is_local(name) {
            self.extended_file(file, node, name)
        } else {
            self.not_fetched(file, node, name);
            None
        }
    }

    /// The rules of a file that is extended; nothing when the file is already being read or cannot
    /// be read.
    fn extended_file(&mut self, file: &str, node: &Node, name: &str) -> Option<Rules> {
        let target = beside(file, name);
        if self.stack.contains(&target) {
            return None;
        }
        if self.stack.len() >= EXTENDS_MAX {
            let message = format!("rulesets extend each other deeper than {EXTENDS_MAX} levels");
            self.odd(Severity::Error, "ruleset-extends", file, node, message);
            return None;
        }
        match self.file(&target) {
            Ok(rules) => Some(rules),
            Err(error) => {
                let (severity, code) = match error {
                    RulesetError::Script { .. } => (Severity::Warning, "ruleset-function"),
                    _ => (Severity::Error, "ruleset-extends"),
                };
                self.is_partial = true;
                self.odd(severity, code, file, node, error.to_string());
                None
            }
        }
    }

    fn not_fetched(&mut self, file: &str, node: &Node, name: &str) {
        self.is_partial = true;
        let what = if name.contains("://") {
            "a URL"
        } else {
            "a package"
        };
        let finding = Finding::warning(
            "ruleset-not-fetched",
            format!("`{name}` is {what} and isn't fetched: its rules don't run"),
        )
        .at(node.place(file))
        .because("a published ruleset can change at any time, and the verdict would change with it")
        .fix("keep a copy next to the ruleset and extend it by its path, such as `./company.yaml`");
        self.say(finding);
    }
}

/// Whether a name in `extends` is a path of a file.
fn is_local(name: &str) -> bool {
    if name.contains("://") {
        return false;
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    let is_file = matches!(
        extension,
        Some("yaml" | "yml" | "json" | "js" | "mjs" | "cjs" | "ts")
    );
    name.starts_with(['.', '/']) || (is_file && !name.starts_with('@'))
}

/// The file that a name refers to, relative to another file.
fn beside(file: &str, name: &str) -> String {
    match file.rsplit_once('/') {
        Some((folder, _)) if !name.starts_with('/') => normalise_path(&format!("{folder}/{name}")),
        _ => normalise_path(name),
    }
}
