//! What a rule is: where it looks, what it asks, how much it matters. It must not know one rule
//! by name.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_contracts_model::{Contract, Node};
use tollgate_report::Severity;

use crate::engine::Context;
use crate::functions::Function;
use crate::jsonpath::Path;
use crate::tree::Item;

/// How much a broken rule matters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RuleLevel {
    /// The rule is not run.
    Off,
    /// Worth a thought; shown like `info`.
    Hint,
    /// Good to know.
    Info,
    /// Somebody should look.
    #[serde(alias = "warn")]
    Warning,
    /// The gate fails.
    Error,
}

impl RuleLevel {
    /// The severity of a finding; nothing when the rule is off.
    #[must_use]
    pub fn severity(self) -> Option<Severity> {
        match self {
            Self::Off => None,
            Self::Hint | Self::Info => Some(Severity::Info),
            Self::Warning => Some(Severity::Warning),
            Self::Error => Some(Severity::Error),
        }
    }

    /// The level as rulesets write it: a word or a number.
    pub(crate) fn of_node(node: &Node) -> Option<Self> {
        Some(match node.scalar_text()? {
            "off" | "-1" | "false" => Self::Off,
            "error" | "0" => Self::Error,
            "warn" | "warning" | "1" => Self::Warning,
            "info" | "2" => Self::Info,
            "hint" | "3" => Self::Hint,
            _ => return None,
        })
    }
}

/// Kinds of documents by Spectral's names, such as `oas3_1` and `aas2`.
pub(crate) const FORMATS: &[&str] = &[
    "oas2",
    "oas3",
    "oas3_0",
    "oas3_1",
    "oas3_2",
    "aas2",
    "aas2_0",
    "aas2_1",
    "aas2_2",
    "aas2_3",
    "aas2_4",
    "aas2_5",
    "aas2_6",
    "aas3",
    "aas3_0",
    "aas3_1",
    "json-schema",
    "json-schema-loose",
    "json-schema-draft4",
    "json-schema-draft6",
    "json-schema-draft7",
    "json-schema-2019-09",
    "json-schema-2020-12",
    "arazzo1",
    "arazzo1_0",
];

/// The format that a name means; other spellings of it are known.
pub(crate) fn format_of(name: &str) -> Option<&'static str> {
    let name = match name {
        "asyncapi2" | "asyncApi2" | "asyncapi-2" => "aas2",
        "asyncapi3" => "aas3",
        "oas" | "openapi3" => "oas3",
        "json-schema-draft-2019-09" | "json-schema-draft2019-09" => "json-schema-2019-09",
        "json-schema-draft-2020-12" | "json-schema-draft2020-12" => "json-schema-2020-12",
        other => other,
    };
    let plain = name.replace('.', "_");
    FORMATS.iter().find(|known| **known == plain).copied()
}

/// The formats of a contract, such as `oas3` and `oas3_1`.
pub(crate) fn formats_of(contract: &Contract) -> Vec<&'static str> {
    let root = contract.root();
    let (family, version) = match (root.get("openapi"), root.get("asyncapi")) {
        (Some(node), _) => ("oas", node.scalar_text().unwrap_or_default()),
        (None, Some(node)) => ("aas", node.scalar_text().unwrap_or_default()),
        (None, None) => return Vec::new(),
    };
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    let minor = parts.next().unwrap_or("0");
    let names = [
        format!("{family}{major}"),
        format!("{family}{major}_{minor}"),
    ];
    names.iter().filter_map(|name| format_of(name)).collect()
}

/// One place where a rule is broken.
pub(crate) struct Hit {
    pub(crate) at: Item,
    /// Whether the key is meant, not the value.
    pub(crate) is_key: bool,
    /// The property that is missing below the item.
    pub(crate) missing: Option<String>,
    pub(crate) error: String,
}

impl Hit {
    pub(crate) fn new(at: Item, error: impl Into<String>) -> Self {
        Self {
            at,
            is_key: false,
            missing: None,
            error: error.into(),
        }
    }

    /// The same hit at the key of the item.
    pub(crate) fn at_key(mut self) -> Self {
        self.is_key = true;
        self
    }
}

/// A check of our own over the value that a rule looks at.
pub(crate) type Native = fn(&Context<'_, '_>, Item) -> Vec<Hit>;

/// What is asked of each value.
#[derive(Clone)]
pub(crate) enum Action {
    /// A core function with its options.
    Core(Arc<Function>),
    /// A check written here.
    Native(Native),
}

/// Which part of a value is asked, and what.
#[derive(Clone)]
pub(crate) struct Then {
    pub(crate) field: Field,
    pub(crate) action: Action,
}

/// The part of a value that is asked.
#[derive(Clone)]
pub(crate) enum Field {
    /// The value itself.
    Whole,
    /// Each of its keys.
    Keys,
    /// A property, maybe deep: the text as written and its parts.
    Property(String, Vec<String>),
    /// All that a path meets in it.
    Path(Path),
}

/// One rule.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// The template of the message.
    pub(crate) message: Option<String>,
    pub(crate) why: Option<&'static str>,
    pub(crate) fix: Option<&'static str>,
    pub(crate) documentation: Option<String>,
    pub(crate) level: RuleLevel,
    pub(crate) is_recommended: bool,
    pub(crate) is_enabled: bool,
    /// Kinds of documents; all when absent.
    pub(crate) formats: Option<Vec<&'static str>>,
    /// Whether references are followed.
    pub(crate) is_resolved: bool,
    pub(crate) given: Vec<Given>,
    pub(crate) then: Vec<Then>,
    /// The set it belongs to: `spectral:oas`, or the file of a ruleset.
    pub(crate) set: String,
}

/// Where a rule looks.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) path: Path,
    /// Kinds of documents for which an alias leads here; all when absent.
    pub(crate) formats: Option<Vec<&'static str>>,
}

impl Rule {
    /// Whether the rule speaks of documents of these formats.
    pub(crate) fn is_for(&self, formats: &[&str]) -> bool {
        match &self.formats {
            None => true,
            Some(wanted) => wanted.iter().any(|wanted| formats.contains(wanted)),
        }
    }
}
