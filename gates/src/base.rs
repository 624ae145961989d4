//! The base of a verdict: the commit with which floors, contracts and settings are compared.
//!
//! It is the merge base of the commit that is checked out and the branch that the change is meant
//! for. [`wanted`] finds out from the environment which revisions name that branch, without
//! reading anything; [`find`] resolves them in the repository.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::objects::{Commit, Objects};
use crate::repository::Repository;

/// The variable in which a tier hands its base to the steps that are commands of this program.
pub const BASE_ENV: &str = "TOLLGATE_BASE";

/// The variable by which `--strict` reaches them.
pub const STRICT_ENV: &str = "TOLLGATE_STRICT";

/// The names of a default branch, tried in this order.
const USUAL: [&str; 5] = [
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
];

/// The commit that a change is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Its full hash; absent when nothing is before the change: no repository, no commit, or the
    /// first commit.
    pub commit: Option<String>,
    /// How it was found, such as "the merge base with `origin/main` (GITHUB_BASE_REF)".
    pub source: String,
}

impl Base {
    /// A base that is nothing.
    fn none(source: &str) -> Self {
        Self {
            commit: None,
            source: source.to_owned(),
        }
    }

    fn at(commit: &str, source: String) -> Self {
        Self {
            commit: Some(commit.to_owned()),
            source,
        }
    }

    /// The first digits of the commit, or `nothing`.
    #[must_use]
    pub fn short(&self) -> &str {
        self.commit
            .as_deref()
            .map_or("nothing", |commit| commit.get(..12).unwrap_or(commit))
    }

    /// The text of a file in the base, by its path from `root`; absent when the base does not
    /// contain it.
    pub fn text(&self, root: &Path, path: &str) -> Result<Option<String>, Failure> {
        Ok(self.texts(root, &[path])?.remove(path))
    }

    /// The texts of those files that the base contains, by path.
    pub fn texts(&self, root: &Path, paths: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
        let mut texts = BTreeMap::new();
        let Some(commit) = &self.commit else {
            return Ok(texts);
        };
        let Some(mut objects) = Objects::open(root)? else {
            return Ok(texts);
        };
        for path in paths {
            if let Some(text) = objects.text(commit, path)? {
                texts.insert((*path).to_owned(), text);
            }
        }
        Ok(texts)
    }

    /// The texts of all files of a folder in the base whose names end with `ending`, by path from
    /// `root`; subfolders are included.
    pub fn folder(
        &self,
        root: &Path,
        folder: &str,
        ending: &str,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let Some(commit) = &self.commit else {
            return Ok(BTreeMap::new());
        };
        let listed = git(
            root,
            &["ls-tree", "-r", "-z", "--name-only", commit, "--", folder],
        )?;
        let listed = listed.unwrap_or_default();
        let paths: Vec<&str> = listed
            .split('\0')
            .filter(|path| !path.is_empty() && path.ends_with(ending))
            .collect();
        if paths.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.texts(root, &paths)
    }
}

/// What the base depends on besides the repository.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The environment variables.
    pub env: &'a BTreeMap<String, String>,
    /// The event that started a run of GitHub Actions.
    pub event: Option<&'a Value>,
    /// The revision of `--against`.
    pub against: Option<&'a str>,
    /// Whether the run is in CI.
    pub is_ci: bool,
}

/// A revision that may lead to the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The revision, such as `origin/main`.
    pub revision: String,
    /// Whether it is the base itself; otherwise the base is the merge base with it.
    pub is_base: bool,
}

/// What to search for in the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The first of these that exists counts.
    pub candidates: Vec<Candidate>,
    /// The flag or the variable that names them; absent for the usual names of a default branch.
    pub named_by: Option<String>,
    /// The branch that the change is meant for, for the command that fetches it.
    pub branch: Option<String>,
    /// The merge of a pull request that the CI made; its first parent is the base.
    pub merge_result: Option<String>,
    /// The commit of the branch before a push.
    pub before: Option<String>,
    /// Whether the run is in CI.
    pub is_ci: bool,
}

impl Wanted {
    fn named(mut self, by: &str) -> Self {
        self.named_by = Some(by.to_owned());
        self
    }

    fn or_commit(mut self, revision: Option<&str>) -> Self {
        self.candidates.extend(revision.map(|revision| Candidate {
            revision: revision.to_owned(),
            is_base: true,
        }));
        self
    }

    pub(crate) fn or_merge_base(mut self, revision: &str) -> Self {
        self.candidates.push(Candidate {
            revision: revision.to_owned(),
            is_base: false,
        });
        self
    }

    /// The branch of the remote, and a local one of that name.
    fn or_branch(mut self, branch: &str) -> Self {
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        self.branch = Some(branch.to_owned());
        self.or_merge_base(&format!("refs/remotes/origin/{branch}"))
            .or_merge_base(&format!("refs/heads/{branch}"))
    }
}

/// Which revisions lead to the base, by the strongest source there is: `--against`, the tier that
/// runs this command, what the CI states about the change, the usual names. Pure.
#[must_use]
pub fn wanted(given: &Given<'_>) -> Wanted {
    let start = Wanted {
        is_ci: given.is_ci,
        ..Wanted::default()
    };
    if let Some(against) = given.against {
        let start = start.named("--against");
        // `HEAD` is the commit itself, not a branch that it may be part of.
        return match against {
            "HEAD" => start.or_commit(Some(against)),
            _ => start.or_merge_base(against),
        };
    }
    if let Some(base) = set(given, BASE_ENV) {
        return start.named(BASE_ENV).or_commit(Some(base));
    }
    github(given, &start)
        .or_else(|| gitlab(given, &start))
        .or_else(|| buildkite(given, &start))
        .or_else(|| {
            let target = set(given, "CHANGE_TARGET")?;
            Some(start.clone().named("CHANGE_TARGET").or_branch(target))
        })
        .unwrap_or_else(|| usual(given, start))
}

/// A variable that is set and not empty.
fn set<'a>(given: &Given<'a>, name: &str) -> Option<&'a str> {
    let value = given.env.get(name)?.trim();
    (!value.is_empty()).then_some(value)
}

/// A text below a pointer of the event.
fn event<'a>(given: &Given<'a>, pointer: &str) -> Option<&'a str> {
    given.event?.pointer(pointer)?.as_str()
}

/// A hash that stands for a commit: before the first push it is all zeros.
pub(crate) fn hash(text: &str) -> Option<&str> {
    let is_hash = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hash && text.bytes().any(|byte| byte != b'0')).then_some(text)
}

/// Pull requests and merge groups of GitHub Actions, and of forges that run its workflows.
fn github(given: &Given<'_>, start: &Wanted) -> Option<Wanted> {
    if set(given, "GITHUB_EVENT_NAME") == Some("merge_group") {
        let wanted = start
            .clone()
            .named("the `base_sha` of the merge group")
            .or_commit(event(given, "/merge_group/base_sha").and_then(hash));
        // Without the event, the name of the queue's branch holds its target.
        let queue = set(given, "GITHUB_REF")
            .and_then(|name| name.strip_prefix("refs/heads/gh-readonly-queue/"))
            .and_then(|name| name.rsplit_once("/pr-"))
            .map(|(branch, _)| branch);
        let branch = event(given, "/merge_group/base_ref").or(queue);
        return Some(match branch {
            Some(branch) => wanted.or_branch(branch),
            None => wanted,
        });
    }
    let branch = set(given, "GITHUB_BASE_REF")?;
    let name = set(given, "GITHUB_REF").unwrap_or_default();
    let is_merge = name.starts_with("refs/pull/") && name.ends_with("/merge");
    let merge_result = set(given, "GITHUB_SHA").filter(|_| is_merge);
    let mut wanted = start.clone().named("GITHUB_BASE_REF").or_branch(branch);
    wanted.merge_result = merge_result.map(str::to_owned);
    Some(wanted)
}

/// Merge requests of GitLab. A merged result is compared with the target branch it was made of.
fn gitlab(given: &Given<'_>, start: &Wanted) -> Option<Wanted> {
    let merged = set(given, "CI_MERGE_REQUEST_TARGET_BRANCH_SHA").and_then(hash);
    let base = set(given, "CI_MERGE_REQUEST_DIFF_BASE_SHA").and_then(hash);
    let branch = set(given, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME");
    let name = match (merged, base, branch) {
        (Some(_), _, _) => "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
        (_, Some(_), _) => "CI_MERGE_REQUEST_DIFF_BASE_SHA",
        (_, _, Some(_)) => "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        _ => return None,
    };
    let wanted = start
        .clone()
        .named(name)
        .or_commit(merged)
        .or_commit(base.filter(|_| merged.is_none()));
    let wanted = match branch {
        Some(branch) => wanted.or_branch(branch),
        None => wanted,
    };
    Some(wanted)
}

/// Pull requests and merge queues of Buildkite.
fn buildkite(given: &Given<'_>, start: &Wanted) -> Option<Wanted> {
    let commit = set(given, "BUILDKITE_MERGE_QUEUE_BASE_COMMIT").and_then(hash);
    if commit.is_some() {
        let wanted = start.clone().named("BUILDKITE_MERGE_QUEUE_BASE_COMMIT");
        let mut wanted = wanted.or_commit(commit);
        wanted.branch = set(given, "BUILDKITE_MERGE_QUEUE_BASE_BRANCH").map(str::to_owned);
        return Some(wanted);
    }
    let branch = set(given, "BUILDKITE_PULL_REQUEST_BASE_BRANCH")?;
    let name = "BUILDKITE_PULL_REQUEST_BASE_BRANCH";
    Some(start.clone().named(name).or_branch(branch))
}

/// No change is named: the default branch, and for a push the commit before it.
fn usual(given: &Given<'_>, start: Wanted) -> Wanted {
    let default = event(given, "/repository/default_branch")
        .or_else(|| set(given, "CI_DEFAULT_BRANCH"))
        .or_else(|| set(given, "BUILDKITE_PIPELINE_DEFAULT_BRANCH"));
    let mut wanted = match default {
        Some(branch) => start.or_branch(branch),
        None => start,
    };
    for name in USUAL {
        wanted = wanted.or_merge_base(name);
    }
    let before = event(given, "/before").or_else(|| set(given, "CI_COMMIT_BEFORE_SHA"));
    wanted.before = before.and_then(hash).map(str::to_owned);
    wanted
}

/// The base of the repository's change, by the environment of this process.
pub fn of(repository: &Repository) -> Result<Base, Failure> {
    find(&repository.root, &wanted_of(repository))
}

/// What is wanted by the environment of this process.
pub(crate) fn wanted_of(repository: &Repository) -> Wanted {
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    // An event that can't be read states nothing; the variables then decide.
    let event = env
        .get("GITHUB_EVENT_PATH")
        .and_then(|path| std::fs::read(path).ok())
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    wanted(&Given {
        env: &env,
        event: event.as_ref(),
        against: repository.against.as_deref(),
        is_ci: tollgate_report::unchecked::is_ci(),
    })
}

/// Resolves what is wanted in the repository around `root`.
///
/// # Errors
/// With exit code 6 when the base can't be known: a named revision is not there, or a shallow
/// clone does not contain it.
pub fn find(root: &Path, wanted: &Wanted) -> Result<Base, Failure> {
    let Some(mut objects) = Objects::open(root)? else {
        return without_repository(root, wanted);
    };
    let Some(head) = objects.commit("HEAD")? else {
        return Ok(Base::none("there is no commit yet"));
    };
    if wanted.merge_result.as_ref() == Some(&head.id)
        && let [base, _, ..] = &head.parents[..]
        && objects.commit(base)?.is_some()
    {
        return Ok(Base::at(
            base,
            "the target of the merge that is checked out".to_owned(),
        ));
    }
    for candidate in &wanted.candidates {
        let Some(tip) = objects.commit(&candidate.revision)? else {
            continue;
        };
        let by = wanted.named_by.as_ref();
        let by = by.map_or_else(String::new, |name| format!(" ({name})"));
        let shown = shown(&candidate.revision);
        if candidate.is_base {
            return Ok(Base::at(&tip.id, format!("`{shown}`{by}")));
        }
        if tip.id == head.id {
            return on_the_branch(root, wanted, &mut objects, &head);
        }
        return match merge_base(root, &head.id, &tip.id)? {
            Some(base) if base == head.id => on_the_branch(root, wanted, &mut objects, &head),
            Some(base) => Ok(Base::at(
                &base,
                format!("the merge base with `{shown}`{by}"),
            )),
            None => without_merge_base(root, wanted, &head, shown),
        };
    }
    without_candidate(root, wanted, &mut objects, &head)
}

fn without_repository(root: &Path, wanted: &Wanted) -> Result<Base, Failure> {
    let output = Command::new("git")
        .current_dir(root)
        .env("LC_ALL", "C")
        .args(["rev-parse", "--git-dir"])
        .output()
        .map_err(no_git)?;
    let answer = String::from_utf8_lossy(&output.stderr).into_owned();
    if !answer.contains("not a git repository") {
        let why = answer
            .lines()
            .next()
            .unwrap_or("git ends without an answer");
        return Err(unknown(wanted, why).hint("run `git status` here, which shows what is wrong"));
    }
    let why = "this folder is not in a git repository";
    if wanted.is_ci || wanted.named_by.is_some() {
        return Err(
            unknown(wanted, why).hint("check out the repository with git, with its history")
        );
    }
    Ok(Base::none(why))
}

fn no_git(error: std::io::Error) -> Failure {
    Failure::environment(anyhow::Error::new(error).context("cannot start `git`"))
        .hint("install git and put it on PATH")
}

fn shown(revision: &str) -> &str {
    let short = revision.strip_prefix("refs/remotes/");
    short
        .or_else(|| revision.strip_prefix("refs/heads/"))
        .unwrap_or(revision)
}

/// The commit is part of the branch already. In CI that is a push, so what it was before is the
/// base; elsewhere only the uncommitted changes are new.
fn on_the_branch(
    root: &Path,
    wanted: &Wanted,
    objects: &mut Objects,
    head: &Commit,
) -> Result<Base, Failure> {
    if !wanted.is_ci {
        return Ok(Base::at(
            &head.id,
            "the commit that is checked out".to_owned(),
        ));
    }
    if let Some(before) = &wanted.before
        && let Some(before) = objects.commit(before)?
        && let Some(base) = merge_base(root, &head.id, &before.id)?
        && base != head.id
    {
        return Ok(Base::at(&base, "the commit before the push".to_owned()));
    }
    let Some(parent) = head.parents.first() else {
        return Ok(Base::none("the first commit has none before it"));
    };
    match objects.commit(parent)? {
        Some(parent) => Ok(Base::at(
            &parent.id,
            "the commit before the last".to_owned(),
        )),
        None => Err(shallow(
            wanted,
            "the commit before the last is not in this shallow clone",
        )),
    }
}

fn without_merge_base(
    root: &Path,
    wanted: &Wanted,
    head: &Commit,
    tip: &str,
) -> Result<Base, Failure> {
    if is_shallow(root)? {
        let text = format!("the merge base with `{tip}` is not in this shallow clone");
        return Err(shallow(wanted, &text));
    }
    if wanted.is_ci || wanted.named_by.is_some() {
        let text = format!("the commit that is checked out and `{tip}` have no common history");
        return Err(
            unknown(wanted, &text).hint("pass the revision to compare with as `--against REV`")
        );
    }
    Ok(Base::at(
        &head.id,
        "the commit that is checked out".to_owned(),
    ))
}

fn without_candidate(
    root: &Path,
    wanted: &Wanted,
    objects: &mut Objects,
    head: &Commit,
) -> Result<Base, Failure> {
    if wanted.named_by.is_none() && !wanted.is_ci {
        return Ok(Base::at(
            &head.id,
            "the commit that is checked out".to_owned(),
        ));
    }
    let is_alone = wanted.named_by.is_none()
        && git(root, &["remote"])?.is_some_and(|remotes| remotes.trim().is_empty())
        && git(root, &["symbolic-ref", "--quiet", "HEAD"])?.is_some();
    if is_alone {
        // The only repository, on a branch of another name: that branch is the default one.
        return on_the_branch(root, wanted, objects, head);
    }
    let names: Vec<String> = wanted
        .candidates
        .iter()
        .map(|candidate| format!("`{}`", shown(&candidate.revision)))
        .collect();
    let text = match &names[..] {
        [name] => format!("{name} is not in this repository"),
        _ => format!("none of {} is in this repository", names.join(", ")),
    };
    if is_shallow(root)? {
        return Err(shallow(wanted, &text));
    }
    let branch = wanted.branch.as_deref();
    Err(unknown(wanted, &text).hint(match branch {
        Some(branch) => {
            format!("`git fetch origin +refs/heads/{branch}:refs/remotes/origin/{branch}`")
        }
        None => "fetch the branch that the change is meant for, or name it as `--against REV`"
            .to_owned(),
    }))
}

fn unknown(wanted: &Wanted, why: &str) -> Failure {
    let by = wanted.named_by.as_ref();
    let by = by.map_or_else(String::new, |name| format!(" that {name} names"));
    Failure::environment(anyhow::anyhow!("cannot find the base{by}: {why}"))
}

fn shallow(wanted: &Wanted, why: &str) -> Failure {
    unknown(wanted, why).hint(
        "`git fetch --unshallow`; in CI, check out the whole history: `fetch-depth: 0` of actions/checkout, `GIT_DEPTH: 0` of GitLab",
    )
}

fn is_shallow(root: &Path) -> Result<bool, Failure> {
    let answer = git(root, &["rev-parse", "--is-shallow-repository"])?;
    Ok(answer.is_some_and(|answer| answer.trim() == "true"))
}

/// The best common ancestor; absent when there is none, or when a shallow clone does not have it.
fn merge_base(root: &Path, one: &str, other: &str) -> Result<Option<String>, Failure> {
    let answer = git(root, &["merge-base", one, other])?;
    Ok(answer.map(|answer| answer.trim().to_owned()))
}

/// What git prints; absent when it fails.
fn git(root: &Path, args: &[&str]) -> Result<Option<String>, Failure> {
    let output = Command::new("git").current_dir(root).args(args).output();
    let output = output.map_err(no_git)?;
    let is_good = output.status.success();
    Ok(is_good.then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

#[cfg(test)]
mod tests;
