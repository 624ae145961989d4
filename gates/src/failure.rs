//! Why a command could not do its work, with the exit code.

use std::fmt;

use tollgate_report::{ExitCode, Finding};

/// A command could not do its work, or was called in the wrong way. A failed gate is not a failure.
#[derive(Debug)]
pub struct Failure {
    /// What the process exits with.
    pub code: ExitCode,
    /// The chain of what went wrong.
    pub error: anyhow::Error,
    /// What to do next.
    pub hint: Option<String>,
    /// Findings with a place; if there are any, they are shown instead of the error chain.
    pub findings: Vec<(Finding, Option<String>)>,
}

impl Failure {
    /// A failure with its exit code.
    pub fn new(code: ExitCode, error: impl Into<anyhow::Error>) -> Self {
        Self {
            code,
            error: error.into(),
            hint: None,
            findings: Vec::new(),
        }
    }

    /// The settings or a contract could not be understood.
    pub fn settings(error: impl Into<anyhow::Error>) -> Self {
        Self::new(ExitCode::Settings, error)
    }

    /// The machine: network, disk, port, a missing tool.
    pub fn environment(error: impl Into<anyhow::Error>) -> Self {
        Self::new(ExitCode::Environment, error)
    }

    /// The command line was wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, anyhow::anyhow!(message.into()))
    }

    /// The settings are wrong at one place of a file, whose text is given for the caret.
    pub fn at(finding: Finding, text: Option<String>) -> Self {
        let mut failure = Self::new(ExitCode::Settings, anyhow::anyhow!(finding.message.clone()));
        failure.findings.push((finding, text));
        failure
    }

    /// The same failure with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

/// Anything not given a code on its way up is the machine's: reading, writing, starting programs.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::environment(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::environment(error)
    }
}

impl From<tollgate_codegen::CodegenError> for Failure {
    fn from(error: tollgate_codegen::CodegenError) -> Self {
        Self::settings(error)
    }
}

impl From<tollgate_codegen::manifest::ManifestError> for Failure {
    fn from(error: tollgate_codegen::manifest::ManifestError) -> Self {
        let (code, hint) = (error.exit_code(), error.hint());
        Self {
            hint,
            ..Self::new(code, error)
        }
    }
}

impl From<tollgate_report::EvidenceError> for Failure {
    fn from(error: tollgate_report::EvidenceError) -> Self {
        use tollgate_report::{AppendLogError as L, EvidenceError as E};
        let hint = match &error {
            E::Log(L::Malformed { .. }) | E::Broken { .. } => {
                "the evidence was edited; keep a copy to examine, then move the file away to begin a new chain"
            }
            E::Log(_) | E::Keep(_) => {
                "check that the disk is not full and that `.tollgate/` can be written"
            }
            E::InputDamaged { .. } => {
                "the input was deleted or changed, so this verdict can't be replayed"
            }
            E::NotFound { .. } => {
                "ids are printed at the end of each command; `.tollgate/evidence.ndjson` holds them all"
            }
        };
        let code = match &error {
            E::NotFound { .. } => ExitCode::Usage,
            _ => ExitCode::Environment,
        };
        Self::new(code, error).hint(hint)
    }
}
