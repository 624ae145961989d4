//! Shared by the whole-system tests: the built binaries, a small repository to run them in, a
//! running hub, and one way to wait.

pub mod defects;
pub mod http;
pub mod hub;
pub mod process;
pub mod repository;
pub mod ship;
pub mod tool;
pub mod wait;
