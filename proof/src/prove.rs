//! Proves one set of contracts: compiles the package of each language, then sends values between
//! those that compile.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde::Serialize;
use tollgate_codegen::{Artifact, Emit, Language, Request, generate, lower};
use tollgate_contracts_model::Contract;
use tollgate_process::Limits;
use tollgate_report::ExitCode;

use crate::ProofError;
use crate::compile::{Compiled, Compilers};
use crate::package::Package;
use crate::wire::cases::{Amount, Cases, collect};
use crate::wire::ring::{self, Driver, Share, TroubleKind};

/// How many failures of each kind are reported as reasons.
const TOLD_MAX: usize = 3;

/// One generated package, either on disk or not yet written.
#[derive(Debug, Clone)]
pub struct Source {
    pub language: Language,
    pub package: String,
    pub emit: BTreeSet<Emit>,
    pub files: Vec<Artifact>,
}

/// How much is proved.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    pub limits: Limits,
    pub amount: Amount,
    pub has_wire: bool,
    pub slot: usize,
}

/// The result of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Good,
    Bad,
    NotChecked,
}

impl LanguageProof {
    /// One language before its proof.
    pub fn new(language: Language) -> Self {
        Self {
            language,
            compiles: State::NotChecked,
            wire: State::NotChecked,
            refuses: State::NotChecked,
            reasons: Vec::new(),
            share: None,
            seconds: 0.0,
            output: String::new(),
        }
    }

    /// Whether anything is wrong.
    pub fn is_bad(&self) -> bool {
        [self.compiles, self.wire, self.refuses].contains(&State::Bad)
    }
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "yes",
            Self::Bad => "no",
            Self::NotChecked => "not checked",
        }
    }
}

/// One language of a proof.
#[derive(Debug, Clone, Serialize)]
pub struct LanguageProof {
    pub language: Language,
    pub compiles: State,
    /// Whether every value came back as it was.
    pub wire: State,
    /// Whether every invalid value was rejected, or was accepted for a known reason.
    pub refuses: State,
    /// The reasons why one of them failed.
    pub reasons: Vec<String>,
    /// What went around the ring; absent without a driver.
    pub share: Option<Share>,
    pub seconds: f64,
    /// What the compiler printed, when it refused.
    #[serde(skip)]
    pub output: String,
}

/// What a command exits with: findings when anything is bad or changed, `environment` when a
/// compiler is missing and `needs_all` is set.
pub fn exit_code<'a>(
    proofs: impl Iterator<Item = (&'a LanguageProof, bool)>,
    needs_all: bool,
) -> ExitCode {
    let mut code = ExitCode::Pass;
    for (proof, is_changed) in proofs {
        if proof.is_bad() || is_changed {
            return ExitCode::Findings;
        }
        if proof.compiles == State::NotChecked && needs_all {
            code = ExitCode::Environment;
        }
    }
    code
}

/// All languages of a proof, and what was sent.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    pub languages: Vec<LanguageProof>,
    pub sent: Sent,
}

/// How many values were sent, by reason.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sent {
    pub by_kind: BTreeMap<&'static str, usize>,
    pub broken: usize,
    pub types: usize,
    pub types_without_values: usize,
    pub invalid_examples: usize,
}

/// Compiles every package and proves the wire.
pub fn prove(
    compilers: &Compilers,
    contracts: &[Contract],
    sources: &[Source],
    work: &Path,
    extent: &Extent,
) -> Result<Proof, ProofError> {
    let mut languages = Vec::new();
    let mut drivers = Vec::new();
    for source in sources {
        let (proof, driver) = one(compilers, contracts, source, work, extent)?;
        languages.push(proof);
        drivers.extend(driver);
    }
    drivers.sort_by_key(|driver: &Driver| compilers.position(driver.language));
    let mut sent = Sent::default();
    if !drivers.is_empty() {
        match cases_of(contracts, extent.amount) {
            Ok(cases) => {
                sent = count(&cases);
                let mut shares = ring::run(&drivers, &cases, &extent.limits);
                for proof in &mut languages {
                    if let Some(share) = shares.remove(proof.language.word()) {
                        take(proof, share);
                    }
                }
            }
            Err(problem) => {
                let asked = drivers.iter().map(|driver| driver.language);
                let asked: BTreeSet<Language> = asked.collect();
                for proof in languages
                    .iter_mut()
                    .filter(|proof| asked.contains(&proof.language))
                {
                    proof.wire = State::Bad;
                    proof.refuses = State::Bad;
                    proof.reasons.push(problem.clone());
                }
            }
        }
    }
    Ok(Proof { languages, sent })
}

fn one(
    compilers: &Compilers,
    contracts: &[Contract],
    source: &Source,
    work: &Path,
    extent: &Extent,
) -> Result<(LanguageProof, Option<Driver>), ProofError> {
    let mut proof = LanguageProof::new(source.language);
    let driver = if extent.has_wire {
        driver_files(contracts, source, &mut proof)
    } else {
        Vec::new()
    };
    let package = Package {
        language: source.language,
        files: &source.files,
        driver: &driver,
        work: work.join(source.language.word()),
        slot: extent.slot,
    };
    Ok(match compilers.compile(&package, &extent.limits)? {
        Compiled::NotChecked(how) => {
            proof.reasons.push(how);
            (proof, None)
        }
        Compiled::No {
            reason,
            output,
            duration,
        } => {
            proof.compiles = State::Bad;
            proof.reasons.push(reason);
            proof.output = output;
            proof.seconds = duration.as_secs_f64();
            (proof, None)
        }
        Compiled::Yes {
            driver,
            problem,
            duration,
        } => {
            proof.compiles = State::Good;
            proof.seconds = duration.as_secs_f64();
            if let Some(problem) = problem {
                proof.wire = State::Bad;
                proof
                    .reasons
                    .push(format!("the driver of the wire: {problem}"));
            }
            (proof, driver)
        }
    })
}

/// The files that a driver needs in addition to those of the package.
fn driver_files(
    contracts: &[Contract],
    source: &Source,
    proof: &mut LanguageProof,
) -> Vec<Artifact> {
    let request = Request {
        language: source.language,
        emit: source.emit.iter().copied().chain([Emit::Wire]).collect(),
        package: source.package.clone(),
        has_manifest: true,
    };
    let own: BTreeMap<&str, &str> = source
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.contents.as_str()))
        .collect();
    match generate(contracts, &request) {
        Ok(generated) => generated
            .artifacts
            .into_iter()
            .filter(|file| own.get(file.path.as_str()) != Some(&file.contents.as_str()))
            .collect(),
        Err(error) => {
            proof
                .reasons
                .push(format!("the driver of the wire: {error}"));
            Vec::new()
        }
    }
}

/// The values to send; a panic while making them is a row of the table, not the end of it.
fn cases_of(contracts: &[Contract], amount: Amount) -> Result<Cases, String> {
    let made = catch_unwind(AssertUnwindSafe(|| {
        collect(contracts, &lower(contracts), amount)
    }));
    made.map_err(|_| "making instances panicked; this is a bug in Tollgate".to_owned())
}

fn count(cases: &Cases) -> Sent {
    let mut by_kind: BTreeMap<&'static str, usize> = BTreeMap::new();
    for case in &cases.kept {
        *by_kind.entry(case.why.word()).or_default() += 1;
    }
    Sent {
        by_kind,
        broken: cases.broken.len(),
        types: cases.n_types,
        types_without_values: cases.without.len(),
        invalid_examples: cases.n_invalid_examples,
    }
}

fn take(proof: &mut LanguageProof, share: Share) {
    let state = |is_good| if is_good { State::Good } else { State::Bad };
    proof.wire = state(share.equal == share.instances);
    proof.refuses = state(share.refused + share.n_explained() == share.broken);
    for kind in [
        TroubleKind::RoundTrip,
        TroubleKind::Objected,
        TroubleKind::LetThrough,
    ] {
        let troubles = share.failures.iter().filter(|trouble| trouble.kind == kind);
        proof
            .reasons
            .extend(troubles.take(TOLD_MAX).map(ToString::to_string));
    }
    proof.share = Some(share);
}
