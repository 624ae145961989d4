//! TypeScript: types, `parse`, `is` and `validate` functions, and clients, without a dependency.

mod calls;
mod channels;
mod checks;
mod client;
mod emitter;
mod package;
mod pages;
mod requests;
mod reserved;
mod text;
mod types;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::ir::{DeclId, Ir, Shape, Type, TypeKind};
use crate::{Artifact, Emit, HEADER, Request, names};

/// The first lines of the models file.
const MODELS_HEAD: &str = r#"// Each type has a value of the same name: `Pet.parse(value)` returns a `Pet` or throws `ModelError`
// when the structure does not fit; `Pet.is(value)` reports whether it fits; `Pet.validate(value)`
// lists all violations of the contract, with their paths. Values come from `JSON.parse`, or
// from `readJson`, which keeps every digit; unknown properties, enum values and variants are kept.
import * as s from "./support.js";
"#;

/// The files of a request; every part needs the models.
fn emit(ir: &Ir, request: &Request) -> Vec<Artifact> {
    let names = names::types(ir, reserved::TYPES);
    let mut typescript = TypeScript {
        ir,
        names: &names,
        cuts: cuts(ir),
        prefix: "",
    };
    let mut artifacts = typescript.base(request);
    if request.emit.contains(&Emit::Client) {
        typescript.prefix = "m.";
        artifacts.extend(typescript.ends());
    }
    if artifacts.iter().any(|file| file.contents.contains(CHECKS)) {
        artifacts.push(file("schema", include_str!("templates/schema.ts")));
        artifacts.push(file("schemas", &typescript.schemas()));
    }
    if request.emit.contains(&Emit::Wire) {
        artifacts.push(file("driver", include_str!("templates/driver.ts")));
        artifacts.push(file("wire", &typescript.wire()));
    }
    artifacts
}

/// A file of the package with the line that names its command.
fn file(stem: &str, contents: &str) -> Artifact {
    Artifact::new(format!("src/{stem}.ts"), format!("// {HEADER}\n{contents}"))
}

/// The shared input of all files of a package.
struct TypeScript<'a> {
    ir: &'a Ir,
    names: &'a [String],
    /// References that would make a type its own definition, as pairs of from and to.
    cuts: BTreeSet<(DeclId, DeclId)>,
    /// The prefix of the names of models: empty in their own file.
    prefix: &'static str,
}

impl TypeScript<'_> {
    fn base(&self, request: &Request) -> Vec<Artifact> {
        let index = "export * from \"./models.js\";\nexport { readJson, writeJson } from \"./json.js\";\nexport { Decimal } from \"./numbers.js\";\nexport type { Integer, Numeric } from \"./numbers.js\";\nexport { ModelError } from \"./support.js\";\nexport type { Direction, Model, Unknown, Unlisted, Violation } from \"./support.js\";\n";
        let mut artifacts = vec![
            file("index", index),
            file("models", &self.models()),
            file("numbers", include_str!("templates/numbers.ts")),
            file("json", include_str!("templates/json.ts")),
            file("formats", include_str!("templates/formats.ts")),
            file("support", include_str!("templates/support.ts")),
        ];
        if request.has_manifest {
            artifacts.extend(package::manifests(request, self.ir));
        }
        artifacts
    }

    /// The client and the channels, if the contracts have operations and channels.
    fn ends(&self) -> Vec<Artifact> {
        let mut artifacts = Vec::new();
        if !self.ir.operations.is_empty() || self.ir.channels.is_empty() {
            artifacts.push(file("client", &self.client()));
            artifacts.push(file("encode", include_str!("templates/encode.ts")));
            artifacts.push(file("http", include_str!("templates/http.ts")));
            artifacts.push(file("streams", include_str!("templates/streams.ts")));
        }
        if !self.ir.channels.is_empty() {
            artifacts.push(file("channels", &self.channels()));
            artifacts.push(file("messages", include_str!("templates/messages.ts")));
        }
        artifacts
    }

    fn models(&self) -> String {
        let mut order: BTreeMap<&str, DeclId> = BTreeMap::new();
        for (id, name) in self.names.iter().enumerate() {
            order.insert(name, id);
        }
        let mut out = String::with_capacity(1024 * (order.len() + 1));
        out.push_str(MODELS_HEAD);
        // A name for a type needs the type's value, so these come behind all others.
        let mut twins = String::new();
        for id in order.into_values() {
            let original = self.ir.originals[id];
            if original != id {
                let (name, original) = (&self.names[id], &self.names[original]);
                let _ = writeln!(
                    twins,
                    "\nexport type {name} = {original};\nexport const {name} = {original};"
                );
                continue;
            }
            out.push('\n');
            self.type_declaration(&mut out, id);
            self.check_declaration(&mut out, id);
        }
        out.push_str(&twins);
        import_checks(&mut out, MODELS_HEAD.len());
        out
    }

    /// The schemas that residual ones refer to, as JSON text that is read when it is needed.
    fn schemas(&self) -> String {
        let mut out = "export const schemas: ReadonlyMap<string, string> = new Map([\n".to_owned();
        for (name, schema) in &self.ir.schemas {
            out.push_str("  [");
            text::literal(&mut out, name);
            out.push_str(", ");
            text::literal(&mut out, &schema.to_string());
            out.push_str("],\n");
        }
        out.push_str("]);\n");
        out
    }

    /// Whether a reference closes a circle of names for one another.
    fn is_cut(&self, from: DeclId, ty: &Type) -> bool {
        matches!(ty.kind, TypeKind::Named(to) if self.cuts.contains(&(from, to)))
    }
}

/// What a file that checks schemas begins with.
const CHECKS: &str = "import * as r from \"./schema.js\";\n";

/// Adds what checks schemas to a file that uses it, behind its other imports.
fn import_checks(out: &mut String, n_head: usize) {
    if out[n_head..].contains("r.holds(") {
        out.insert_str(n_head, CHECKS);
    }
}

/// The references that close circles of aliases and unions, found depth first in order.
///
/// TypeScript resolves interfaces, arrays and maps lazily, so only direct references count.
fn cuts(ir: &Ir) -> BTreeSet<(DeclId, DeclId)> {
    let direct: Vec<Vec<DeclId>> = ir.decls.iter().map(|decl| targets(&decl.shape)).collect();
    let mut cuts = BTreeSet::new();
    let mut is_open = vec![false; direct.len()];
    let mut is_done = vec![false; direct.len()];
    for start in 0..direct.len() {
        if is_done[start] {
            continue;
        }
        let mut stack = vec![(start, direct[start].iter())];
        is_open[start] = true;
        while let Some((id, targets)) = stack.last_mut() {
            let id = *id;
            match targets.next() {
                Some(next) if is_open[*next] => {
                    cuts.insert((id, *next));
                }
                Some(next) if !is_done[*next] => {
                    is_open[*next] = true;
                    stack.push((*next, direct[*next].iter()));
                }
                Some(_) => {}
                None => {
                    is_open[id] = false;
                    is_done[id] = true;
                    stack.pop();
                }
            }
        }
    }
    cuts
}

fn targets(shape: &Shape) -> Vec<DeclId> {
    let named = |ty: &Type| match ty.kind {
        TypeKind::Named(id) => Some(id),
        _ => None,
    };
    match shape {
        Shape::Alias(ty) => named(ty).into_iter().collect(),
        Shape::Union(union) => union.variants.iter().filter_map(|v| named(&v.ty)).collect(),
        Shape::Struct(_) | Shape::Enum(_) | Shape::Tuple(_) => Vec::new(),
    }
}
