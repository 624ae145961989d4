//! What the whole-system tests share: the built binaries and a small repository to run them in.

pub mod repository;
pub mod tool;
