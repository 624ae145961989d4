//! The kinds of documents that a rule of `AsyncAPI` is for.

/// Version 2.
pub(super) const V2: &[&str] = &["aas2"];
/// Version 3.
pub(super) const V3: &[&str] = &["aas3"];
