//! The instances of a schema, and how each was made.

use crate::json::Json;

/// How a valid instance was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Only the required parts.
    Minimal,
    /// Everything that is allowed, with one choice at each place: enum values, union branches,
    /// nulls, borders.
    Choice,
    /// Everything, with a key that no schema names.
    Extra,
    /// A choice with keys that only other alternatives list, and with values that those
    /// alternatives would reject.
    Crossed,
    /// At random.
    Drawn,
}

/// A valid instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The value, its numbers as written.
    pub json: Json,
    /// How it was made.
    pub origin: Origin,
}

/// An instance that is invalid in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The whole value.
    pub json: Json,
    /// Where it is broken, as a JSON Pointer; for `required` and keys that are not allowed the
    /// object.
    pub pointer: String,
    /// The keyword that rejects it.
    pub keyword: &'static str,
    /// The key that is missing or not allowed.
    pub key: Option<String>,
    /// The places above it that the validator also reports. The schema has alternatives there, none
    /// of which holds, so the intended one is unknown.
    pub around: Vec<String>,
    /// The valid value that was broken.
    pub base: Json,
}

/// The instances of one schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    /// Valid ones: the smallest first, then choices, then random ones, then up to 4 crossed ones
    /// beyond `n_max`. Each appears once.
    pub valid: Vec<Instance>,
    /// Broken ones.
    pub invalid: Vec<Broken>,
    /// How many values were made but not confirmed by the validator.
    pub n_dropped: usize,
    /// Why nothing could be checked: the schema is rejected by the validator. Then both lists are
    /// empty.
    pub problem: Option<String>,
}
