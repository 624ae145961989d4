//! Checking what is staged: the user's files and index stay as they are, to the byte and the tick.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::common::{FixedGauge, Options, Repository};
use tollgate_report::{Outcome, SystemClock, Timestamp};
use tollgate_tiers::staged::{self, Staged, StagedError};
use tollgate_tiers::{Mode, OverTime, files};

type State = BTreeMap<PathBuf, (Vec<u8>, SystemTime)>;

/// Every file below a folder with its bytes and modification time, `.git` included.
fn state(folder: &Path, found: &mut State) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            state(&entry.path(), found);
        } else {
            let mtime = entry.metadata().unwrap().modified().unwrap();
            found.insert(entry.path(), (fs::read(entry.path()).unwrap(), mtime));
        }
    }
}

fn state_of(folder: &Path) -> State {
    let mut found = State::new();
    state(folder, &mut found);
    found
}

fn old(path: &Path) {
    let time = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

fn read(staged: &Staged, path: &str) -> String {
    fs::read_to_string(staged.root.join(path)).unwrap()
}

#[test]
fn the_snapshot_holds_what_is_staged_and_the_users_files_are_not_touched() {
    let repository = Repository::new(&[("a.txt", "one"), ("b.txt", "same"), ("gone.txt", "")], "");
    repository.write("a.txt", "staged");
    repository.write("new.txt", "new");
    repository.git(&["rm", "-q", "gone.txt"]);
    repository.git(&["add", "-A"]);
    repository.write("a.txt", "unstaged edit");
    repository.write("stray.txt", "untracked");
    let before = state_of(repository.root());
    let folder = tempfile::tempdir().unwrap();
    let snapshot = staged::prepare(repository.root(), folder.path()).unwrap();
    assert_eq!(
        state_of(repository.root()),
        before,
        "nothing of the user's is written"
    );
    assert_eq!(read(&snapshot, "a.txt"), "staged");
    let tree = files::load(
        &snapshot.root,
        &snapshot.files,
        &folder.path().join("memo"),
        Timestamp::EPOCH,
    )
    .unwrap();
    let names: Vec<&str> = tree.entries.keys().map(String::as_str).collect();
    assert_eq!(names, [".gitignore", "a.txt", "b.txt", "new.txt"]);
}

#[test]
fn files_that_did_not_change_keep_their_modification_times() {
    let repository = Repository::new(&[("a.txt", "one"), ("b.txt", "same")], "");
    let folder = tempfile::tempdir().unwrap();
    let mtimes = |staged: &Staged| {
        ["a.txt", "b.txt"].map(|name| {
            fs::metadata(staged.root.join(name))
                .unwrap()
                .modified()
                .unwrap()
        })
    };
    let first = mtimes(&staged::prepare(repository.root(), folder.path()).unwrap());
    repository.write("a.txt", "two, longer");
    repository.git(&["add", "-A"]);
    let snapshot = staged::prepare(repository.root(), folder.path()).unwrap();
    let second = mtimes(&snapshot);
    assert_eq!(read(&snapshot, "a.txt"), "two, longer");
    assert_ne!(first[0], second[0]);
    assert_eq!(first[1], second[1]);
}

#[test]
fn a_run_killed_while_filling_is_repaired_by_the_next() {
    let repository = Repository::new(&[("a.txt", "one")], "");
    let folder = tempfile::tempdir().unwrap();
    drop(staged::prepare(repository.root(), folder.path()).unwrap());
    // What a kill leaves behind: git's locks, the mark, half-written and unknown files.
    let tree = folder.path().join("tree");
    for (path, text) in [
        (folder.path().join("index.lock"), ""),
        (folder.path().join("user-index.lock"), ""),
        (folder.path().join("filling"), ""),
        (tree.join("a.txt"), "hal"),
        (tree.join("unknown.rs"), "half"),
    ] {
        fs::write(path, text).unwrap();
    }
    let snapshot = staged::prepare(repository.root(), folder.path()).unwrap();
    assert_eq!(read(&snapshot, "a.txt"), "one");
    assert!(!tree.join("unknown.rs").exists());
}

#[test]
fn a_file_that_a_step_changed_in_the_snapshot_is_put_right() {
    let repository = Repository::new(&[("a.txt", "one")], "");
    let folder = tempfile::tempdir().unwrap();
    let snapshot = staged::prepare(repository.root(), folder.path()).unwrap();
    fs::write(snapshot.root.join("a.txt"), "changed by a step").unwrap();
    old(&snapshot.root.join("a.txt"));
    drop(snapshot);
    let snapshot = staged::prepare(repository.root(), folder.path()).unwrap();
    assert_eq!(read(&snapshot, "a.txt"), "one");
}

#[test]
fn a_folder_outside_git_is_named_in_the_error() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = staged::prepare(outside.path(), folder.path()).unwrap_err();
    assert!(
        matches!(error, StagedError::NoRepository { .. }),
        "{error:?}"
    );
}

/// The tier's outcome on what is staged: the step passes when `a.txt` holds `good`.
fn staged_outcome(repository: &Repository, folder: &Path) -> Outcome {
    let snapshot = staged::prepare(repository.root(), folder).unwrap();
    let options = Options {
        mode: Mode::Affected,
        is_ci: false,
        clock: &SystemClock::new(),
        gauge: &FixedGauge::default(),
        over_time: OverTime::Fails,
        interrupt: &AtomicBool::new(false),
        on_event: &|_| {},
    };
    let report = repository.run_at(&snapshot.root, snapshot.files.clone(), &options);
    report.verdict.outcome
}

#[test]
fn unstaged_edits_neither_break_nor_hide() {
    let settings = "
[[tier0.steps]]
name = 'test'
command = ['grep', '-q', 'good', 'a.txt']
";
    let repository = Repository::new(&[("a.txt", "good")], settings);
    let folder = tempfile::tempdir().unwrap();
    repository.write("a.txt", "broken, not staged");
    assert_eq!(staged_outcome(&repository, folder.path()), Outcome::Pass);
    repository.git(&["add", "a.txt"]);
    repository.write("a.txt", "good again, not staged");
    assert_eq!(staged_outcome(&repository, folder.path()), Outcome::Fail);
}
