//! The lint ruleset of a repository, as files and as the texts of a record.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_contracts_lint::{Ruleset, read_ruleset};

use crate::failure::Failure;
use crate::repository::Repository;

/// The names of rulesets that are found by themselves, as Spectral finds them.
pub const RULESETS: [&str; 3] = [".spectral.yaml", ".spectral.yml", ".spectral.json"];

/// A ruleset with the files that it extends, as text.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesetText {
    /// The file that names the others.
    pub entry: String,
    pub files: BTreeMap<String, String>,
}

impl RulesetText {
    /// Reads a ruleset from disk; keeps the texts, so that a verdict can be reached again.
    pub fn load(file: &str) -> Result<(Self, Ruleset), Failure> {
        let files = RefCell::new(BTreeMap::new());
        let ruleset = read_ruleset(file, &mut |file| {
            let text = std::fs::read_to_string(file)?;
            files.borrow_mut().insert(file.to_owned(), text.clone());
            Ok(text)
        })
        .map_err(Failure::settings)?;
        let text = Self {
            entry: file.to_owned(),
            files: files.into_inner(),
        };
        Ok((text, ruleset))
    }

    /// The ruleset of the texts.
    pub fn read(&self) -> Result<Ruleset, Failure> {
        read_ruleset(&self.entry, &mut |file| {
            let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
            self.files.get(file).cloned().ok_or_else(missing)
        })
        .map_err(Failure::settings)
    }
}

/// The ruleset of the repository: the one that the settings name, or one in its folders.
pub fn repository_ruleset(repository: &Repository) -> Result<Option<RulesetText>, Failure> {
    let named = repository.settings.contracts.lint.ruleset.clone();
    let found = named.or_else(|| {
        let mut names = RULESETS.iter();
        names
            .find(|name| repository.root.join(name).is_file())
            .map(|name| (*name).to_owned())
    });
    found
        .map(|file| Ok(RulesetText::load(&file)?.0))
        .transpose()
}
