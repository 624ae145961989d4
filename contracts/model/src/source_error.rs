//! Why a text is not a document, and the limits that a text must keep.

use crate::node::Span;

/// How deep nodes may be nested. Deeper text is rejected, so that no walk over nodes can exhaust
/// the stack. The deepest document of the corpus has 38 levels.
pub const DEPTH_MAX: usize = 192;

/// How many nodes one text may have after its aliases are followed. The largest document of the
/// corpus (6.9 MB) has fewer than a tenth of this.
pub const NODES_MAX: usize = 8_000_000;

/// How many nodes aliases may add to what is written.
pub const ALIAS_NODES_MAX: usize = 1_000_000;

/// A text that is not JSON or YAML, or that goes beyond the limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read `{file}:{line}:{column}`: {problem}; {hint}{excerpt}")]
pub struct SourceError {
    /// The file, as given.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub hint: String,
    /// The line with a caret under the column, each after a line break; empty when there is no
    /// such line.
    pub excerpt: String,
}

impl SourceError {
    pub(crate) fn new(
        file: &str,
        span: Span,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: span.line,
            column: span.column,
            problem: problem.into(),
            hint: hint.into(),
            excerpt: String::new(),
        }
    }
}
