//! Which line of development a run is of, so that the noise of one is not taken for that of another.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tollgate_ratchet::{History, HistoryEntry};

/// What a run measures is of this line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The branch; a pull request's names its target too, so that a fork's `main` is not ours.
    pub branch: String,
    /// The branch that it is meant for, or begins from.
    pub target: String,
    /// The commit.
    pub revision: String,
}

/// Variables that name the branch of a change, and those that name its target, by service.
const CHANGES: [(&str, &str); 4] = [
    ("GITHUB_HEAD_REF", "GITHUB_BASE_REF"),
    (
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    ),
    ("CHANGE_BRANCH", "CHANGE_TARGET"),
    ("BUILDKITE_BRANCH", "BUILDKITE_PULL_REQUEST_BASE_BRANCH"),
];
/// Variables that name the branch of a push.
const PUSHES: [&str; 4] = [
    "CI_COMMIT_BRANCH",
    "BUILDKITE_BRANCH",
    "BRANCH_NAME",
    "GIT_BRANCH",
];

/// The line of the repository around `root`, by the environment of this process.
#[must_use]
pub fn of(root: &Path) -> Line {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    named(&env, |words| git(root, words))
}

/// The line by the environment and by what git answers. Pure.
fn named(env: &BTreeMap<String, String>, git: impl Fn(&[&str]) -> Option<String>) -> Line {
    let set = |name: &str| {
        env.get(name)
            .map(String::as_str)
            .filter(|it| !it.is_empty())
    };
    let usual = || {
        let of_remote = git(&["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]);
        let of_remote = of_remote.and_then(|it| it.strip_prefix("origin/").map(str::to_owned));
        let exists = |name: &&str| git(&["rev-parse", "--verify", "--quiet", name]).is_some();
        let local = || {
            ["main", "master"]
                .into_iter()
                .find(exists)
                .unwrap_or("main")
        };
        of_remote.unwrap_or_else(|| local().to_owned())
    };
    let revision = git(&["rev-parse", "HEAD"]).unwrap_or_default();
    let change = CHANGES
        .iter()
        .find_map(|(from, to)| Some((set(from)?, set(to)?)));
    if let Some((from, to)) = change {
        return Line {
            branch: format!("{from} into {to}"),
            target: to.to_owned(),
            revision,
        };
    }
    let of_github = set("GITHUB_REF").and_then(|name| name.strip_prefix("refs/heads/"));
    let pushed = of_github.or_else(|| PUSHES.iter().find_map(|name| set(name)));
    let pushed = pushed.map(|it| it.strip_prefix("origin/").unwrap_or(it).to_owned());
    let checked_out = || git(&["symbolic-ref", "--quiet", "--short", "HEAD"]);
    let branch = pushed.or_else(checked_out);
    Line {
        branch: branch.unwrap_or_else(|| "a detached HEAD".to_owned()),
        target: usual(),
        revision,
    }
}

fn git(root: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(words)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

impl Line {
    /// The values that this line is compared with: its own, those of its target, and those of
    /// versions that did not record where they were measured.
    #[must_use]
    pub fn own(&self, history: History) -> History {
        let is_own = |entry: &HistoryEntry| {
            let branch = entry.branch.as_deref();
            branch.is_none_or(|branch| branch == self.branch || branch == self.target)
        };
        let mut entries = history.entries;
        entries.retain(is_own);
        History { entries, ..history }
    }

    /// The entry with where it was measured.
    #[must_use]
    pub fn mark(&self, entry: HistoryEntry) -> HistoryEntry {
        HistoryEntry {
            branch: Some(self.branch.clone()),
            revision: Some(self.revision.clone()).filter(|it| !it.is_empty()),
            ..entry
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(env: &[(&str, &str)], is_detached: bool) -> (String, String) {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let line = named(&env.collect(), |words| match words {
            ["symbolic-ref", "--quiet", ..] if !is_detached => Some("topic".to_owned()),
            ["symbolic-ref", "--short", ..] => Some("origin/trunk".to_owned()),
            ["rev-parse", "HEAD"] => Some("abc".to_owned()),
            _ => None,
        });
        (line.branch, line.target)
    }

    #[test]
    fn a_run_is_of_the_branch_that_the_ci_or_git_names() {
        let pair = |branch: &str, target: &str| (branch.to_owned(), target.to_owned());
        assert_eq!(line(&[], false), pair("topic", "trunk"));
        assert_eq!(line(&[], true), pair("a detached HEAD", "trunk"));
        let push = [("GITHUB_REF", "refs/heads/trunk"), ("GITHUB_HEAD_REF", "")];
        assert_eq!(line(&push, true), pair("trunk", "trunk"));
        assert_eq!(
            line(&[("CI_COMMIT_BRANCH", "a/b")], true),
            pair("a/b", "trunk")
        );
        assert_eq!(
            line(&[("GIT_BRANCH", "origin/trunk")], true),
            pair("trunk", "trunk")
        );
    }

    #[test]
    fn the_runs_of_another_pull_request_are_no_noise_of_this_line() {
        let line = Line {
            branch: "topic".to_owned(),
            target: "main".to_owned(),
            revision: "abc".to_owned(),
        };
        let entry = |branch: Option<&str>| {
            let text = r#"{"version":1,"at":"2026-01-01T00:00:00Z","metric":"m","unit":"s","value":1.0,"run":"r"}"#;
            let entry: HistoryEntry = serde_json::from_str(text).unwrap();
            HistoryEntry {
                branch: branch.map(str::to_owned),
                ..entry
            }
        };
        let entries = [None, Some("topic"), Some("main"), Some("other into main")];
        let history = History {
            entries: entries.map(entry).into(),
            torn_line: None,
        };
        let own: Vec<Option<String>> = line
            .own(history)
            .entries
            .into_iter()
            .map(|it| it.branch)
            .collect();
        assert_eq!(
            own,
            [None, Some("topic".to_owned()), Some("main".to_owned())]
        );
        assert_eq!(line.mark(entry(None)).revision.as_deref(), Some("abc"));
    }

    #[test]
    fn a_pull_request_of_a_fork_is_not_of_the_branch_of_its_name() {
        let fork = [("GITHUB_HEAD_REF", "main"), ("GITHUB_BASE_REF", "main")];
        assert_eq!(
            line(&fork, true),
            ("main into main".to_owned(), "main".to_owned())
        );
        let jenkins = [
            ("CHANGE_BRANCH", "fix"),
            ("CHANGE_TARGET", "main"),
            ("BRANCH_NAME", "PR-7"),
        ];
        assert_eq!(line(&jenkins, true).0, "fix into main");
    }
}
