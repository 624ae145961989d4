//! TypeScript: `tsc` in its strictest form, run by node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tollgate_codegen::Language;
use tollgate_process::{self as process, Limits, Ran};

use crate::ProofError;
use crate::package::{Built, Package, Places, in_path};
use crate::toolchain::Toolchain;
use crate::wire::ring::Driver;

/// The flags in addition to those of the package's own `tsconfig.json`.
const FLAGS: &[&str] = &[
    "--strict",
    "--exactOptionalPropertyTypes",
    "--isolatedModules",
    "--pretty",
    "false",
];

/// The flags that write JavaScript, whatever the package's own settings say.
const OUTPUT: &[&str] = &[
    "--noEmit",
    "false",
    "--declaration",
    "false",
    "--outDir",
    "wire-js",
];

#[derive(Debug)]
struct Tsc {
    /// Absent without `tsc` or without node.
    tsc: Option<PathBuf>,
}

/// `tsc`: that of `TOLLGATE_TSC`, of a folder of npm packages, or of `PATH`.
pub(super) fn find(places: &Places) -> Box<dyn Toolchain> {
    let installed = || {
        let folders = places.node_modules.iter();
        let mut paths = folders.map(|folder| folder.join("typescript/bin/tsc"));
        paths.find(|path| path.is_file())
    };
    let tsc = std::env::var_os("TOLLGATE_TSC")
        .map(PathBuf::from)
        .or_else(installed)
        .or_else(|| in_path("tsc"));
    Box::new(Tsc {
        tsc: tsc.filter(|_| in_path("node").is_some()),
    })
}

impl Toolchain for Tsc {
    fn missing(&self) -> Option<String> {
        let how = "the TypeScript compiler was not found: run `npm install -g typescript`";
        self.tsc.is_none().then(|| how.to_owned())
    }

    fn build(&self, package: &Package<'_>, limits: &Limits) -> Result<Built, ProofError> {
        let ran = self.tsc(package, OUTPUT, limits)?;
        let folder = package.folder();
        let program = first_of_name(&folder.join("wire-js"), "wire.js");
        let driver = program.filter(|_| ran.is_success()).map(|program| {
            let mut command = Command::new("node");
            command.arg(program).current_dir(&folder);
            Driver::new(Language::TYPESCRIPT, &command)
        });
        Ok(Built { ran, driver })
    }

    fn check(&self, package: &Package<'_>, limits: &Limits) -> Result<Ran, ProofError> {
        self.tsc(package, &["--noEmit"], limits)
    }
}

impl Tsc {
    fn tsc(
        &self,
        package: &Package<'_>,
        output: &[&str],
        limits: &Limits,
    ) -> Result<Ran, ProofError> {
        let heap_max_mb = limits.memory_bytes >> 20;
        let mut command = Command::new("node");
        command
            .arg(format!("--max-old-space-size={heap_max_mb}"))
            .args(&self.tsc)
            .args(["-p", "."])
            .args(FLAGS)
            .args(output)
            .current_dir(package.folder());
        process::run(command, Vec::new(), limits).map_err(ProofError::Run)
    }
}

/// The first file of this name below a folder.
fn first_of_name(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|found| found == name) {
                return Some(path);
            }
        }
    }
    None
}
