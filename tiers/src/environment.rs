//! The environment variables of a step: a fixed base, and those on the step's allow-list. What a
//! step gets enters its key, except names of places that are new for each run.
//! Variables that control git are never passed on, so that a hook's `GIT_DIR` cannot misdirect a test.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

use tollgate_report::Digest;

/// Variables that every step gets.
const BASE: [&str; 58] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TMPDIR",
    "TMP",
    "TEMP",
    "LANG",
    "LC_*",
    "TZ",
    "TERM",
    "NO_COLOR",
    "CI",
    "GITHUB_*",
    "RUNNER_*",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "CARGO_INCREMENTAL",
    "CARGO_NET_*",
    "CARGO_HTTP_*",
    "CARGO_REGISTRIES_*",
    "CARGO_REGISTRY_*",
    "CARGO_SOURCE_*",
    "RUSTUP_*",
    "RUST_BACKTRACE",
    "SCCACHE_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_*",
    "XDG_CONFIG_*",
    "XDG_DATA_*",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "VIRTUAL_ENV",
    "PYENV_*",
    "NVM_*",
    "JAVA_HOME",
    "DEVELOPER_DIR",
    "SystemRoot",
    "TOLLGATE_*",
    "PKG_CONFIG_PATH",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_*",
    "npm_config_*",
    "NPM_CONFIG_*",
    "DEBIAN_FRONTEND",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "LLVM_PROFILE_FILE",
];

/// Variables that the runner sets or that would make a step act as something else.
const NEVER: [&str; 5] = [
    "TOLLGATE_NOT_CHECKED",
    "TOLLGATE_MAY_BE_MISSING",
    "TOLLGATE_RUSTC_COVERAGE",
    "TOLLGATE_RUSTC_CLIPPY",
    "TOLLGATE_PROFILES",
];

/// Variables of the base that the key leaves out: folders for temporary and built files, where an
/// instrumented program writes its profile (without it into the folder it works in), and what
/// CI names anew in each run.
const NOT_IN_KEY: [&str; 23] = [
    "TMPDIR",
    "TMP",
    "TEMP",
    "TERM",
    "NO_COLOR",
    "CARGO_TARGET_DIR",
    "SCCACHE_*",
    "XDG_RUNTIME_DIR",
    "GITHUB_RUN_*",
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_ACTION",
    "GITHUB_ACTION_*",
    "GITHUB_TOKEN",
    "RUNNER_TEMP",
    "RUNNER_TRACKING_ID",
    "TOLLGATE_FAMILY",
    "TOLLGATE_FORMAT",
    "TOLLGATE_COLOR",
    "LLVM_PROFILE_FILE",
];

/// Whether a name fits a pattern; `*` at the end stands for any rest.
#[must_use]
pub fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

/// The variables of this process whose name and value are UTF-8.
#[must_use]
pub fn of_process() -> BTreeMap<String, String> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables that the allow-list names and that are set.
#[must_use]
pub fn allowed(all: &BTreeMap<String, String>, allow: &[String]) -> BTreeMap<String, String> {
    filter(all, |name| allow.iter().any(|pattern| fits(pattern, name)))
}

/// The variables that every step gets.
#[must_use]
pub fn base(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    filter(all, |name| BASE.iter().any(|pattern| fits(pattern, name)))
}

/// What enters the key: each variable that the step gets, with the digest of its value, so that no
/// secret is kept.
#[must_use]
pub fn in_key(all: &BTreeMap<String, String>, allow: &[String]) -> BTreeMap<String, String> {
    let mut found = base(all);
    found.retain(|name, _| !NOT_IN_KEY.iter().any(|pattern| fits(pattern, name)));
    found.extend(allowed(all, allow));
    if let Some(path) = found.get_mut("PATH") {
        *path = plain_path(path);
    }
    found
        .into_iter()
        .map(|(name, value)| (name, in_key_value(&value)))
        .collect()
}

/// Folders of tools that a project installs for itself, which steps find first.
#[must_use]
pub fn local_tools(root: &Path) -> Vec<PathBuf> {
    let folders = [
        ".venv/bin",
        ".venv/Scripts",
        "venv/bin",
        "venv/Scripts",
        "node_modules/.bin",
    ];
    let folders = folders.iter().map(|folder| root.join(folder));
    folders.filter(|folder| folder.is_dir()).collect()
}

/// `PATH` with these folders first.
#[must_use]
pub fn path_with(folders: &[PathBuf], path: &str) -> String {
    let all = folders.iter().cloned().chain(env::split_paths(path));
    let joined = env::join_paths(all).ok();
    joined.map_or_else(
        || path.to_owned(),
        |path| path.to_string_lossy().into_owned(),
    )
}

/// A value as the key has it.
#[must_use]
pub fn in_key_value(value: &str) -> String {
    Digest::of(value).short().to_owned()
}

/// Without repeated folders, and without git's own, which git puts first for hooks.
fn plain_path(path: &str) -> String {
    let mut folders = Vec::new();
    for folder in env::split_paths(path) {
        let is_of_git = folder.ends_with("git-core");
        if !is_of_git && !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let joined = env::join_paths(&folders).ok();
    joined.map_or_else(
        || path.to_owned(),
        |path| path.to_string_lossy().into_owned(),
    )
}

fn filter(all: &BTreeMap<String, String>, keep: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
    all.iter()
        .filter(|(name, _)| {
            keep(name) && !name.starts_with("GIT_") && !NEVER.contains(&name.as_str())
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_sees_the_base_and_its_allow_list_and_never_git() {
        let all: BTreeMap<String, String> = ["PATH", "LC_ALL", "GIT_DIR", "SECRET", "RUSTFLAGS"]
            .map(|name| (name.to_owned(), "x".to_owned()))
            .into();
        let names: Vec<_> = base(&all).into_keys().collect();
        assert_eq!(names, ["LC_ALL", "PATH"]);
        let allow = ["RUST*".to_owned(), "GIT_DIR".to_owned()];
        let names: Vec<_> = allowed(&all, &allow).into_keys().collect();
        assert_eq!(names, ["RUSTFLAGS"]);
    }

    #[test]
    fn what_a_step_gets_enters_the_key_and_no_value_is_kept() {
        let all = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let key = |pairs: &[(&str, &str)]| in_key(&all(pairs), &["APP_*".to_owned()]);
        let plain = key(&[("CI", "true"), ("TZ", "UTC"), ("TMPDIR", "/tmp/1")]);
        assert_eq!(plain.keys().collect::<Vec<_>>(), ["CI", "TZ"]);
        assert_ne!(
            plain,
            key(&[("CI", "false"), ("TZ", "UTC"), ("TMPDIR", "/tmp/1")])
        );
        let secret = key(&[("APP_TOKEN", "hunter2")]);
        assert!(!format!("{secret:?}").contains("hunter2"));
        assert_eq!(
            key(&[("PATH", "/usr/libexec/git-core:/bin:/usr/bin:/bin")]),
            key(&[("PATH", "/bin:/usr/bin")])
        );
    }
}
