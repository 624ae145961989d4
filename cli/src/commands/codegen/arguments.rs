//! Arguments that several commands below `codegen` share, and their errors.

use clap::Args;
use tollgate_codegen::{Emit, Language, UnknownWord};
use tollgate_proof::ProofError;
use tollgate_report::ExitCode;

use crate::failure::Failure;

/// What to generate, and in which languages.
#[derive(Debug, Clone, Args)]
pub struct WantedArgs {
    /// Languages; without effect where the settings name the targets
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LANGUAGES",
        default_values = Language::words().iter().copied()
    )]
    language: Vec<String>,
    /// What to emit: models, client, server; without effect where the settings name the targets
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "WHAT",
        default_value = "models"
    )]
    emit: Vec<String>,
}

impl WantedArgs {
    /// The languages in the order in which they were given.
    pub fn languages<C: FromIterator<Language>>(&self) -> Result<C, Failure> {
        let words = self.language.iter();
        words
            .map(|word| Language::parse(word).map_err(unknown))
            .collect()
    }

    /// The parts to emit.
    pub fn parts<C: FromIterator<Emit>>(&self) -> Result<C, Failure> {
        let words = self.emit.iter();
        words
            .map(|word| Emit::parse(word).map_err(unknown))
            .collect()
    }
}

#[derive(Debug, Clone, Args)]
pub struct ProofArgs {
    /// The longest time for one compiler or driver
    #[arg(long, value_name = "SPAN", default_value = "600s")]
    pub time: tollgate_report::quantity::Span,
    /// The most memory of one compiler or driver
    #[arg(long, value_name = "SIZE", default_value = "6GiB")]
    pub memory: tollgate_report::quantity::Size,
    /// The seed of made-up instances
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The most made-up instances of one type, and the most broken ones
    #[arg(long, default_value_t = 8)]
    pub per_type: usize,
    /// Compile only
    #[arg(long)]
    pub no_wire: bool,
    /// Under CI=true, don't fail where a compiler is missing
    #[arg(long)]
    pub may_be_missing: bool,
}

/// A word of `--language` or `--emit` that is not in its list.
fn unknown(word: UnknownWord) -> Failure {
    let hint = word.hint();
    Failure {
        hint,
        ..Failure::new(ExitCode::Usage, word)
    }
}

/// A proof that could not be made.
pub fn failed(error: ProofError) -> Failure {
    let (code, hint) = (error.exit_code(), error.hint());
    Failure {
        hint,
        ..Failure::new(code, error)
    }
}
