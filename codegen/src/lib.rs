//! Code generation: contracts in, files of Rust, Swift and TypeScript out.
//!
//! Passes, in reading order: `lower` (contract to `ir`), `ir` (types without syntax), `names`
//! (identifiers for each language), then one folder for each language, one for the Rust client
//! and one for the axum server. `generate` joins them; `check` compares with what is in the tree.
//! This crate returns artifacts and never writes a file; it must not know tokio, a socket, or
//! the generated models.

mod check;
mod client;
mod generate;
pub mod ir;
mod lower;
pub mod names;
mod rust;
mod server;
mod settings;
mod status;
mod swift;
mod typescript;

pub use check::check;
pub use generate::{
    Artifact, CodegenError, Emit, Generated, HEADER, Language, Request, generate, generate_from,
};
pub use lower::lower;
pub use settings::{Settings, TargetSettings};
