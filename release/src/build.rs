//! Builds the service and keeps the binaries of a run, so that a later build can't change them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tollgate_gates::build::{BuildResult, FailedBuild};
use tollgate_gates::{Failure, Repository};
use tollgate_report::Digest;

/// The binaries of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    pub stable: PathBuf,
    pub candidate: PathBuf,
}

/// Runs the build commands of `[service]` and copies the binaries into `folder`. A script stays where
/// it is, since it may read the files next to it; but not in a drill, whose second build replaces it.
pub fn build(
    repository: &Repository,
    folder: &Path,
    has_fault: bool,
) -> Result<(BuildResult, Option<Binaries>), Failure> {
    let service = &repository.settings.service;
    let mut result = BuildResult {
        commands: Vec::new(),
        failed: None,
        binaries: BTreeMap::new(),
    };
    let built = PathBuf::from(service.binary.replace(
        "{target}",
        &target_dir(&repository.root).display().to_string(),
    ));
    let built = repository.root.join(built);
    let mut copies = Vec::new();
    for (version, command) in [
        ("stable", &service.build),
        ("candidate", &service.fault_build),
    ] {
        let is_other_build = version == "candidate" && has_fault;
        if version == "stable" || is_other_build {
            result.commands.push(command.clone());
            if let Some(failed) = run(repository, command)? {
                result.failed = Some(failed);
                return Ok((result, None));
            }
        }
        let copy = folder.join(format!("{}-{version}", service.name));
        keep(&built, &copy)?;
        let content = fs::read(&copy)?;
        let is_script = content.starts_with(b"#!") && !has_fault;
        let digest = Digest::of(content);
        result.binaries.insert(version.to_owned(), digest);
        copies.push(if is_script { built.clone() } else { copy });
    }
    let mut copies = copies.into_iter();
    let binaries = copies
        .next()
        .zip(copies.next())
        .map(|(stable, candidate)| Binaries { stable, candidate });
    Ok((result, binaries))
}

/// Cargo's target folder of the repository.
pub fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |target| root.join(target))
}

fn run(repository: &Repository, command: &[String]) -> Result<Option<FailedBuild>, Failure> {
    let Some((program, args)) = command.split_first() else {
        return Ok(None);
    };
    let output = Command::new(program)
        .args(args)
        .current_dir(&repository.root)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| {
            Failure::environment(
                anyhow::Error::new(error)
                    .context(format!("cannot start `{program}` to build the service")),
            )
        })?;
    if output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let last_lines = lines[lines.len().saturating_sub(20)..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect();
    Ok(Some(FailedBuild {
        command: command.to_vec(),
        status: output.status.to_string(),
        last_lines,
    }))
}

fn keep(built: &Path, copy: &Path) -> Result<(), Failure> {
    let fail = |error: std::io::Error| {
        Failure::environment(anyhow::Error::new(error).context(format!(
            "cannot copy `{}` to `{}`",
            built.display(),
            copy.display()
        )))
        .hint(
            "check that `service.binary` in tollgate.toml is the file that `service.build` writes",
        )
    };
    if let Some(parent) = copy.parent() {
        fs::create_dir_all(parent).map_err(fail)?;
    }
    // A link costs no space, and a later build makes a new file; across file systems it is a copy.
    fs::hard_link(built, copy)
        .or_else(|_| fs::copy(built, copy).map(|_| ()))
        .map_err(fail)
}
