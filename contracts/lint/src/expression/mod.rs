//! The expressions in the filters of JSONPath: the part of JavaScript that rulesets use, read into
//! a tree.

mod read;

use std::sync::Arc;

pub(crate) use read::parse;

use tollgate_contracts_model::pattern::Pattern;

/// One expression.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Undefined,
    Null,
    Bool(bool),
    Number(f64),
    Text(Arc<str>),
    List(Vec<Self>),
    Pattern(Arc<Pattern>),
    /// `@`: the value that is tested.
    This,
    /// `@property`: its key.
    Property,
    /// `@parent`: the value that holds it.
    Parent,
    /// `@parentProperty`: the key of that value.
    ParentProperty,
    /// `@path`: the path to it, as text.
    Path,
    /// `@root` or `$`.
    Root,
    /// `a.b` and `a[b]`. `?.` means the same, because reading a key of nothing gives nothing here.
    Member(Box<Self>, Box<Self>),
    /// `a.f(..)`.
    Call(Box<Self>, Arc<str>, Vec<Self>),
    /// `f(..)`, such as `Object.keys`.
    Function(Arc<str>, Vec<Self>),
    Not(Box<Self>),
    Negate(Box<Self>),
    TypeOf(Box<Self>),
    Binary(Operator, Box<Self>, Box<Self>),
    Choice(Box<Self>, Box<Self>, Box<Self>),
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Coalesce,
    Equal,
    NotEqual,
    LooseEqual,
    LooseNotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
    In,
    Matches,
    InstanceOf,
}

impl Expression {
    /// Whether the value of the expression depends on more of the path to the tested value than its
    /// parent.
    pub(crate) fn looks_back(&self) -> bool {
        match self {
            Self::Path | Self::ParentProperty | Self::Parent => true,
            Self::Member(left, right) | Self::Binary(_, left, right) => {
                left.looks_back() || right.looks_back()
            }
            Self::Call(value, _, arguments) => {
                value.looks_back() || arguments.iter().any(Self::looks_back)
            }
            Self::Function(_, arguments) | Self::List(arguments) => {
                arguments.iter().any(Self::looks_back)
            }
            Self::Not(inner) | Self::Negate(inner) | Self::TypeOf(inner) => inner.looks_back(),
            Self::Choice(condition, yes, no) => {
                condition.looks_back() || yes.looks_back() || no.looks_back()
            }
            _ => false,
        }
    }
}
