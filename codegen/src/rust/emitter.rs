//! Rust in the list of languages.

use super::package::emit;
use crate::ir::Ir;
use crate::language::{Emitter, Language};
use crate::{Artifact, CodegenError, Emit, Request};

impl Language {
    /// Rust, edition 2024.
    pub const RUST: Self = Self::of(&RustEmitter);
}

struct RustEmitter;

impl Emitter for RustEmitter {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["rs"]
    }

    fn about(&self) -> &'static str {
        "Rust, edition 2024."
    }

    fn package_file(&self) -> &'static str {
        "Cargo.toml"
    }

    fn parts(&self) -> &'static [Emit] {
        &[Emit::Models, Emit::Client, Emit::Server, Emit::Wire]
    }

    fn emit(&self, ir: &Ir, request: &Request) -> Result<Vec<Artifact>, CodegenError> {
        emit(ir, request)
    }
}
