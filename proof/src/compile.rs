//! Compiles one generated package in a copy, so that nothing is written next to it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tollgate_codegen::Language;
use tollgate_process::{End, Limits, Ran};

use crate::ProofError;
use crate::package::{Package, Places, put};
use crate::toolchain::Toolchain;
use crate::toolchains::TOOLCHAINS;
use crate::wire::ring::Driver;

/// The compilers of this machine, in the order in which values pass their languages.
#[derive(Debug)]
pub struct Compilers(Vec<(Language, Box<dyn Toolchain>)>);

/// The result of a compilation.
#[derive(Debug)]
pub enum Compiled {
    /// The package compiles. The driver is included if it compiles too.
    Yes {
        driver: Option<Driver>,
        /// Why the wire can't be proved although the package compiles.
        problem: Option<String>,
        duration: Duration,
    },
    No {
        reason: String,
        output: String,
        duration: Duration,
    },
    /// The compiler is not installed; how to install it.
    NotChecked(String),
}

impl Compilers {
    /// Finds them.
    #[must_use]
    pub fn find(places: &Places) -> Self {
        let found = TOOLCHAINS.iter();
        Self(
            found
                .map(|row| (row.language, (row.find)(places)))
                .collect(),
        )
    }

    /// The place of a language among those that values pass one after the other.
    #[must_use]
    pub fn position(&self, language: Language) -> usize {
        let mut rows = self.0.iter();
        rows.position(|(known, _)| *known == language)
            .unwrap_or(self.0.len())
    }

    /// Compiles one package.
    ///
    /// # Errors
    /// A file can't be written, or the compiler can't be followed.
    pub fn compile(&self, package: &Package<'_>, limits: &Limits) -> Result<Compiled, ProofError> {
        let Some((_, toolchain)) = self.0.get(self.position(package.language)) else {
            let language = package.language.word();
            return Ok(Compiled::NotChecked(format!(
                "packages in {language} are not compiled"
            )));
        };
        clear(&package.work)?;
        if let Some(how) = toolchain.missing() {
            return Ok(Compiled::NotChecked(how));
        }
        let folder = package.folder();
        put(&folder, package.files)?;
        let (mut duration, mut trouble) = (Duration::ZERO, None);
        if !package.driver.is_empty() {
            put(&folder, package.driver)?;
            let built = toolchain.build(package, limits)?;
            duration += built.ran.duration;
            if built.driver.is_some() {
                return Ok(Compiled::Yes {
                    driver: built.driver,
                    problem: None,
                    duration,
                });
            }
            trouble = Some(problem(&built.ran, limits));
            // Is it the package or the driver? The package is compiled as it is, alone.
            clear(&folder)?;
            put(&folder, package.files)?;
        }
        let ran = toolchain.check(package, limits)?;
        duration += ran.duration;
        Ok(if ran.is_success() {
            Compiled::Yes {
                driver: None,
                problem: trouble,
                duration,
            }
        } else {
            Compiled::No {
                reason: problem(&ran, limits),
                output: ran.text(),
                duration: ran.duration,
            }
        })
    }
}

/// The first line that names an error, else how the compiler ended.
fn problem(ran: &Ran, limits: &Limits) -> String {
    let text = ran.text();
    let first = text.lines().find(|line| line.contains("error"));
    match (&ran.end, first) {
        (End::Exited(_), Some(line)) => line.trim().chars().take(300).collect(),
        _ => ran.reason(limits),
    }
}

fn clear(folder: &Path) -> Result<(), ProofError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(ProofError::io("clear", folder))?;
    }
    Ok(())
}
