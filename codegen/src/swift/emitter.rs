//! Swift in the list of languages.

use super::emit;
use crate::ir::Ir;
use crate::language::{Emitter, Language};
use crate::{Artifact, CodegenError, Emit, Request};

impl Language {
    /// Swift 6.
    pub const SWIFT: Self = Self::of(&SwiftEmitter);
}

struct SwiftEmitter;

impl Emitter for SwiftEmitter {
    fn name(&self) -> &'static str {
        "swift"
    }

    fn about(&self) -> &'static str {
        "Swift 6."
    }

    fn package_file(&self) -> &'static str {
        "Package.swift"
    }

    fn parts(&self) -> &'static [Emit] {
        &[Emit::Models, Emit::Client, Emit::Wire]
    }

    fn emit(&self, ir: &Ir, request: &Request) -> Result<Vec<Artifact>, CodegenError> {
        Ok(emit(ir, request))
    }
}
