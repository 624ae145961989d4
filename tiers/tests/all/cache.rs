//! A pass from the cache is the pass that a fresh run gives.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::common::{FixedGauge, Options, Repository, step};
use tollgate_report::{Clock, ManualClock, Outcome, SystemClock};
use tollgate_tiers::record::How;
use tollgate_tiers::{Mode, OverTime, TierReport};

/// How many random edits the property test makes; more by this variable.
const EDITS_ENV: &str = "TOLLGATE_TEST_EDITS";
const N_EDITS: u64 = 40;

fn run_at(repository: &Repository, mode: Mode, clock: &dyn Clock) -> TierReport {
    repository.run_with(&Options {
        mode,
        is_ci: false,
        clock,
        gauge: &FixedGauge::default(),
        over_time: OverTime::Fails,
        interrupt: &AtomicBool::new(false),
        on_event: &|_| {},
    })
}

#[test]
fn what_a_manifest_names_outside_of_the_repository_keeps_passes_out_of_the_cache() {
    let settings = "
[[tier0.steps]]
name = 'open'
command = ['true']
[[tier0.steps]]
name = 'closed'
command = ['true']
inputs = ['src/*']
[[tier0.steps]]
name = 'sure'
command = ['true']
cache = true
";
    let inside = r#"{"dependencies": {"lib": "file:../lib"}}"#;
    let repository = Repository::new(&[("web/package.json", inside)], settings);
    let how = |name: &str| step(&repository.run(), name).how;
    repository.run();
    assert_eq!(how("open"), How::Cached);
    let outside = r#"{"dependencies": {"lib": "file:../../lib"}}"#;
    repository.write("web/package.json", outside);
    repository.run();
    assert_eq!(how("open"), How::Ran);
    assert_eq!(how("closed"), How::Cached);
    assert_eq!(how("sure"), How::Cached);
    let report = repository.run();
    let why = &step(&report, "open").explanation;
    assert!(
        why.contains("`web/package.json` names `../../lib`"),
        "{why}"
    );
}

#[test]
fn an_ignored_file_is_an_input() {
    let settings = "
[[tier0.steps]]
name = 'all'
command = ['grep', '-q', 'good', 'state/code.txt']
[[tier0.steps]]
name = 'named'
command = ['grep', '-q', 'good', 'state/code.txt']
inputs = ['state/*.txt']
[[tier0.steps]]
name = 'kept'
command = ['grep', '-q', 'good', '.tollgate/own/code.txt']
inputs = ['.tollgate/own/**']
";
    let repository = Repository::new(&[], settings);
    for path in ["state/code.txt", ".tollgate/own/code.txt"] {
        repository.write(path, "good");
    }
    assert_eq!(repository.run().verdict.outcome, Outcome::Pass);
    let report = repository.run();
    let is_cached = |step: &tollgate_tiers::record::StepReport| step.how == How::Cached;
    assert!(report.record.steps.iter().all(is_cached), "{report:#?}");
    for path in ["state/code.txt", ".tollgate/own/code.txt"] {
        repository.write(path, "broken");
    }
    let report = repository.run();
    for name in ["all", "named", "kept"] {
        assert_eq!(step(&report, name).outcome, Outcome::Fail, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn what_a_link_out_of_the_repository_leads_to_is_an_input() {
    let outside = tempfile::tempdir().unwrap();
    let code = outside.path().join("deep/code.txt");
    fs::create_dir(outside.path().join("deep")).unwrap();
    let link = |from: &std::path::Path, to: &std::path::Path| {
        std::os::unix::fs::symlink(to, from).unwrap();
    };
    // A way back, to which the walk does not return.
    link(&outside.path().join("again"), outside.path());
    let settings =
        "[[tier0.steps]]\nname = 'read'\ncommand = ['grep', '-q', 'good', 'lib/deep/code.txt']\n";
    let repository = Repository::new(&[], settings);
    link(&repository.root().join("lib"), outside.path());
    link(&repository.root().join("root"), std::path::Path::new("/"));
    fs::write(&code, "good").unwrap();
    assert_eq!(step(&repository.run(), "read").outcome, Outcome::Pass);
    assert_eq!(step(&repository.run(), "read").how, How::Cached);
    fs::write(&code, "evil").unwrap();
    assert_eq!(step(&repository.run(), "read").outcome, Outcome::Fail);
}

#[cfg(unix)]
#[test]
fn a_glob_that_names_a_link_to_a_folder_names_what_the_folder_holds() {
    let settings = "
[[tier0.steps]]
name = 'read'
command = ['grep', '-q', 'good', 'node_modules/lib/code.txt']
inputs = ['node_modules/lib/**']
";
    let repository = Repository::new(&[("node_modules/.pnpm/lib/code.txt", "good")], settings);
    let link = repository.root().join("node_modules/lib");
    std::os::unix::fs::symlink(".pnpm/lib", link).unwrap();
    assert_eq!(step(&repository.run(), "read").outcome, Outcome::Pass);
    assert_eq!(step(&repository.run(), "read").how, How::Cached);
    repository.write("node_modules/.pnpm/lib/code.txt", "evil");
    assert_eq!(step(&repository.run(), "read").outcome, Outcome::Fail);
}

#[test]
fn what_a_needed_step_wrote_is_an_input() {
    let settings = "
[[tier0.steps]]
name = 'build'
command = ['sh', '-c', 'mkdir -p state/out && cp state/source state/out/code.txt']
outputs = ['state/out']
cache = false
[[tier0.steps]]
name = 'test'
command = ['grep', '-q', 'good', 'state/out/code.txt']
inputs = ['src/**']
needs = ['build']
";
    let repository = Repository::new(&[("src/a.txt", "")], settings);
    repository.write("state/source", "good");
    assert_eq!(step(&repository.run(), "test").how, How::Ran);
    assert_eq!(step(&repository.run(), "test").how, How::Cached);
    repository.write("state/source", "broken");
    assert_eq!(step(&repository.run(), "test").outcome, Outcome::Fail);
}

#[test]
fn a_folder_of_outputs_comes_back_with_its_executables() {
    let settings = "
[[tier0.steps]]
name = 'build'
command = ['sh', '-c', 'mkdir -p state/bin && printf \"#!/bin/sh\\n\" > state/bin/tool && chmod +x state/bin/tool && echo x > state/bin/data']
inputs = ['src/**']
outputs = ['state/bin/']
";
    let repository = Repository::new(&[("src/a.txt", "")], settings);
    assert_eq!(repository.run().verdict.outcome, Outcome::Pass);
    fs::remove_dir_all(repository.root().join("state/bin")).unwrap();
    let report = repository.run();
    assert_eq!(step(&report, "build").how, How::Cached, "{report:#?}");
    let tool = std::process::Command::new(repository.root().join("state/bin/tool")).status();
    assert!(tool.unwrap().success());
}

#[test]
fn a_step_that_reads_history_runs_again_after_a_commit_and_one_that_names_its_inputs_does_not() {
    let settings = "
[[tier0.steps]]
name = 'reads'
command = ['git', 'log', '-1']
[[tier0.steps]]
name = 'names'
command = ['true']
inputs = ['src/**']
";
    let repository = Repository::new(&[("src/a.txt", "")], settings);
    repository.run();
    assert_eq!(step(&repository.run(), "reads").how, How::Cached);
    repository.git(&["commit", "-q", "--allow-empty", "-m", "more"]);
    let report = repository.run();
    assert_eq!(step(&report, "reads").explanation, "`history` changed");
    assert_eq!(step(&report, "names").how, How::Cached);
}

#[test]
fn a_new_day_runs_steps_that_read_the_date() {
    let settings = "
[[tier0.steps]]
name = 'open'
command = ['true']
[[tier0.steps]]
name = 'dated'
command = ['true']
inputs = ['src/**']
also_reads = ['day']
[[tier0.steps]]
name = 'undated'
command = ['true']
inputs = ['src/**']
";
    let repository = Repository::new(&[("src/a.txt", "")], settings);
    let clock = ManualClock::new(SystemClock::new().now());
    run_at(&repository, Mode::Affected, &clock);
    clock.advance(Duration::from_secs(86_400));
    let report = run_at(&repository, Mode::Affected, &clock);
    assert_eq!(step(&report, "open").explanation, "`day` changed");
    assert_eq!(step(&report, "dated").how, How::Ran);
    assert_eq!(step(&report, "undated").how, How::Cached);
}

/// Steps of every kind over a few files; each passes or fails by what it reads.
const MIXED: &str = "
[[tier0.steps]]
name = 'open'
command = ['sh', '-c', '! grep -rqs bad src state node_modules']
[[tier0.steps]]
name = 'named'
command = ['sh', '-c', '! grep -qs bad src/a.txt state/report.txt']
inputs = ['src/a.txt', 'state/report.txt']
[[tier0.steps]]
name = 'make'
command = ['sh', '-c', 'mkdir -p out && cat src/a.txt state/report.txt > out/made 2> /dev/null; true']
inputs = ['src/a.txt', 'state/report.txt']
outputs = ['out/made']
[[tier0.steps]]
name = 'use'
command = ['sh', '-c', '! grep -qs bad out/made']
inputs = ['none/**']
needs = ['make']
[[tier0.steps]]
name = 'tool'
command = ['tool']
[[tier0.steps]]
name = 'variables'
command = ['sh', '-c', 'case $CI$TZ$LANG$PIP_INDEX_URL$OWN_WORD in *bad*) exit 1;; esac']
inputs = ['none/**']
env = ['OWN_*']
[[tier0.steps]]
name = 'dated'
command = ['sh', '-c', '! grep -q bad \"$OWN_DAY\"']
inputs = ['src/**']
env = ['OWN_DAY']
also_reads = ['day']
[[tier0.steps]]
name = 'history'
command = ['sh', '-c', '! git log -1 --format=%s | grep -q bad']
inputs = ['src/**']
also_reads = ['history']
";
/// The clock of a step: a file outside the repository that says whether the day is a bad one.
const DAY_ENV: &str = "OWN_DAY";

/// A small generator whose numbers a seed decides.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// Whether it is a bad day, as a program sees it that asks the system's clock.
fn write_day(repository: &Repository, clock: &ManualClock) {
    let day = clock.now().as_micros() / 86_400_000_000;
    let word = if day % 2 == 0 { "fine" } else { "bad" };
    fs::write(&repository.variables[DAY_ENV], word).unwrap();
}

fn edit_variable(repository: &mut Repository, seed: &mut u64) -> String {
    const NAMES: [&str; 5] = ["CI", "TZ", "LANG", "PIP_INDEX_URL", "OWN_WORD"];
    let name = NAMES[usize::try_from(next(seed) % 5).unwrap()];
    let value = ["", "fine", "bad"][usize::try_from(next(seed) % 3).unwrap()];
    let variables = &mut repository.variables;
    variables.insert(name.to_owned(), value.to_owned());
    format!("{name}={value}")
}

fn edit(repository: &mut Repository, clock: &ManualClock, seed: &mut u64) -> String {
    const PATHS: [&str; 6] = [
        "src/a.txt",
        "src/b.txt",
        "state/report.txt",
        "state/deep/other.txt",
        "node_modules/lib/index.js",
        "out/made",
    ];
    let path = PATHS[usize::try_from(next(seed) % 6).unwrap()];
    match next(seed) % 12 {
        0 => {
            let _ = fs::remove_file(repository.root().join(path));
            format!("remove {path}")
        }
        1 => {
            clock.advance(Duration::from_secs(50_000));
            write_day(repository, clock);
            "later".to_owned()
        }
        8 | 9 => edit_variable(repository, seed),
        10 => {
            let word = ["fine", "bad"][usize::try_from(next(seed) % 2).unwrap()];
            repository.git(&["commit", "-q", "--allow-empty", "-m", word]);
            format!("commit {word}")
        }
        2 | 3 => {
            let code = next(seed) % 2;
            write_tool(repository, code);
            format!("tool {code}")
        }
        _ => {
            // Both have the same size.
            let text = ["fine", "bad!"][usize::try_from(next(seed) % 2).unwrap()];
            repository.write(path, text);
            format!("{path}: {text}")
        }
    }
}

#[cfg(unix)]
fn write_tool(repository: &Repository, code: u64) {
    use std::os::unix::fs::PermissionsExt;
    repository.write(
        "node_modules/.bin/tool",
        &format!("#!/bin/sh\nexit {code}\n"),
    );
    let path = repository.root().join("node_modules/.bin/tool");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn after_random_edits_a_cached_run_gives_what_a_fresh_one_gives() {
    let n_edits = std::env::var(EDITS_ENV).map_or(N_EDITS, |text| text.parse().unwrap());
    let mut repository = Repository::new(&[("src/a.txt", "fine"), ("src/b.txt", "fine")], MIXED);
    repository.write(".gitignore", "/.tollgate\n/state\n/out\n/node_modules\n");
    write_tool(&repository, 0);
    let clock = ManualClock::new(SystemClock::new().now());
    let day = tempfile::NamedTempFile::new().unwrap();
    let path = day.path().display().to_string();
    repository.variables.insert(DAY_ENV.to_owned(), path);
    write_day(&repository, &clock);
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let mut edits = Vec::new();
    let outcomes = |report: &TierReport| -> BTreeMap<String, Outcome> {
        let steps = report.record.steps.iter();
        steps
            .map(|step| (step.name.clone(), step.outcome))
            .collect()
    };
    let mut n_cached = 0;
    for n in 0..n_edits {
        for _ in 0..=next(&mut seed) % 2 {
            edits.push(edit(&mut repository, &clock, &mut seed));
        }
        if n % 10 == 9 {
            // What a step gets from the settings changes, too.
            repository.settings = match repository.settings.strip_prefix("may_be_missing = ['x']\n")
            {
                Some(rest) => rest.to_owned(),
                None => format!("may_be_missing = ['x']\n{}", repository.settings),
            };
        }
        let cached = run_at(&repository, Mode::Affected, &clock);
        n_cached += cached
            .record
            .steps
            .iter()
            .filter(|step| step.how == How::Cached)
            .count();
        let fresh = run_at(&repository, Mode::All, &clock);
        let last = &edits[edits.len().saturating_sub(6)..];
        assert_eq!(
            outcomes(&cached),
            outcomes(&fresh),
            "after {last:?}: {cached:#?}"
        );
    }
    println!("{n_edits} rounds of edits, {n_cached} steps from the cache");
    assert!(n_cached > 0);
}
