//! Tests of diff, one file a part.

mod asyncapi;
mod called;
mod corpus;
mod hostile;
mod laws;
#[path = "../../../model/tests/all/malformed.rs"]
mod malformed;
mod oasdiff;
mod oasdiff_rules;
mod openapi;
#[path = "../../../model/tests/all/shared.rs"]
mod shared;
mod witness;
