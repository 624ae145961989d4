//! The names of operations in the generated client, and the descriptions of their parameters.

use super::text::docs;
use crate::ir::{Location, Parameter};

/// The names of an operation.
pub(super) struct Names {
    /// The function.
    pub(super) function: String,
    /// The prefix of its types.
    pub(super) ty: String,
}

impl Names {
    pub(super) fn function(&self) -> &str {
        &self.function
    }
}

pub(super) fn parameter_location(parameter: &Parameter) -> &'static str {
    location_word(parameter.location)
}

/// The comment of a parameter.
pub(super) fn parameter_docs(out: &mut String, parameter: &Parameter) {
    docs(out, &parameter.docs, "    ");
}

/// The word of a place in a request.
pub(super) fn location_word(location: Location) -> &'static str {
    match location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
        Location::Cookie => "cookie",
        Location::QueryString => "querystring",
    }
}
