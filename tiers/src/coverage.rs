//! Line coverage of the workspace's own crates: tests run instrumented, and `llvm-cov` writes LCOV.
//!
//! Only workspace crates are instrumented, by the wrapped compiler of `tollgate-compiler`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use tollgate_report::atomic::{WriteError, write_atomic};

use crate::counts::{self, Counts};
use crate::process::{self, End, Spawn};
use crate::{environment, tools};

/// What to collect.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The workspace.
    pub root: &'a Path,
    /// The `.tollgate` folder.
    pub state_dir: &'a Path,
    /// The running executable, which cargo calls as the wrapper.
    pub tollgate: &'a Path,
    /// Packages left out.
    pub exclude: &'a [String],
    /// Build folder; absent: cargo's own choice, so that dependencies are shared with it.
    pub target_dir: Option<&'a Path>,
    /// Set on Ctrl-C.
    pub interrupt: &'a AtomicBool,
}

/// The result of a coverage run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Collected {
    /// The LCOV file is written; paths in it are relative to the root.
    Written {
        /// `.tollgate/coverage/lcov.info`.
        lcov: PathBuf,
        /// Tests counted.
        counts: Option<Counts>,
        /// The runner's closing lines.
        closing_lines: Vec<String>,
    },
    /// A tool is missing, so nothing was measured.
    NotChecked {
        /// Which.
        tool: String,
        /// How to get it.
        hint: String,
    },
    /// The tests failed or did not compile; there is no coverage to trust.
    Failed {
        /// The lines that tell why.
        excerpt: Vec<String>,
        /// The whole output.
        log: PathBuf,
    },
    /// It was interrupted.
    Interrupted,
}

/// Coverage could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// A program could not be started or its output not kept.
    #[error("cannot run `{program}`")]
    Run {
        /// Which.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program ended with an error.
    #[error("`{program}` failed: {message}")]
    Ended {
        /// Which.
        program: String,
        /// What it said.
        message: String,
    },
    /// A folder or file could not be prepared.
    #[error("cannot prepare `{path}`")]
    Prepare {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The report could not be written.
    #[error("cannot write the coverage report")]
    Write(#[from] WriteError),
}

/// The two LLVM programs that match the compiler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LlvmTools {
    /// `llvm-cov`.
    pub cov: PathBuf,
    /// `llvm-profdata`.
    pub profdata: PathBuf,
}

/// Finds `llvm-cov` and `llvm-profdata` of the compiler's LLVM: the rustup component, then
/// `llvm-cov-NN` on PATH, then `/usr/lib/llvm-NN/bin`. Older ones cannot read the profiles.
pub fn find_llvm_tools(root: &Path) -> Result<Option<LlvmTools>, CoverageError> {
    let version = output_of(root, "rustc", &["-vV"])?;
    let major = version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))
        .and_then(|version| version.split('.').next())
        .unwrap_or_default()
        .to_owned();
    let sysroot = output_of(root, "rustc", &["--print", "sysroot"])?;
    let rustlib = Path::new(sysroot.trim()).join("lib/rustlib");
    let component = fs::read_dir(rustlib).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = component.map(|host| host.path().join("bin")).collect();
    folders.sort();
    folders.push(PathBuf::from(format!("/usr/lib/llvm-{major}/bin")));
    folders.push(PathBuf::from(format!("/opt/homebrew/opt/llvm@{major}/bin")));
    let in_folders = folders.into_iter().map(|folder| LlvmTools {
        cov: folder.join("llvm-cov"),
        profdata: folder.join("llvm-profdata"),
    });
    let numbered = |name: &str| tools::find_on_path(&format!("{name}-{major}"));
    let on_path = numbered("llvm-cov").zip(numbered("llvm-profdata"));
    let on_path = on_path.map(|(cov, profdata)| LlvmTools { cov, profdata });
    let mut candidates = in_folders.chain(on_path);
    Ok(candidates.find(|found| found.cov.is_file() && found.profdata.is_file()))
}

fn output_of(root: &Path, program: &str, arguments: &[&str]) -> Result<String, CoverageError> {
    let bytes = bytes_of(
        Command::new(program).args(arguments).current_dir(root),
        program,
    )?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) fn bytes_of(command: &mut Command, program: &str) -> Result<Vec<u8>, CoverageError> {
    let program = program.to_owned();
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(source) => return Err(CoverageError::Run { program, source }),
    };
    if output.status.success() {
        return Ok(output.stdout);
    }
    let message = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CoverageError::Ended { program, message })
}

/// Runs the workspace's tests instrumented and writes `.tollgate/coverage/lcov.info`.
pub fn collect(request: &Request<'_>) -> Result<Collected, CoverageError> {
    let Some(llvm) = find_llvm_tools(request.root)? else {
        return Ok(Collected::NotChecked {
            tool: "llvm-cov".to_owned(),
            hint: "rustup component add llvm-tools (or install the llvm package of the version that `rustc -vV` names)".to_owned(),
        });
    };
    let folder = request.state_dir.join("coverage");
    let profiles = folder.join("profiles");
    fresh_folder(&profiles)?;
    let env = environment_of(request, &folder)?;
    let log = folder.join("tests.log");
    let mut test: Vec<String> = if tools::is_on_path("cargo-nextest") {
        words("cargo nextest run --no-fail-fast --no-tests=pass --workspace")
    } else {
        words("cargo test --no-fail-fast --workspace")
    };
    test.extend(excluded(request));
    let end = run(request, &test, &env, &log)?;
    let text = fs::read_to_string(&log).unwrap_or_default();
    match end {
        End::Stopped(()) => return Ok(Collected::Interrupted),
        End::Exited(Some(0)) => {}
        End::Exited(_) | End::Missing => {
            let excerpt = counts::excerpt(&text);
            return Ok(Collected::Failed { excerpt, log });
        }
    }
    let objects = test_binaries(request, &env, &folder)?;
    let lcov = export(request, &llvm, &folder, &objects)?;
    Ok(Collected::Written {
        lcov,
        counts: counts::parse(&text),
        closing_lines: counts::closing_lines(&text),
    })
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn excluded(request: &Request<'_>) -> Vec<String> {
    let names = request.exclude.iter();
    names
        .flat_map(|name| ["--exclude".to_owned(), name.clone()])
        .collect()
}

pub(crate) fn fresh_folder(path: &Path) -> Result<(), CoverageError> {
    let fail = |source| CoverageError::Prepare {
        path: path.to_owned(),
        source,
    };
    if path.exists() {
        fs::remove_dir_all(path).map_err(fail)?;
    }
    fs::create_dir_all(path).map_err(fail)
}

fn environment_of(
    request: &Request<'_>,
    folder: &Path,
) -> Result<BTreeMap<String, String>, CoverageError> {
    let wrapper = wrapper_next_to(request.tollgate, folder)?;
    // `%8m`: eight files a binary, merged while tests run; one a process would fill the disk.
    let profile = folder.join("profiles/%8m.profraw");
    let mut env = environment::of_process();
    env.retain(|name, _| !name.starts_with("GIT_"));
    let more = [
        ("LLVM_PROFILE_FILE", profile.display().to_string()),
        ("CARGO_TERM_COLOR", "never".to_owned()),
        ("NO_COLOR", "1".to_owned()),
    ];
    env.extend(tollgate_compiler::environment(&wrapper, false));
    env.extend(more.map(|(name, value)| (name.to_owned(), value)));
    if let Some(target_dir) = request.target_dir {
        let target_dir = target_dir.display().to_string();
        env.insert("CARGO_TARGET_DIR".to_owned(), target_dir);
    }
    Ok(env)
}

/// The running executable as the wrapper.
pub(crate) fn wrapper_next_to(tollgate: &Path, folder: &Path) -> Result<PathBuf, CoverageError> {
    tollgate_compiler::link(tollgate, folder).map_err(|source| CoverageError::Prepare {
        path: folder.to_owned(),
        source,
    })
}

fn run(
    request: &Request<'_>,
    argv: &[String],
    env: &BTreeMap<String, String>,
    log: &Path,
) -> Result<End<()>, CoverageError> {
    let spawn = Spawn {
        argv: argv.to_vec(),
        folder: request.root.to_owned(),
        env: env.clone(),
    };
    let should_stop = || request.interrupt.load(Ordering::Relaxed).then_some(());
    let ran = process::run(&spawn, log, |_| {}, should_stop);
    ran.map(|ran| ran.end).map_err(|source| CoverageError::Run {
        program: argv.join(" "),
        source,
    })
}

/// One line of `cargo --message-format=json`.
#[derive(Deserialize)]
pub(crate) struct Message {
    pub executable: Option<PathBuf>,
    package_id: Option<String>,
}

impl Message {
    /// The package's name, out of `path+file:///folder#name@0.1.0` or `path+file:///name#0.1.0`.
    pub(crate) fn package(&self) -> Option<&str> {
        let (place, version) = self.package_id.as_deref()?.rsplit_once('#')?;
        match version.split_once('@') {
            Some((name, _)) => Some(name),
            None => place.rsplit('/').next(),
        }
    }
}

/// The instrumented binaries: what the tests were linked into and what they start.
fn test_binaries(
    request: &Request<'_>,
    env: &BTreeMap<String, String>,
    folder: &Path,
) -> Result<BTreeSet<PathBuf>, CoverageError> {
    let mut argv = words("cargo test --no-run --quiet --message-format=json --workspace");
    argv.extend(excluded(request));
    let log = folder.join("binaries.log");
    run(request, &argv, env, &log)?;
    let text = fs::read_to_string(&log).unwrap_or_default();
    let messages = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok());
    Ok(messages.filter_map(|message| message.executable).collect())
}

fn export(
    request: &Request<'_>,
    llvm: &LlvmTools,
    folder: &Path,
    objects: &BTreeSet<PathBuf>,
) -> Result<PathBuf, CoverageError> {
    let merged = folder.join("merged.profdata");
    merge(llvm, &[folder.join("profiles")], &merged)?;
    write_lcov(request.root, llvm, folder, objects)
}

/// Merges profiles, or folders of them, into one.
pub(crate) fn merge(llvm: &LlvmTools, from: &[PathBuf], to: &Path) -> Result<(), CoverageError> {
    let mut merge = Command::new(&llvm.profdata);
    merge
        .args(["merge", "--sparse", "--failure-mode=all", "-o"])
        .arg(to)
        .args(from);
    bytes_of(&mut merge, "llvm-profdata merge").map(drop)
}

/// Writes `lcov.info` in `folder` from its `merged.profdata`.
pub(crate) fn write_lcov(
    root: &Path,
    llvm: &LlvmTools,
    folder: &Path,
    objects: &BTreeSet<PathBuf>,
) -> Result<PathBuf, CoverageError> {
    let merged = folder.join("merged.profdata");
    let mut export = Command::new(&llvm.cov);
    export.args(["export", "--format=lcov", "--skip-functions"]);
    export.arg(format!("--instr-profile={}", merged.display()));
    export.arg("--ignore-filename-regex=(/registry/src/|/rustc/|/target/|/git/checkouts/)");
    for object in objects {
        export.arg("--object").arg(object);
    }
    let lcov = bytes_of(&mut export, "llvm-cov export")?;
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let prefix = format!("SF:{}/", root.display());
    let text = String::from_utf8_lossy(&lcov).replace(&prefix, "SF:");
    let path = folder.join("lcov.info");
    write_atomic(&path, text.as_bytes())?;
    Ok(path)
}
