//! What `validate` checks in addition to the type.

use std::ops::{Deref, DerefMut};

use serde_json::Value;

/// Bounds that `validate` checks. Most types have none and use no memory for them: they are read as
/// empty [`Limits`].
#[derive(Debug, Clone, Default)]
pub struct Constraints(Option<Box<Limits>>);

/// The bounds themselves. Numbers are the text of the document.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// `minLength`, `minItems` or `minProperties`.
    pub size_min: Option<u64>,
    /// `maxLength`, `maxItems` or `maxProperties`.
    pub size_max: Option<u64>,
    /// `minimum`.
    pub minimum: Option<String>,
    /// `maximum`.
    pub maximum: Option<String>,
    /// Whether the minimum itself is out of range.
    pub is_minimum_exclusive: bool,
    /// Whether the maximum itself is out of range.
    pub is_maximum_exclusive: bool,
    /// `multipleOf`.
    pub multiple_of: Option<String>,
    /// `pattern`, an ECMA-262 expression.
    pub pattern: Option<String>,
    /// `uniqueItems`.
    pub is_unique: bool,
    /// The only values there may be: an `enum` or `const` that is not an open set of strings.
    pub values: Option<Vec<Value>>,
    /// A schema of JSON Schema 2020-12 that holds only what the type and the bounds above can't
    /// express (`not`, `if`, `contains`, `patternProperties`, tuples, a `oneOf` whose variants
    /// overlap, …). Its only references are `#/$defs/NAME` into
    /// [`Ir::schemas`](super::Ir::schemas). `validate` checks the encoded value against it with one
    /// interpreter. Any use of a type can have one, including a use of a declared type, and so can
    /// [`Struct::bounds`](super::Struct::bounds).
    pub residual: Option<Value>,
}

static NONE: Limits = Limits {
    size_min: None,
    size_max: None,
    minimum: None,
    maximum: None,
    is_minimum_exclusive: false,
    is_maximum_exclusive: false,
    multiple_of: None,
    pattern: None,
    is_unique: false,
    values: None,
    residual: None,
};

impl Constraints {
    /// Whether there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.as_deref().is_none_or(|limits| *limits == NONE)
    }

    /// Sets the residual schema, which holds what the other bounds can't express. `None` uses no
    /// memory.
    pub(crate) fn set_residual(&mut self, residual: Option<Value>) {
        if residual.is_some() || self.residual.is_some() {
            self.residual = residual;
        }
    }
}

impl PartialEq for Constraints {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Deref for Constraints {
    type Target = Limits;

    fn deref(&self) -> &Limits {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Constraints {
    fn deref_mut(&mut self) -> &mut Limits {
        self.0.get_or_insert_with(|| Box::new(NONE.clone()))
    }
}
