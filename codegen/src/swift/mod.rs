//! Swift models. It must not know Rust or TypeScript.
use crate::ir::Ir;
use crate::{Artifact, Request};
pub(crate) fn emit(_: &Ir, _: &Request) -> Vec<Artifact> {
    Vec::new()
}
