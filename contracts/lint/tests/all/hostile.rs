//! Malformed documents do not stop lint.

use proptest::prelude::*;
use tollgate_contracts_lint::{LintSettings, lint};
use tollgate_contracts_model::parse_contract;

use crate::malformed::{MADE_OF_SYNTAX, MALFORMED_ASYNCAPI};

#[test]
fn malformed_asyncapi_documents_are_linted() {
    for text in MALFORMED_ASYNCAPI {
        let contract = parse_contract("a.yaml", &format!("asyncapi: 2.4.0\n{text}\n")).unwrap();
        assert!(
            !lint(&contract, &LintSettings::default()).is_empty(),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_made_of_syntax_panics(text in MADE_OF_SYNTAX) {
        let text = format!("openapi: 3.1.0\npaths:\n  /a: {text}");
        if let Ok(contract) = parse_contract("a.yaml", &text) {
            let _ = lint(&contract, &LintSettings::default());
        }
    }
}
