//! One place where a rule is broken, before it has a message and a severity.

use crate::tree::Item;

/// One place where a rule is broken.
pub(crate) struct Hit {
    pub(crate) at: Item,
    /// Whether the hit is at the key, not at the value.
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
