//! One reference that counts.

use tollgate_report::Place;

use crate::grammar::Object;
use crate::targets::Target;

/// One reference that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The file it is in.
    pub file: String,
    /// The object that holds the `$ref`.
    pub pointer: String,
    /// What the specification expects there.
    pub object: Object,
    /// Where the text of the reference is.
    pub place: Place,
    /// The reference as written.
    pub text: String,
    /// Where it leads.
    pub target: Target,
}
