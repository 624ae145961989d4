//! The budget gate: measurements against the promises of `performance_sla.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_budgets::{
    BudgetFile, BudgetSettings, CheckInput, Checked, check, check_operations, parse_measurements,
};
use tollgate_report::{Clock, EvidenceLog, Timestamp, Verdict};

use crate::contract::{classes, classes_of_base};
use crate::contracts;
use crate::failure::Failure;
use crate::gate::{Gate, from_json};
use crate::loosened::{self, Compared, Section};
use crate::record::{Decision, Inputs, record};
use crate::repository::Repository;

/// The budget gate.
#[derive(Debug)]
pub struct Budgets;

impl Gate for Budgets {
    const NAMES: &'static [&'static str] = &["budget"];
    const INPUT: &'static str = "budget";
    type Inputs = BudgetInputs;
    type Settings = BudgetSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded inputs of the budgets", bytes)
    }

    fn judge(inputs: &Self::Inputs, settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(judge(inputs, settings)?.verdict)
    }
}

/// Where `ship` leaves what it measured.
pub const MEASUREMENTS: &str = "measurements.json";

/// All that a budget verdict depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetInputs {
    /// The text of `performance_sla.json`.
    pub budgets: String,
    /// The text of the measurements, and the name of their file.
    pub measurements: String,
    pub measurements_file: String,
    /// The contract's operations and their budget classes.
    pub operations: BTreeMap<String, String>,
    /// Which limits are judged.
    pub scope: Scope,
    /// Whether a limit that nothing measured fails.
    #[serde(default)]
    pub is_strict: bool,
    /// When it was checked.
    #[serde(default = "epoch")]
    pub now: Timestamp,
    /// The settings and promises of the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Box<Compared>>,
}

/// The time in records from before it was recorded.
fn epoch() -> Timestamp {
    Timestamp::EPOCH
}

/// Which limits a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every promise; one that nothing measured is not checked.
    All,
    /// The promises about what the measurements hold.
    Measured,
}

/// What the budgets decide. Pure.
fn judge(inputs: &BudgetInputs, settings: &BudgetSettings) -> Result<Checked, Failure> {
    let mut budgets =
        BudgetFile::parse(&inputs.budgets, &settings.file).map_err(Failure::settings)?;
    let measurements = parse_measurements(&inputs.measurements, &inputs.measurements_file)
        .map_err(Failure::settings)?;
    if inputs.scope == Scope::Measured {
        budgets.limits.retain(|_, limit| {
            measurements
                .iter()
                .any(|measurement| measurement.id == limit.measurement)
        });
    }
    let operations = check_operations(&budgets, &inputs.operations, &settings.file);
    let operations = (inputs.scope == Scope::All).then_some(&operations);
    let mut checked = check(&CheckInput {
        budgets: &budgets,
        operations,
        measurements: &measurements,
        settings,
        // A release measures what it sends, not all that is promised.
        is_strict: inputs.is_strict && inputs.scope == Scope::All,
        now: inputs.now,
    });
    if let Some(compared) = &inputs.compared {
        let sections = BTreeSet::from([Section::Budgets]);
        let loosened = loosened::judge(compared, &sections, Vec::new())?;
        checked.verdict = checked.verdict.with_findings(loosened);
    }
    Ok(checked)
}

/// What the budgets say about measurements of their own, such as those of live traffic: only the
/// promises about them.
pub fn judge_measured(
    budgets: String,
    measurements: String,
    settings: &BudgetSettings,
    now: Timestamp,
) -> Result<Verdict, Failure> {
    let inputs = BudgetInputs {
        budgets,
        measurements,
        measurements_file: "live traffic".to_owned(),
        operations: BTreeMap::new(),
        scope: Scope::Measured,
        is_strict: false,
        now,
        compared: None,
    };
    Ok(judge(&inputs, settings)?.verdict)
}

/// Judges and records.
pub fn gate(
    repository: &Repository,
    evidence: &EvidenceLog,
    run: &str,
    (file, text): (&str, String),
    scope: Scope,
    started: Duration,
) -> Result<(Decision, Checked), Failure> {
    let settings = &repository.settings.budgets;
    let budgets = fs::read_to_string(repository.root.join(&settings.file))
        .with_context(|| format!("cannot read the budgets `{}`", settings.file))
        .map_err(Failure::settings)?;
    let operations: BTreeMap<String, String> = contracts::load_all(repository)?
        .iter()
        .flat_map(classes)
        .collect();
    let mut compared = loosened::compared(repository)?;
    compared.operations.clone_from(&operations);
    let paths = contracts::paths(repository);
    compared.operations_before = classes_of_base(repository, &compared.base, &paths)?;
    let inputs = BudgetInputs {
        is_strict: repository.is_strict,
        now: repository.clock.now(),
        compared: Some(Box::new(compared)),
        budgets,
        measurements: text,
        measurements_file: file.to_owned(),
        operations,
        scope,
    };
    let checked = judge(&inputs, settings)?;
    let kept = Inputs::json("budget", &inputs).with_settings(settings);
    let duration = repository.clock.monotonic().saturating_sub(started);
    let gate = record(
        repository,
        evidence,
        run,
        ("budget", file),
        kept,
        checked.verdict.clone(),
        duration,
    )?;
    Ok((gate, checked))
}
