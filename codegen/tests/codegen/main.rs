//! Tests of generated code, by fixture and by real documents.

mod common;
mod goldens;
mod representation;
mod slow;
mod stable;
