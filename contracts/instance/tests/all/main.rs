//! Tests of instances.

mod instance;
#[path = "../../../model/tests/all/shared.rs"]
mod shared;
