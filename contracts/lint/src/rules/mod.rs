//! The rules that come with Tollgate: those of Spectral's `oas` and `asyncapi` sets under their
//! names, and our own. Rows of data; what no core function can ask is a check beside them.
//! They must not know where findings are shown.

mod asyncapi;
mod asyncapi_checks;
mod examples;
mod openapi;
mod openapi_checks;
mod own;
mod servers;

use std::sync::Arc;

use tollgate_contracts_model::pattern::Patterns;

use crate::functions::{Function, Matcher};
use crate::jsonpath::Path;
use crate::rule::{Action, Field, Given, Native, Rule, RuleLevel, Then};

/// Rules of Spectral that are not here, each with the reason.
pub const NOT_HERE: &[(&str, &str)] = &[
    (
        "oas2-*",
        "Swagger 2 documents are not read: Tollgate's contracts are OpenAPI 3 and AsyncAPI; convert them first",
    ),
    (
        "arazzo-*",
        "Arazzo describes workflows over APIs, not an API, and is not read",
    ),
];

/// A set of rules that `extends` may name.
pub(crate) const SETS: &[&str] = &["spectral:oas", "spectral:asyncapi", "tollgate:own"];

/// One rule as a row.
pub(crate) struct Row {
    name: &'static str,
    level: RuleLevel,
    is_recommended: bool,
    formats: &'static [&'static str],
    is_resolved: bool,
    message: &'static str,
    why: &'static str,
    fix: &'static str,
    given: &'static [&'static str],
    then: &'static [Ask],
}

/// Which part of a value is asked, and what.
pub(crate) struct Ask {
    field: &'static str,
    what: What,
}

/// What is asked.
pub(crate) enum What {
    Truthy,
    Undefined,
    Match(&'static str),
    NotMatch(&'static str),
    Alphabetical(&'static str),
    LengthMax(f64),
    Xor(&'static [&'static str]),
    Check(Native),
}

/// A row with the usual values: a warning, recommended, over followed references.
pub(crate) const ROW: Row = Row {
    name: "",
    level: RuleLevel::Warning,
    is_recommended: true,
    formats: &[],
    is_resolved: true,
    message: "{{error}}",
    why: "",
    fix: "",
    given: &["$"],
    then: &[],
};

const fn ask(field: &'static str, what: What) -> Ask {
    Ask { field, what }
}

fn rows(set: &str) -> impl Iterator<Item = &'static Row> {
    let families: &[&[Row]] = match set {
        "spectral:oas" => &[openapi::ROWS],
        "spectral:asyncapi" => asyncapi::FAMILIES,
        "tollgate:own" => &[own::ROWS],
        _ => &[],
    };
    families.iter().copied().flatten()
}

/// The rules of a set, enabled when they are recommended.
pub(crate) fn rules_of(set: &str, patterns: &Patterns) -> Vec<Rule> {
    rows(set).map(|row| row.rule(set, patterns)).collect()
}

/// The names of all rules that come with Tollgate, each with its set.
pub(crate) fn names() -> Vec<(&'static str, &'static str)> {
    SETS.iter()
        .flat_map(|set| rows(set).map(|row| (row.name, *set)))
        .collect()
}

impl Row {
    fn rule(&self, set: &str, patterns: &Patterns) -> Rule {
        let text = |text: &'static str| (!text.is_empty()).then_some(text);
        let given = self.given.iter().map(|path| Given {
            path: Path::parse(path, patterns)
                .expect("the paths of our rules are good; a test reads them"),
            formats: None,
        });
        let formats = match (self.formats, set) {
            ([], "spectral:asyncapi") => vec!["aas2", "aas3"],
            ([], "tollgate:own") => vec!["oas3", "aas2", "aas3"],
            ([], _) => vec!["oas3"],
            (formats, _) => formats.to_vec(),
        };
        Rule {
            name: self.name.to_owned(),
            description: None,
            message: Some(self.message.to_owned()),
            why: text(self.why),
            fix: text(self.fix),
            documentation: documentation(set, self.name),
            level: self.level,
            is_recommended: self.is_recommended,
            is_enabled: self.is_recommended,
            formats: Some(formats),
            is_resolved: self.is_resolved,
            given: given.collect(),
            then: self.then.iter().map(|ask| ask.then(patterns)).collect(),
            set: set.to_owned(),
        }
    }
}

fn documentation(set: &str, name: &str) -> Option<String> {
    let page = match set {
        "spectral:oas" => "openapi-rules.md",
        "spectral:asyncapi" => "asyncapi-rules.md",
        _ => return None,
    };
    Some(format!(
        "https://meta.stoplight.io/docs/spectral/docs/reference/{page}#{name}"
    ))
}

impl Ask {
    fn then(&self, patterns: &Patterns) -> Then {
        let field = match self.field {
            "" => Field::Whole,
            "@key" => Field::Keys,
            path if path.starts_with('$') => {
                Field::Path(Path::parse(path, patterns).expect("the paths of our rules are good"))
            }
            name => Field::Property(
                name.to_owned(),
                name.split('.').map(str::to_owned).collect(),
            ),
        };
        let matcher = |text: &str| Matcher {
            text: text.to_owned(),
            pattern: patterns
                .get(text)
                .expect("the patterns of our rules are good"),
        };
        let function = match &self.what {
            What::Truthy => Function::Truthy,
            What::Undefined => Function::Undefined,
            What::Match(text) => Function::Pattern {
                wanted: Some(matcher(text)),
                unwanted: None,
            },
            What::NotMatch(text) => Function::Pattern {
                wanted: None,
                unwanted: Some(matcher(text)),
            },
            What::Alphabetical(key) => Function::Alphabetical {
                keyed_by: Some((*key).to_owned()),
            },
            What::LengthMax(max) => Function::Length {
                min: None,
                max: Some(*max),
            },
            What::Xor(names) => Function::Xor {
                properties: names.iter().map(|name| (*name).to_owned()).collect(),
            },
            What::Check(check) => {
                return Then {
                    field,
                    action: Action::Native(*check),
                };
            }
        };
        Then {
            field,
            action: Action::Core(Arc::new(function)),
        }
    }
}
