//! Two contracts, separated by a line `=====`: each is linted, does not differ from itself, and is
//! compared with the other in both directions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_contracts_diff::diff;
use tollgate_contracts_lint::{LintSettings, lint};
use tollgate_contracts_model::parse_contract;

fuzz_target!(|text: &str| {
    let (old, new) = text.split_once("\n=====\n").unwrap_or((text, text));
    let Ok(old) = parse_contract("old.yaml", old) else {
        return;
    };
    let _ = lint(&old, &LintSettings::default());
    let changes = diff(&old, &old);
    assert!(changes.is_empty(), "a contract differs from itself: {changes:?}");
    if let Ok(new) = parse_contract("new.yaml", new) {
        let _ = diff(&old, &new);
        let _ = diff(&new, &old);
    }
});
