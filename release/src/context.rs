//! The surroundings of a release: the repository, and the narrator that receives its progress.

use std::ops::Deref;
use std::path::PathBuf;

use tollgate_alerts::channel::Console;
use tollgate_gates::tier::News;
use tollgate_gates::{Decision, Failure, Repository};
use tollgate_report::Finding;

use crate::summary::ShipSummary;

/// Receives what happens during a release. The command line shows it.
pub trait Narrator: Sync {
    /// A line of progress.
    fn progress(&self, text: &str);
    /// A line of the result.
    fn line(&self, text: &str);
    /// Findings with their places.
    fn findings(&self, findings: &[Finding]);
    /// A gate has decided.
    fn decided(&self, decision: &Decision);
    /// Something with this name begins whose state changes often, such as a tier or a canary.
    fn begin(&self, name: &str);
    /// Its state now; the next one replaces it.
    fn status(&self, text: &str);
    /// It is over.
    fn end(&self);
    /// What happens while a tier runs.
    fn tier(&self, news: News<'_>);
    /// A ship is over.
    fn shipped(&self, summary: &ShipSummary);
    /// Where the receiver `console` of alerts writes.
    fn console(&self) -> Console;
}

/// Finds the hub's binary, or builds it.
pub type HubBinary<'a> = &'a (dyn Fn(&Repository) -> Result<PathBuf, Failure> + Sync);

/// The surroundings of a release.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub repository: &'a Repository,
    /// What people type to call the program.
    pub program: &'static str,
    pub narrator: &'a dyn Narrator,
    pub hub_binary: HubBinary<'a>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("root", &self.repository.root)
            .finish_non_exhaustive()
    }
}

impl Deref for Context<'_> {
    type Target = Repository;

    fn deref(&self) -> &Repository {
        self.repository
    }
}
