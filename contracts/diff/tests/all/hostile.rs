//! Malformed documents do not stop a comparison.

use proptest::prelude::*;
use tollgate_contracts_diff::diff;
use tollgate_contracts_model::parse_contract;

use crate::malformed::{MADE_OF_SYNTAX, MALFORMED_ASYNCAPI};

#[test]
fn a_malformed_asyncapi_document_does_not_differ_from_itself() {
    for text in MALFORMED_ASYNCAPI {
        let contract = parse_contract("a.yaml", &format!("asyncapi: 2.4.0\n{text}\n")).unwrap();
        assert_eq!(diff(&contract, &contract), [], "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_made_of_syntax_panics(text in MADE_OF_SYNTAX) {
        let text = format!("openapi: 3.1.0\npaths:\n  /a: {text}");
        if let Ok(contract) = parse_contract("a.yaml", &text) {
            let _ = diff(&contract, &contract);
        }
    }
}
