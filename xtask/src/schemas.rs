//! The contracts' schemas, as probes ask for them.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_contracts::Contract;
use tollgate_probes::SchemaSource;

/// The schemas of some contracts.
#[derive(Debug)]
pub struct ContractSchemas(pub Vec<Contract>);

impl SchemaSource for ContractSchemas {
    fn response_schema(&self, operation: &str, status: u16) -> Option<Value> {
        self.0.iter().find_map(|contract| contract.response_schema(operation, status))
    }

    fn message_schema(&self, message: &str) -> Option<Value> {
        self.0.iter().find_map(|contract| contract.message_schema(message))
    }
}

impl ContractSchemas {
    /// The id of every operation.
    pub fn operation_ids(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|contract| contract.operations().into_iter().map(|operation| operation.id)).collect()
    }
}
