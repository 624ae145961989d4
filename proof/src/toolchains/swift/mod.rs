//! Swift: `swiftc` in the language mode of Swift 6, with warnings as errors.

mod find;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use tollgate_codegen::Language;
use tollgate_process::{self as process, Limits, Ran};

use crate::ProofError;
use crate::package::{Built, Package, Places};
use crate::toolchain::Toolchain;
use crate::wire::ring::Driver;

pub use find::{
    COMPLETE, Compiler, FOLDER_VARIABLE, ROOT, find, folder, of_folder, of_machine, unshare_flags,
    version,
};

#[derive(Debug)]
struct Swiftc {
    compiler: Option<Compiler>,
}

pub(super) fn find_toolchain(_: &Places) -> Box<dyn Toolchain> {
    Box::new(Swiftc { compiler: find() })
}

impl Toolchain for Swiftc {
    fn missing(&self) -> Option<String> {
        let how = "no Swift 6 compiler was found: install one, and put `swiftc` into `PATH`";
        self.compiler.is_none().then(|| how.to_owned())
    }

    fn build(&self, package: &Package<'_>, limits: &Limits) -> Result<Built, ProofError> {
        let folder = absolute(package)?;
        let sources: Vec<&str> = package.paths().into_iter().filter(is_source).collect();
        let ran = self.swiftc(&folder, &["-Onone", "-o", "wire"], &sources, limits)?;
        let compiler = self.compiler.as_ref().filter(|_| ran.is_success());
        let driver = compiler.map(|compiler| {
            let command = compiler.command(folder.join("wire"), &folder);
            Driver::new(Language::SWIFT, &command)
        });
        Ok(Built { ran, driver })
    }

    fn check(&self, package: &Package<'_>, limits: &Limits) -> Result<Ran, ProofError> {
        let paths = package.files.iter().map(|file| file.path.as_str());
        let sources: Vec<&str> = paths.filter(is_source).collect();
        self.swiftc(&absolute(package)?, &["-typecheck"], &sources, limits)
    }
}

impl Swiftc {
    fn swiftc(
        &self,
        folder: &Path,
        flags: &[&str],
        sources: &[&str],
        limits: &Limits,
    ) -> Result<Ran, ProofError> {
        let n_cores = thread::available_parallelism().map_or(1, usize::from);
        let mut command = match &self.compiler {
            Some(compiler) => compiler.command("swiftc", folder),
            None => Command::new("swiftc"),
        };
        command
            .args(["-swift-version", "6", "-warnings-as-errors", "-j"])
            .arg(n_cores.to_string())
            .args(flags)
            .args(sources);
        process::run(command, Vec::new(), limits).map_err(ProofError::Run)
    }
}

fn is_source(path: &&str) -> bool {
    path.starts_with("Sources/") && path.ends_with(".swift")
}

/// The package's folder as an absolute path: a compiler in a root of its own needs one.
fn absolute(package: &Package<'_>) -> Result<PathBuf, ProofError> {
    let folder = package.folder();
    let absolute = folder.canonicalize();
    absolute.map_err(ProofError::io("find", &folder))
}
