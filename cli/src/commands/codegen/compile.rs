//! Compiles generated packages, each in a copy, so that nothing is written beside them: Rust
//! with warnings denied, TypeScript strict, Swift 6.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use tollgate_codegen::{Artifact, Language};
use tollgate_report::write_atomic;

use crate::commands::codegen::child::{self, End, Limits, Ran};
use crate::commands::codegen::wire::ring::Driver;
use crate::context::Context;
use crate::failure::Failure;
use crate::swift::{self, Toolchain};

/// The flags beside those of the package's own `tsconfig.json`.
const TSC_FLAGS: &[&str] = &[
    "--strict",
    "--exactOptionalPropertyTypes",
    "--isolatedModules",
    "--pretty",
    "false",
];

/// How many build folders there are at most for one slot; then Cargo waits.
const TARGETS_MAX: usize = 8;

/// The compilers of this machine.
#[derive(Debug, Clone)]
pub struct Compilers {
    /// `tsc`; absent when it is nowhere.
    tsc: Option<PathBuf>,
    has_node: bool,
    swift: Option<Toolchain>,
    /// A lock file whose versions are used, so that packages compile without a network.
    lock: Option<PathBuf>,
    /// Where compiled dependencies are kept between runs.
    cache: PathBuf,
}

/// One package to compile.
#[derive(Debug)]
pub struct Package<'a> {
    pub language: Language,
    /// Its files.
    pub files: &'a [Artifact],
    /// The files of the driver, when the wire is proved too.
    pub driver: &'a [Artifact],
    /// The folder to work in; what stands there is replaced.
    pub work: PathBuf,
    /// Which of the shared build folders is used; two compilations at once need two.
    pub slot: usize,
}

/// A folder in which Cargo builds, kept for one user at a time.
#[derive(Debug)]
struct Target {
    path: PathBuf,
    /// Held until the folder is free again.
    _lock: fs::File,
}

/// What compiling came to.
#[derive(Debug)]
pub enum Compiled {
    /// It compiles; with the driver where there is one that compiles too.
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
    /// The compiler is not here; how to get it.
    NotChecked(String),
}

impl Compilers {
    /// Finds them.
    pub fn find(context: &Context) -> Self {
        let own = context
            .root
            .join("tests/node/node_modules/typescript/bin/tsc");
        let tsc = std::env::var_os("TOLLGATE_TSC")
            .map(PathBuf::from)
            .or_else(|| own.is_file().then_some(own))
            .or_else(|| in_path("tsc"));
        let lock = context.root.join("Cargo.lock");
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
            .map_or_else(
                || context.state_dir.join("cache"),
                |cache| cache.join("tollgate"),
            );
        Self {
            tsc,
            has_node: in_path("node").is_some(),
            swift: swift::find(),
            lock: lock.is_file().then_some(lock),
            cache: cache.join("codegen"),
        }
    }

    /// Compiles one package.
    pub fn compile(&self, package: &Package<'_>, limits: &Limits) -> Result<Compiled, Failure> {
        if package.work.exists() {
            fs::remove_dir_all(&package.work)
                .with_context(|| format!("clear `{}`", package.work.display()))?;
        }
        match package.language {
            Language::Rust => self.rust(package, limits),
            Language::TypeScript => self.typescript(package, limits),
            Language::Swift => self.swift(package, limits),
        }
    }

    fn rust(&self, package: &Package<'_>, limits: &Limits) -> Result<Compiled, Failure> {
        let place = package.work.join("package");
        put(&place, package.files)?;
        // A workspace of its own keeps Cargo from looking for one further up.
        let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"package\"]\n";
        put(&package.work, &[Artifact::new("Cargo.toml", workspace)])?;
        if let Some(lock) = &self.lock {
            fs::copy(lock, package.work.join("Cargo.lock"))?;
        }
        put(&place, package.driver)?;
        let target = self.target(package.slot)?;
        let target = target.path.as_path();
        let mut duration = Duration::ZERO;
        let mut trouble = None;
        if !package.driver.is_empty() {
            let args = ["build", "--lib", "--example", "wire"];
            let ran = cargo(package, target, &args, limits)?;
            duration += ran.duration;
            trouble = (!ran.is_success()).then(|| problem(&ran, limits));
        }
        if package.driver.is_empty() || trouble.is_some() {
            // Whose fault is it? The package is compiled as it is, alone.
            fs::remove_dir_all(&place)?;
            put(&place, package.files)?;
            let ran = cargo(package, target, &["check", "--lib"], limits)?;
            duration += ran.duration;
            return Ok(match ran.is_success() {
                true => yes(None, trouble, duration),
                false => no(&ran, limits),
            });
        }
        // The next package's driver gets the same name.
        let program = package.work.join("wire");
        let built = target.join("debug/examples/wire");
        fs::rename(&built, &program)
            .or_else(|_| fs::copy(&built, &program).map(|_| ()))
            .context("keep the driver of the wire")?;
        let driver = Driver {
            language: Language::Rust,
            program,
            folder: package.work.clone(),
            swift: None,
        };
        Ok(yes(Some(driver), None, duration))
    }

    /// A build folder that nobody else uses now: another one of these commands may run beside
    /// this one, and Cargo would wait for it without a word.
    fn target(&self, slot: usize) -> Result<Target, Failure> {
        fs::create_dir_all(&self.cache)
            .with_context(|| format!("make `{}`", self.cache.display()))?;
        let mut last = None;
        for number in slot..slot + TARGETS_MAX {
            let lock = self.cache.join(format!("target-{number}.lock"));
            let lock =
                fs::File::create(&lock).with_context(|| format!("open `{}`", lock.display()))?;
            let is_free = lock.try_lock().is_ok();
            let path = self.cache.join(format!("target-{number}"));
            let target = Target { path, _lock: lock };
            if is_free {
                return Ok(target);
            }
            last = Some(target);
        }
        last.context("find a build folder").map_err(Failure::from)
    }

    fn typescript(&self, package: &Package<'_>, limits: &Limits) -> Result<Compiled, Failure> {
        let Some(tsc) = self.tsc.as_ref().filter(|_| self.has_node) else {
            return Ok(Compiled::NotChecked(
                "no TypeScript compiler: npm install -g typescript".into(),
            ));
        };
        put(&package.work, package.files)?;
        let run = |output: &[&str]| {
            let mut command = Command::new("node");
            command
                .arg(format!(
                    "--max-old-space-size={}",
                    limits.memory_bytes >> 20
                ))
                .arg(tsc)
                .args(["-p", "."])
                .args(TSC_FLAGS)
                .args(output)
                .current_dir(&package.work);
            child::run(command, Vec::new(), limits)
        };
        put(&package.work, package.driver)?;
        let mut duration = Duration::ZERO;
        let mut trouble = None;
        let mut program = None;
        if !package.driver.is_empty() {
            let flags = [
                "--noEmit",
                "false",
                "--declaration",
                "false",
                "--outDir",
                "wire-js",
            ];
            let ran = run(&flags)?;
            duration += ran.duration;
            program = find(&package.work.join("wire-js"), "wire.js").filter(|_| ran.is_success());
            trouble = program.is_none().then(|| problem(&ran, limits));
        }
        let Some(program) = program else {
            // Whose fault is it? The package is compiled as it is, alone.
            fs::remove_dir_all(&package.work)?;
            put(&package.work, package.files)?;
            let ran = run(&["--noEmit"])?;
            duration += ran.duration;
            return Ok(match ran.is_success() {
                true => yes(None, trouble, duration),
                false => no(&ran, limits),
            });
        };
        let driver = Driver {
            language: Language::TypeScript,
            program,
            folder: package.work.clone(),
            swift: None,
        };
        Ok(yes(Some(driver), None, duration))
    }

    fn swift(&self, package: &Package<'_>, limits: &Limits) -> Result<Compiled, Failure> {
        let Some(swift) = &self.swift else {
            return Ok(Compiled::NotChecked(
                "no Swift 6 compiler in `PATH`; see https://www.swift.org/install".into(),
            ));
        };
        put(&package.work, package.files)?;
        let work = package
            .work
            .canonicalize()
            .with_context(|| format!("find `{}`", package.work.display()))?;
        let sources = |files: &[Artifact]| -> Vec<String> {
            let paths = files.iter().map(|file| file.path.clone());
            paths
                .filter(|path| path.starts_with("Sources/") && path.ends_with(".swift"))
                .collect()
        };
        let own = sources(package.files);
        let run = |flags: &[&str], sources: &[String]| {
            let mut command = swift.command("swiftc", &work);
            command
                .args(["-swift-version", "6", "-warnings-as-errors", "-j"])
                .arg(n_cores().to_string())
                .args(flags)
                .args(sources);
            child::run(command, Vec::new(), limits)
        };
        let mut duration = Duration::ZERO;
        let mut trouble = None;
        if !package.driver.is_empty() {
            put(&work, package.driver)?;
            let driver = sources(package.driver);
            let all: BTreeSet<String> = own.iter().cloned().chain(driver).collect();
            let ran = run(&["-Onone", "-o", "wire"], &Vec::from_iter(all))?;
            duration += ran.duration;
            trouble = (!ran.is_success()).then(|| problem(&ran, limits));
        }
        if package.driver.is_empty() || trouble.is_some() {
            // Whose fault is it? The package is compiled as it is, alone.
            put(&work, package.files)?;
            let ran = run(&["-typecheck"], &own)?;
            duration += ran.duration;
            return Ok(match ran.is_success() {
                true => yes(None, trouble, duration),
                false => no(&ran, limits),
            });
        }
        let driver = Driver {
            language: Language::Swift,
            program: work.join("wire"),
            folder: work,
            swift: Some(swift.clone()),
        };
        Ok(yes(Some(driver), None, duration))
    }
}

/// Cargo without a network first; with it only where something is missing here.
fn cargo(
    package: &Package<'_>,
    target: &Path,
    args: &[&str],
    limits: &Limits,
) -> Result<Ran, Failure> {
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
    let ran = child::run(command(true), Vec::new(), limits)?;
    let text = String::from_utf8_lossy(&ran.stderr).into_owned();
    let is_missing = ["no matching package", "--offline", "failed to download"];
    if !ran.is_success() && is_missing.iter().any(|words| text.contains(words)) {
        return Ok(child::run(command(false), Vec::new(), limits)?);
    }
    Ok(ran)
}

/// How many compilers of Swift work at once on one package.
fn n_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn yes(driver: Option<Driver>, problem: Option<String>, duration: Duration) -> Compiled {
    Compiled::Yes {
        driver,
        problem,
        duration,
    }
}

fn no(ran: &Ran, limits: &Limits) -> Compiled {
    Compiled::No {
        reason: problem(ran, limits),
        output: ran.text(),
        duration: ran.duration,
    }
}

/// The first line that says what is wrong, else how the compiler ended.
fn problem(ran: &Ran, limits: &Limits) -> String {
    let text = ran.text();
    let first = text.lines().find(|line| line.contains("error"));
    match (ran.end, first) {
        (End::Exited(_), Some(line)) => line.trim().chars().take(300).collect(),
        _ => ran.reason(limits),
    }
}

fn put(folder: &Path, files: &[Artifact]) -> Result<(), Failure> {
    for file in files {
        write_atomic(&folder.join(&file.path), file.contents.as_bytes())
            .map_err(Failure::environment)?;
    }
    Ok(())
}

/// A program of `PATH`.
pub fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    let found = places.find(|place| place.is_file())?;
    // Shims are links into the package, whose neighbours they need.
    found.canonicalize().ok()
}

/// The first file of this name below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
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
