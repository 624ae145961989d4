//! Any text as a contract: reading, resolving and bundling return findings or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate_contracts_model::parse_contract;

fuzz_target!(|text: &str| {
    let Ok(contract) = parse_contract("fuzz.yaml", text) else {
        return;
    };
    let _ = (contract.operations(), contract.webhooks());
    let _ = (contract.async_operations(), contract.servers());
    for (_, schema) in contract.component_schemas().into_iter().take(50) {
        let _ = contract.bundle(&contract.entry, schema);
    }
});
