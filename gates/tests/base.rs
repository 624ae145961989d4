//! The base of a change, in real repositories: branches, pushes, merges, shallow clones.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are test code")]

use std::path::{Path, PathBuf};
use std::process::Command;

use tollgate_gates::base::{Base, Candidate, Wanted, find};
use tollgate_report::ExitCode;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// A repository `work` with two commits on `main`; each writes its message to `a.txt`.
    fn new() -> Self {
        let place = Self {
            folder: tempfile::tempdir().expect("the test has what it needs"),
        };
        std::fs::create_dir(place.work()).expect("the test has what it needs");
        place.git(&["init", "-q", "-b", "main"]);
        place.commit("one");
        place.commit("two");
        place
    }

    fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn git(&self, args: &[&str]) -> String {
        git(&self.work(), args)
    }

    fn commit(&self, message: &str) -> String {
        std::fs::write(self.work().join("a.txt"), message).expect("the test has what it needs");
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A clone with so many commits of the branch, as CI makes it.
    fn shallow(&self, branch: &str, depth: &str) -> PathBuf {
        let to = self.folder.path().join("shallow");
        let from = format!("file://{}", self.work().display());
        let to_text = to.display().to_string();
        let args = [
            "clone", "-q", "--depth", depth, "--branch", branch, &from, &to_text,
        ];
        git(self.folder.path(), &args);
        to
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars() {
        if name.starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    let names = [
        "user.name=t",
        "user.email=t@localhost",
        "commit.gpgsign=false",
    ];
    let output = command
        .current_dir(folder)
        .args(names.iter().flat_map(|name| ["-c", name]))
        .args(args)
        .output()
        .expect("the test has what it needs");
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("the test has what it needs")
        .trim()
        .to_owned()
}

fn target(branch: &str) -> Wanted {
    Wanted {
        candidates: [
            format!("refs/remotes/origin/{branch}"),
            format!("refs/heads/{branch}"),
        ]
        .map(|revision| Candidate {
            revision,
            is_base: false,
        })
        .into(),
        named_by: Some("CHANGE_TARGET".to_owned()),
        branch: Some(branch.to_owned()),
        is_ci: true,
        ..Wanted::default()
    }
}

/// No change is named, as locally and in the CI of a push.
fn unnamed(is_ci: bool) -> Wanted {
    Wanted {
        named_by: None,
        is_ci,
        ..target("main")
    }
}

fn commit_of(base: &Base) -> &str {
    base.commit.as_deref().expect("the test has what it needs")
}

#[track_caller]
fn refused(folder: &Path, wanted: &Wanted, says: &[&str]) {
    let failure = find(folder, wanted).unwrap_err();
    assert_eq!(failure.code, ExitCode::Environment);
    let text = format!("{failure} {}", failure.hint.clone().unwrap_or_default());
    for part in says {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

#[test]
fn a_branch_is_compared_with_where_it_left_its_target() {
    let place = Place::new();
    let fork = place.git(&["rev-parse", "HEAD"]);
    place.git(&["checkout", "-q", "-b", "change"]);
    place.commit("three");
    place.git(&["checkout", "-q", "main"]);
    place.commit("four");
    place.git(&["checkout", "-q", "change"]);
    for wanted in [target("main"), unnamed(true), unnamed(false)] {
        assert_eq!(commit_of(&find(&place.work(), &wanted).unwrap()), fork);
    }
}

#[test]
fn the_default_branch_is_compared_with_its_last_commit_and_a_push_with_the_one_before() {
    let place = Place::new();
    let head = place.git(&["rev-parse", "HEAD"]);
    let first = place.git(&["rev-parse", "HEAD~1"]);
    let work = place.work();
    assert_eq!(commit_of(&find(&work, &unnamed(false)).unwrap()), head);
    assert_eq!(commit_of(&find(&work, &unnamed(true)).unwrap()), first);
    place.commit("three");
    let mut push = unnamed(true);
    push.before = Some(first.clone());
    let base = find(&work, &push).unwrap();
    assert_eq!(commit_of(&base), first, "a push of two commits");
    // What was force-pushed away is not there; the parent is.
    push.before = Some("1".repeat(40));
    assert_eq!(commit_of(&find(&work, &push).unwrap()), head);
}

#[test]
fn the_merge_that_the_ci_made_is_compared_with_its_target() {
    let place = Place::new();
    place.git(&["checkout", "-q", "-b", "change"]);
    place.commit("three");
    place.git(&["checkout", "-q", "main"]);
    let file = place.work().join("b.txt");
    std::fs::write(file, "b").unwrap();
    place.git(&["add", "-A"]);
    place.git(&["commit", "-q", "-m", "other"]);
    let tip = place.git(&["rev-parse", "HEAD"]);
    place.git(&["checkout", "-q", "--detach"]);
    place.git(&["merge", "-q", "--no-ff", "-m", "merge", "change"]);
    let merge = place.git(&["rev-parse", "HEAD"]);
    // The target goes on after the CI made the merge.
    place.git(&["branch", "-f", "main", "HEAD~1"]);
    let mut wanted = target("main");
    wanted.merge_result = Some(merge);
    assert_eq!(commit_of(&find(&place.work(), &wanted).unwrap()), tip);
}

#[test]
fn the_first_commit_and_a_repository_without_commits_have_nothing_before_them() {
    let place = Place::new();
    place.git(&["checkout", "-q", "--orphan", "alone"]);
    place.git(&["branch", "-q", "-D", "main"]);
    let work = place.work();
    assert_eq!(find(&work, &unnamed(true)).unwrap().commit, None);
    place.commit("first");
    assert_eq!(find(&work, &unnamed(true)).unwrap().commit, None);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(find(folder.path(), &unnamed(false)).unwrap().commit, None);
    refused(folder.path(), &unnamed(true), &["not in a git repository"]);
}

#[test]
fn a_shallow_clone_is_refused_with_the_command_that_completes_it() {
    let place = Place::new();
    place.git(&["checkout", "-q", "-b", "change"]);
    place.commit("three");
    let clone = place.shallow("change", "1");
    let says = ["git fetch --unshallow", "fetch-depth: 0"];
    refused(&clone, &target("main"), &says);
    git(
        &clone,
        &[
            "fetch",
            "-q",
            "--depth",
            "1",
            "origin",
            "main:refs/remotes/origin/main",
        ],
    );
    refused(&clone, &target("main"), &says);
    refused(&clone, &unnamed(false), &says);
    git(&clone, &["fetch", "-q", "--unshallow"]);
    let fork = place.git(&["rev-parse", "main"]);
    assert_eq!(commit_of(&find(&clone, &target("main")).unwrap()), fork);
}

#[test]
fn a_push_in_a_shallow_clone_does_not_pass_for_the_first_commit() {
    let place = Place::new();
    let clone = place.shallow("main", "1");
    refused(&clone, &unnamed(true), &["git fetch --unshallow"]);
}

#[test]
fn a_target_that_was_not_fetched_is_refused_with_the_command_that_fetches_it() {
    let place = Place::new();
    refused(
        &place.work(),
        &target("release"),
        &[
            "CHANGE_TARGET",
            "`origin/release`",
            "git fetch origin +refs/heads/release:refs/remotes/origin/release",
        ],
    );
}

#[test]
fn histories_without_a_common_commit_have_no_base_in_ci() {
    let place = Place::new();
    place.git(&["checkout", "-q", "--orphan", "alone"]);
    let head = place.commit("alone");
    refused(&place.work(), &unnamed(true), &["no common history"]);
    assert_eq!(
        commit_of(&find(&place.work(), &unnamed(false)).unwrap()),
        head
    );
}

#[test]
fn files_of_the_base_are_read_below_the_folder_that_is_checked() {
    let place = Place::new();
    let inner = place.work().join("inner/waivers");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("b.toml"), "b").unwrap();
    std::fs::write(inner.join("c.txt"), "c").unwrap();
    place.commit("three");
    std::fs::write(inner.join("b.toml"), "changed").unwrap();
    let base = find(&place.work(), &unnamed(false)).unwrap();
    let root = place.work().join("inner");
    assert_eq!(
        base.text(&root, "waivers/b.toml").unwrap().as_deref(),
        Some("b")
    );
    assert_eq!(base.text(&root, "a.txt").unwrap(), None);
    let folder = base.folder(&root, "waivers", ".toml").unwrap();
    assert_eq!(
        folder.into_iter().collect::<Vec<_>>(),
        [("waivers/b.toml".to_owned(), "b".to_owned())]
    );
    assert_eq!(base.folder(&root, "none", ".toml").unwrap().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_file_of_the_base_that_is_a_link_is_what_it_leads_to() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    std::fs::create_dir(place.work().join("inner")).unwrap();
    std::fs::write(place.work().join("inner/real.toml"), "real").unwrap();
    symlink("inner/real.toml", place.work().join("link.toml")).unwrap();
    symlink("nothing", place.work().join("dangling.toml")).unwrap();
    symlink("/etc/hostname", place.work().join("outside.toml")).unwrap();
    place.commit("three");
    std::fs::write(place.work().join("inner/real.toml"), "changed").unwrap();
    let base = find(&place.work(), &unnamed(false)).unwrap();
    let names = ["dangling.toml", "outside.toml", "link.toml", "a.txt"];
    let texts = base.texts(&place.work(), &names).unwrap();
    let got: Vec<(&str, &str)> = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    assert_eq!(got, [("a.txt", "three"), ("link.toml", "real")]);
}
