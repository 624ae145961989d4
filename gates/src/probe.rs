//! The probe gate: the results of synthetic probes.

use std::sync::Arc;

use tollgate_probes::render::verdict;
use tollgate_probes::{Probe, ProbeResult};
use tollgate_report::{Verdict, suggest};

use crate::contracts;
use crate::failure::Failure;
use crate::gate::{Gate, NoSettings, from_json};
use crate::repository::Repository;
use crate::schemas::ContractSchemas;

/// The probe gate.
#[derive(Debug)]
pub struct Probes;

impl Gate for Probes {
    const NAMES: &'static [&'static str] = &["probe"];
    const INPUT: &'static str = "probes";
    type Inputs = Vec<ProbeResult>;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded probe results", bytes)
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(verdict(inputs))
    }
}

/// Probes that run at once at most.
pub const CONCURRENCY: usize = 4;

/// The probes of the settings with these names; all when none is named.
pub fn chosen(repository: &Repository, names: &[String]) -> Result<Vec<Probe>, Failure> {
    let probes = &repository.settings.probes;
    if let Some(finding) = tollgate_probes::settings::check(probes).into_iter().next() {
        return Err(Failure::at(finding, None));
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| probes.iter().all(|probe| probe.name != **name))
    {
        let failure = Failure::usage(format!("there is no probe `{unknown}` in the settings"));
        return Err(
            match suggest::nearest(unknown, probes.iter().map(|probe| probe.name.as_str())) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`{tollgate} probe list` lists the probes"),
            },
        );
    }
    let probes: Vec<Probe> = probes
        .iter()
        .filter(|probe| names.is_empty() || names.contains(&probe.name))
        .cloned()
        .collect();
    if probes.is_empty() {
        return Err(Failure::settings(anyhow::anyhow!(
            "there are no probes: tollgate.toml has no [[probes]]"
        )));
    }
    Ok(probes)
}

/// What probes of `base` need: variables, and the contracts' schemas.
pub fn probe_context(
    repository: &Repository,
    base: &str,
) -> Result<tollgate_probes::Context, Failure> {
    let schemas = ContractSchemas(contracts::load_all(repository)?);
    Ok(tollgate_probes::Context::new(base).with_schemas(Arc::new(schemas)))
}
