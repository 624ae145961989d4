//! The tables of the wire: for each type how it is read, written and checked, and the program that
//! proves it.

use std::fmt::Write as _;

use super::decls::stored;
use super::rules::bounds;
use super::scope::Rust;
use super::text::{literal, literals};
use crate::ir::{DeclId, Extra, Guard, Kind, Shape, Struct, Tuple, Type, Union, Variant};
use crate::names::push_all;
use crate::{Artifact, HEADER};

impl Rust<'_> {
    /// The table of one type, which has these members; nothing for another name of a type, which
    /// has that of its target.
    pub(crate) fn table(&self, id: DeclId, members: &[String]) -> Option<String> {
        if self.ir.originals[id] != id {
            return None;
        }
        let name = &self.names[id];
        match &self.ir.decls[id].shape {
            Shape::Struct(object) => Some(self.record(name, object, members)),
            Shape::Union(union) => Some(self.variants(name, union, members)),
            Shape::Tuple(tuple) => Some(self.tuple_table(name, tuple)),
            Shape::Enum(values) => {
                let lines = values.iter().zip(members);
                let mut text = ["strings! { ", name, " { "].concat();
                for (value, ident) in lines {
                    push_all(&mut text, &[ident, " ", &literal(&value.wire), ", "]);
                }
                let open = if self.ir.decls[id].is_open {
                    " open ()"
                } else {
                    ""
                };
                push_all(&mut text, &["}", open, " }\n"]);
                Some(text)
            }
            Shape::Alias(ty) if self.graph.is_recursive_alias[id] => {
                Some(format!("newtype! {{ {name}{} }}\n", self.bracketed(ty)))
            }
            Shape::Alias(_) => None,
        }
    }

    /// The rules of a place in brackets after a space; nothing when there are none.
    fn bracketed(&self, ty: &Type) -> String {
        let rules = self.rules(ty, "rule::");
        if rules.is_empty() {
            String::new()
        } else {
            format!(" [{}]", rules.join(", "))
        }
    }

    fn record(&self, name: &str, object: &Struct, members: &[String]) -> String {
        let mut text = format!("record! {{ {name} {{");
        for (ident, field) in members.iter().zip(stored(object)) {
            let presence = match field.access {
                _ if field.is_required => "required",
                crate::ir::Access::Read if field.is_required_in_direction => "in_response",
                crate::ir::Access::Write if field.is_required_in_direction => "in_request",
                _ => "optional",
            };
            let wire = literal(&field.wire);
            let rules = self.bracketed(&field.ty);
            push_all(
                &mut text,
                &["\n    ", ident, ": ", presence, " ", &wire, &rules, ","],
            );
        }
        text.push_str(if members.is_empty() { "}" } else { "\n}" });
        let constants = object.fields.iter().filter(|field| field.is_fixed());
        let constants = constants.filter_map(|field| Some((&field.wire, field.constant.as_ref()?)));
        let constants: Vec<String> = constants
            .map(|(wire, value)| format!("{}: {},", literal(wire), literal(&value.to_string())))
            .collect();
        if !constants.is_empty() {
            let _ = write!(text, " fixed {{ {} }}", constants.join(" "));
        }
        match &object.extra {
            Extra::Unstated => text.push_str(" extra"),
            Extra::Refused => text.push_str(" closed ()"),
            Extra::Typed(ty) => {
                text.push_str(" extra");
                let rules = self.bracketed(ty);
                if !rules.is_empty() {
                    let _ = write!(text, " each{rules}");
                }
            }
        }
        let own = bounds(&object.bounds, "rule::");
        if !own.is_empty() {
            let _ = write!(text, " rules [{}]", own.join(", "));
        }
        text.push_str(" }\n");
        text
    }

    fn tuple_table(&self, name: &str, tuple: &Tuple) -> String {
        let mut text = format!("tuple! {{ {name} {{");
        for (index, ty) in tuple.items.iter().enumerate() {
            let presence = if index < tuple.n_required {
                "required"
            } else {
                "optional"
            };
            let rules = self.rules(ty, "rule::").join(", ");
            let _ = write!(text, " {index}: {presence} [{rules}],");
        }
        text.push_str(" }");
        let n_items = tuple.items.len();
        let _ = match &tuple.rest {
            Extra::Refused => write!(text, " closed {n_items}"),
            Extra::Unstated => write!(text, " rest {n_items} []"),
            Extra::Typed(ty) => {
                let rules = self.rules(ty, "rule::").join(", ");
                write!(text, " rest {n_items} [{rules}]")
            }
        };
        let own = bounds(&tuple.bounds, "rule::");
        if !own.is_empty() {
            let _ = write!(text, " rules [{}]", own.join(", "));
        }
        text.push_str(" }\n");
        text
    }

    fn variants(&self, name: &str, union: &Union, members: &[String]) -> String {
        let mut text = format!("variants! {{ {name} {{\n");
        for (variant, ident) in union.variants.iter().zip(members) {
            let guards = guards(variant);
            let how = match (variant.is_exclusive, variant.guard.is_tag_optional) {
                (true, false) if !guards.is_empty() => "sure",
                (true, true) => "tagged",
                _ => "maybe",
            };
            let rules = self.bracketed(&variant.ty);
            let guards = guards.join(", ");
            push_all(
                &mut text,
                &["    ", ident, ": ", how, " [", &guards, "]", &rules, ",\n"],
            );
        }
        text.push('}');
        if union.is_open {
            text.push_str(" open ()");
        }
        let own = bounds(&union.bounds, "rule::");
        if !own.is_empty() {
            let _ = write!(text, " rules [{}]", own.join(", "));
        }
        text.push_str(" }\n");
        text
    }
}

fn guards(variant: &Variant) -> Vec<String> {
    let Guard {
        kinds,
        tags,
        is_tag_optional,
        keys,
        known,
        strings,
    } = &variant.guard;
    let mut guards = Vec::new();
    // Tags, keys and strings imply their kind.
    let is_implied = !tags.is_empty() || !keys.is_empty() || known.is_some() || strings.is_some();
    if !kinds.is_empty() && !is_implied {
        let letters: String = kinds.iter().map(|kind| letter(*kind)).collect();
        guards.push(format!("is::Kind({letters:?})"));
    }
    for (key, values) in tags {
        let guard = if *is_tag_optional { "TagIfAny" } else { "Tag" };
        guards.push(format!(
            "is::{guard}({}, {})",
            literal(key),
            literals(values)
        ));
    }
    if !keys.is_empty() {
        guards.push(format!("is::Keys({})", literals(keys)));
    }
    if let Some(known) = known {
        guards.push(format!("is::Only({})", literals(known)));
    }
    if let Some(strings) = strings {
        guards.push(format!("is::Text({})", literals(strings)));
    }
    guards
}

fn letter(kind: Kind) -> char {
    match kind {
        Kind::Boolean => 'b',
        Kind::Number => 'n',
        Kind::String => 's',
        Kind::Array => 'a',
        Kind::Object => 'o',
    }
}

/// The program that decodes and encodes instances of every type.
pub(crate) fn driver(ir: &crate::ir::Ir, package: &str) -> Artifact {
    let rust = Rust::new(ir, "models::");
    let library = super::crate_name(package).replace('-', "_");
    let mut lines: Vec<(&str, String)> = Vec::new();
    for (id, decl) in ir.decls.iter().enumerate() {
        let rules = match &decl.shape {
            Shape::Alias(ty) if !rust.graph.is_recursive_alias[id] => rust.rules(ty, "rule::"),
            _ => Vec::new(),
        };
        let name = format!("models::{}", rust.names[id]);
        let ty = if decl.is_nullable {
            format!("Option<{name}>")
        } else {
            name
        };
        let line = format!(
            "    ({}, run::<{ty}>, &[{}]),\n",
            literal(&decl.place),
            rules.join(", ")
        );
        lines.push((&decl.place, line));
    }
    // Several types stand at one place when one is a part of the other; the first is the whole.
    lines.sort_by_key(|(place, _)| *place);
    lines.dedup_by_key(|(place, _)| *place);
    let mut text = format!("// {HEADER}\n{}", include_str!("templates/wire.rs"));
    text = text.replace("models_crate", &library);
    text = text.replace(
        "use std::io",
        &format!("use {library} as models;\nuse std::io"),
    );
    text.push_str("/// Every type with its place, its rules, and the function that takes it, by place.\nstatic TYPES: &[(&str, Run, &[rule<'_>])] = &[\n");
    for (_, line) in lines {
        text.push_str(&line);
    }
    text.push_str("];\n");
    Artifact::new("examples/wire.rs", text)
}
