//! JSONPath as rulesets write it: read, and evaluated over a tree within bounds. The dialect is
//! that of jsonpath-plus and nimma (filters, `..`, `^`, `~`, unions, slices). It must not know
//! rules.
//!
//! `read` makes steps of a text; `walk` goes over a tree with them.

mod read;
mod walk;

use tollgate_contracts_model::pattern::Patterns;

use crate::expression::Expression;

/// A compiled path.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Child(String),
    Union(Vec<String>),
    Wildcard,
    /// `..`: the value and all below it.
    Deep,
    Filter(Expression),
    /// `[(@.length-1)]`: the child that an expression names.
    Script(Expression),
    Slice(Option<i64>, Option<i64>, i64),
    Parent,
    /// `~`: the key instead of the value.
    Keys,
}

impl Path {
    /// Reads a path.
    pub(crate) fn parse(text: &str, patterns: &Patterns) -> Result<Self, String> {
        read::steps(text, patterns).map(|steps| Self { steps })
    }

    /// Whether the path is `$` alone.
    pub(crate) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }
}

#[cfg(test)]
mod tests;
