//! Rust: Cargo with warnings denied, with the versions of the repository's lock file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tollgate_codegen::{Artifact, Language};
use tollgate_process::{self as process, Limits, Ran};

use crate::ProofError;
use crate::package::{Built, Package, Places, put};
use crate::toolchain::Toolchain;
use crate::wire::ring::Driver;

/// How many build folders there are at most for one slot; then Cargo waits.
const TARGETS_MAX: usize = 8;

/// A workspace of its own keeps Cargo from looking for one in the folders above.
const WORKSPACE: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"package\"]\n";

#[derive(Debug)]
struct Cargo {
    /// A lock file whose versions are used, so that packages compile without a network.
    lock: Option<PathBuf>,
    /// Where compiled dependencies are kept between runs.
    cache: PathBuf,
}

/// A folder in which Cargo builds, kept for one user at a time.
#[derive(Debug)]
struct Target {
    path: PathBuf,
    /// Held until the folder is free again.
    _lock: fs::File,
}

/// Cargo is always there: it is in `PATH` of whoever builds Rust.
pub(super) fn find(places: &Places) -> Box<dyn Toolchain> {
    let lock = places.root.join("Cargo.lock");
    Box::new(Cargo {
        lock: lock.is_file().then_some(lock),
        cache: places.cache.join("codegen"),
    })
}

impl Toolchain for Cargo {
    fn missing(&self) -> Option<String> {
        None
    }

    fn build(&self, package: &Package<'_>, limits: &Limits) -> Result<Built, ProofError> {
        let target = self.target(package.slot)?;
        let args = ["build", "--lib", "--example", "wire"];
        let ran = self.cargo(package, &target.path, &args, limits)?;
        if !ran.is_success() {
            return Ok(Built { ran, driver: None });
        }
        // The next package's driver gets the same name.
        let program = package.work.join("wire");
        let built = target.path.join("debug/examples/wire");
        fs::rename(&built, &program)
            .or_else(|_| fs::copy(&built, &program).map(|_| ()))
            .map_err(ProofError::io("keep the driver", &built))?;
        let mut command = Command::new(program);
        command.current_dir(&package.work);
        Ok(Built {
            ran,
            driver: Some(Driver::new(Language::RUST, &command)),
        })
    }

    fn check(&self, package: &Package<'_>, limits: &Limits) -> Result<Ran, ProofError> {
        let target = self.target(package.slot)?;
        self.cargo(package, &target.path, &["check", "--lib"], limits)
    }
}

impl Cargo {
    /// A build folder that nobody else uses now: another command of this kind may run at the same
    /// time, and Cargo would wait for it silently.
    fn target(&self, slot: usize) -> Result<Target, ProofError> {
        fs::create_dir_all(&self.cache).map_err(ProofError::io("create", &self.cache))?;
        let mut number = slot;
        loop {
            let lock = self.cache.join(format!("target-{number}.lock"));
            let lock = fs::File::create(&lock).map_err(ProofError::io("open", &lock))?;
            number += 1;
            let path = self.cache.join(format!("target-{}", number - 1));
            if lock.try_lock().is_ok() || number == slot + TARGETS_MAX {
                return Ok(Target { path, _lock: lock });
            }
        }
    }

    /// Cargo without a network first; with it only where something is missing here.
    fn cargo(
        &self,
        package: &Package<'_>,
        target: &Path,
        args: &[&str],
        limits: &Limits,
    ) -> Result<Ran, ProofError> {
        put(&package.work, &[Artifact::new("Cargo.toml", WORKSPACE)])?;
        if let Some(lock) = &self.lock {
            fs::copy(lock, package.work.join("Cargo.lock"))
                .map_err(ProofError::io("copy", lock))?;
        }
        let command = |is_offline: bool| {
            let mut command = Command::new("cargo");
            command
                .args(args)
                .args(["--quiet", "--message-format", "short"])
                .args(is_offline.then_some("--offline"))
                .current_dir(&package.work)
                .env("CARGO_TARGET_DIR", target)
                .env("RUSTFLAGS", "-D warnings")
                .env("CARGO_INCREMENTAL", "0")
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .env("CARGO_TERM_COLOR", "never")
                .env_remove("RUSTC_WRAPPER")
                .env_remove("RUSTC_WORKSPACE_WRAPPER");
            command
        };
        let run = |is_offline| {
            process::run(command(is_offline), Vec::new(), limits).map_err(ProofError::Run)
        };
        let ran = run(true)?;
        let text = String::from_utf8_lossy(&ran.stderr).into_owned();
        let is_missing = ["no matching package", "--offline", "failed to download"];
        if !ran.is_success() && is_missing.iter().any(|words| text.contains(words)) {
            return run(false);
        }
        Ok(ran)
    }
}
