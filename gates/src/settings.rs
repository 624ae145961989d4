//! `tollgate.toml`: one section for each part. Order of precedence: flag, environment, file, default.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;

mod read;

pub use read::load;
pub(crate) use read::{parse, parse_leniently, place_of};

/// The name of the settings file.
pub const FILE: &str = "tollgate.toml";

/// The contracts of a repository whose settings name none.
pub(crate) const USUAL_CONTRACTS: [&str; 5] = [
    "contracts/openapi.yaml",
    "contracts/asyncapi.yaml",
    "openapi.yaml",
    "openapi.json",
    "asyncapi.yaml",
];

/// The settings of a repository that uses Tollgate. Every section may be left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Which contracts there are and how they are linted.
    pub contracts: ContractsSettings,
    /// What is generated from the contracts, and where to.
    pub codegen: tollgate_codegen::Settings,
    /// The four tiers: steps, times, what may be missing.
    pub tiers: tollgate_tiers::Settings,
    /// The metrics that may only get better.
    pub ratchet: tollgate_ratchet::RatchetSettings,
    /// The promises about latency, cost and size.
    pub budgets: tollgate_budgets::BudgetSettings,
    /// The synthetic probes.
    pub probes: Vec<tollgate_probes::Probe>,
    /// How a candidate is judged.
    pub canary: tollgate_canary::Settings,
    /// Rules, receivers and silences.
    pub alerts: tollgate_alerts::Settings,
    /// The service that is built and released.
    pub service: ServiceSettings,
    /// The short plan and the live traffic of `ship`.
    pub ship: ShipSettings,
    /// Waivers of what a change loosens in settings, promises and contracts.
    pub waivers: WaiverSettings,
}

/// `[waivers]`: waivers of what a change loosens in settings, promises and contracts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WaiverSettings {
    /// Their folder, one TOML file each with `loosens`, `scope`, `owner`, `reason` and `expires`.
    /// Default `waivers`.
    pub folder: String,
    /// How many days from today a waiver may last at most. Default 90.
    pub days_max: u32,
}

impl Default for WaiverSettings {
    fn default() -> Self {
        Self {
            folder: "waivers".into(),
            days_max: 90,
        }
    }
}

/// `[contracts]`: the contracts of the repository.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContractsSettings {
    /// The contracts, as paths from the repository's root. Default: those of `contracts/openapi.yaml`
    /// and `contracts/asyncapi.yaml` that exist.
    pub files: Vec<String>,
    /// The folder of the contracts that were agreed. Default `contracts/blessed`.
    pub blessed: String,
    /// The hosts that `contract lock` may fetch references from, as `name` or `name:port`. Default:
    /// none.
    pub remote_hosts: Vec<String>,
    /// Which lint rules hold, and how much each matters.
    pub lint: tollgate_contracts_lint::LintSettings,
    /// How they are compared: deprecation windows, stability, agreed changes.
    pub diff: tollgate_contracts_diff::CompareSettings,
}

impl Default for ContractsSettings {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            blessed: "contracts/blessed".into(),
            remote_hosts: Vec::new(),
            lint: Default::default(),
            diff: Default::default(),
        }
    }
}

impl ContractsSettings {
    /// The contracts of the repository at `root`: the listed ones, or the usual ones that exist.
    pub fn paths(&self, root: &Path) -> Vec<String> {
        if !self.files.is_empty() {
            return self.files.clone();
        }
        USUAL_CONTRACTS
            .iter()
            .filter(|path| root.join(path).is_file())
            .map(|path| (*path).to_owned())
            .collect()
    }
}

/// `[service]`: what is built and released, and how one version of it is started.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceSettings {
    /// Its name. Default `service`.
    pub name: String,
    /// The command that builds it. Default none: the binary is there already.
    pub build: Vec<String>,
    /// The command that builds a candidate that can misbehave, for `ship --fault`.
    pub fault_build: Vec<String>,
    /// The binary; `{target}` is Cargo's target folder. Empty means that there is no service; `ship` then reports it.
    pub binary: String,
    /// Its arguments; `{database}` is a file that all versions share, `{version}` the version's label.
    /// `{port}` is the port on which it listens on 127.0.0.1, and is required: each version has its own.
    pub args: Vec<String>,
    /// Arguments added for a candidate that misbehaves; `{fault}` is the kind.
    pub fault_args: Vec<String>,
    /// The variable in which the service finds the key that probes and live traffic use.
    pub key_env: String,
    /// The path that answers 200 when the service is ready. Default `/ready`.
    pub ready: String,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            name: "service".into(),
            build: Vec::new(),
            fault_build: Vec::new(),
            binary: String::new(),
            args: Vec::new(),
            fault_args: Vec::new(),
            key_env: "TOLLGATE_SERVICE_KEY".into(),
            ready: "/ready".into(),
        }
    }
}

/// `[ship]`: how the main job runs its short canary on one machine.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ShipSettings {
    /// The live traffic through the proxy. Default: none, so name its requests.
    pub traffic: tollgate_probes::traffic::TrafficSettings,
    /// The plan of the short canary, which `ship` runs instead of that of `[canary]`. A key that is left out is as in the short plan: 10% for 12s.
    pub canary: tollgate_canary::Settings,
    /// Time between two rounds of probes during the short canary. Default 1s.
    pub probe_every: Span,
}

impl Default for ShipSettings {
    fn default() -> Self {
        Self {
            traffic: tollgate_probes::traffic::TrafficSettings {
                rate: 60.0,
                ..Default::default()
            },
            canary: tollgate_canary::Settings::short(),
            probe_every: Span(std::time::Duration::from_secs(1)),
        }
    }
}

/// The JSON Schema of `tollgate.toml`, as committed in `docs/tollgate.schema.json`.
#[must_use]
pub fn settings_schema() -> String {
    let schema = schemars::schema_for!(Settings);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema has only string keys");
    text.push('\n');
    text
}

/// The folder for everything that Tollgate keeps in a repository.
pub fn state_dir(root: &Path) -> PathBuf {
    root.join(".tollgate")
}
