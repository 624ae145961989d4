//! Line coverage from the run of the test step. The tests of each crate write their own profiles,
//! which are kept with the crate's result, so that a run of a few crates still yields the coverage
//! of all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tollgate_report::{Digest, write_atomic};

use crate::builtin::Builtin;
use crate::context::{Shared, TierError};
use crate::coverage::{self, CoverageError, LlvmTools, Message, bytes_of, find_llvm_tools};
use crate::environment;
use crate::plan::Step;
use crate::probe::{Job, coverage_manifest};
use crate::store::{Entry, Output};
use crate::tools::Answer;

/// Where the runner finds the folder of profiles.
const PROFILES_ENV: &str = "TOLLGATE_PROFILES";
/// The report's path below `.tollgate`.
const LCOV: &str = "coverage/lcov.info";

/// Starts one test binary: its profiles go to its crate's folder, and what a test compiles by
/// itself is compiled as usual. `%4m`: four files a binary, merged while tests run.
const RUNNER: &str = r#"#!/bin/sh
export LLVM_PROFILE_FILE="$TOLLGATE_PROFILES/${CARGO_PKG_NAME:-none}/%4m.profraw"
unset RUSTC_WORKSPACE_WRAPPER TOLLGATE_RUSTC_COVERAGE TOLLGATE_RUSTC_CLIPPY TOLLGATE_PROFILES RUNNER_VARIABLE
if [ -n "$TOLLGATE_INCREMENTAL" ]; then unset CARGO_INCREMENTAL TOLLGATE_INCREMENTAL; fi
exec "$@"
"#;

/// What the tests covered.
#[derive(Debug, Default)]
pub(crate) struct Covered {
    /// Merged profiles by crate; by the empty name for a step that is cached whole.
    profiles: BTreeMap<String, Digest>,
    /// The report; absent when a tool is missing.
    lcov: Option<Digest>,
    /// What could not be measured.
    pub not_checked: Vec<String>,
    is_whole: bool,
}

impl Covered {
    pub fn profile_of(&self, package: Option<&str>) -> Option<Digest> {
        self.profiles.get(package.unwrap_or_default()).cloned()
    }
}

fn folder(shared: &Shared<'_>) -> PathBuf {
    shared.cx.state_dir.join("coverage")
}

/// Variables of the instrumented build and of the tests that it makes.
pub(crate) fn environment(shared: &Shared<'_>) -> Result<BTreeMap<String, String>, CoverageError> {
    let folder = folder(shared);
    let profiles = folder.join("profiles");
    coverage::fresh_folder(&profiles)?;
    let wrapper = coverage::wrapper_next_to(&shared.cx.tollgate, &folder)?;
    let other = profiles.join("none/%4m.profraw");
    let mut env = BTreeMap::from([
        ("LLVM_PROFILE_FILE", other.display().to_string()),
        (PROFILES_ENV, profiles.display().to_string()),
    ]);
    let has_lint = shared
        .plan
        .steps
        .iter()
        .any(|step| step.instrumented == Some(Builtin::Lint));
    // What incremental builds keep is as large as all the rest, and a fresh build pays for it.
    // The runner takes it back, or what a test builds would be compiled for the second time.
    if std::env::var_os("CARGO_INCREMENTAL").is_none() {
        env.insert("CARGO_INCREMENTAL", "0".to_owned());
        env.insert("TOLLGATE_INCREMENTAL", "1".to_owned());
    }
    let mut env: BTreeMap<String, String> = env
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    env.extend(tollgate_compiler::environment(&wrapper, has_lint));
    if cfg!(unix)
        && let Some(name) = runner_variable(shared)
    {
        let runner = folder.join("runner.sh");
        // Without the variable, what a test tests runs without this runner.
        let script = RUNNER.replace("RUNNER_VARIABLE", &name);
        write_atomic(&runner, script.as_bytes())?;
        env.insert(name, format!("sh {}", runner.display()));
    }
    Ok(env)
}

/// `CARGO_TARGET_<TRIPLE>_RUNNER` of this host.
fn runner_variable(shared: &Shared<'_>) -> Option<String> {
    let Some(Answer::Version(text)) = shared.tools.get("rustc -vV") else {
        return None;
    };
    let host = text.lines().find_map(|line| line.strip_prefix("host: "))?;
    let host = host.trim().to_uppercase().replace(['-', '.'], "_");
    Some(format!("CARGO_TARGET_{host}_RUNNER"))
}

/// After the tests passed: keeps each crate's profile and writes the coverage of all.
pub(crate) fn collect(shared: &Shared<'_>, step: &Step, job: &Job) -> Result<Covered, TierError> {
    let Some(llvm) = find_llvm_tools(&shared.cx.root)? else {
        let hint = crate::builtin::install_hint("llvm-cov");
        return Ok(Covered {
            not_checked: vec![format!("line coverage: `llvm-cov` is missing; {hint}")],
            is_whole: !job.is_partial,
            ..Covered::default()
        });
    };
    let mut covered = Covered {
        is_whole: !job.is_partial,
        ..Covered::default()
    };
    let folder = folder(shared);
    let mut all: Vec<PathBuf> = job
        .profiles_cached
        .iter()
        .map(|digest| shared.store.blob_path(digest))
        .collect();
    for manifest in &job.manifests {
        let package = manifest.package.clone().unwrap_or_default();
        let raw = folder.join("profiles").join(&package);
        if !has_profiles(&raw) {
            continue;
        }
        let merged = folder.join("crate.profdata");
        coverage::merge(&llvm, &[raw], &merged)?;
        let digest = shared.store.put_blob(&read(&merged)?)?;
        all.push(shared.store.blob_path(&digest));
        covered.profiles.insert(package, digest);
    }
    if !covered.is_whole || all.is_empty() {
        return Ok(covered);
    }
    coverage::merge(&llvm, &all, &folder.join("merged.profdata"))?;
    let lcov = write_report(shared, step, &llvm, &folder)?;
    covered.lcov = Some(shared.store.put_blob(&read(&lcov)?)?);
    Ok(covered)
}

fn has_profiles(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let path = entry.path();
        path.is_dir() && has_profiles(&path)
            || path.extension().is_some_and(|ending| ending == "profraw")
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CoverageError> {
    fs::read(path).map_err(|source| CoverageError::Prepare {
        path: path.to_owned(),
        source,
    })
}

fn write_report(
    shared: &Shared<'_>,
    step: &Step,
    llvm: &LlvmTools,
    folder: &Path,
) -> Result<PathBuf, CoverageError> {
    // The same selection and environment as the tests had, so that nothing is compiled.
    let mut command = Command::new("cargo");
    command
        .args(["test", "--no-run", "--quiet", "--workspace"])
        .arg("--message-format=json")
        .current_dir(&shared.cx.root)
        .env_clear()
        .envs(environment::base(&shared.env))
        .envs(environment::allowed(&shared.env, &step.env))
        .envs(&shared.cx.env)
        .envs(environment(shared)?)
        .envs(&step.set);
    let output = bytes_of(&mut command, "cargo test --no-run")?;
    let text = String::from_utf8_lossy(&output);
    // A package whose tests the step leaves out is left out of the report as well.
    let objects: BTreeSet<PathBuf> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .filter(|message| {
            message
                .package()
                .is_none_or(|name| !step.exclude.contains(name))
        })
        .filter_map(|message| message.executable)
        .collect();
    coverage::write_lcov(&shared.cx.root, llvm, folder, &objects)
}

/// Keeps the report under the keys of all crates, to be put back when all come from the cache.
pub(crate) fn keep_report(
    shared: &Shared<'_>,
    step: &Step,
    job: &Job,
    covered: &Covered,
    log: Digest,
) -> Result<(), TierError> {
    if step.instrumented != Some(Builtin::Test) || !covered.is_whole {
        return Ok(());
    }
    let manifest = coverage_manifest(step, &job.key);
    let mut entry = Entry::new(&manifest.step, shared.cx.clock.now(), 0, log);
    entry.outputs = covered
        .lcov
        .iter()
        .map(|content| Output {
            path: LCOV.to_owned(),
            content: content.clone(),
            executable: false,
        })
        .collect();
    shared.store.put(&manifest.key(), &entry, &manifest)?;
    Ok(())
}
