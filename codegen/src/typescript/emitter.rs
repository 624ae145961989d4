//! TypeScript in the list of languages.

use super::emit;
use crate::ir::Ir;
use crate::language::{Emitter, Language};
use crate::{Artifact, CodegenError, Emit, Request};

impl Language {
    /// TypeScript, strict, ESM.
    pub const TYPESCRIPT: Self = Self::of(&TypeScriptEmitter);
}

struct TypeScriptEmitter;

impl Emitter for TypeScriptEmitter {
    fn name(&self) -> &'static str {
        "typescript"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["ts"]
    }

    fn about(&self) -> &'static str {
        "TypeScript, strict, ESM."
    }

    fn package_file(&self) -> &'static str {
        "package.json"
    }

    fn parts(&self) -> &'static [Emit] {
        &[Emit::Models, Emit::Client, Emit::Wire]
    }

    fn emit(&self, ir: &Ir, request: &Request) -> Result<Vec<Artifact>, CodegenError> {
        Ok(emit(ir, request))
    }
}
