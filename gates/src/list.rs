//! The list of gates, by which a recorded verdict is computed again.

use serde_json::Value;
use tollgate_report::{EvidenceLog, Record, Verdict};

use crate::failure::Failure;
use crate::gate::Gate;

/// One gate of the list.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As [`Gate::NAMES`].
    pub names: &'static [&'static str],
    /// As [`Gate::INPUT`].
    pub input: &'static str,
    judge: fn(&[u8], &Value) -> Result<Verdict, Failure>,
}

fn row<G: Gate>() -> Row {
    Row {
        names: G::NAMES,
        input: G::INPUT,
        judge: |bytes, settings| {
            let settings = serde_json::from_value(settings.clone()).map_err(|error| {
                let names = G::NAMES.join("`, `");
                let text = format!("cannot read the recorded settings of gate `{names}`");
                Failure::environment(anyhow::Error::new(error).context(text))
            })?;
            G::judge(&G::read(bytes)?, &settings)
        },
    }
}

/// Every gate.
#[must_use]
pub fn all() -> Vec<Row> {
    vec![
        row::<crate::contract::Contracts>(),
        row::<crate::models::Models>(),
        row::<crate::tier::Tiers>(),
        row::<crate::ratchet::Ratchet>(),
        row::<crate::budget::Budgets>(),
        row::<crate::build::Build>(),
        row::<crate::probe::Probes>(),
        row::<crate::conform::Conform>(),
        row::<crate::canary::Canary>(),
        row::<crate::traffic::Traffic>(),
        row::<crate::alert::Alert>(),
    ]
}

/// The verdict that the inputs and settings of a record lead to now.
///
/// # Errors
/// The record is not one of a gate, or its input is missing or can't be read.
pub fn replay(evidence: &EvidenceLog, record: &Record) -> Result<Verdict, Failure> {
    let rows = all();
    let row = rows
        .iter()
        .find(|row| row.names.contains(&record.gate.as_str()))
        .ok_or_else(|| {
            Failure::usage(format!(
                "cannot replay `{}`: a record of `{}` describes an action and holds no verdict",
                record.id, record.gate
            ))
            .hint(format!(
                "`{{tollgate}} explain {}` shows the record",
                record.id
            ))
        })?;
    let digest = record.inputs.get(row.input).ok_or_else(|| {
        Failure::settings(anyhow::anyhow!(
            "cannot replay `{}`: the record has no input `{}`",
            record.id,
            row.input
        ))
    })?;
    (row.judge)(&evidence.input(digest)?, &record.settings)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;

    #[test]
    fn each_name_belongs_to_one_gate() {
        let names: Vec<&str> = all().iter().flat_map(|row| row.names).copied().collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len(), "{names:?}");
    }
}
