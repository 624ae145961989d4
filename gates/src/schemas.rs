//! Provides the contracts' schemas to probes.

use serde_json::Value;
use tollgate_contracts_model::Contract;
use tollgate_probes::SchemaSource;

/// The schemas of some contracts.
#[derive(Debug)]
pub struct ContractSchemas(pub Vec<Contract>);

impl SchemaSource for ContractSchemas {
    fn response_schema(&self, operation: &str, status: u16) -> Option<Value> {
        self.0
            .iter()
            .find_map(|contract| contract.response_schema(operation, status))
    }

    fn message_schema(&self, message: &str) -> Option<Value> {
        self.0
            .iter()
            .find_map(|contract| contract.message_schema(message))
    }
}
