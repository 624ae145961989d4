//! Rust models: one file for each contract, one for what they share. The client and the server are
//! in `client` and `server`.

mod decls;
mod emitter;
mod formats;
mod package;
mod rules;
mod scope;
mod text;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{DeclId, Ir, visit_constraints};
use crate::names;
use crate::{Artifact, HEADER};

pub(crate) use scope::Rust;
pub(crate) use text::{doc_lines, literal, member};
pub(crate) use wire::driver;

/// Module names that the crate root uses itself, in addition to keywords.
const RESERVED_MODULES: &[&str] = &[
    "as",
    "async",
    "await",
    "box",
    "break",
    "channels",
    "client",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "formats",
    "gen",
    "if",
    "impl",
    "in",
    "interop",
    "items",
    "let",
    "lib",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "pattern",
    "priv",
    "pub",
    "ref",
    "return",
    "schema",
    "self",
    "server",
    "static",
    "struct",
    "super",
    "support",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    "abstract",
    "become",
    "typeof",
    "unsized",
    "main",
    "std",
    "core",
    "alloc",
    "serde",
    "serde_json",
    "regex",
    "fancy_regex",
    "chrono",
    "jiff",
    "time",
    "uuid",
    "url",
];

/// The files of the models crate without its manifest, which has these further modules; paths
/// relative to its folder.
fn models(ir: &Ir, parts: &[&str], needs: Needs, has_manifest: bool) -> Vec<Artifact> {
    let rust = Rust::new(ir, "");
    let mut stems: BTreeMap<&str, BTreeMap<&str, DeclId>> = BTreeMap::new();
    for (id, decl) in ir.decls.iter().enumerate() {
        let ids = stems.entry(&decl.module).or_default();
        ids.insert(&rust.names[id], id);
    }
    let mut modules: BTreeMap<String, BTreeMap<&str, DeclId>> = BTreeMap::new();
    for (stem, ids) in stems {
        let module = names::members(&[stem], names::Case::Snake, RESERVED_MODULES, "_");
        modules.entry(module[0].clone()).or_default().extend(ids);
    }
    let wires = wire_modules(modules.keys());
    let mut artifacts = vec![Artifact::new(
        "src/lib.rs",
        crate_root(&wires, needs, parts, has_manifest),
    )];
    for (module, ids) in &modules {
        let (mut declared, mut tables) = (Vec::new(), Vec::new());
        for id in ids.values() {
            let members = rust.members(*id);
            declared.push(rust.declaration(*id, &members));
            tables.extend(rust.table(*id, &members));
        }
        let is_mixed = modules.len() > 1 && rust.uses_others(ids);
        artifacts.push(types_file(module, &declared, is_mixed));
        artifacts.push(tables_file(module, &wires[module], &tables));
    }
    let mut add = |name: &str, template: &str| {
        let text = format!("// {HEADER}\n{}", needs.choose(template));
        artifacts.push(Artifact::new(format!("src/{name}.rs"), text));
    };
    add("support", include_str!("templates/support.rs"));
    add("formats", include_str!("templates/formats.rs"));
    if ir.has_tuples() {
        add("items", include_str!("templates/items.rs"));
    }
    if needs.has_pattern {
        add("pattern", include_str!("templates/pattern.rs"));
    }
    if needs.has_schema {
        add("schema", include_str!("templates/schema.rs"));
    }
    if has_manifest {
        add("interop", include_str!("templates/interop.rs"));
    }
    if needs.has_schema {
        let mut schemas: serde_json::Map<_, _> = ir.schemas.clone().into_iter().collect();
        schemas.insert("$comment".to_owned(), HEADER.into());
        let schemas = serde_json::Value::Object(schemas);
        artifacts.push(Artifact::new("src/schemas.json", format!("{schemas}\n")));
    }
    artifacts
}

/// What the shared files must hold.
#[derive(Debug, Clone, Copy)]
struct Needs {
    has_pattern: bool,
    has_tuple: bool,
    has_schema: bool,
    /// Whether a pattern uses lookaround or backreferences, which `regex` does not support.
    is_fancy: bool,
}

impl Needs {
    fn of(ir: &Ir) -> Self {
        let mut needs = Self {
            has_pattern: false,
            has_tuple: ir.has_tuples(),
            has_schema: false,
            is_fancy: false,
        };
        visit_constraints(ir, &mut |constraints| {
            if let Some(pattern) = &constraints.pattern {
                needs.pattern(pattern);
            }
            if let Some(residual) = &constraints.residual {
                needs.has_schema = true;
                needs.schema(residual);
            }
        });
        if needs.has_schema {
            ir.schemas.values().for_each(|schema| needs.schema(schema));
        }
        needs
    }

    fn pattern(&mut self, pattern: &str) {
        let bytes = pattern.as_bytes();
        let looks = ["(?=", "(?!", "(?<=", "(?<!", "\\k<"]
            .iter()
            .any(|mark| pattern.contains(mark));
        let is_back = bytes
            .windows(2)
            .any(|pair| pair[0] == b'\\' && (b'1'..=b'9').contains(&pair[1]));
        self.has_pattern = true;
        self.is_fancy |= looks || is_back;
    }

    fn schema(&mut self, schema: &serde_json::Value) {
        match schema {
            serde_json::Value::Object(entries) => {
                for (key, value) in entries {
                    match (key.as_str(), value) {
                        ("pattern", serde_json::Value::String(pattern)) => self.pattern(pattern),
                        ("patternProperties", serde_json::Value::Object(patterns)) => {
                            patterns.keys().for_each(|pattern| self.pattern(pattern));
                        }
                        _ => {}
                    }
                    self.schema(value);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.schema(item)),
            _ => {}
        }
    }

    /// A template without the lines for what is not needed.
    fn choose(self, template: &str) -> String {
        let marks = [
            (" // if pattern", self.has_pattern),
            (" // if no pattern", !self.has_pattern),
            (" // if schema", self.has_schema),
            (" // if fancy", self.is_fancy),
            (" // if regex", !self.is_fancy),
        ];
        let mut text = String::with_capacity(template.len());
        for line in template.lines() {
            let mark = marks.iter().find(|(mark, _)| line.ends_with(mark));
            match mark {
                Some((_, false)) => continue,
                Some((mark, true)) => text.push_str(line.trim_end_matches(mark)),
                None => text.push_str(line),
            }
            text.push('\n');
        }
        text
    }
}

/// The file of declarations; a mixed one names types of other modules.
fn types_file(module: &str, declarations: &[String], is_mixed: bool) -> Artifact {
    let is_used = |mark: &str| {
        let mut all = declarations.iter();
        all.any(|declaration| is_in_code(declaration, mark))
    };
    let mut text = format!("// {HEADER}\n//! The types of `{module}`.\n");
    if is_used("BTreeMap<") {
        text.push_str("\nuse std::collections::BTreeMap;\n");
    }
    let uses = [("formats", "formats::"), ("support", "support::")];
    let uses = uses.iter().filter(|(_, mark)| is_used(mark));
    let uses: Vec<&str> = uses.map(|(name, _)| *name).collect();
    match uses.as_slice() {
        [] => {}
        [one] => text.push_str(&format!("\nuse super::{one};\n")),
        several => text.push_str(&format!("\nuse super::{{{}}};\n", several.join(", "))),
    }
    if is_mixed {
        text.push_str("use super::*;\n");
    }
    Artifact::new(format!("src/{module}.rs"), with_parts(text, declarations))
}

/// Whether a declaration has a text outside its comments.
fn is_in_code(declaration: &str, mark: &str) -> bool {
    declaration.contains(mark) && {
        let lines = declaration.lines();
        let mut code = lines.filter(|line| !line.trim_start().starts_with("///"));
        code.any(|line| line.contains(mark))
    }
}

/// A text with parts behind it, an empty line before each.
fn with_parts(mut text: String, parts: &[String]) -> String {
    text.reserve(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        text.push('\n');
        text.push_str(part);
    }
    text
}

/// The names of the modules of tables, one for each module of types: `box_wire` for `box_`.
fn wire_modules<'m>(modules: impl Iterator<Item = &'m String> + Clone) -> BTreeMap<String, String> {
    let mut taken: BTreeSet<String> = modules.clone().cloned().collect();
    let mut wires = BTreeMap::new();
    for module in modules {
        let wish = format!("{}_wire", module.trim_end_matches('_'));
        let numbered = (2..).map(|number: u32| format!("{wish}{number}"));
        let wire = std::iter::once(wish.clone())
            .chain(numbered)
            .find(|name| taken.insert(name.clone()))
            .expect("an endless iterator of different names has a free one");
        wires.insert(module.clone(), wire);
    }
    wires
}

fn tables_file(module: &str, wire: &str, tables: &[String]) -> Artifact {
    let has = |mark: &str| tables.iter().any(|table| table.contains(mark));
    let mut text =
        format!("// {HEADER}\n//! How the types of `{module}` are read, written and checked.\n");
    if !tables.is_empty() {
        let mut names = vec!["self", "Decode"];
        for (name, mark) in [
            ("Guard as is", "[is::"),
            ("Path", ""),
            ("Rule as rule", "rule::"),
            ("Validate", ""),
            ("Violation", ""),
        ] {
            if has(mark) {
                names.push(name);
            }
        }
        let starts = |word: &str| tables.iter().any(|table| table.starts_with(word));
        let macros = [
            ("newtype", "newtype! {"),
            ("record", "record! {"),
            ("strings", "strings! {"),
            ("variants", "variants! {"),
        ];
        let macros = macros.iter().filter(|(_, start)| starts(start));
        names.extend(macros.map(|(name, _)| *name));
        text.push_str(&format!(
            "\nuse serde_json::Value;\n\nuse super::{module}::*;\nuse super::support::{{{}}};\n",
            names.join(", ")
        ));
        if starts("tuple! {") {
            text.push_str("use super::items::{self, tuple};\n");
        }
    }
    Artifact::new(format!("src/{wire}.rs"), with_parts(text, tables))
}

/// The name of a package in `Cargo.toml`.
fn crate_name(package: &str) -> String {
    names::identifier(package, names::Case::Snake).replace('_', "-")
}

fn crate_root(
    modules: &BTreeMap<String, String>,
    needs: Needs,
    parts: &[&str],
    has_manifest: bool,
) -> String {
    let mut root = format!("// {HEADER}\n{}", include_str!("templates/lib.rs"));
    let mut add = |name: &str, is_public: bool| {
        let word = if is_public { "pub mod" } else { "mod" };
        root.push_str(&format!("#[rustfmt::skip]\n{word} {name};\n"));
    };
    for (module, wire) in modules {
        add(module, false);
        add(wire, false);
    }
    add("formats", true);
    if has_manifest {
        add("interop", false);
    }
    if needs.has_tuple {
        add("items", true);
    }
    if needs.has_pattern {
        add("pattern", false);
    }
    if needs.has_schema {
        add("schema", false);
    }
    for module in parts {
        add(module, true);
    }
    add("support", true);
    root.push('\n');
    for module in modules.keys() {
        root.push_str(&format!("pub use {module}::*;\n"));
    }
    root.push_str("pub use support::{Decode, Validate, Violation};\n");
    root
}
