//! The history of the ratchet: a file on this machine, and a git ref that carries it to others.
//!
//! The ref is not a branch: no merge, rebase or squash of branches touches it. Its commits hold one
//! file, and two versions of it are joined as a union, so values are added and never replaced.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, bail};
use tollgate_ratchet::History;

use crate::failure::Failure;
use crate::repository::Repository;

/// The file in each commit of the ref.
const FILE: &str = "ratchet-history.ndjson";
/// Another checkout may push at the same moment; the union is then made again.
const ROUNDS_MAX: usize = 10;

/// What was exchanged with the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchanged {
    /// Values here, after the union.
    pub n_values: usize,
    /// Of those, values that were not here before.
    pub n_received: usize,
    /// Of those, values that the remote did not have.
    pub n_sent: usize,
}

/// The recorded values: those of the file and those of the ref.
pub fn load(repository: &Repository) -> Result<History, Failure> {
    let settings = &repository.settings.ratchet;
    let local =
        History::load(&repository.root.join(&settings.history)).map_err(Failure::environment)?;
    match of_ref(&repository.root, &settings.history_ref)? {
        Some(carried) => Ok(local.union(&carried)),
        None => Ok(local),
    }
}

/// Whether this checkout has the ref.
pub fn has_ref(repository: &Repository) -> bool {
    commit_of(&repository.root, &repository.settings.ratchet.history_ref).is_some()
}

/// Whether the remote of the settings is one of this repository.
pub fn has_remote(repository: &Repository) -> bool {
    let key = format!("remote.{}.url", repository.settings.ratchet.history_remote);
    git(&repository.root, &["config", "--get", &key], "")
        .is_ok_and(|output| output.status.success())
}

/// Adds the values of the remote to the ref of this checkout.
pub fn fetch(repository: &Repository) -> Result<Exchanged, Failure> {
    let here = load(repository)?;
    let there = remote(repository)?;
    let joined = here.union(&there.history);
    if let Some(commit) = &there.commit {
        let settings = &repository.settings.ratchet;
        let own = of_ref(&repository.root, &settings.history_ref)?.unwrap_or_default();
        let carried = own.union(&there.history);
        keep(repository, &carried, &there, commit).map_err(Failure::environment)?;
    }
    Ok(Exchanged {
        n_values: joined.entries.len(),
        n_received: joined.entries.len() - here.union(&History::default()).entries.len(),
        n_sent: 0,
    })
}

/// Adds the values of this machine to the remote, and those of the remote to this checkout.
pub fn push(repository: &Repository) -> Result<Exchanged, Failure> {
    let settings = &repository.settings.ratchet;
    let here = load(repository)?;
    let mut last = String::new();
    for _ in 0..ROUNDS_MAX {
        let there = remote(repository)?;
        let joined = here.union(&there.history);
        let exchanged = Exchanged {
            n_values: joined.entries.len(),
            n_received: joined.entries.len() - here.union(&History::default()).entries.len(),
            n_sent: joined.entries.len() - there.history.entries.len(),
        };
        let parent = there.commit.clone().unwrap_or_default();
        keep(repository, &joined, &there, &parent).map_err(Failure::environment)?;
        if exchanged.n_sent == 0 {
            return Ok(exchanged);
        }
        let spec = format!("{0}:{0}", settings.history_ref);
        let output = git(
            &repository.root,
            &["push", "--quiet", &settings.history_remote, &spec],
            "",
        )
        .map_err(Failure::environment)?;
        if output.status.success() {
            return Ok(exchanged);
        }
        last = said(&output);
        if ![
            "rejected",
            "fetch first",
            "cannot lock ref",
            "failed to update ref",
        ]
        .iter()
        .any(|word| last.contains(word))
        {
            break;
        }
    }
    let error = anyhow::anyhow!(
        "cannot push the history to `{}`: {last}",
        settings.history_remote
    );
    Err(Failure::environment(error).hint(
        "the job needs permission to write to the repository; without it, pass the history on as a file: `history` in the section [ratchet] of tollgate.toml",
    ))
}

/// The history of the remote; empty when it has none yet.
struct Remote {
    commit: Option<String>,
    history: History,
}

fn remote(repository: &Repository) -> Result<Remote, Failure> {
    fetched(repository).map_err(|error| {
        Failure::environment(error)
            .hint("`history_remote` in the section [ratchet] of tollgate.toml names the remote")
    })
}

fn fetched(repository: &Repository) -> anyhow::Result<Remote> {
    let settings = &repository.settings.ratchet;
    let (root, name) = (&repository.root, &settings.history_ref);
    let context = || format!("cannot read the history of `{}`", settings.history_remote);
    let listed = git(root, &["ls-remote", &settings.history_remote, name], "")?;
    if !listed.status.success() {
        bail!("{}: {}", context(), said(&listed));
    }
    let listed = String::from_utf8_lossy(&listed.stdout);
    let Some(commit) = listed.split_whitespace().next().map(str::to_owned) else {
        return Ok(Remote {
            commit: None,
            history: History::default(),
        });
    };
    let copy = format!("+{name}:{name}-of-remote");
    let words = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
    let words = [&words[..], &[&settings.history_remote, &copy]].concat();
    let output = git(root, &words, "")?;
    if !output.status.success() {
        bail!("{}: {}", context(), said(&output));
    }
    let copied = format!("{name}-of-remote");
    // Another push may have come between the two commands.
    let commit = commit_of(root, &copied).unwrap_or(commit);
    let history = of_ref(root, &copied)
        .map_err(|failure| anyhow::anyhow!("{failure}"))
        .with_context(context)?;
    Ok(Remote {
        commit: Some(commit),
        history: history.unwrap_or_default(),
    })
}

/// Makes the ref of this checkout hold these values, after those of the remote.
fn keep(
    repository: &Repository,
    history: &History,
    there: &Remote,
    remote_commit: &str,
) -> anyhow::Result<()> {
    let root = &repository.root;
    let name = &repository.settings.ratchet.history_ref;
    let before = commit_of(root, name);
    let is_theirs = there.commit.is_some() && history.entries == there.history.entries;
    let commit = if is_theirs {
        remote_commit.to_owned()
    } else {
        let parents = [Some(remote_commit), before.as_deref()];
        let parents = parents
            .into_iter()
            .flatten()
            .filter(|hash| !hash.is_empty());
        let mut parents: Vec<&str> = parents.collect();
        parents.dedup();
        write_commit(root, history, &parents)?
    };
    if before.as_deref() == Some(commit.as_str()) {
        return Ok(());
    }
    let old = before.unwrap_or_default();
    let output = git(root, &["update-ref", name, &commit, &old], "")?;
    if !output.status.success() {
        bail!("cannot update `{name}`: {}", said(&output));
    }
    Ok(())
}

fn write_commit(root: &Path, history: &History, parents: &[&str]) -> anyhow::Result<String> {
    let blob = hash(root, &["hash-object", "-w", "--stdin"], &history.render())?;
    let tree = hash(root, &["mktree"], &format!("100644 blob {blob}\t{FILE}\n"))?;
    let mut words = vec!["commit-tree", tree.as_str(), "-m", "history of the ratchet"];
    for parent in parents {
        words.extend(["-p", parent]);
    }
    hash(root, &words, "")
}

fn hash(root: &Path, words: &[&str], input: &str) -> anyhow::Result<String> {
    let output = git(root, words, input)?;
    if !output.status.success() {
        bail!(
            "cannot write the history as a git object: {}",
            said(&output)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn commit_of(root: &Path, name: &str) -> Option<String> {
    let commit = format!("{name}^{{commit}}");
    let output = git(root, &["rev-parse", "--verify", "--quiet", &commit], "").ok()?;
    let hash = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !hash.is_empty()).then_some(hash)
}

/// The values that a ref holds; absent when there is no such ref.
fn of_ref(root: &Path, name: &str) -> Result<Option<History>, Failure> {
    let file = format!("{name}:{FILE}");
    let Ok(output) = git(root, &["cat-file", "blob", &file], "") else {
        return Ok(None);
    };
    if !output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let history = History::parse(&text, &file).map_err(Failure::environment)?;
    Ok(Some(history))
}

/// Runs git without a prompt; the author of the history is the program.
fn git(root: &Path, words: &[&str], input: &str) -> anyhow::Result<Output> {
    let mut command = Command::new("git");
    command
        .current_dir(root)
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "commit.gpgSign=false",
        ])
        .args(words)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for who in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{who}_NAME"), "Tollgate")
            .env(format!("GIT_{who}_EMAIL"), "tollgate@localhost");
    }
    let mut child = command.spawn().context("cannot start `git`")?;
    let mut stdin = child.stdin.take().context("git has no standard input")?;
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().context("cannot wait for `git`")?;
    // A git that ended before it read its input has reported why.
    let _ = writer.join();
    Ok(output)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}
