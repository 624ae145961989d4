//! Secrets by name: settings name the place of a secret and never hold the secret.

use std::path::PathBuf;
use std::{env, fs, io};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// Where a secret is kept: exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretSource {
    /// Name of the environment variable that holds the secret; no default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Path of the file that holds the secret (spaces at its ends do not count); no default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// A secret cannot be read. The text names the place and never the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither place or both are named.
    #[error("exactly one of `env` and `file` is required")]
    Place,
    /// The variable is not set, or is not text.
    #[error("cannot read the environment variable `{name}`")]
    Env {
        /// The variable.
        name: String,
        /// Why.
        #[source]
        source: MissingVariable,
    },
    /// The file could not be read.
    #[error("cannot read `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The secret is empty.
    #[error("the secret in `{place}` is empty")]
    Empty {
        /// The variable or the file.
        place: String,
    },
}

/// Why a variable could not be read; unlike `VarError` it never carries the value.
#[derive(Debug, thiserror::Error)]
pub enum MissingVariable {
    /// It is not set.
    #[error("it is not set")]
    NotSet,
    /// It is not UTF-8.
    #[error("it is not text")]
    NotText,
}

impl SecretSource {
    /// A secret in a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            env: None,
            file: Some(path.into()),
        }
    }

    /// A secret in an environment variable.
    #[must_use]
    pub fn env(name: impl Into<String>) -> Self {
        Self {
            env: Some(name.into()),
            file: None,
        }
    }

    /// Reads the secret.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        let (text, place) = match (&self.env, &self.file) {
            (Some(name), None) => (read_env(name)?, name.clone()),
            (None, Some(path)) => {
                let text = fs::read_to_string(path).map_err(|source| SecretError::File {
                    path: path.clone(),
                    source,
                })?;
                (text, path.display().to_string())
            }
            _ => return Err(SecretError::Place),
        };
        if text.trim().is_empty() {
            return Err(SecretError::Empty { place });
        }
        Ok(SecretString::from(text.trim()))
    }
}

fn read_env(name: &str) -> Result<String, SecretError> {
    env::var(name).map_err(|error| SecretError::Env {
        name: name.to_owned(),
        source: match error {
            env::VarError::NotPresent => MissingVariable::NotSet,
            env::VarError::NotUnicode(_) => MissingVariable::NotText,
        },
    })
}
