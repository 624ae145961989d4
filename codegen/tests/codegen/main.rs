//! Tests of generated code, by fixture and by real documents.

mod common;
mod compile;
mod goldens;
mod representation;
mod stable;
mod typescript;
