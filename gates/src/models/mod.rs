//! The models gate: whether the generated files match the contracts.

pub mod made;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_codegen::folders::{Folder, make, understand};
use tollgate_codegen::{Artifact, Settings, check};
use tollgate_report::{Clock, EvidenceLog, Outcome, Verdict};

use crate::contract::ContractText;
use crate::failure::Failure;
use crate::gate::{Gate, from_json};
use crate::models::made::{load_contracts, local_files};
use crate::record::{Decision, Inputs, record};
use crate::repository::Repository;

/// The models gate: it generates again from the recorded contracts.
#[derive(Debug)]
pub struct Models;

impl Gate for Models {
    const NAMES: &'static [&'static str] = &["models"];
    const INPUT: &'static str = "models";
    type Inputs = ModelsInputs;
    type Settings = Settings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded contracts and files", bytes)
    }

    fn judge(inputs: &Self::Inputs, settings: &Self::Settings) -> Result<Verdict, Failure> {
        let mut contracts = BTreeMap::new();
        for (name, text) in &inputs.contracts {
            contracts.insert(name.clone(), text.parse()?);
        }
        let folders = make(settings, &understand(settings, &contracts)?)?;
        Ok(judge(&folders, &inputs.local))
    }
}

/// All that the verdict over generated files depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelsInputs {
    contracts: BTreeMap<String, ContractText>,
    /// The local files where generated ones should be; absent ones are `None`.
    local: BTreeMap<String, Option<String>>,
}

/// The verdict over the files in the tree. Pure.
pub fn judge(folders: &[Folder], local: &BTreeMap<String, Option<String>>) -> Verdict {
    if folders.is_empty() {
        return Verdict::new(Outcome::NotChecked, "[codegen] names no target");
    }
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

/// The gate of `ship` and of `codegen --check`.
pub fn gate(
    repository: &Repository,
    evidence: &EvidenceLog,
    run: &str,
) -> Result<Decision, Failure> {
    let started = repository.clock.monotonic();
    let settings = &repository.settings.codegen;
    let contracts = load_contracts(repository, settings, None)?;
    let folders = make(settings, &understand(settings, &contracts)?)?;
    let local = local_files(&repository.root, &folders)?;
    let verdict = judge(&folders, &local);
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
    let duration = repository.clock.monotonic().saturating_sub(started);
    record(
        repository,
        evidence,
        run,
        ("models", "generated files"),
        inputs,
        verdict,
        duration,
    )
}
