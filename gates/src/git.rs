//! Reads from git: the repository's root, a file of a revision, the commit that is checked out.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// The folder that holds the repository of `from`: where `tollgate.toml` or `.git` is.
pub fn root_of(from: &Path) -> PathBuf {
    let is_root =
        |folder: &&Path| folder.join("tollgate.toml").is_file() || folder.join(".git").exists();
    from.ancestors().find(is_root).unwrap_or(from).to_owned()
}

/// The content of `path` in `revision`.
pub fn show(root: &Path, revision: &str, path: &str) -> anyhow::Result<String> {
    if revision.starts_with('-') {
        bail!("cannot read `{path}` at revision `{revision}`: a revision does not start with `-`");
    }
    let output = Command::new("git")
        .current_dir(root)
        .args(["show", &format!("{revision}:{path}")])
        .output()
        .context("cannot start `git`")?;
    if !output.status.success() {
        bail!(
            "cannot read `{path}` at revision `{revision}`: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("cannot read `{path}` at revision `{revision}` as UTF-8"))
}

/// The commit that is checked out, or `uncommitted` in a repository without commits.
pub fn head(root: &Path) -> String {
    let output = Command::new("git")
        .current_dir(root)
        .args(["rev-parse", "--short=12", "HEAD"])
        .output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "uncommitted".to_owned(),
    }
}
