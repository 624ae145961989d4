//! The lock of the contents of URLs. A reference to a URL is followed only when the digest of its
//! text is in a committed file.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tollgate_report::Finding;

use crate::contract::Contract;
use crate::reference::Reference;
use crate::targets::is_url;

/// The committed file `contracts.lock`: JSON, one digest a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The version of this format: 1.
    pub version: u32,
    /// SHA-256 in hexadecimal digits of the bytes of each URL.
    pub urls: BTreeMap<String, String>,
}

/// Why a lock can't be read.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The text is not JSON of this form.
    #[error("cannot read `contracts.lock`; write it again with `{{tollgate}} contract lock`")]
    Syntax(#[source] serde_json::Error),
    /// The lock has another version.
    #[error(
        "cannot read `contracts.lock`: its version is `{0}`, not `1`; use the version of Tollgate that wrote it"
    )]
    Version(u32),
}

impl Default for Lock {
    fn default() -> Self {
        Self {
            version: 1,
            urls: BTreeMap::new(),
        }
    }
}

impl Lock {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// The text is not a lock, or the lock has another version.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let lock: Self = serde_json::from_str(text).map_err(LockError::Syntax)?;
        match lock.version {
            1 => Ok(lock),
            other => Err(LockError::Version(other)),
        }
    }

    /// The text of the file, with a line break at its end.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("texts in a map are JSON");
        text.push('\n');
        text
    }

    /// Nothing when the bytes have the digest of the lock, else a finding.
    #[must_use]
    pub fn check(&self, url: &str, bytes: &[u8]) -> Option<Finding> {
        let got = digest(bytes);
        let problem = match self.urls.get(url) {
            Some(want) if *want == got => return None,
            Some(want) => format!("`{url}` has the digest `{got}`, but the lock has `{want}`"),
            None => format!("`{url}` is not in the lock"),
        };
        Some(
            Finding::error("ref-lock", problem)
                .because(
                    "the text changed after it was locked, so the contract may mean something else",
                )
                .fix("review the new text, then run `{tollgate} contract lock --update`"),
        )
    }
}

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut out, byte| {
            write!(out, "{byte:02x}").expect("a text takes what is written");
            out
        })
}

/// The URLs that references of a contract name and that it does not hold, in order, each once.
#[must_use]
pub fn missing_urls(contract: &Contract) -> Vec<String> {
    urls(contract, |reference| {
        contract.locate(&reference.target).is_none()
    })
}

/// The URLs that references of a contract name, in order, each once.
#[must_use]
pub fn named_urls(contract: &Contract) -> Vec<String> {
    urls(contract, |_| true)
}

fn urls(contract: &Contract, is_wanted: impl Fn(&Reference) -> bool) -> Vec<String> {
    let references = contract.references.iter();
    let wanted =
        references.filter(|reference| is_url(&reference.target.file) && is_wanted(reference));
    let mut urls: Vec<String> = wanted
        .map(|reference| reference.target.file.clone())
        .collect();
    urls.sort();
    urls.dedup();
    urls
}
