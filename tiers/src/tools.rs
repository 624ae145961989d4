//! Tool versions: the output of `rustc -vV` and the like, kept by the identity of the executable
//! so that a warm run starts no tool.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde::{Deserialize, Serialize};
use tollgate_report::Digest;
use tollgate_report::write_atomic;

use crate::environment;
use crate::stat::Stat;

const MEMO_VERSION: u32 = 1;

/// What a version command answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Its output.
    Version(String),
    /// The tool is not installed.
    Missing {
        /// The executable that is missing, such as `cargo-clippy`.
        tool: String,
    },
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    version: u32,
    answers: BTreeMap<String, KeptAnswer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptAnswer {
    identity: String,
    output: String,
}

/// The path of an executable, looked up on PATH.
#[must_use]
pub fn find_on_path(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.is_file());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .flat_map(|folder| [folder.join(name), folder.join(format!("{name}.exe"))])
        .find(|candidate| is_executable(candidate))
}

/// The path of an executable, looked up in these folders and then on PATH.
#[must_use]
pub fn find_in(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    let mut local = folders.iter().map(|folder| folder.join(name));
    local
        .find(|candidate| !name.contains('/') && is_executable(candidate))
        .or_else(|| find_on_path(name))
}

/// Whether an executable of this name is on PATH.
#[must_use]
pub fn is_on_path(name: &str) -> bool {
    find_on_path(name).is_some()
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Answers of these version commands, run in `root`; by the memo at `memo_path` where the
/// executable has not changed. A memo that cannot be written is only slower.
#[must_use]
pub fn versions(
    root: &Path,
    commands: &[Vec<String>],
    memo_path: &Path,
) -> BTreeMap<String, Answer> {
    let kept: Kept = fs::read(memo_path)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .filter(|kept: &Kept| kept.version == MEMO_VERSION)
        .unwrap_or_default();
    let toolchain = toolchain_identity(root);
    let answers: Vec<(String, String, Answer)> = thread::scope(|scope| {
        let kept = &kept;
        let toolchain = &toolchain;
        let threads: Vec<_> = commands
            .iter()
            .filter(|argv| !argv.is_empty())
            .map(|argv| scope.spawn(move || answer(root, argv, toolchain, kept)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("asking for a version does not panic"))
            .collect()
    });
    let mut now = Kept {
        version: MEMO_VERSION,
        answers: kept.answers.clone(),
    };
    let mut result = BTreeMap::new();
    for (name, identity, answer) in answers {
        if let Answer::Version(output) = &answer {
            let output = output.clone();
            now.answers
                .insert(name.clone(), KeptAnswer { identity, output });
        }
        result.insert(name, answer);
    }
    if now != kept
        && let Ok(bytes) = serde_json::to_vec_pretty(&now)
    {
        // Without the memo the tools are asked again next time.
        let _ = write_atomic(memo_path, &bytes);
    }
    result
}

fn answer(root: &Path, argv: &[String], toolchain: &str, kept: &Kept) -> (String, String, Answer) {
    let name = argv.join(" ");
    let missing = |tool: &str| {
        let tool = tool.to_owned();
        (name.clone(), String::new(), Answer::Missing { tool })
    };
    let folders = environment::local_tools(root);
    let Some(executable) = find_in(&folders, &argv[0]) else {
        return missing(&argv[0]);
    };
    let subcommand = cargo_subcommand(argv);
    let plugin = subcommand.as_deref().and_then(find_on_path);
    let identity = format!(
        "{} {} {toolchain}",
        file_identity(&executable),
        plugin.map(|path| file_identity(&path)).unwrap_or_default()
    );
    if let Some(known) = kept.answers.get(&name)
        && known.identity == identity
    {
        return (name, identity, Answer::Version(known.output.clone()));
    }
    let output = Command::new(&executable)
        .args(&argv[1..])
        .current_dir(root)
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            (name, identity, Answer::Version(text))
        }
        _ => missing(subcommand.as_deref().unwrap_or(&argv[0])),
    }
}

/// The plugin's executable of `cargo X …`, where `X` is not an option.
#[must_use]
pub fn cargo_subcommand(argv: &[String]) -> Option<String> {
    match argv {
        [cargo, word, ..] if cargo == "cargo" && !word.starts_with('-') => {
            Some(format!("cargo-{word}"))
        }
        _ => None,
    }
}

pub(crate) fn file_identity(path: &Path) -> String {
    let stat = fs::metadata(path).ok().and_then(|meta| Stat::new(&meta));
    match stat {
        Some(stat) => format!(
            "{}:{}:{}:{}",
            path.display(),
            stat.size,
            stat.mtime_ns,
            stat.inode
        ),
        None => path.display().to_string(),
    }
}

/// rustup's executables are proxies: what they start depends on these files and variables.
fn toolchain_identity(root: &Path) -> String {
    let home = env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".rustup"))
    });
    let mut paths: Vec<PathBuf> = root
        .ancestors()
        .flat_map(|folder| ["rust-toolchain", "rust-toolchain.toml"].map(|name| folder.join(name)))
        .collect();
    if let Some(home) = home {
        paths.push(home.join("settings.toml"));
        let toolchains = fs::read_dir(home.join("toolchains")).into_iter().flatten();
        for toolchain in toolchains.flatten() {
            paths.push(toolchain.path().join("lib/rustlib/components"));
            paths.push(toolchain.path().join("bin/rustc"));
        }
    }
    paths.sort();
    let mut text = env::var("RUSTUP_TOOLCHAIN").unwrap_or_default();
    for path in paths.iter().filter(|path| path.is_file()) {
        text.push('\n');
        text.push_str(&file_identity(path));
    }
    Digest::of(text).short().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let memo = folder.path().join("tools.json");
        let argv = vec!["no-such-tool-here".to_owned(), "--version".to_owned()];
        let answers = versions(folder.path(), &[argv], &memo);
        let want = Answer::Missing {
            tool: "no-such-tool-here".to_owned(),
        };
        assert_eq!(answers["no-such-tool-here --version"], want);
    }
}
