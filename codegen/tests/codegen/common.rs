//! What the tests of generated code share: contracts, generation, folders.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tollgate_codegen::{Artifact, Emit, Language, Request, generate};
use tollgate_contracts_model::Contract;

/// The fixture with every shape that is hard to generate.
pub const ODD: &str = include_str!("../fixtures/odd.yaml");

/// The repository's root.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("the crate stands in the repository")
        .to_path_buf()
}

/// A contract from a text.
#[track_caller]
pub fn contract(file: &str, text: &str) -> Contract {
    tollgate_contracts_model::parse_contract(file, text).expect("the fixture is a contract")
}

/// The files of one language.
#[track_caller]
pub fn artifacts(contracts: &[Contract], language: Language, emit: Emit) -> Vec<Artifact> {
    let request = Request {
        language,
        emit: BTreeSet::from([emit]),
        package: "fixture-models".to_owned(),
        has_manifest: true,
    };
    generate(contracts, &request)
        .expect("the contract can be generated")
        .artifacts
}

/// The fixture, the hub's own contracts, and the documents of the corpus that are here.
pub fn documents() -> Vec<(String, Vec<Contract>)> {
    let mut documents = vec![("odd".to_owned(), vec![contract("odd.yaml", ODD)])];
    let load =
        |path: PathBuf| tollgate_contracts_model::load(&path).expect("a contract that loads");
    let contracts = root().join("contracts");
    let own = ["openapi.yaml", "asyncapi.yaml"].map(|name| load(contracts.join(name)));
    documents.push(("own".to_owned(), own.into()));
    let corpus = std::env::var_os("TOLLGATE_CORPUS")
        .map_or_else(|| root().join("../shared/corpus"), PathBuf::from);
    for name in [
        "museum.yaml",
        "svix-server.json",
        "asyncapi30-eventcatalog-orders.yml",
    ] {
        let path = corpus.join(name);
        if path.exists() {
            let stem = name.split('.').next().unwrap_or(name);
            documents.push((stem.to_owned(), vec![load(path)]));
        } else {
            tollgate_report::not_checked("corpus", name, "set TOLLGATE_CORPUS to its folder");
        }
    }
    documents
}

/// All odd documents, each a contract of its own.
pub fn odd_documents() -> Vec<Contract> {
    let folder = root().join("codegen/tests/fixtures/odd");
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
    files.push(folder.join("several-files/api.yaml"));
    files.push(folder.join("async-several/main.yaml"));
    files.sort();
    let load =
        |path: &PathBuf| tollgate_contracts_model::load(path).expect("a contract that loads");
    files.iter().map(load).collect()
}

/// All that a language has, of all odd documents in one package.
pub fn odd_package(language: Language) -> Vec<Artifact> {
    let parts = [Emit::Models, Emit::Client, Emit::Server];
    let request = Request {
        language,
        emit: parts
            .into_iter()
            .filter(|part| language.has(*part))
            .collect(),
        package: "fixture-odd".to_owned(),
        has_manifest: true,
    };
    generate(&odd_documents(), &request)
        .expect("the contracts can be generated")
        .artifacts
}
