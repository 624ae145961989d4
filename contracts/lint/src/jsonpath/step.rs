//! One step of a path.

use crate::expression::Expression;

/// One step of a path.
#[derive(Clone, Debug)]
pub(super) enum Step {
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
