//! The lint ruleset of a repository, as files and as the texts of a record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tollgate_contracts_lint::{Ruleset, read_ruleset};

use crate::base::Base;
use crate::failure::Failure;
use crate::repository::Repository;

/// The names of rulesets that are found by themselves, as Spectral finds them.
pub const RULESETS: [&str; 3] = [".spectral.yaml", ".spectral.yml", ".spectral.json"];

/// A ruleset with the files that it extends, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

    /// The texts below a folder, named from there.
    pub fn below(root: &Path, file: &str) -> Result<Self, Failure> {
        Self::gathered(file, &mut |file| std::fs::read_to_string(root.join(file)))
    }

    /// The texts in the base; absent if the base does not contain a ruleset that can be read.
    pub fn of_base(base: &Base, root: &Path, file: &str) -> Result<Option<Self>, Failure> {
        if base.text(root, file)?.is_none() {
            return Ok(None);
        }
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let text = |file: &str| base.text(root, file).ok().flatten().ok_or_else(missing);
        Ok(Self::gathered(file, &mut |file| text(file)).ok())
    }

    fn gathered(
        file: &str,
        read: &mut dyn FnMut(&str) -> std::io::Result<String>,
    ) -> Result<Self, Failure> {
        let files = RefCell::new(BTreeMap::new());
        read_ruleset(file, &mut |file| {
            let text = read(file)?;
            files.borrow_mut().insert(file.to_owned(), text.clone());
            Ok(text)
        })
        .map_err(Failure::settings)?;
        Ok(Self {
            entry: file.to_owned(),
            files: files.into_inner(),
        })
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
