//! Tests that compile generated packages. All packages of a language are built once, by one call
//! of its compiler, in a folder below `target` that later runs reuse.

mod packages;
mod rust;
mod typescript;
