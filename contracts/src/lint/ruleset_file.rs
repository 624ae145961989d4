//! Rulesets as Spectral's users write them (`.spectral.yaml`): read, their parts joined, and
//! what can't run or isn't fetched said with its place. It must not follow a URL.

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use tollgate_report::{Finding, Severity, suggest};

use super::function_options::read_function;
use super::jsonpath::Path;
use super::pattern::Patterns;
use super::rule::{FORMATS, Field, Given, Rule, RuleLevel, Then, format_of};
use super::rules;
use super::ruleset::{Override, Ruleset, nearest_rule};
use crate::source::{self, Entry, Node, SourceError};
use crate::targets::normalise_path;

/// How deep rulesets may extend each other.
const EXTENDS_MAX: usize = 16;
/// How deep aliases may lead into each other.
const ALIASES_MAX: usize = 16;

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

/// Rules of Spectral 5 that have another name since.
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

/// Why a ruleset could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RulesetError {
    /// The file can't be read.
    #[error("read the ruleset `{file}`; check that it is there and may be read")]
    Read {
        /// The file, as given.
        file: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is JavaScript.
    #[error(
        "read the ruleset `{file}`: it is JavaScript, which is not run; write it as YAML or JSON"
    )]
    Script {
        /// The file, as given.
        file: String,
    },
    /// The text is not JSON or YAML.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The text is no ruleset.
    #[error(
        "read the ruleset `{file}:{line}`: {problem}; write `extends: spectral:oas`, or `rules`"
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
/// The file can't be read, is not JSON or YAML, or is no ruleset.
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

/// What holds for all rules of one file.
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
        self.say(match suggest::nearest(&entry.key, known.iter().copied()) {
            Some(near) => finding.fix(format!("did you mean `{near}`?")),
            None => finding.fix("remove it"),
        });
    }

    fn extends(&mut self, file: &str, extends: &Node, rules: &mut Rules) {
        let list: Vec<&Node> = match extends.as_array() {
            Some(items) => items.iter().collect(),
            None => vec![extends],
        };
        for extended in list {
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
                        format!("`{other}` is not known; write `recommended`, `all` or `off`");
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
            let message = "`spectral:arazzo` is not here: Arazzo documents are not read".to_owned();
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
            self.say(match near {
                Some(near) => finding.fix(format!("did you mean `{near}`?")),
                None => finding.fix("write `spectral:oas` or `spectral:asyncapi`"),
            });
            return None;
        }
        if !is_local(name) {
            self.not_fetched(file, node, name);
            return None;
        }
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
            Err(error @ RulesetError::Script { .. }) => {
                self.is_partial = true;
                self.odd(
                    Severity::Warning,
                    "ruleset-function",
                    file,
                    node,
                    error.to_string(),
                );
                None
            }
            Err(error) => {
                self.is_partial = true;
                self.odd(
                    Severity::Error,
                    "ruleset-extends",
                    file,
                    node,
                    error.to_string(),
                );
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
        .because("a gate must judge the same in a year, whatever somebody publishes")
        .fix("keep a copy beside the ruleset and extend it by its path, such as `./company.yaml`");
        self.say(finding);
    }

    fn formats(&mut self, file: &str, node: &Node) -> Vec<&'static str> {
        let list: Vec<&Node> = match node.as_array() {
            Some(items) => items.iter().collect(),
            None => vec![node],
        };
        let mut formats = Vec::new();
        for node in list {
            let name = node.scalar_text().unwrap_or_default();
            match format_of(name) {
                Some(format) => formats.push(format),
                None => {
                    let finding = Finding::warning(
                        "ruleset-format",
                        format!("the format `{name}` is not known"),
                    )
                    .at(node.place(file));
                    self.say(match suggest::nearest(name, FORMATS.iter().copied()) {
                        Some(near) => finding.fix(format!("did you mean `{near}`?")),
                        None => finding.fix("write one such as `oas3` or `aas2`"),
                    });
                }
            }
        }
        formats
    }

    fn rule(&mut self, setting: &Setting<'_>, entry: &Entry, rules: &mut Rules) {
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

    fn bad_level(&mut self, file: &str, node: &Node) {
        let shown = node.to_json();
        let finding = Finding::error(
            "ruleset-level",
            format!("the severity `{shown}` is not known"),
        )
        .at(node.place(file));
        let words = ["error", "warn", "info", "hint", "off"];
        let near = suggest::nearest(node.scalar_text().unwrap_or_default(), words);
        self.say(match near {
            Some(near) => finding.fix(format!("did you mean `{near}`?")),
            None => finding.fix("write `error`, `warn`, `info`, `hint` or `off`, or 0 to 3"),
        });
    }

    fn unknown_rule(&mut self, file: &str, entry: &Entry, rules: &Rules) {
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
            (None, Some(near)) => finding.fix(format!("did you mean `{near}`?")),
            (None, None) => {
                finding.fix("extend the ruleset that has it, or write `given` and `then`")
            }
        };
        self.say(finding);
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
                    set: file.to_owned(),
                }
            }
        };
        let is_new = !rules.contains_key(name);
        self.rule_fields(setting, node, &mut rule);
        if is_new && rule.set == file {
            rule.is_enabled = rule.is_recommended;
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

    fn given(&mut self, setting: &Setting<'_>, node: &Node) -> Vec<Given> {
        let list: Vec<&Node> = match node.as_array() {
            Some(items) => items.iter().collect(),
            None => vec![node],
        };
        let mut given = Vec::new();
        for node in list {
            let Some(text) = node.as_str() else {
                let message = "`given` must be a text that begins with `$` or `#`".to_owned();
                self.odd(Severity::Error, "ruleset-path", setting.file, node, message);
                continue;
            };
            for (path, formats) in self.expand(setting, node, text, ALIASES_MAX) {
                match Path::parse(&path, &self.patterns) {
                    Ok(path) => given.push(Given { path, formats }),
                    Err(problem) => {
                        let message = format!("the path `{path}` is not understood: {problem}");
                        self.odd(Severity::Error, "ruleset-path", setting.file, node, message);
                    }
                }
            }
        }
        given
    }

    /// The paths that a text with an alias means, each with the formats it is for.
    fn expand(
        &mut self,
        setting: &Setting<'_>,
        node: &Node,
        text: &str,
        depth: usize,
    ) -> Vec<(String, Option<Vec<&'static str>>)> {
        let Some(rest) = text.strip_prefix('#') else {
            return vec![(text.to_owned(), None)];
        };
        let end = rest
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || "_-".contains(letter)))
            .unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let Some(alias) = setting.aliases.get(name).copied() else {
            let finding = Finding::error("ruleset-alias", format!("there is no alias `{name}`"))
                .at(node.place(setting.file));
            let near = suggest::nearest(name, setting.aliases.keys().copied());
            self.say(match near {
                Some(near) => finding.fix(format!("did you mean `#{near}`?")),
                None => finding.fix("define it under `aliases`"),
            });
            return Vec::new();
        };
        if depth == 0 {
            let message = format!("the alias `{name}` leads to itself");
            self.odd(
                Severity::Error,
                "ruleset-alias",
                setting.file,
                node,
                message,
            );
            return Vec::new();
        }
        let mut targets: Vec<(String, Option<Vec<&'static str>>)> = Vec::new();
        let texts = |node: &Node| -> Vec<String> {
            match node.as_array() {
                Some(items) => items
                    .iter()
                    .filter_map(Node::as_str)
                    .map(str::to_owned)
                    .collect(),
                None => node.as_str().map(str::to_owned).into_iter().collect(),
            }
        };
        if let Some(list) = alias.get("targets") {
            for target in list.items() {
                let formats = target
                    .get("formats")
                    .map(|node| self.formats(setting.file, node));
                let given = target.get("given").map(texts).unwrap_or_default();
                targets.extend(given.into_iter().map(|text| (text, formats.clone())));
            }
        } else {
            targets.extend(texts(alias).into_iter().map(|text| (text, None)));
        }
        let mut out = Vec::new();
        for (target, formats) in targets {
            for (path, inner) in self.expand(setting, node, &format!("{target}{tail}"), depth - 1) {
                out.push((path, formats.clone().or(inner)));
            }
        }
        out
    }

    fn then(&mut self, setting: &Setting<'_>, node: &Node) -> Vec<Then> {
        let list: Vec<&Node> = match node.as_array() {
            Some(items) => items.iter().collect(),
            None => vec![node],
        };
        let mut out = Vec::new();
        for node in list {
            let field = match node.get("field").map(|field| (field, field.scalar_text())) {
                None => Field::Whole,
                Some((_, Some("@key"))) => Field::Keys,
                Some((field, Some(path))) if is_path(path) => {
                    match Path::parse(path, &self.patterns) {
                        Ok(path) if path.is_root() => Field::Whole,
                        Ok(path) => Field::Path(path),
                        Err(problem) => {
                            let message =
                                format!("the field `{path}` is not understood: {problem}");
                            self.odd(
                                Severity::Error,
                                "ruleset-path",
                                setting.file,
                                field,
                                message,
                            );
                            continue;
                        }
                    }
                }
                Some((_, Some(name))) => Field::Property(name.to_owned(), property_parts(name)),
                Some((field, None)) => {
                    let message = "`field` must be a text".to_owned();
                    self.odd(
                        Severity::Error,
                        "ruleset-path",
                        setting.file,
                        field,
                        message,
                    );
                    continue;
                }
            };
            match read_function(setting.file, node, &setting.functions, &self.patterns) {
                Ok(action) => out.push(Then { field, action }),
                Err(finding) => self.say(*finding),
            }
        }
        out
    }

    fn read_overrides(&mut self, file: &str, node: &Node, base: &Rules) {
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
            let mut rules = None;
            let mut levels = Vec::new();
            if is_levels {
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
            } else {
                let mut changed = base.clone();
                self.definition(file, change, &mut changed);
                rules = Some(changed);
            }
            self.overrides.push(Override {
                files,
                rules,
                levels,
            });
        }
        self.read_exceptions(node);
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

/// Whether a field is a path: `$.a`, but not the property `$ref`.
fn is_path(field: &str) -> bool {
    field
        .strip_prefix('$')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '^', '~']))
}

/// `a.b[0].c` in its parts.
fn property_parts(name: &str) -> Vec<String> {
    name.split(['.', '['])
        .map(|part| {
            part.trim_end_matches(']')
                .trim_matches(['"', '\''])
                .to_owned()
        })
        .filter(|part| !part.is_empty())
        .collect()
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

/// The file that a name means, seen from another file.
fn beside(file: &str, name: &str) -> String {
    match file.rsplit_once('/') {
        Some((folder, _)) if !name.starts_with('/') => normalise_path(&format!("{folder}/{name}")),
        _ => normalise_path(name),
    }
}
