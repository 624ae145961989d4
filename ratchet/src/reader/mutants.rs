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

    /// `mutation_score_min`: detected of all viable mutants in percent; absent when
    /// [`Self::unmeasured`] has a reason.
    #[must_use]
    pub fn measurement(&self) -> Option<Measurement> {
        let n_detected = self.n_caught + self.n_timeout;
        let n_viable = self.n_viable();
        self.unmeasured().is_none().then(|| {
            let score = 100.0 * n_detected as f64 / n_viable as f64;
            let detail = format!(
                "{n_detected} of {n_viable} viable mutants detected, {} by timeout",
                self.n_timeout
            );
            Measurement::new("mutation_score_min", "%", score, detail)
        })
    }

    /// Why these mutants do not measure the tests. A mutant that runs into the time limit
    /// shows that the limit is short as well as that the tests depend on it, so tests must have
    /// decided at least half of them.
    #[must_use]
    pub fn unmeasured(&self) -> Option<String> {
        let n_viable = self.n_viable();
        let n_decided = n_viable - self.n_timeout;
        if n_viable == 0 {
            return Some(match self.n_unviable {
                0 => "the report has no mutant".to_owned(),
                n => format!("none of {n} mutants could be built"),
            });
        }
        (n_decided < n_viable.div_ceil(2)).then(|| {
            format!(
                "{} of {n_viable} mutants ran into the time limit, and the tests decided {n_decided}; half of them are \
                 needed",
                self.n_timeout
            )
        })
    }

    fn n_viable(&self) -> u64 {
        self.n_caught + self.n_timeout + self.missed.len() as u64
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
