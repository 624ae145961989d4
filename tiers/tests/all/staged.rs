//! Checking what is staged: the user's files and index stay as they are, to the byte and the tick.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::common::{FixedGauge, Options, Repository, step};
use tollgate_report::{Outcome, SystemClock, Timestamp};
use tollgate_tiers::staged::{self, Staged, StagedError};
use tollgate_tiers::walk::Rules;
use tollgate_tiers::{Mode, OverTime, TierReport, files};

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
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    assert_eq!(
        state_of(repository.root()),
        before,
        "nothing of the user's is written"
    );
    assert_eq!(read(&snapshot, "a.txt"), "staged");
    let (rules, memo) = (Rules::default(), folder.path().join("memo"));
    let tree = files::load(&snapshot.root, &rules, &memo, Timestamp::EPOCH).unwrap();
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
    let first = mtimes(&staged::prepare(repository.root(), folder.path(), &[]).unwrap());
    repository.write("a.txt", "two, longer");
    repository.git(&["add", "-A"]);
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    let second = mtimes(&snapshot);
    assert_eq!(read(&snapshot, "a.txt"), "two, longer");
    assert_ne!(first[0], second[0]);
    assert_eq!(first[1], second[1]);
}

#[test]
fn a_run_killed_while_filling_is_repaired_by_the_next() {
    let repository = Repository::new(&[("a.txt", "one")], "");
    let folder = tempfile::tempdir().unwrap();
    drop(staged::prepare(repository.root(), folder.path(), &[]).unwrap());
    // What a kill leaves behind: git's locks, the mark, half-written and unknown files.
    let (slot, tree) = (folder.path().join("1"), folder.path().join("1/tree"));
    for (path, text) in [
        (slot.join("git/index.lock"), ""),
        (slot.join("user-index.lock"), ""),
        (slot.join("git/filling"), ""),
        (tree.join("a.txt"), "hal"),
        (tree.join("unknown.rs"), "half"),
    ] {
        fs::write(path, text).unwrap();
    }
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    assert_eq!(read(&snapshot, "a.txt"), "one");
    assert!(!tree.join("unknown.rs").exists());
}

#[test]
fn a_file_that_a_step_changed_in_the_snapshot_is_put_right() {
    let repository = Repository::new(&[("a.txt", "one")], "");
    let folder = tempfile::tempdir().unwrap();
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    fs::write(snapshot.root.join("a.txt"), "changed by a step").unwrap();
    old(&snapshot.root.join("a.txt"));
    drop(snapshot);
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    assert_eq!(read(&snapshot, "a.txt"), "one");
}

#[test]
fn a_folder_outside_git_is_named_in_the_error() {
    let outside = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = staged::prepare(outside.path(), folder.path(), &[]).unwrap_err();
    assert!(
        matches!(error, StagedError::NoRepository { .. }),
        "{error:?}"
    );
}

/// The tier's outcome on what is staged: the step passes when `a.txt` holds `good`.
fn staged_outcome(repository: &Repository, folder: &Path) -> Outcome {
    let snapshot = staged::prepare(repository.root(), folder, &[]).unwrap();
    let options = Options {
        mode: Mode::Affected,
        is_ci: false,
        clock: &SystemClock::new(),
        gauge: &FixedGauge::default(),
        over_time: OverTime::Fails,
        interrupt: &AtomicBool::new(false),
        on_event: &|_| {},
    };
    let report = repository.run_at(Some(&snapshot), &options);
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

fn options<'a>(clock: &'a SystemClock, interrupt: &'a AtomicBool) -> Options<'a> {
    Options {
        mode: Mode::Affected,
        is_ci: false,
        clock,
        gauge: &FixedGauge { times: 1, load: 1 },
        over_time: OverTime::Fails,
        interrupt,
        on_event: &|_| {},
    }
}

/// A staged run of the repository's tier, and the snapshot that it had.
fn run_staged(repository: &Repository, folder: &Path, links: &[String]) -> (TierReport, Staged) {
    let snapshot = staged::prepare(repository.root(), folder, links).unwrap();
    let (clock, interrupt) = (SystemClock::new(), AtomicBool::new(false));
    let report = repository.run_at(Some(&snapshot), &options(&clock, &interrupt));
    (report, snapshot)
}

#[test]
fn steps_can_use_git_in_the_snapshot_and_what_they_write_stays_there() {
    let settings = "
[[tier0.steps]]
name = 'git'
command = ['sh', '-c', 'git describe --tags | grep -qx v1 && git diff --cached --name-only | grep -qx a.txt && git tag own && git rev-parse --abbrev-ref HEAD | grep -qx main']
";
    let repository = Repository::new(&[("a.txt", "one")], settings);
    repository.git(&["tag", "v1"]);
    repository.write("a.txt", "two");
    repository.git(&["add", "-A"]);
    let before = state_of(repository.root());
    let folder = tempfile::tempdir().unwrap();
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    assert_eq!(state_of(repository.root()), before);
    drop(snapshot);
    let (report, _) = run_staged(&repository, folder.path(), &[]);
    assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
    assert_eq!(repository.git(&["tag"]).trim(), "v1");
}

#[test]
fn what_an_earlier_run_left_in_the_snapshot_is_gone() {
    let repository = Repository::new(&[("a.txt", "one")], "");
    let folder = tempfile::tempdir().unwrap();
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    fs::create_dir_all(snapshot.root.join("state")).unwrap();
    fs::write(snapshot.root.join("state/left"), "").unwrap();
    drop(snapshot);
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    assert!(!snapshot.root.join("state").exists());
}

/// A formatter that rewrites `a.txt`.
const FORMAT: &str = "
[[tier0.steps]]
name = 'format'
command = ['sed', '-i', 's/foo/bar/', 'a.txt']
";

#[test]
fn a_step_that_rewrites_a_staged_file_fails_with_the_difference() {
    let repository = Repository::new(&[("a.txt", "x\n")], FORMAT);
    repository.write("a.txt", "foo\n");
    repository.git(&["add", "-A"]);
    let folder = tempfile::tempdir().unwrap();
    let (report, _) = run_staged(&repository, folder.path(), &[]);
    let format = step(&report, "format");
    assert_eq!(format.outcome, Outcome::Fail);
    let want = "while it ran, staged files were rewritten: `a.txt`";
    assert_eq!(format.cause.as_deref(), Some(want));
    assert!(format.excerpt.contains(&"+bar".to_owned()), "{format:#?}");
    assert_eq!(repository.git(&["show", ":a.txt"]), "foo\n");
}

#[test]
fn what_a_step_rewrites_is_staged_when_the_settings_want_it_and_later_steps_check_that() {
    let settings = format!(
        "[[tier0.steps]]\nname = 'check'\ncommand = ['grep', '-q', 'bar', 'a.txt']\n{FORMAT}stage_fixed = true\n"
    );
    let repository = Repository::new(&[("a.txt", "x\n"), ("b.txt", "")], &settings);
    repository.write("a.txt", "foo\n");
    repository.git(&["add", "-A"]);
    let folder = tempfile::tempdir().unwrap();
    let (report, snapshot) = run_staged(&repository, folder.path(), &[]);
    assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
    assert_eq!(repository.git(&["show", ":a.txt"]), "bar\n");
    let file = || fs::read_to_string(repository.root().join("a.txt")).unwrap();
    assert_eq!(file(), "bar\n", "the tree follows");
    drop(snapshot);

    repository.write("a.txt", "foo\n");
    repository.git(&["add", "-A"]);
    repository.write("a.txt", "foo and more\n");
    run_staged(&repository, folder.path(), &[]);
    assert_eq!(repository.git(&["show", ":a.txt"]), "bar\n");
    assert_eq!(file(), "foo and more\n", "unstaged edits stay");
}

#[cfg(unix)]
#[test]
fn dependencies_are_linked_and_packages_of_the_workspace_are_those_of_the_snapshot() {
    let settings = "
[[tier0.steps]]
name = 'tool'
command = ['sh', '-c', 'checker && grep -q staged node_modules/own/index.js && cat node_modules/lib/index.js generated/code.txt']
";
    let files = [
        ("package.json", "{}"),
        ("package-lock.json", "1"),
        ("packages/own/index.js", "staged"),
    ];
    let repository = Repository::new(&files, settings);
    repository.write(".gitignore", "/.tollgate\nnode_modules\n/generated\n");
    repository.git(&["add", "-A"]);
    repository.write("node_modules/lib/index.js", "lib");
    repository.write("node_modules/.bin/checker", "#!/bin/sh\nexit 0\n");
    repository.write("generated/code.txt", "code");
    let checker = repository.root().join("node_modules/.bin/checker");
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(&checker, fs::Permissions::from_mode(0o755)).unwrap();
    let own = repository.root().join("node_modules/own");
    std::os::unix::fs::symlink("../packages/own", own).unwrap();
    repository.write("packages/own/index.js", "an unstaged edit");
    let folder = tempfile::tempdir().unwrap();
    let links = ["generated".to_owned()];
    let (report, snapshot) = run_staged(&repository, folder.path(), &links);
    assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
    drop(snapshot);

    repository.write("node_modules/.bin/checker", "#!/bin/sh\nexit 1\n");
    let (report, snapshot) = run_staged(&repository, folder.path(), &links);
    assert_eq!(report.verdict.outcome, Outcome::Fail, "not from the cache");
    drop(snapshot);

    repository.write("package-lock.json", "2");
    let (report, _) = run_staged(&repository, folder.path(), &links);
    assert!(
        report.notes[0].starts_with("`node_modules` is not linked into the snapshot"),
        "{report:#?}"
    );
}

#[test]
fn a_submodule_is_checked_out_at_its_staged_commit() {
    let module = Repository::new(&[("s.txt", "staged")], "");
    let repository = Repository::new(&[("a.txt", "")], "");
    let url = module.root().display().to_string();
    let add = ["submodule", "-q", "add", &url, "vendor/sub"];
    repository.git(&[&["-c", "protocol.file.allow=always"][..], &add].concat());
    repository.git(&["add", "-A"]);
    repository.write("vendor/sub/s.txt", "an unstaged edit");
    let folder = tempfile::tempdir().unwrap();
    let snapshot = staged::prepare(repository.root(), folder.path(), &[]).unwrap();
    assert_eq!(read(&snapshot, "vendor/sub/s.txt"), "staged");
    assert!(snapshot.is_staged("vendor/sub/s.txt"));
}

/// Runs that are killed at random moments.
#[cfg(target_os = "linux")]
mod slow {
    use super::*;
    use std::process::{Command, Stdio};

    /// How many runs are killed; more by this variable.
    const KILLS_ENV: &str = "TOLLGATE_TEST_KILLS";
    const N_KILLS: u64 = 20;
    const N_FILES: usize = 150;
    /// Set for the process that is killed: the repository and the folder of its snapshots.
    const ROLE_ENV: &str = "TOLLGATE_TEST_KILLED";
    const SETTINGS: &str = "
[[tier0.steps]]
name = 'read'
command = ['sh', '-c', 'cat src/* | sort | uniq -c; sleep 0.02; cat src/* | sort | uniq -c']
cache = false
";

    /// Not a test by itself: the other test starts and kills it.
    #[test]
    fn a_run_that_another_test_kills() {
        let Some(role) = std::env::var_os(ROLE_ENV) else {
            return;
        };
        let role = role.into_string().unwrap();
        let (root, folder) = role.split_once(':').unwrap();
        let snapshot = staged::prepare(Path::new(root), Path::new(folder), &[]).unwrap();
        let repository = Repository::new(&[], SETTINGS);
        let (clock, interrupt) = (SystemClock::new(), AtomicBool::new(false));
        repository.run_at(Some(&snapshot), &options(&clock, &interrupt));
    }

    fn stage(repository: &Repository, word: u64) {
        for n in 0..N_FILES {
            repository.write(&format!("src/f{n}.txt"), &format!("w{word:06}\n"));
        }
        repository.git(&["add", "-A"]);
    }

    #[test]
    fn after_a_kill_at_a_random_moment_a_pass_has_read_what_is_staged() {
        let n_kills = std::env::var(KILLS_ENV).map_or(N_KILLS, |text| text.parse().unwrap());
        let repository = Repository::new(&[], SETTINGS);
        let folder = tempfile::tempdir().unwrap();
        let role = format!(
            "{}:{}",
            repository.root().display(),
            folder.path().display()
        );
        let mut seed: u64 = 0x2545_f491_4f6c_dd1d;
        let mut n_passed = 0;
        for n in 0..n_kills {
            stage(&repository, 2 * n);
            let mut killed = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "staged::slow::a_run_that_another_test_kills"])
                .env(ROLE_ENV, &role)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // The moment of the kill; the test waits for nothing here.
            std::thread::sleep(Duration::from_micros((seed >> 33) % 150_000));
            killed.kill().unwrap();
            killed.wait().unwrap();
            stage(&repository, 2 * n + 1);
            let (report, _) = run_staged(&repository, folder.path(), &[]);
            assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
            let log = step(&report, "read").log.clone().unwrap();
            let log = fs::read_to_string(repository.root().join(log)).unwrap();
            let want = format!("{N_FILES} w{:06}", 2 * n + 1);
            let lines: Vec<&str> = log.lines().map(str::trim).collect();
            assert_eq!(lines, [want.as_str(), want.as_str()], "round {n}");
            n_passed += 1;
        }
        println!("{n_kills} kills, {n_passed} passes, all on what was staged");
    }
}
