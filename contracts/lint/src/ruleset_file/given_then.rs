//! The values that a rule applies to and what it checks there: `given` with its aliases, and
//! `then`.

use tollgate_contracts_model::Node;
use tollgate_contracts_model::pattern::Patterns;
use tollgate_report::{Finding, Severity, suggest};

use super::{Reader, Setting, one_or_more};
use crate::function_options::read_function;
use crate::jsonpath::Path;
use crate::rule::{Field, Given, Then};

/// How deep aliases may lead into each other.
const ALIASES_MAX: usize = 16;

impl Reader<'_, '_> {
    pub(super) fn given(&mut self, setting: &Setting<'_>, node: &Node) -> Vec<Given> {
        let mut given = Vec::new();
        for node in one_or_more(node) {
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

    pub(super) fn then(&mut self, setting: &Setting<'_>, node: &Node) -> Vec<Then> {
        let mut out = Vec::new();
        for node in one_or_more(node) {
            let field = match node.get("field") {
                None => Field::Whole,
                Some(field) => match read_field(field, &self.patterns) {
                    Ok(field) => field,
                    Err(message) => {
                        let file = setting.file;
                        self.odd(Severity::Error, "ruleset-path", file, field, message);
                        continue;
                    }
                },
            };
            match read_function(setting.file, node, &setting.functions, &self.patterns) {
                Ok(action) => out.push(Then { field, action }),
                Err(finding) => self.say(*finding),
            }
        }
        out
    }
}

/// The part of a value that a `field` means, or what is wrong with it.
fn read_field(field: &Node, patterns: &Patterns) -> Result<Field, String> {
    let Some(text) = field.scalar_text() else {
        return Err("`field` must be a text".to_owned());
    };
    if text == "@key" {
        return Ok(Field::Keys);
    }
    if !is_path(text) {
        return Ok(Field::Property(text.to_owned(), property_parts(text)));
    }
    match Path::parse(text, patterns) {
        Ok(path) if path.is_root() => Ok(Field::Whole),
        Ok(path) => Ok(Field::Path(path)),
        Err(problem) => Err(format!("the field `{text}` is not understood: {problem}")),
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
