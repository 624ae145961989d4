//! One rule as a row of data, and the rule that is made from it.

use std::sync::Arc;

use tollgate_contracts_model::pattern::Patterns;

use crate::functions::{Function, Matcher};
use crate::jsonpath::Path;
use crate::rule::{Action, Field, Given, Native, Rule, RuleLevel, Then};

/// One rule as a row.
pub(crate) struct Row {
    pub(super) name: &'static str,
    pub(super) level: RuleLevel,
    pub(super) is_recommended: bool,
    pub(super) formats: &'static [&'static str],
    pub(super) is_resolved: bool,
    pub(super) message: &'static str,
    pub(super) why: &'static str,
    pub(super) fix: &'static str,
    pub(super) given: &'static [&'static str],
    pub(super) then: &'static [Ask],
}

/// The part of a value that is checked, and its check.
pub(crate) struct Ask {
    field: &'static str,
    what: What,
}

/// The check.
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

/// A part and its check.
pub(super) const fn ask(field: &'static str, what: What) -> Ask {
    Ask { field, what }
}

impl Row {
    /// The rule of the row.
    pub(super) fn rule(&self, set: &str, patterns: &Patterns) -> Rule {
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
            definition: None,
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
