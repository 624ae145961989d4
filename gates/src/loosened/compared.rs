//! What is compared with the base: the texts now and in the base, read from the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tollgate_report::{Clock, Timestamp};
use tollgate_tiers::defaults::{MANIFESTS, Manifests};
use tollgate_tiers::settings::{StepSettings, Tier};

use super::before::{self, Asked};
use crate::base::Base;
use crate::failure::Failure;
use crate::repository::Repository;
use crate::ruleset::{RULESETS, RulesetText};
use crate::settings::{self, Settings};

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
    /// `[canary]`, `[service]` and `[ship]`.
    Canary,
    /// `[alerts]`.
    Alerts,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 9] = [
        Self::Contracts,
        Self::Codegen,
        Self::Tiers,
        Self::Ratchet,
        Self::Budgets,
        Self::Probes,
        Self::Waivers,
        Self::Canary,
        Self::Alerts,
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
    /// The same in the base; absent if they are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_steps_before: Option<BTreeMap<Tier, Vec<StepSettings>>>,
    /// `package.json`, whose scripts are commands of steps.
    #[serde(default)]
    pub package: Versions,
    /// The lint rulesets of the base and of now, with the files that they extend.
    #[serde(default)]
    pub rulesets: (Option<RulesetText>, Option<RulesetText>),
    /// The contracts whose own file differs from the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed_contracts: Vec<String>,
    /// The contracts where the settings name none, in the base and now.
    pub default_contracts: (Vec<String>, Vec<String>),
    /// The contract's operations and their budget classes.
    #[serde(default)]
    pub operations: BTreeMap<String, String>,
    /// The same in the base; empty where no contract changed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operations_before: BTreeMap<String, String>,
    /// The waivers now and in the base, by file.
    pub waivers: (BTreeMap<String, String>, BTreeMap<String, String>),
    pub now: Timestamp,
}

impl Compared {
    /// Whether a contract differs, and there are promises for its operations.
    pub(crate) fn has_changed_contract(&self) -> bool {
        !self.changed_contracts.is_empty() && self.budgets.now.is_some()
    }

    /// Whether anything differs that the settings depend on.
    pub(super) fn is_changed(&self) -> bool {
        let has_rulesets = self.rulesets.0.is_some() || self.rulesets.1.is_some();
        self.settings.before != self.settings.now
            || self.package.before != self.package.now
            || self.default_contracts.0 != self.default_contracts.1
            || self.default_steps_before.is_some()
            || has_rulesets
    }
}

/// Reads what is compared, of the working tree.
pub fn compared(repository: &Repository) -> Result<Compared, Failure> {
    compared_at(repository, &repository.root, &repository.settings)
}

/// Reads what is compared, with the files below `root` as those of now: the working tree, or a
/// snapshot of what is staged.
pub fn compared_at(
    repository: &Repository,
    root: &Path,
    settings: &Settings,
) -> Result<Compared, Failure> {
    let settings_file = repository.settings_file.as_deref();
    let floors = settings.ratchet.file.as_str();
    let folder = settings.waivers.folder.as_str();
    let waivers_now = waiver_texts(root, folder)?;
    let files = settings_file
        .into_iter()
        .chain([settings::FILE, settings.budgets.file.as_str(), floors])
        .chain(MANIFESTS)
        .chain(RULESETS)
        .chain(settings::USUAL_CONTRACTS)
        .chain(settings.contracts.files.iter().map(String::as_str))
        .collect();
    let waivers = Some(folder).filter(|_| !waivers_now.is_empty());
    let manifests = Manifests::read(root, floors);
    let asked = Asked {
        files,
        contracts: !manifests.has_contracts,
        waivers,
    };
    let kept = before::read(repository, &asked)?;
    let (base, before) = (kept.base, kept.texts);
    let versions = |file: &str| Versions {
        before: before.get(file).cloned(),
        now: fs::read_to_string(root.join(file)).ok(),
        file: file.to_owned(),
    };
    let mut of_settings = settings_file.map(versions).unwrap_or_default();
    if of_settings.before.is_none() && !root.join(settings::FILE).exists() {
        // Settings under a new name are still those of the repository.
        of_settings.before = before.get(settings::FILE).cloned();
    }
    if let (None, Some(file)) = (&of_settings.now, settings_file) {
        // Settings that git does not track are those of the working tree.
        of_settings.now = fs::read_to_string(repository.root.join(file)).ok();
    }
    let steps = default_steps(&manifests, (floors, kept.has_contracts), &before);
    let has_steps = of_settings.before.is_some();
    let rulesets = rulesets(repository, &base, (root, settings), &of_settings, &before)?;
    Ok(Compared {
        budgets: versions(&settings.budgets.file),
        package: versions("package.json"),
        settings: of_settings,
        default_steps: if has_steps { steps.1 } else { BTreeMap::new() },
        default_steps_before: steps.0.filter(|_| has_steps),
        rulesets,
        changed_contracts: changed_contracts(root, settings, &before),
        default_contracts: default_contracts(root, settings, &before),
        operations: BTreeMap::new(),
        operations_before: BTreeMap::new(),
        waivers: (waivers_now, kept.waivers),
        now: repository.clock.now(),
        base,
    })
}

fn changed_contracts(
    root: &Path,
    settings: &Settings,
    before: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut paths = settings.contracts.paths(root);
    paths.retain(|path| {
        let text = fs::read_to_string(root.join(path)).ok();
        before
            .get(path)
            .is_some_and(|before| Some(before) != text.as_ref())
    });
    paths
}

fn default_contracts(
    root: &Path,
    settings: &Settings,
    before: &BTreeMap<String, String>,
) -> (Vec<String>, Vec<String>) {
    let usual = settings::USUAL_CONTRACTS.iter();
    let now = usual.clone().filter(|path| root.join(path).is_file());
    let before = usual.filter(|path| before.contains_key(**path));
    let owned = |path: &&str| -> String { (*path).to_owned() };
    let is_named = !settings.contracts.files.is_empty();
    let before = if is_named {
        Vec::new()
    } else {
        before.map(owned).collect()
    };
    (before, now.map(owned).collect())
}

type Steps = BTreeMap<Tier, Vec<StepSettings>>;

/// The default steps in the base, if they differ, and now.
fn default_steps(
    now: &Manifests,
    (floors, had_contracts): (&str, bool),
    before: &BTreeMap<String, String>,
) -> (Option<Steps>, Steps) {
    let names = before
        .keys()
        .filter(|name| MANIFESTS.contains(&name.as_str()));
    let then = Manifests {
        names: names.cloned().collect(),
        package: before.get("package.json").cloned().unwrap_or_default(),
        has_contracts: now.has_contracts || had_contracts,
        has_floors: before.contains_key(floors),
    };
    let of = |manifests: &Manifests| TIERS.map(|tier| (tier, manifests.steps(tier))).into();
    ((then != *now).then(|| of(&then)), of(now))
}

/// The rulesets of the base and of now; none if they have the same texts.
fn rulesets(
    repository: &Repository,
    base: &Base,
    (root, settings): (&Path, &Settings),
    of_settings: &Versions,
    before: &BTreeMap<String, String>,
) -> Result<(Option<RulesetText>, Option<RulesetText>), Failure> {
    let now = settings.contracts.lint.ruleset.clone();
    let usual = |exists: &dyn Fn(&str) -> bool| {
        let found = RULESETS.iter().find(|name| exists(name));
        found.map(|name| (*name).to_owned())
    };
    let now = now.or_else(|| usual(&|name| root.join(name).is_file()));
    let old = of_settings.before.as_deref().map(settings::parse_leniently);
    let old = old.and_then(|old| old.contracts.lint.ruleset);
    let old = old.or_else(|| usual(&|name| before.contains_key(name)));
    let now = match now {
        Some(file) => RulesetText::below(root, &file).ok(),
        None => None,
    };
    let old = match old {
        Some(file) => RulesetText::of_base(base, &repository.root, &file)?,
        None => None,
    };
    let is_same = match (&old, &now) {
        (Some(old), Some(now)) => old == now,
        (old, now) => old.is_none() && now.is_none(),
    };
    Ok(if is_same { (None, None) } else { (old, now) })
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
