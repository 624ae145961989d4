//! TypeScript models: types, and `parse`, `is` and `validate` functions without a dependency.
//!
//! It must not know Rust or Swift.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::ir::{
    Constraints, Decl, Docs, Extra, Field, Guard, Ir, Kind, Shape, Struct, Type, TypeKind,
};
use crate::{Artifact, HEADER, Request, names};

/// Names of the language's library and of our support file.
const RESERVED_TYPES: &[&str] = &[
    "Array",
    "ArrayBuffer",
    "BigInt",
    "Boolean",
    "Check",
    "Context",
    "Bounds",
    "Guard",
    "Date",
    "Error",
    "Exclude",
    "Extract",
    "Function",
    "Infinity",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "ModelError",
    "NaN",
    "NonNullable",
    "Number",
    "Object",
    "Omit",
    "Partial",
    "Pick",
    "Promise",
    "Proxy",
    "Readonly",
    "Record",
    "Reflect",
    "RegExp",
    "Required",
    "ReturnType",
    "Set",
    "String",
    "Symbol",
    "UnknownVariant",
    "Violation",
    "WeakMap",
    "WeakSet",
];

/// The files of the package.
pub(crate) fn emit(ir: &Ir, request: &Request) -> Vec<Artifact> {
    let names = names::types(ir, RESERVED_TYPES);
    let typescript = TypeScript { names: &names };
    let mut declarations = BTreeMap::new();
    for (id, decl) in ir.decls.iter().enumerate() {
        declarations.insert(&names[id], typescript.declaration(id, decl));
    }
    let mut models = format!(
        "// {HEADER}\nimport * as s from \"./support.js\";\nimport type {{ UnknownVariant, Violation }} from \"./support.js\";\n\nexport type {{ UnknownVariant, Violation }};\n"
    );
    for declaration in declarations.values() {
        models.push('\n');
        models.push_str(declaration);
    }
    let support = include_str!("templates/support.ts");
    let index = "export * from \"./models.js\";\nexport { ModelError } from \"./support.js\";\n";
    let mut artifacts = vec![
        Artifact::new("src/index.ts", format!("// {HEADER}\n{index}")),
        Artifact::new("src/models.ts", models),
        Artifact::new("src/support.ts", format!("// {HEADER}\n{support}")),
    ];
    if request.has_manifest {
        artifacts.push(Artifact::new("package.json", manifest(&request.package)));
        artifacts.push(Artifact::new("tsconfig.json", compiler_settings()));
    }
    artifacts
}

fn manifest(package: &str) -> String {
    let manifest = json!({
        "//": HEADER,
        "name": package,
        "version": "0.1.0",
        "private": true,
        "type": "module",
        "sideEffects": false,
        "exports": {".": {"types": "./dist/index.d.ts", "default": "./dist/index.js"}},
        "scripts": {"build": "tsc"},
    });
    format!("{manifest:#}\n")
}

fn compiler_settings() -> String {
    let settings = json!({"compilerOptions": {
        "declaration": true,
        "exactOptionalPropertyTypes": true,
        "isolatedModules": true,
        "lib": ["es2022"],
        "module": "nodenext",
        "noUncheckedIndexedAccess": true,
        "outDir": "dist",
        "strict": true,
        "target": "es2022",
        "types": [],
        "verbatimModuleSyntax": true,
    }, "include": ["src"]});
    format!("// {HEADER}\n{settings:#}\n")
}

struct TypeScript<'a> {
    names: &'a [String],
}

impl TypeScript<'_> {
    fn declaration(&self, id: usize, decl: &Decl) -> String {
        let name = &self.names[id];
        let mut text = docs(&decl.docs, "");
        let check = match &decl.shape {
            Shape::Struct(object) => {
                self.interface(&mut text, name, object);
                self.object_check(object)
            }
            Shape::Enum(values) => {
                let known: Vec<String> = values.iter().map(|value| literal(&value.wire)).collect();
                let _ = writeln!(
                    text,
                    "export type {name} = {} | (string & {{}});",
                    known.join(" | ")
                );
                format!("s.enumeration([{}])", known.join(", "))
            }
            Shape::Union(union) => {
                let mut types: Vec<String> = Vec::new();
                let mut checks = String::new();
                for variant in &union.variants {
                    let ty = self.type_text(&variant.ty);
                    if !types.contains(&ty) {
                        types.push(ty);
                    }
                    let _ = write!(
                        checks,
                        "\n  [{}, {}, {}],",
                        guard(&variant.guard),
                        variant.is_exclusive,
                        self.check(&variant.ty)
                    );
                }
                types.push("UnknownVariant".to_owned());
                let _ = writeln!(text, "export type {name} = {};", types.join(" | "));
                format!("s.union([{checks}\n])")
            }
            Shape::Alias(ty) => {
                let _ = writeln!(text, "export type {name} = {};", self.type_text(ty));
                self.check(ty)
            }
        };
        let _ = write!(
            text,
            "\nconst check{name}: s.Check = {check};\n\n/** The value as `{name}`; throws `ModelError` when its structure does not fit. */\nexport function parse{name}(value: unknown): {name} {{\n  return s.parse(check{name}, value);\n}}\n\n/** Whether the value's structure fits `{name}`. */\nexport function is{name}(value: unknown): value is {name} {{\n  return s.fits(check{name}, value);\n}}\n\n/** All that is not as the contract says. */\nexport function validate{name}(value: unknown): Violation[] {{\n  return s.validate(check{name}, value);\n}}\n"
        );
        text
    }

    fn interface(&self, text: &mut String, name: &str, object: &Struct) {
        let _ = writeln!(text, "export interface {name} {{");
        for field in &object.fields {
            text.push_str(&docs(&field.docs, "  "));
            let mark = if field.is_required { "" } else { "?" };
            let _ = writeln!(
                text,
                "  {}{mark}: {};",
                literal(&field.wire),
                self.field_type(field)
            );
        }
        if matches!(object.extra, Extra::Typed(_)) {
            text.push_str(
                "  /** Properties that the contract does not list. */\n  [key: string]: unknown;\n",
            );
        }
        text.push_str("}\n");
    }

    fn field_type(&self, field: &Field) -> String {
        match &field.constant {
            Some(Value::Array(_) | Value::Object(_)) => "unknown".to_owned(),
            Some(constant) => constant_text(constant),
            None => self.type_text(&field.ty),
        }
    }

    fn object_check(&self, object: &Struct) -> String {
        let mut text = "s.object([".to_owned();
        for field in &object.fields {
            let check = match &field.constant {
                Some(constant) => format!("s.constant({})", constant_text(constant)),
                None => self.check(&field.ty),
            };
            let _ = write!(
                text,
                "\n  [{}, {}, {check}],",
                literal(&field.wire),
                field.is_required
            );
        }
        let extra = match &object.extra {
            Extra::Unstated => "s.any()".to_owned(),
            Extra::Refused => "undefined".to_owned(),
            Extra::Typed(ty) => self.check(ty),
        };
        let _ = write!(text, "\n], {extra}{})", bounds(&object.bounds));
        text
    }

    fn type_text(&self, ty: &Type) -> String {
        let text = match &ty.kind {
            TypeKind::Any => "unknown".to_owned(),
            TypeKind::Boolean => "boolean".to_owned(),
            TypeKind::String(_) => "string".to_owned(),
            TypeKind::Integer(_) | TypeKind::Number { .. } => "number".to_owned(),
            TypeKind::Array(item) => format!("Array<{}>", self.type_text(item)),
            TypeKind::Map(value) => format!("{{ [key: string]: {} }}", self.type_text(value)),
            TypeKind::Named(id) => self.names[*id].clone(),
        };
        if ty.is_nullable {
            format!("{text} | null")
        } else {
            text
        }
    }

    fn check(&self, ty: &Type) -> String {
        let with = |name: &str| {
            let bounds = bounds(&ty.constraints);
            format!("s.{name}({})", bounds.trim_start_matches(", "))
        };
        let check = match &ty.kind {
            TypeKind::Any => return "s.any()".to_owned(),
            TypeKind::Boolean => "s.boolean()".to_owned(),
            TypeKind::String(_) => with("text"),
            TypeKind::Integer(_) => with("integer"),
            TypeKind::Number { .. } => with("number"),
            TypeKind::Array(item) => {
                format!("s.array({}{})", self.check(item), bounds(&ty.constraints))
            }
            TypeKind::Map(value) => {
                format!("s.map({}{})", self.check(value), bounds(&ty.constraints))
            }
            TypeKind::Named(id) => format!("s.lazy(() => check{})", self.names[*id]),
        };
        if ty.is_nullable {
            format!("s.nullable({check})")
        } else {
            check
        }
    }
}

/// A string literal; JSON's form is also TypeScript's.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

/// JSON text; `-0` and the like keep their form.
fn constant_text(constant: &Value) -> String {
    constant.to_string()
}

/// Bounds as a last argument with its comma; nothing when there are none.
fn bounds(constraints: &Constraints) -> String {
    let mut parts = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            parts.push(format!("{name}: {value}"));
        }
    };
    let number = |text: &Option<String>| {
        let value = text.as_ref()?.parse::<f64>().ok()?;
        value.is_finite().then(|| format!("{value:?}"))
    };
    add("sizeMin", constraints.size_min.map(|size| size.to_string()));
    add("sizeMax", constraints.size_max.map(|size| size.to_string()));
    add("minimum", number(&constraints.minimum));
    add("maximum", number(&constraints.maximum));
    add(
        "isMinimumExclusive",
        constraints.is_minimum_exclusive.then(|| "true".to_owned()),
    );
    add(
        "isMaximumExclusive",
        constraints.is_maximum_exclusive.then(|| "true".to_owned()),
    );
    add("multipleOf", number(&constraints.multiple_of));
    add("pattern", constraints.pattern.as_deref().map(literal));
    add("isUnique", constraints.is_unique.then(|| "true".to_owned()));
    if parts.is_empty() {
        String::new()
    } else {
        format!(", {{ {} }}", parts.join(", "))
    }
}

fn guard(guard: &Guard) -> String {
    let mut parts = Vec::new();
    if !guard.kinds.is_empty() {
        let kinds: Vec<&str> = guard.kinds.iter().map(|kind| kind_word(*kind)).collect();
        parts.push(format!("kinds: {}", json!(kinds)));
    }
    if !guard.tags.is_empty() {
        parts.push(format!("tags: {}", json!(guard.tags)));
    }
    if !guard.keys.is_empty() {
        parts.push(format!("keys: {}", json!(guard.keys)));
    }
    if let Some(known) = &guard.known {
        parts.push(format!("known: {}", json!(known)));
    }
    if let Some(strings) = &guard.strings {
        parts.push(format!("strings: {}", json!(strings)));
    }
    format!("{{ {} }}", parts.join(", "))
}

fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Object => "object",
    }
}

/// A comment that its text can't end.
fn docs(docs: &Docs, indent: &str) -> String {
    let mut lines: Vec<String> = names::text_lines(&docs.text);
    if docs.is_deprecated {
        lines.push("@deprecated".to_owned());
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{indent}/**\n");
    for line in lines {
        let line = line.replace("*/", "*\\/");
        let _ = writeln!(text, "{indent} * {line}");
    }
    let _ = writeln!(text, "{indent} */");
    text
}
