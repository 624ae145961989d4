//! What a rule is: the values that it applies to, its check, and its level.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_contracts_model::Node;
use tollgate_report::Severity;

use crate::context::Context;
use crate::functions::Function;
use crate::hit::Hit;
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

/// A check of our own over a value that a rule applies to.
pub(crate) type Native = fn(&Context<'_, '_>, Item) -> Vec<Hit>;

/// The check of each value.
#[derive(Clone)]
pub(crate) enum Action {
    /// A core function with its options.
    Core(Arc<Function>),
    /// A check written here.
    Native(Native),
}

/// The part of a value that is checked, and its check.
#[derive(Clone)]
pub(crate) struct Then {
    pub(crate) field: Field,
    pub(crate) action: Action,
}

/// The part of a value that is checked.
#[derive(Clone)]
pub(crate) enum Field {
    /// The value itself.
    Whole,
    /// Each of its keys.
    Keys,
    /// A property, maybe deep: the text as written and its parts.
    Property(String, Vec<String>),
    /// Everything that a path finds in it.
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
    /// Where and what it checks, as a ruleset defines it; absent for a rule as it is built in.
    pub(crate) definition: Option<String>,
    /// The set it belongs to: `spectral:oas`, or the file of a ruleset.
    pub(crate) set: String,
}

/// The values that a rule applies to.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) path: Path,
    /// Kinds of documents for which an alias leads here; all when absent.
    pub(crate) formats: Option<Vec<&'static str>>,
}

impl Rule {
    /// Whether the rule applies to documents of these formats.
    pub(crate) fn is_for(&self, formats: &[&str]) -> bool {
        match &self.formats {
            None => true,
            Some(wanted) => wanted.iter().any(|wanted| formats.contains(wanted)),
        }
    }
}
