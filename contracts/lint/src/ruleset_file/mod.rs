//! Reads rulesets as Spectral's users write them (`.spectral.yaml`) and joins their parts. What
//! cannot run or is not fetched is reported with its place.
//!
//! This file reads one ruleset as a whole. `extends` reads what it takes from other rulesets,
//! `rule_entry` one rule, `given_then` the values that a rule applies to and its checks, and
//! `overrides` the places where rules differ. URLs are not followed.

mod extends;
mod given_then;
mod overrides;
mod rule_entry;

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use tollgate_contracts_model::pattern::Patterns;
use tollgate_contracts_model::source::{self};
use tollgate_contracts_model::{Entry, Node, SourceError};
use tollgate_report::{Finding, Severity, suggest};

use crate::document_formats::{FORMATS, format_of};
use crate::rule::Rule;
use crate::ruleset::{Override, Ruleset};

/// Keys that a ruleset may have.
const RULESET_KEYS: &[&str] = &[
    "aliases",
    "description",
    "documentationUrl",
    "except",
    "extends",
    "formats",
    "functions",
    "functionsDir",
    "overrides",
    "parserOptions",
    "rules",
];

/// Why a ruleset could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RulesetError {
    /// The file can't be read.
    #[error("cannot read the ruleset `{file}`; check that the file exists and is readable")]
    Read {
        /// The file, as given.
        file: String,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
    /// The file is JavaScript.
    #[error(
        "cannot read the ruleset `{file}`: it is JavaScript, which Tollgate does not run; write it as YAML or JSON"
    )]
    Script {
        /// The file, as given.
        file: String,
    },
    /// The text is not JSON or YAML.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The text is not a ruleset.
    #[error(
        "cannot read the ruleset `{file}:{line}`: {problem}; write `extends: spectral:oas`, or `rules`"
    )]
    NotARuleset {
        /// The file, as given.
        file: String,
        /// The line, from 1.
        line: u32,
        /// What it is instead.
        problem: String,
    },
}

/// Reads the text of a file that a ruleset names.
pub type ReadText<'r> = dyn FnMut(&str) -> std::io::Result<String> + 'r;

/// Reads a ruleset and the local files that it extends.
///
/// # Errors
/// The file cannot be read, is not JSON or YAML, or is not a ruleset.
pub fn load_ruleset(path: &FilePath) -> Result<Ruleset, RulesetError> {
    let file = path.to_string_lossy().replace('\\', "/");
    read_ruleset(&file, &mut |file| std::fs::read_to_string(file))
}

/// As [`load_ruleset`], with files that a function reads.
///
/// # Errors
/// As [`load_ruleset`].
pub fn read_ruleset(file: &str, read: &mut ReadText<'_>) -> Result<Ruleset, RulesetError> {
    let mut reader = Reader {
        read,
        findings: Vec::new(),
        patterns: Patterns::default(),
        overrides: Vec::new(),
        is_partial: false,
        stack: Vec::new(),
    };
    let rules = reader.file(file)?;
    Ok(Ruleset {
        file: Some(file.to_owned()),
        rules,
        overrides: reader.overrides,
        findings: reader.findings,
        patterns: reader.patterns,
    })
}

type Rules = BTreeMap<String, Rule>;

struct Reader<'r, 'f> {
    read: &'r mut ReadText<'f>,
    findings: Vec<Finding>,
    patterns: Patterns,
    overrides: Vec<Override>,
    /// Whether a part was not fetched, so that names may be unknown.
    is_partial: bool,
    /// The files that are being read.
    stack: Vec<String>,
}

/// Properties that all rules of one file share.
struct Setting<'s> {
    file: &'s str,
    aliases: BTreeMap<&'s str, &'s Node>,
    formats: Option<Vec<&'static str>>,
    functions: Vec<&'s str>,
}

impl Reader<'_, '_> {
    fn file(&mut self, file: &str) -> Result<Rules, RulesetError> {
        let extension = file.rsplit_once('.').map(|(_, extension)| extension);
        if matches!(extension, Some("js" | "mjs" | "cjs" | "ts")) {
            return Err(RulesetError::Script {
                file: file.to_owned(),
            });
        }
        let text = (self.read)(file).map_err(|source| RulesetError::Read {
            file: file.to_owned(),
            source,
        })?;
        let node = source::parse(file, &text)?;
        let no_ruleset = |problem: String| RulesetError::NotARuleset {
            file: file.to_owned(),
            line: node.span.line,
            problem,
        };
        if node.as_object().is_none() {
            return Err(no_ruleset(format!(
                "it is {}, not an object",
                node.type_word()
            )));
        }
        let known = ["extends", "rules", "overrides", "except"];
        if !known.iter().any(|key| node.get(key).is_some()) {
            return Err(no_ruleset(
                "it has neither `extends` nor `rules`".to_owned(),
            ));
        }
        self.stack.push(file.to_owned());
        let mut rules = Rules::new();
        let is_first = self.stack.len() == 1;
        self.definition(file, &node, &mut rules);
        if is_first {
            self.read_overrides(file, &node, &rules);
        }
        self.stack.pop();
        Ok(rules)
    }

    fn say(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn odd(&mut self, severity: Severity, code: &str, file: &str, node: &Node, message: String) {
        self.say(Finding::new(severity, code, message).at(node.place(file)));
    }

    /// Joins one ruleset to the rules so far.
    fn definition(&mut self, file: &str, node: &Node, rules: &mut Rules) {
        for entry in node.entries() {
            if !RULESET_KEYS.contains(&entry.key.as_str())
                && !entry.key.starts_with("x-")
                && entry.key != "files"
            {
                self.unknown_key(file, entry, RULESET_KEYS, "a ruleset");
            }
        }
        if let Some(extends) = node.get("extends") {
            self.extends(file, extends, rules);
        }
        let functions: Vec<&str> = node
            .get("functions")
            .map(Node::items)
            .unwrap_or_default()
            .filter_map(|function| {
                function
                    .as_str()
                    .or_else(|| function.items().next()?.as_str())
            })
            .collect();
        let setting = Setting {
            file,
            aliases: node
                .get("aliases")
                .map(Node::entries)
                .unwrap_or_default()
                .map(|entry| (entry.key.as_str(), &entry.node))
                .collect(),
            formats: node
                .get("formats")
                .map(|formats| self.formats(file, formats)),
            functions,
        };
        if let Some(definitions) = node.get("rules") {
            if definitions.as_object().is_none() && !definitions.is_null() {
                let message = "`rules` must be an object".to_owned();
                self.odd(Severity::Error, "ruleset-rule", file, definitions, message);
            }
            for entry in definitions.entries() {
                self.rule(&setting, entry, rules);
            }
        }
    }

    fn unknown_key(&mut self, file: &str, entry: &Entry, known: &[&str], what: &str) {
        let message = format!("{what} has no key `{}`", entry.key);
        let finding = Finding::warning("ruleset-key", message).at(entry.key_span.place(file));
        let near = suggest::nearest(&entry.key, known.iter().copied());
        self.say(or_near(finding, near, "remove it"));
    }

    fn formats(&mut self, file: &str, node: &Node) -> Vec<&'static str> {
        let mut formats = Vec::new();
        for node in one_or_more(node) {
            let name = node.scalar_text().unwrap_or_default();
            match format_of(name) {
                Some(format) => formats.push(format),
                None => {
                    let finding = Finding::warning(
                        "ruleset-format",
                        format!("the format `{name}` is not known"),
                    )
                    .at(node.place(file));
                    let near = suggest::nearest(name, FORMATS.iter().copied());
                    self.say(or_near(finding, near, "write one such as `oas3` or `aas2`"));
                }
            }
        }
        formats
    }
}

/// The items of a list; any other value counts as a list of one item.
fn one_or_more(node: &Node) -> &[Node] {
    node.as_array().unwrap_or(std::slice::from_ref(node))
}

/// A finding with the nearest known word as its fix, or with another fix when none is near.
fn or_near(finding: Finding, near: Option<&str>, otherwise: &str) -> Finding {
    match near {
        Some(near) => finding.fix(format!("did you mean `{near}`?")),
        None => finding.fix(otherwise),
    }
}
