//! What the whole-system tests share: the built binaries, a small repository to run them in, a
//! running hub, and one way to wait. It must not know what any one chapter checks.

pub mod defects;
pub mod http;
pub mod hub;
pub mod process;
pub mod repository;
pub mod ship;
pub mod tool;
pub mod wait;
