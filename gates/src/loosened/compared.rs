//! What is compared with the base: the texts now and in the base, read from the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tollgate_report::{Clock, Timestamp};
use tollgate_tiers::settings::{StepSettings, Tier};

use crate::base::{self, Base};
use crate::failure::Failure;
use crate::repository::Repository;
use crate::settings;

/// All tiers, in their order.
pub(super) const TIERS: [Tier; 4] = [Tier::Tier0, Tier::Tier1, Tier::Tier2, Tier::Tier3];

/// A part of the settings, with the gate that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// `[contracts]`.
    Contracts,
    /// `[codegen]`.
    Codegen,
    /// `[tiers]`.
    Tiers,
    /// `[ratchet]`.
    Ratchet,
    /// `[budgets]` and the file of the promises.
    Budgets,
    /// `[[probes]]`.
    Probes,
    /// `[waivers]`.
    Waivers,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 7] = [
        Self::Contracts,
        Self::Codegen,
        Self::Tiers,
        Self::Ratchet,
        Self::Budgets,
        Self::Probes,
        Self::Waivers,
    ];
}

/// A file in the base and now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Its path from the root.
    pub file: String,
    /// Its text in the base; absent if the base does not contain it.
    pub before: Option<String>,
    /// Its text now; absent if there is no such file.
    pub now: Option<String>,
}

/// All that a comparison with the base depends on, as it is recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    pub base: Base,
    /// `tollgate.toml`.
    pub settings: Versions,
    /// `performance_sla.json`.
    pub budgets: Versions,
    /// The steps of the tiers where the settings name none.
    pub default_steps: BTreeMap<Tier, Vec<StepSettings>>,
    /// The contracts where the settings name none, in the base and now.
    pub default_contracts: (Vec<String>, Vec<String>),
    /// The contract's operations and their budget classes.
    #[serde(default)]
    pub operations: BTreeMap<String, String>,
    /// The waivers now and in the base, by file.
    pub waivers: (BTreeMap<String, String>, BTreeMap<String, String>),
    pub now: Timestamp,
}

/// Reads what is compared.
pub fn compared(repository: &Repository) -> Result<Compared, Failure> {
    let base = base::of(repository)?;
    let root = &repository.root;
    let settings_file = repository.settings_file.as_deref();
    let budgets_file = repository.settings.budgets.file.as_str();
    let usual = settings::USUAL_CONTRACTS;
    let wanted: Vec<&str> = settings_file.into_iter().chain([budgets_file]).collect();
    let mut before = base.texts(root, &wanted)?;
    let has_steps = before.contains_key(settings_file.unwrap_or_default());
    let contracts_before: Vec<String> = if repository.settings.contracts.files.is_empty() {
        base.texts(root, &usual)?.into_keys().collect()
    } else {
        Vec::new()
    };
    let contracts_now = usual.iter().filter(|path| root.join(path).is_file());
    let mut versions = |file: &str| Versions {
        before: before.remove(file),
        now: fs::read_to_string(root.join(file)).ok(),
        file: file.to_owned(),
    };
    let settings = settings_file.map(&mut versions).unwrap_or_default();
    let budgets = versions(budgets_file);
    let folder = repository.settings.waivers.folder.as_str();
    let waivers_now = waiver_texts(root, folder)?;
    let waivers_before = if waivers_now.is_empty() {
        BTreeMap::new()
    } else {
        base.folder(root, folder, ".toml")?
    };
    let floors = repository.settings.ratchet.file.as_str();
    let default_steps =
        TIERS.map(|tier| (tier, tollgate_tiers::defaults::steps(root, tier, floors)));
    Ok(Compared {
        base,
        settings,
        budgets,
        default_steps: if has_steps {
            default_steps.into()
        } else {
            BTreeMap::new()
        },
        default_contracts: (
            contracts_before,
            contracts_now.map(|path| (*path).to_owned()).collect(),
        ),
        operations: BTreeMap::new(),
        waivers: (waivers_now, waivers_before),
        now: repository.clock.now(),
    })
}

fn waiver_texts(root: &Path, folder: &str) -> Result<BTreeMap<String, String>, Failure> {
    let mut texts = BTreeMap::new();
    let entries = match fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(texts),
        Err(error) => {
            let text = format!("cannot read the waivers in `{folder}`");
            return Err(Failure::environment(
                anyhow::Error::new(error).context(text),
            ));
        }
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".toml") {
            texts.insert(format!("{folder}/{name}"), fs::read_to_string(&path)?);
        }
    }
    Ok(texts)
}
