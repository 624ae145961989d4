//! Why something could not be proved at all, with the exit code and the next command.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use tollgate_codegen::manifest::{self, ManifestError};
use tollgate_report::ExitCode;
use tollgate_report::atomic::WriteError;

/// The reason why nothing could be proved. A package that does not compile is a result, not an error.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The machine refused to read or write a file.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A compiler or a driver could not be started or followed.
    #[error("cannot run a compiler or a driver")]
    Run(#[source] io::Error),
    /// A contract can't be loaded.
    #[error(transparent)]
    Load(#[from] tollgate_contracts_model::LoadError),
    /// A package's list of files can't be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The command line names something that is not a folder.
    #[error("`{}` is not a folder", .0.display())]
    NoFolder(PathBuf),
    /// The folders hold no generated package.
    #[error("no `{}` was found in or below the given folders", manifest::FILE)]
    NoPackage,
    /// The folder holds no contract.
    #[error(
        "no contract was found below `{}`: no file has `openapi` or `asyncapi` at its top level",
        .0.display()
    )]
    NoDocument(PathBuf),
    /// `--only` can't be read as a pattern.
    #[error("`--only` is not a valid pattern")]
    Pattern(#[source] globset::Error),
    /// `--only` chooses nothing.
    #[error("none of the {n_documents} documents matches `--only {pattern}`")]
    NoMatch { pattern: String, n_documents: usize },
}

impl ProofError {
    /// An error of the machine about a file.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Io { .. } | Self::Write(_) | Self::Run(_) => ExitCode::Environment,
            Self::Load(_) => ExitCode::Settings,
            Self::Manifest(error) => error.exit_code(),
            Self::NoFolder(_)
            | Self::NoPackage
            | Self::NoDocument(_)
            | Self::Pattern(_)
            | Self::NoMatch { .. } => ExitCode::Usage,
        }
    }

    /// The hint: what to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Manifest(error) => error.hint(),
            Self::NoPackage => Some(
                "generate a package first: `{tollgate} codegen --contract FILE --out DIR`, \
                 then `{tollgate} codegen verify DIR`"
                    .to_owned(),
            ),
            Self::NoMatch { .. } => Some(
                "a pattern is compared with the whole path below the folder, \
                 such as `*petstore*` or `{a,b}.json`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// An error with its causes as one text.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
