//! The kinds of documents by Spectral's names: those of a contract, and those that a ruleset names.

use tollgate_contracts_model::Contract;

/// Kinds of documents by Spectral's names, such as `oas3_1` and `aas2`.
pub(crate) const FORMATS: &[&str] = &[
    "oas2",
    "oas3",
    "oas3_0",
    "oas3_1",
    "oas3_2",
    "aas2",
    "aas2_0",
    "aas2_1",
    "aas2_2",
    "aas2_3",
    "aas2_4",
    "aas2_5",
    "aas2_6",
    "aas3",
    "aas3_0",
    "aas3_1",
    "json-schema",
    "json-schema-loose",
    "json-schema-draft4",
    "json-schema-draft6",
    "json-schema-draft7",
    "json-schema-2019-09",
    "json-schema-2020-12",
    "arazzo1",
    "arazzo1_0",
];

/// The format that a name means; other spellings are accepted.
pub(crate) fn format_of(name: &str) -> Option<&'static str> {
    let name = match name {
        "asyncapi2" | "asyncApi2" | "asyncapi-2" => "aas2",
        "asyncapi3" => "aas3",
        "oas" | "openapi3" => "oas3",
        "json-schema-draft-2019-09" | "json-schema-draft2019-09" => "json-schema-2019-09",
        "json-schema-draft-2020-12" | "json-schema-draft2020-12" => "json-schema-2020-12",
        other => other,
    };
    let plain = name.replace('.', "_");
    FORMATS.iter().find(|known| **known == plain).copied()
}

/// The formats of a contract, such as `oas3` and `oas3_1`.
pub(crate) fn formats_of(contract: &Contract) -> Vec<&'static str> {
    let root = contract.root();
    let (family, version) = match (root.get("openapi"), root.get("asyncapi")) {
        (Some(node), _) => ("oas", node.scalar_text().unwrap_or_default()),
        (None, Some(node)) => ("aas", node.scalar_text().unwrap_or_default()),
        (None, None) => return Vec::new(),
    };
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    let minor = parts.next().unwrap_or("0");
    let names = [
        format!("{family}{major}"),
        format!("{family}{major}_{minor}"),
    ];
    names.iter().filter_map(|name| format_of(name)).collect()
}
