//! Code generation: contracts in, files of Rust, Swift and TypeScript out.
//!
//! Passes, in reading order: `lower` (contract to `ir`), `ir` (types without syntax), `names`
//! (identifiers for each language), then one folder for each language, one for the Rust client and
//! one for the axum server. `generate` joins them; `check` compares with what is in the tree. This
//! crate returns artifacts and never writes a file.

mod artifact;
mod check;
mod client;
mod error;
pub mod folders;
mod generate;
pub mod ir;
mod language;
mod lower;
pub mod manifest;
pub mod names;
mod part;
mod rust;
mod server;
mod settings;
mod status;
mod swift;
mod typescript;
mod words;

pub use artifact::{Artifact, HEADER};
pub use check::check;
pub use error::CodegenError;
pub use generate::{Generated, generate, generate_from};
pub use language::{EMITTERS, Emitter, Language, Request};
pub use lower::lower;
pub use part::Emit;
pub use settings::{Settings, TargetSettings};
pub use words::UnknownWord;
