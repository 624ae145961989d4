//! Reports what could not be checked, so that a missing tool does not look like a pass.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// The file to which [`not_checked`] adds a line, so that a tier's report lists it.
pub const LIST_ENV: &str = "TOLLGATE_NOT_CHECKED";
/// Names, separated by commas, that `tollgate.toml` allows to be missing under `CI=true`.
pub const ALLOWED_ENV: &str = "TOLLGATE_MAY_BE_MISSING";

/// Whether the run is in CI, where a missing tool fails.
#[must_use]
pub fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

/// Reports that a test could not check something because `tool` is missing, and how to install it.
///
/// The line goes to the file named by [`LIST_ENV`], or to standard error. Call it, then return.
///
/// # Panics
/// Under `CI=true`, unless [`ALLOWED_ENV`] names the tool.
#[track_caller]
pub fn not_checked(tool: &str, what: &str, hint: &str) {
    let is_allowed =
        env::var(ALLOWED_ENV).is_ok_and(|names| names.split(',').any(|name| name.trim() == tool));
    assert!(
        !is_ci() || is_allowed,
        "not checked: {what}: `{tool}` is missing, which CI=true does not allow\n\nhint: {hint}"
    );
    let line = format!("not checked: {what}: `{tool}` is missing; {hint}\n");
    let list = env::var_os(LIST_ENV)
        .and_then(|path| OpenOptions::new().create(true).append(true).open(path).ok());
    // Losing this line would only lose a note, so a full disk does not fail the test.
    let _ = match list {
        Some(mut file) => file.write_all(line.as_bytes()),
        None => std::io::stderr().write_all(line.as_bytes()),
    };
}
