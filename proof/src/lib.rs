//! Proof of generated code: it compiles, and values keep their shape on the wire between languages.
//!
//! `toolchains` has one file or folder for each language that can be compiled. `compile` compiles
//! one package with the toolchain of its language, `wire` sends values through the drivers of all
//! languages, and `prove` joins both for one set of contracts. `verify` proves packages that are on
//! disk; `corpus` generates and proves every document of a folder. Functions return reports; the
//! command line prints them.

pub mod compile;
pub mod corpus;
mod error;
pub mod package;
mod prove;
pub mod toolchain;
pub mod toolchains;
pub mod verify;
pub mod wire;

pub use compile::Compilers;
pub use error::ProofError;
pub use package::Places;
pub use prove::{Extent, LanguageProof, Proof, Sent, Source, State, exit_code, prove};
