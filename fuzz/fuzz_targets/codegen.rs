//! Models of any contract, in each language.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use tollgate_codegen::{Emit, Language, Request, generate};
use tollgate_contracts_model::parse_contract;

fuzz_target!(|text: &str| {
    let Ok(contract) = parse_contract("fuzz.yaml", text) else {
        return;
    };
    for language in [Language::RUST, Language::SWIFT, Language::TYPESCRIPT] {
        let request = Request {
            language,
            emit: BTreeSet::from([Emit::Models]),
            package: "fuzz-models".to_owned(),
            has_manifest: true,
        };
        let _ = generate(std::slice::from_ref(&contract), &request);
    }
});
