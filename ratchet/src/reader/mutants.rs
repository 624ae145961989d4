//! `mutants.out/outcomes.json` of cargo-mutants. Form: cargo-mutants, `src/outcome.rs`.

use serde::Deserialize;
use serde_json::Value;

use super::error::{ReadError, quoted};
use super::input::{Input, Sample};
use super::json;
use crate::measurement::Measurement;

/// How the mutants of a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutants {
    /// A test failed.
    pub n_caught: u64,
    /// The tests ran into the time limit; counted as detected, as mutation-testing-elements does.
    pub n_timeout: u64,
    /// They did not build, so the tests were not run.
    pub n_unviable: u64,
    /// Names of the mutants that no test noticed, such as `src/a.rs:3:5: replace f with ()`.
    pub missed: Vec<String>,
}

impl Mutants {
    /// Adds up two reports, such as the shards of one run.
    pub fn add(&mut self, more: &Self) {
        self.n_caught += more.n_caught;
        self.n_timeout += more.n_timeout;
        self.n_unviable += more.n_unviable;
        self.missed.extend(more.missed.iter().cloned());
        self.missed.sort();
    }

    /// `mutation_score_min`: detected of all viable mutants in percent; absent without any.
    #[must_use]
    pub fn measurement(&self) -> Option<Measurement> {
        let n_detected = self.n_caught + self.n_timeout;
        let n_viable = n_detected + self.missed.len() as u64;
        (n_viable > 0).then(|| {
            let score = 100.0 * n_detected as f64 / n_viable as f64;
            let detail = format!(
                "{n_detected} of {n_viable} viable mutants detected, {} by timeout",
                self.n_timeout
            );
            Measurement::new("mutation_score_min", "%", score, detail)
        })
    }
}

#[derive(Deserialize)]
struct Outcomes {
    outcomes: Vec<Outcome>,
    total_mutants: Option<u64>,
}

#[derive(Deserialize)]
struct Outcome {
    scenario: Value,
    summary: String,
}

/// Recognises its keys, or the name of the file.
pub(super) fn is_it(sample: &Sample<'_>) -> bool {
    let has_outcomes = ["\"outcomes\"", "\"scenario\""]
        .iter()
        .all(|key| sample.head.contains(key));
    sample.is_json() && (has_outcomes || sample.name == "outcomes.json")
}

pub(super) fn read(input: &Input<'_>) -> Result<Mutants, ReadError> {
    let outcomes: Outcomes = json::parse(input, "`outcomes.json` of cargo-mutants")?;
    let mut mutants = Mutants::default();
    for outcome in &outcomes.outcomes {
        let Some(name) = mutant_name(&outcome.scenario) else {
            if outcome.scenario.as_str() != Some("Baseline") {
                let found = quoted(&outcome.scenario.to_string());
                return Err(input.error(1, "`Baseline` or a `Mutant` as `scenario`", found));
            }
            if outcome.summary != "Success" {
                let found = format!("a baseline that ended as {}", quoted(&outcome.summary));
                return Err(input.error(1, "tests that pass without any mutant", found));
            }
            continue;
        };
        match outcome.summary.as_str() {
            "CaughtMutant" => mutants.n_caught += 1,
            "Timeout" => mutants.n_timeout += 1,
            "Unviable" => mutants.n_unviable += 1,
            "MissedMutant" => mutants.missed.push(name),
            other => {
                let line = line_of(input.text, &name);
                let found = quoted(other);
                return Err(input.error(line, "the outcome of a mutant in `summary`", found));
            }
        }
    }
    let n_seen =
        mutants.n_caught + mutants.n_timeout + mutants.n_unviable + mutants.missed.len() as u64;
    if let Some(n_total) = outcomes.total_mutants
        && n_total != n_seen
    {
        let found = format!("{n_seen}");
        return Err(input.error(
            1,
            format!("{n_total} mutants, as in `total_mutants`"),
            found,
        ));
    }
    mutants.missed.sort();
    Ok(mutants)
}

fn mutant_name(scenario: &Value) -> Option<String> {
    let mutant = scenario.get("Mutant")?;
    let name = mutant.get("name").and_then(Value::as_str);
    let or_file = || mutant.get("file").and_then(Value::as_str);
    Some(
        name.or_else(or_file)
            .unwrap_or("a mutant without a name")
            .to_owned(),
    )
}

fn line_of(text: &str, piece: &str) -> usize {
    text.lines()
        .position(|line| line.contains(piece))
        .map_or(1, |line_idx| line_idx + 1)
}
