//! The environment variables of a step: a fixed base, and those on the step's allow-list.
//! Variables that control git are never passed on, so that a hook's `GIT_DIR` cannot misdirect a test.

use std::collections::BTreeMap;
use std::env;

/// Variables that every step gets. They name places on the machine, so the key leaves them out.
const BASE: [&str; 53] = [
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
    "XDG_*",
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
];

/// Variables that the runner sets or that would make a step act as something else.
const NEVER: [&str; 5] = [
    "TOLLGATE_NOT_CHECKED",
    "TOLLGATE_MAY_BE_MISSING",
    "TOLLGATE_RUSTC_COVERAGE",
    "TOLLGATE_RUSTC_CLIPPY",
    "TOLLGATE_PROFILES",
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

/// What enters the key: the variables that the allow-list names and that are set.
#[must_use]
pub fn allowed(all: &BTreeMap<String, String>, allow: &[String]) -> BTreeMap<String, String> {
    filter(all, |name| allow.iter().any(|pattern| fits(pattern, name)))
}

/// The variables that every step gets.
#[must_use]
pub fn base(all: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    filter(all, |name| BASE.iter().any(|pattern| fits(pattern, name)))
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
}
