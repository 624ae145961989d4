//! The gate over generated files: `codegen --check` and a step of `ship`. Records and replays.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_codegen::{Artifact, Settings, check};
use tollgate_contracts::parse_documents;
use tollgate_report::{Clock, EvidenceLog, Outcome, Verdict};

use crate::commands::codegen::made::{Folder, load_contracts, local_files, make, understand};
use crate::commands::contract::ContractText;
use crate::context::Context;
use crate::failure::Failure;
use crate::gate::{self, Gate, Inputs};

/// All that the verdict over generated files depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelsInputs {
    contracts: BTreeMap<String, ContractText>,
    /// The local files where generated ones should be; absent ones are `None`.
    local: BTreeMap<String, Option<String>>,
}

/// The verdict over what stands in the tree. Pure.
pub fn judge(folders: &[Folder], local: &BTreeMap<String, Option<String>>) -> Verdict {
    let artifacts: Vec<Artifact> = folders
        .iter()
        .flat_map(|folder| {
            let file = |file: &Artifact| Artifact::new(folder.path(&file.path), &*file.contents);
            folder.artifacts.iter().map(file)
        })
        .collect();
    let local = local.iter().map(|(path, text)| {
        let bytes = text.as_ref().map(|text| text.clone().into_bytes());
        (path.clone(), bytes)
    });
    check(&artifacts, &local.collect())
}

/// Computes a recorded verdict again: generates from the recorded contracts and compares.
pub fn replay(bytes: &[u8], settings: &serde_json::Value) -> Result<Verdict, Failure> {
    let inputs: ModelsInputs =
        serde_json::from_slice(bytes).context("read the recorded contracts and files")?;
    let settings: Settings = serde_json::from_value(settings.clone())
        .context("read the recorded settings of codegen")?;
    let mut contracts = BTreeMap::new();
    for (name, text) in &inputs.contracts {
        contracts.insert(
            name.clone(),
            parse_documents(&text.entry, &text.files).map_err(Failure::settings)?,
        );
    }
    let folders = make(&settings, &understand(&settings, &contracts)?)?;
    Ok(judge(&folders, &inputs.local))
}

/// The gate of `ship` and of `codegen --check`.
pub fn gate(context: &Context, evidence: &EvidenceLog, run: &str) -> Result<Gate, Failure> {
    let started = context.clock.monotonic();
    let settings = &context.settings.codegen;
    let contracts = load_contracts(context, settings, None)?;
    let folders = make(settings, &understand(settings, &contracts)?)?;
    let local = local_files(&context.root, &folders)?;
    let mut verdict = judge(&folders, &local);
    if verdict.outcome == Outcome::Pass && folders.is_empty() {
        verdict = Verdict::new(Outcome::NotChecked, "[codegen] names no target");
    }
    let texts = contracts
        .iter()
        .map(|(name, contract)| (name.clone(), ContractText::of(contract)));
    let inputs = Inputs::json(
        "models",
        &ModelsInputs {
            contracts: texts.collect(),
            local,
        },
    )
    .with_settings(settings);
    let duration = context.clock.monotonic().saturating_sub(started);
    gate::record(
        context,
        evidence,
        run,
        ("models", "generated files"),
        inputs,
        verdict,
        duration,
    )
}
