//! The rules that come with Tollgate: those of Spectral's `oas` and `asyncapi` sets under their
//! names, and our own. They are rows of data; checks that no core function can make are next to
//! them.

mod asyncapi;
mod asyncapi_checks;
mod examples;
mod openapi;
mod openapi_checks;
mod own;
mod row;
mod servers;

use tollgate_contracts_model::pattern::Patterns;

use crate::rule::Rule;
use row::Row;

/// Rules of Spectral that Tollgate does not have, each with the reason.
pub const NOT_HERE: &[(&str, &str)] = &[
    (
        "oas2-*",
        "Swagger 2 documents are not read: Tollgate's contracts are OpenAPI 3 and AsyncAPI; convert them first",
    ),
    (
        "arazzo-*",
        "Arazzo describes workflows over APIs, not an API, and is not read",
    ),
];

/// A set of rules that `extends` may name.
pub(crate) const SETS: &[&str] = &["spectral:oas", "spectral:asyncapi", "tollgate:own"];

fn rows(set: &str) -> impl Iterator<Item = &'static Row> {
    let families: &[&[Row]] = match set {
        "spectral:oas" => &[openapi::ROWS],
        "spectral:asyncapi" => asyncapi::FAMILIES,
        "tollgate:own" => &[own::ROWS],
        _ => &[],
    };
    families.iter().copied().flatten()
}

/// The rules of a set, enabled when they are recommended.
pub(crate) fn rules_of(set: &str, patterns: &Patterns) -> Vec<Rule> {
    rows(set).map(|row| row.rule(set, patterns)).collect()
}

/// The names of all rules that come with Tollgate, each with its set.
pub(crate) fn names() -> Vec<(&'static str, &'static str)> {
    SETS.iter()
        .flat_map(|set| rows(set).map(|row| (row.name, *set)))
        .collect()
}
