//! What every command is given: the repository and where output goes.

use std::ops::Deref;

use tollgate_gates::Repository;
use tollgate_report::EvidenceLog;

use crate::failure::Failure;
use crate::global::Global;
use crate::output::Output;
use crate::program::Program;

/// The surroundings of one command.
#[derive(Debug)]
pub struct Context {
    repository: Repository,
    pub output: Output,
    pub program: Program,
}

impl Context {
    /// Finds the repository around the current folder and reads its settings.
    ///
    /// # Errors
    /// The settings are wrong, or a folder can't be read.
    pub fn new(program: Program, global: &Global) -> Result<Self, Failure> {
        let mut repository = Repository::open(global.settings.as_deref())?;
        repository.against.clone_from(&global.against);
        repository.is_strict |= global.strict;
        Ok(Self {
            repository,
            output: Output::new(program, global),
            program,
        })
    }

    /// Opens the evidence log, and reports a torn last line that was cut off.
    ///
    /// # Errors
    /// The log can't be read or written.
    pub fn evidence(&self) -> Result<EvidenceLog, Failure> {
        let log = self.open_evidence()?;
        if let Some(note) = Repository::torn_note(&log) {
            self.output.progress(note);
        }
        Ok(log)
    }
}

impl Deref for Context {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        &self.repository
    }
}
