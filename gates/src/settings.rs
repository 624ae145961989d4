//! `tollgate.toml`: one section a part. Order of strength: flag, environment, file, default.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;
use tollgate_report::{Finding, Place, suggest};

use crate::failure::Failure;

/// The name of the settings file.
pub const FILE: &str = "tollgate.toml";

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
        let usual = [
            "contracts/openapi.yaml",
            "contracts/asyncapi.yaml",
            "openapi.yaml",
            "openapi.json",
            "asyncapi.yaml",
        ];
        usual
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
    /// The binary; `{target}` is Cargo's target folder. Empty: there is no service, and `ship` says so.
    pub binary: String,
    /// Its arguments; `{database}` is a file that all versions share, `{version}` the version's label.
    /// It listens on a free port and prints a line with its address on standard output.
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

/// Reads the settings of the repository at `root`; the defaults when there is no file.
pub fn load(root: &Path, flag: Option<&Path>) -> Result<Settings, Failure> {
    let path = flag.map_or_else(|| root.join(FILE), Path::to_owned);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && flag.is_none() => {
            String::new()
        }
        Err(error) => {
            let error =
                anyhow::Error::new(error).context(format!("read settings `{}`", path.display()));
            return Err(Failure::settings(error)
                .hint("name an existing file with --settings, or leave the flag out"));
        }
    };
    let name = path
        .strip_prefix(root)
        .unwrap_or(&path)
        .display()
        .to_string();
    let settings = parse(&name, &text)?;
    with_environment(settings, &text, env::vars())
}

fn parse(name: &str, text: &str) -> Result<Settings, Failure> {
    // Read as it is written first: only then errors have their places.
    toml::from_str::<Settings>(text)
        .and_then(|settings| {
            let table: toml::Table = toml::from_str(text)?;
            let has_plan = table.get("ship").and_then(|ship| ship.get("canary"));
            match has_plan {
                Some(_) => toml::Value::Table(with_short_plan(table)).try_into(),
                None => Ok(settings),
            }
        })
        .map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let (line, column) = line_and_column(text, offset);
            Failure::at(
                finding_of(error.message()).at(Place::at(name, line, column)),
                Some(text.to_owned()),
            )
        })
}

/// What `[ship.canary]` leaves out is as in the short plan, not as in the long one of `[canary]`.
fn with_short_plan(mut table: toml::Table) -> toml::Table {
    let plan = table
        .get_mut("ship")
        .and_then(|ship| ship.get_mut("canary"))
        .and_then(toml::Value::as_table_mut);
    if let Some(plan) = plan {
        let short = toml::Table::try_from(tollgate_canary::Settings::short())
            .expect("the short plan has only string keys");
        for (key, value) in short {
            plan.entry(key).or_insert(value);
        }
    }
    table
}

/// Turns serde's sentence into a finding, with a suggestion for an unknown key.
fn finding_of(message: &str) -> Finding {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let finding = Finding::error(
        if is_unknown {
            "settings-unknown-key"
        } else {
            "settings-invalid"
        },
        first_line(message),
    );
    match (is_unknown, quoted.next()) {
        (true, Some(unknown)) => {
            let known: Vec<&str> = quoted.collect();
            let known_list = known.join("`, `");
            let finding = match suggest::nearest(unknown, known.iter().copied()) {
                Some(near) => finding.fix(format!("did you mean `{near}`?")),
                None => finding.fix(format!("the keys known here are `{known_list}`")),
            };
            Finding {
                message: format!("unknown key `{unknown}`"),
                ..finding
            }
        }
        _ => finding.fix("docs/tollgate.schema.json describes every key; editors complete it"),
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |position| position + 1);
    let column = 1 + String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count();
    (
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}

/// Lays `TOLLGATE_SECTION__KEY=value` over the file, one `__` between two levels.
fn with_environment(
    settings: Settings,
    text: &str,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Settings, Failure> {
    let mut overrides: Vec<(String, Vec<String>, String)> = variables
        .filter_map(|(name, value)| {
            let path = name.strip_prefix("TOLLGATE_")?;
            let parts: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
            (parts.len() > 1).then_some((name, parts, value))
        })
        .collect();
    if overrides.is_empty() {
        return Ok(settings);
    }
    overrides.sort();
    let mut table: toml::Table = toml::from_str(text)
        .context("read the settings again")
        .map_err(Failure::settings)?;
    let mut settings = settings;
    for (name, parts, value) in overrides {
        set(&mut table, &parts, &value);
        // One variable at a time, so that the message names the one that is wrong.
        settings = toml::Value::Table(with_short_plan(table.clone()))
            .try_into()
            .map_err(|error: toml::de::Error| {
                let finding = finding_of(error.message());
                Failure::at(
                    Finding {
                        message: format!("{} in variable `{name}`", finding.message),
                        ..finding
                    },
                    None,
                )
            })?;
    }
    Ok(settings)
}

fn set(table: &mut toml::Table, parts: &[String], value: &str) {
    match parts {
        [] => {}
        [key] => {
            // A value that reads as TOML is that value; anything else is a string.
            let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
            let parsed = parsed.and_then(|mut parsed| parsed.remove("value"));
            table.insert(
                key.clone(),
                parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())),
            );
        }
        [key, rest @ ..] => {
            let entry = table
                .entry(key.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = entry {
                set(inner, rest, value);
            }
        }
    }
}

/// The folder for everything that Tollgate keeps in a repository.
pub fn state_dir(root: &Path) -> PathBuf {
    root.join(".tollgate")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure_of(text: &str) -> (Finding, String) {
        let failure = parse(FILE, text).unwrap_err();
        let (finding, _) = failure.findings[0].clone();
        let place = finding.place.clone().unwrap().to_string();
        (finding, place)
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        let (finding, place) = failure_of("[ship]\nprobe_evry = \"1s\"\n");
        assert_eq!(place, "tollgate.toml:2:1");
        assert_eq!(finding.message, "unknown key `probe_evry`");
        assert_eq!(
            finding.fix.unwrap().description,
            "did you mean `probe_every`?"
        );
    }

    #[test]
    fn a_wrong_unit_names_its_line_and_the_forms_that_work() {
        let (finding, place) = failure_of("[ship]\nprobe_every = \"1 hour\"\n");
        assert!(place.starts_with("tollgate.toml:2:"), "{place}");
        assert!(
            finding.message.contains("a duration such as"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn broken_toml_is_a_finding_with_a_place() {
        let (finding, place) = failure_of("[ship\n");
        assert_eq!(finding.code, "settings-invalid");
        assert!(place.starts_with("tollgate.toml:1:"), "{place}");
    }

    #[test]
    fn a_changed_short_plan_stays_short() {
        let short = tollgate_canary::Settings::short();
        assert_eq!(parse(FILE, "").unwrap().ship.canary, short);
        let text = "[ship.canary]\nlease = \"2s\"\n";
        let changed = parse(FILE, text).unwrap();
        assert_eq!(changed.ship.canary.lease.to_string(), "2s");
        assert_eq!(changed.ship.canary.steps, short.steps);
        let variable = ("TOLLGATE_SHIP__CANARY__DRAIN_WITHIN".into(), "1s".into());
        let changed = with_environment(changed, text, [variable].into_iter()).unwrap();
        assert_eq!(changed.ship.canary.drain_within.to_string(), "1s");
        assert_eq!(changed.ship.canary.lease.to_string(), "2s");
        assert_eq!(changed.ship.canary.steps, short.steps);
    }

    #[test]
    fn the_environment_is_stronger_than_the_file_and_is_checked_too() {
        let text = "[ship]\nprobe_every = \"5s\"\n";
        let settings = parse(FILE, text).unwrap();
        let with = |name: &str, value: &str| {
            with_environment(
                settings.clone(),
                text,
                [(name.to_owned(), value.to_owned())].into_iter(),
            )
        };
        assert_eq!(
            with("TOLLGATE_SHIP__PROBE_EVERY", "7s")
                .unwrap()
                .ship
                .probe_every
                .to_string(),
            "7s"
        );
        let failure = with("TOLLGATE_SHIP__PROBE_EVRY", "7s").unwrap_err();
        assert!(
            failure.findings[0]
                .0
                .message
                .contains("TOLLGATE_SHIP__PROBE_EVRY")
        );
        assert_eq!(
            with("TOLLGATE_HUB", "http://127.0.0.1:1")
                .unwrap()
                .ship
                .probe_every
                .to_string(),
            "5s"
        );
    }
}
