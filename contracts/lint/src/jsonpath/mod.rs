//! JSONPath as rulesets write it: read, and evaluated over a tree within bounds. The dialect is
//! that of jsonpath-plus and nimma (filters, `..`, `^`, `~`, unions, slices).
//!
//! `read` parses a text into steps; `walk` evaluates them over a tree.

mod read;
mod step;
mod walk;

use tollgate_contracts_model::pattern::Patterns;

use step::Step;

/// A compiled path.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    steps: Vec<Step>,
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
