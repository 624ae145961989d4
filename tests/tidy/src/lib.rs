//! Checks over the source tree of this repository: who may depend on whom, import circles, words,
//! and places that may print or write files. The checks are the tests of this crate; they read
//! sources and run `git ls-files` and `cargo metadata`, nothing else.

pub mod circles;
pub mod code;
pub mod known;
pub mod lexer;
pub mod modules;
pub mod picture;
pub mod seams;
pub mod tree;
pub mod words;
