//! One reference in a place where the specification allows one.

use tollgate_report::Place;

use crate::grammar::Object;
use crate::targets::Target;

/// One reference in a place where the specification allows one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The file it is in.
    pub file: String,
    /// The object that holds the `$ref`.
    pub pointer: String,
    /// The object that the specification expects there.
    pub object: Object,
    /// Where the text of the reference is.
    pub place: Place,
    /// The reference as written.
    pub text: String,
    /// The target of the reference.
    pub target: Target,
}
