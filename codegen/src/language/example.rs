//! An example of a new language: a list of the types' names. It is in the list in tests only, and
//! shows that nothing else has to change.

use std::collections::BTreeMap;

use tollgate_contracts_model::{Contract, parse_contract};
use tollgate_report::Outcome;

use super::{Emitter, Language};
use crate::folders::{make, understand};
use crate::ir::Ir;
use crate::manifest::Manifest;
use crate::{Artifact, CodegenError, Emit, HEADER, Request, Settings, check};

pub(super) const LISTING: Language = Language::of(&Listing);

struct Listing;

impl Emitter for Listing {
    fn name(&self) -> &'static str {
        "listing"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["list"]
    }

    fn about(&self) -> &'static str {
        "The names of all types."
    }

    fn package_file(&self) -> &'static str {
        "types.txt"
    }

    fn parts(&self) -> &'static [Emit] {
        &[Emit::Models]
    }

    fn emit(&self, ir: &Ir, _: &Request) -> Result<Vec<Artifact>, CodegenError> {
        let names: Vec<&str> = ir.decls.iter().map(|decl| decl.name.as_str()).collect();
        let text = format!("# {HEADER}\n{}\n", names.join("\n"));
        Ok(vec![Artifact::new("types.txt", text)])
    }
}

const CONTRACT: &str = "openapi: 3.1.0
info: { title: Shop, version: '1' }
paths: {}
components: { schemas: { Order: { type: object }, Item: { type: object } } }
";

fn settings(emit: &str) -> Settings {
    let text = format!(
        r#"{{"targets": [{{"contracts": ["shop.yaml"], "language": "list", "emit": ["{emit}"], "out": "made"}}]}}"#
    );
    serde_json::from_str(&text).expect("settings know every language of the list")
}

fn contracts() -> BTreeMap<String, Contract> {
    let contract = parse_contract("shop.yaml", CONTRACT).expect("a contract");
    BTreeMap::from([("shop.yaml".to_owned(), contract)])
}

#[test]
fn a_language_of_the_list_is_generated_written_and_checked() {
    let (settings, contracts) = (settings("models"), contracts());
    let meanings = understand(&settings, &contracts).expect("a contract is named");
    let folders = make(&settings, &meanings).expect("the language has models");
    let files = &folders[0].artifacts;
    let names: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["tollgate-codegen.json", "types.txt"]);
    assert_eq!(files[1].contents, format!("# {HEADER}\nOrder\nItem\n"));

    let folder = tempfile::tempdir().expect("a folder");
    for file in files {
        tollgate_report::replace(&folder.path().join(&file.path), file.contents.as_bytes())
            .expect("a file");
    }
    let written = Manifest::read(folder.path()).expect("the list of files");
    assert_eq!(written.map(|written| written.language), Some(LISTING));

    let local = files.iter().map(|file| {
        let bytes = std::fs::read(folder.path().join(&file.path)).ok();
        (file.path.clone(), bytes)
    });
    assert_eq!(check(files, &local.collect()).outcome, Outcome::Pass);
}

#[test]
fn parts_that_a_language_lacks_are_rejected() {
    let (settings, contracts) = (settings("client"), contracts());
    let meanings = understand(&settings, &contracts).expect("a contract is named");
    let error = make(&settings, &meanings).expect_err("it has no client");
    let text = error.to_string();
    assert!(text.contains("`listing` has no `client`"), "{text}");
}

#[test]
fn flags_and_the_schema_iterate_over_the_list() {
    assert_eq!(Language::parse("list"), Ok(LISTING));
    let error = Language::parse("listings").expect_err("it is not in the list");
    assert!(error.to_string().ends_with("typescript and listing"));
    assert_eq!(error.hint().as_deref(), Some("did you mean `listing`?"));
    let schema = schemars::schema_for!(Language).to_value();
    assert_eq!(schema["oneOf"][3]["const"], "listing");
}
