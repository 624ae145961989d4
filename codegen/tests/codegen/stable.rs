//! Names are stable: what is added to a contract changes nothing else.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_codegen::ir::Ir;
use tollgate_codegen::names::{Case, identifier};
use tollgate_codegen::{Emit, Language, lower};
use tollgate_contracts_model::Contract;

use crate::common::{artifacts, contract, root};

/// The odd documents of one file, each as JSON.
fn documents() -> Vec<(String, Value)> {
    let folder = root().join("codegen/tests/fixtures/odd");
    let mut documents = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            continue;
        }
        let bytes = fs::read(&path).expect("a file");
        let text = String::from_utf8(bytes).expect("text");
        let document = contract(&format!("{name}.json"), &text).root().to_json();
        documents.push((name, document));
    }
    documents.sort_by(|one, other| one.0.cmp(&other.0));
    documents
}

fn parsed(name: &str, document: &Value) -> Contract {
    contract(&format!("{name}.json"), &document.to_string())
}

/// The declarations of a language by their places, as text of the models.
fn blocks(contract: &Contract, language: Language) -> String {
    let made = artifacts(std::slice::from_ref(contract), language, Emit::Models);
    let texts = made.into_iter().filter(|file| {
        let is_code = file.path.contains("odd") || file.path.contains("Models/");
        is_code || file.path.ends_with("models.ts") || file.path.ends_with("Models.swift")
    });
    texts.map(|file| file.contents).collect()
}

/// Adds a component; false when one of the document's own has a name that reads the same.
fn add(document: &mut Value, name: &str) -> bool {
    let Some(top) = document.as_object_mut() else {
        return false;
    };
    let components = top.entry("components").or_insert_with(|| json!({}));
    let Some(components) = components.as_object_mut() else {
        return false;
    };
    let schemas = components.entry("schemas").or_insert_with(|| json!({}));
    let Some(schemas) = schemas.as_object_mut() else {
        return false;
    };
    let ident = identifier(name, Case::Pascal);
    if schemas
        .keys()
        .any(|key| identifier(key, Case::Pascal) == ident)
    {
        return false;
    }
    schemas.insert(
        name.to_owned(),
        json!({"type": "object", "required": ["zzNewcomer"], "properties": {
            "zzNewcomer": {"type": "object", "properties": {"deep": {"type": "string", "enum": ["x", "y"]}}},
            "list": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"required": ["zzOne"], "properties": {"zzOne": {}}}]}},
        }}),
    );
    true
}

/// Whether all lines of one text stand in another, in this order.
fn is_kept(before: &str, after: &str) -> Option<String> {
    let mut rest = after.lines();
    let mut lines = before.lines();
    lines
        .find(|line| !rest.any(|other| other == *line))
        .map(str::to_owned)
}

#[track_caller]
fn check(name: &str, document: &Value, newcomer: &str) {
    let mut more = document.clone();
    if !add(&mut more, newcomer) {
        return;
    }
    let (before, after) = (parsed(name, document), parsed(name, &more));
    for language in [Language::SWIFT, Language::TYPESCRIPT] {
        let (before, after) = (blocks(&before, language), blocks(&after, language));
        if let Some(line) = is_kept(&before, &after) {
            panic!(
                "{name} with `{newcomer}`, {}: gone or moved: {line}",
                language.word()
            );
        }
    }
}

#[test]
fn a_component_with_the_name_of_a_type_in_place_renames_nothing() {
    for (name, document) in documents() {
        let ir: Ir = lower(&[parsed(&name, &document)]);
        let inline = ir.decls.iter().filter(|decl| !decl.is_component);
        let names: BTreeSet<String> = inline
            .map(|decl| identifier(&decl.name, Case::Pascal))
            .collect();
        for newcomer in names.iter().take(6) {
            check(&name, &document, newcomer);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn an_unrelated_component_changes_no_other_declaration(
        newcomer in "[A-Za-z][A-Za-z0-9_ -]{0,12}",
        index in any::<prop::sample::Index>(),
    ) {
        let documents = documents();
        let (name, document) = index.get(&documents);
        check(name, document, &newcomer);
    }
}
