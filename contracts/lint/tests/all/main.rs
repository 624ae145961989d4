//! Tests of lint.

mod corpus;
mod hostile;
#[path = "../../../model/tests/all/malformed.rs"]
mod malformed;
mod rules;
#[path = "../../../model/tests/all/shared.rs"]
mod shared;
