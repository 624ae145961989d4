//! Differences in some files or below some pointers: `overrides`, and `except` of Spectral 5.

use tollgate_contracts_model::Node;
use tollgate_report::Severity;

use super::{Reader, Rules};
use crate::rule::RuleLevel;
use crate::ruleset::Override;

impl Reader<'_, '_> {
    pub(super) fn read_overrides(&mut self, file: &str, node: &Node, base: &Rules) {
        let overrides = node.get("overrides").map(Node::items).unwrap_or_default();
        for change in overrides {
            let files: Vec<(String, String)> = change
                .get("files")
                .map(Node::items)
                .unwrap_or_default()
                .filter_map(Node::as_str)
                .map(|text| {
                    let (glob, pointer) = text.split_once('#').unwrap_or((text, ""));
                    (glob.to_owned(), pointer.to_owned())
                })
                .collect();
            if files.is_empty() {
                let message = "an override needs `files`".to_owned();
                self.odd(Severity::Error, "ruleset-override", file, change, message);
                continue;
            }
            let is_levels = change.get("extends").is_none()
                && change
                    .get("rules")
                    .map(Node::entries)
                    .unwrap_or_default()
                    .all(|entry| entry.node.as_object().is_none());
            let (rules, levels) = if is_levels {
                (None, self.override_levels(file, change, base))
            } else {
                let mut changed = base.clone();
                self.definition(file, change, &mut changed);
                (Some(changed), Vec::new())
            };
            self.overrides.push(Override {
                files,
                rules,
                levels,
            });
        }
        self.read_exceptions(node);
    }

    /// The levels under `rules` of an override that has only levels.
    fn override_levels(
        &mut self,
        file: &str,
        change: &Node,
        base: &Rules,
    ) -> Vec<(String, RuleLevel)> {
        let mut levels = Vec::new();
        for entry in change.get("rules").map(Node::entries).unwrap_or_default() {
            if !base.contains_key(&entry.key) {
                self.unknown_rule(file, entry, base);
            }
            match (entry.node.as_bool(), RuleLevel::of_node(&entry.node)) {
                (Some(true), _) => {
                    let level = base.get(&entry.key).map(|rule| rule.level);
                    levels.push((entry.key.clone(), level.unwrap_or(RuleLevel::Warning)));
                }
                (_, Some(level)) => levels.push((entry.key.clone(), level)),
                (_, None) => self.bad_level(file, &entry.node),
            }
        }
        levels
    }

    /// `except` of Spectral 5: places where rules are off.
    fn read_exceptions(&mut self, node: &Node) {
        for entry in node.get("except").map(Node::entries).unwrap_or_default() {
            let (glob, pointer) = entry.key.split_once('#').unwrap_or((&entry.key, ""));
            let names = entry.node.items().filter_map(Node::as_str);
            self.overrides.push(Override {
                files: vec![(glob.to_owned(), pointer.to_owned())],
                rules: None,
                levels: names
                    .map(|name| (name.to_owned(), RuleLevel::Off))
                    .collect(),
            });
        }
    }
}
