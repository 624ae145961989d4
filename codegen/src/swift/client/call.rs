//! One operation with its identifiers, and what its parts have in common.

use std::collections::BTreeMap;

use super::super::scope::Swift;
use crate::ir::{Operation, Shape, Struct, Type, TypeKind};

/// One operation with its identifiers.
pub(super) struct Call<'o> {
    pub(super) operation: &'o Operation,
    /// The method.
    pub(super) method: String,
    /// The prefix of the names of its own types; no model's name begins with it.
    pub(super) ty: String,
    /// The parameters' identifiers.
    pub(super) idents: Vec<String>,
    /// The body's identifier.
    pub(super) body: String,
    /// The method that gives all pages.
    pub(super) pages: String,
}

/// Texts that occur twice get a number, so that each has an identifier of its own.
pub(super) fn unique<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    texts
        .map(|text| {
            let n = seen.entry(text).or_default();
            *n += 1;
            if *n == 1 {
                text.to_owned()
            } else {
                format!("{text} {n}")
            }
        })
        .collect()
}

/// The struct behind a type, through aliases; nothing when it is none.
pub(super) fn object<'i>(swift: &Swift<'i>, ty: &Type) -> Option<&'i Struct> {
    let mut ty = ty.clone();
    for _ in 0..32 {
        let TypeKind::Named(id) = ty.kind else {
            return None;
        };
        match &swift.ir.decls[id].shape {
            Shape::Struct(object) => return Some(object),
            Shape::Alias(target) => ty = target.clone(),
            _ => return None,
        }
    }
    None
}

/// Whether a media type is JSON.
pub(super) fn is_json(media: &str) -> bool {
    let media = media.split(';').next().unwrap_or(media).trim();
    media.eq_ignore_ascii_case("application/json")
        || media.to_ascii_lowercase().ends_with("+json")
        || media == "text/json"
        || media == "*/*"
}

/// Whether a media type is text.
pub(super) fn is_text(media: &str) -> bool {
    media.starts_with("text/") || media.contains("xml") || media.contains("yaml")
}
