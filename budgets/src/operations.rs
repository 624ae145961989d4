//! The limit of each operation of the contract.

use std::collections::BTreeMap;

use tollgate_report::suggest::nearest;
use tollgate_report::{Finding, Place};

use crate::limits::{BudgetFile, Limit};

/// The limits of a contract's operations.
#[derive(Debug, Clone, PartialEq)]
pub struct Operations {
    /// The limit of each operation, by operation id.
    pub limits: BTreeMap<String, Limit>,
    /// `budget-operation-unknown` and `budget-class-unknown`, each an error.
    pub findings: Vec<Finding>,
}

/// Gives every operation its own limit or that of its class. `operations` maps operation ids of
/// the contract to classes; `file` names the budget file in findings.
#[must_use]
pub fn check_operations(
    budgets: &BudgetFile,
    operations: &BTreeMap<String, String>,
    file: &str,
) -> Operations {
    let mut findings = Vec::new();
    for id in budgets.operations.keys() {
        if !operations.contains_key(id) {
            let message =
                format!("there is a budget for `{id}`, but the contract has no such operation");
            let finding = Finding::error("budget-operation-unknown", message).at(Place::file(file));
            findings.push(match nearest(id, operations.keys().map(String::as_str)) {
                Some(near) => finding.fix(format!("did you mean `{near}`?")),
                None => finding.fix("delete it, or add the operation to the contract"),
            });
        }
    }
    let mut limits = BTreeMap::new();
    for (id, class) in operations {
        match budgets
            .operations
            .get(id)
            .or_else(|| budgets.classes.get(class))
        {
            Some(limit) => {
                limits.insert(id.clone(), limit.limit(id));
            }
            None => {
                let message =
                    format!("the operation `{id}` has the class `{class}`, which has no budget");
                let finding = Finding::error("budget-class-unknown", message).at(Place::file(file));
                let classes = budgets.classes.keys().map(String::as_str);
                findings.push(match nearest(class, classes) {
                    Some(near) => finding.fix(format!("did you mean `{near}`?")),
                    None => finding.fix("add the class under `classes`"),
                });
            }
        }
    }
    findings.sort();
    Operations { limits, findings }
}
