//! Chapter four: what is measured may only get better.

use tollgate_report::{Clock as _, Day, SystemClock};
use tollgate_tests::repository::Repository;
use tollgate_tests::tool;

const FLOORS: &str = "quality_ratchet.json";
const SETTINGS: &str = "[ratchet]\nreports = [\"lcov.info\"]\n";

/// An LCOV report of one file with 100 lines, so many of them covered.
fn lcov(n_covered: usize) -> String {
    let lines: String = (1..=100)
        .map(|line| format!("DA:{line},{}\n", usize::from(line <= n_covered)))
        .collect();
    format!("SF:src/lib.rs\n{lines}end_of_record\n")
}

/// A repository whose floor of coverage is 80 %, by measurement, committed.
fn at_80() -> Repository {
    let repository = Repository::new(&[("tollgate.toml", SETTINGS), ("lcov.info", &lcov(80))]);
    repository
        .run(&["ratchet", "tighten"])
        .expect_code(0)
        .expect_says(&["coverage_percent_min: none → 80"]);
    repository.commit("floors");
    repository
}

fn floor(repository: &Repository, metric: &str) -> f64 {
    let floors: serde_json::Value =
        serde_json::from_str(&repository.read(FLOORS)).expect("floors are JSON");
    floors["metrics"][metric]["floor"]
        .as_f64()
        .expect("a floor")
}

#[test]
fn without_floors_the_check_says_how_to_write_the_first_ones() {
    Repository::new(&[("tollgate.toml", SETTINGS), ("lcov.info", &lcov(80))])
        .run(&["ratchet", "check"])
        .expect_code(5)
        .expect_says(&[FLOORS, "tollgate ratchet tighten"]);
}

#[test]
fn a_floor_rises_with_the_measurement_and_breaks_under_it() {
    let repository = at_80();
    repository.run(&["ratchet", "check"]).expect_code(0);
    repository.write("lcov.info", &lcov(90));
    repository
        .run(&["ratchet", "tighten", "--dry-run"])
        .expect_code(0)
        .expect_says(&["80 → 90"]);
    assert_eq!(floor(&repository, "coverage_percent_min"), 80.0);
    repository.run(&["ratchet", "tighten"]).expect_code(0);
    assert_eq!(floor(&repository, "coverage_percent_min"), 90.0);
    repository.write("lcov.info", &lcov(60));
    repository.run(&["ratchet", "tighten"]).expect_code(0);
    assert_eq!(
        floor(&repository, "coverage_percent_min"),
        90.0,
        "nothing loosens a floor"
    );
    repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .expect_says(&["fail: coverage_percent_min: 60 is worse than 90 (60 of 100 lines)"]);
    repository
        .run(&["ratchet", "show"])
        .expect_code(0)
        .expect_says(&["coverage_percent_min", "-30", "trend report"]);
}

#[test]
fn the_verdict_is_explained_and_computed_again_byte_for_byte() {
    let repository = at_80();
    repository.write("lcov.info", &lcov(60));
    let id = repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .evidence();
    repository
        .run(&["explain", &id])
        .expect_code(0)
        .expect_says(&[
            "gate     ratchet",
            "verdict  fail",
            "error[floor-broken]",
            "input    ratchet",
        ]);
    // The inputs are kept: what the files say by now does not matter.
    repository.write("lcov.info", &lcov(100));
    repository.write(FLOORS, "{}");
    repository
        .run(&["replay", &id])
        .expect_code(0)
        .expect_says(&["the same verdict as recorded, byte for byte"]);
    let json = repository.run(&["replay", &id, "--format", "json"]);
    let replayed = json.expect_code(0).json();
    assert_eq!(replayed["same"], true);
    assert_eq!(replayed["recorded"], replayed["replayed"]);
}

#[test]
fn a_waiver_excuses_a_metric_until_its_last_day() {
    let repository = at_80();
    repository.write("lcov.info", &lcov(60));
    let waive = |metric: &str, expires: &str| {
        repository.run(&[
            "ratchet",
            "waive",
            metric,
            "--owner",
            "ada",
            "--reason",
            "big move",
            "--expires",
            expires,
        ])
    };
    let today = Day::of(SystemClock::new().now());
    let last = today.plus_days(30).to_string();
    waive("coverage_percent", &last)
        .expect_code(2)
        .expect_says(&["did you mean `coverage_percent_min`?"]);
    for (day, said) in [
        ("tomorrow", "a day is written as YYYY-MM-DD"),
        ("2999-02-30", "there is no such day"),
        ("2020-01-31", "is in the past"),
        ("2999-01-31", "is the last day allowed"),
    ] {
        waive("coverage_percent_min", day)
            .expect_code(2)
            .expect_says(&[&format!("`--expires {day}`"), said]);
    }
    waive("coverage_percent_min", &last).expect_code(0);
    repository
        .run(&["ratchet", "check"])
        .expect_code(0)
        .expect_says(&[
            &format!("waived until {last} by `ada`: big move"),
            "live waivers: 1",
        ]);
    // The waiver was written for what was measured then.
    repository.write("lcov.info", &lcov(59));
    repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .expect_says(&["allows no worse than 60"]);
    repository.replace(
        "ratchet/waivers/coverage_percent_min.toml",
        &last,
        "2020-01-31",
    );
    repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .expect_says(&["the waiver of `coverage_percent_min` expired after 2020-01-31"]);
}

#[test]
fn a_waiver_without_an_owner_or_a_reason_is_refused() {
    let repository = at_80();
    for (owner, reason, flag) in [
        ("", "r", "`--owner` is empty"),
        ("o", " ", "`--reason` is empty"),
    ] {
        let day = Day::of(SystemClock::new().now()).to_string();
        let words = [
            "ratchet",
            "waive",
            "coverage_percent_min",
            "--expires",
            &day,
        ];
        let words = [&words[..], &["--owner", owner, "--reason", reason]].concat();
        repository.run(&words).expect_code(2).expect_says(&[flag]);
    }
}

#[test]
fn a_loosened_floor_is_refused_with_its_own_finding() {
    let repository = at_80();
    repository.replace(FLOORS, "80.0", "50.0");
    let run = repository.run(&["ratchet", "check"]);
    run.expect_code(3)
        .expect_says(&["the floor of `coverage_percent_min` was loosened from 80 to 50"]);
    repository
        .run(&["explain", &run.evidence()])
        .expect_says(&["error[floor-loosened]", "tollgate ratchet waive"]);
    repository.run(&["replay", &run.evidence()]).expect_code(0);
}

#[test]
fn a_merge_keeps_the_stricter_floor_of_both_sides() {
    let repository = at_80();
    let line = "\n    \"flaky_test_count_max\": {\"unit\": \"count\", \"direction\": \"down\", \"floor\": 2.0}\n";
    let ancestor = repository
        .read(FLOORS)
        .replace("}\n  }", &format!("}},{line}  }}"));
    repository.write(FLOORS, &ancestor);
    repository.write("ours.json", &ancestor.replace("80.0", "85.0"));
    repository.write(
        "theirs.json",
        &ancestor.replace("80.0", "83.0").replace("2.0", "1.0"),
    );
    let merge = ["ratchet", "merge", FLOORS, "ours.json", "theirs.json"];
    repository.run(&merge).expect_code(0);
    let merged = repository.read("ours.json");
    assert!(merged.contains("\"floor\": 85.0"), "{merged}");
    assert!(merged.contains("\"flaky_test_count_max\": {\"unit\": \"count\", \"direction\": \"down\", \"floor\": 1.0}"), "{merged}");
    repository.write("theirs.json", "{");
    repository.run(&merge).expect_code(3);
    assert_eq!(
        repository.read("ours.json"),
        merged,
        "what can't be merged is left alone"
    );
}

const CI: [(&str, &str); 1] = [("CI", "true")];

#[test]
fn a_report_that_is_missing_fails_in_ci_and_not_on_a_desk() {
    let settings = "[ratchet]\nreports = [\"unit.info\", \"shards/*/lcov.info\"]\n";
    let repository = Repository::new(&[
        ("tollgate.toml", settings),
        ("unit.info", &lcov(80)),
        ("shards/0/lcov.info", &lcov(80).replace("lib.rs", "a.rs")),
        ("shards/1/lcov.info", &lcov(20).replace("lib.rs", "b.rs")),
    ]);
    repository
        .run(&["ratchet", "tighten"])
        .expect_code(0)
        .expect_says(&["coverage_percent_min: none → 60"]);
    repository.commit("floors");
    let check = || tool::run_with(repository.path(), &["ratchet", "check"], &CI);
    check().expect_code(0);
    let all = repository.read("shards/1/lcov.info");
    let settings_with =
        |more: &str| repository.write("tollgate.toml", &format!("{settings}{more}"));
    repository.git(&["rm", "--quiet", "shards/1/lcov.info"]);
    settings_with("[ratchet.report_files]\n\"shards/*/lcov.info\" = 2\n");
    check().expect_code(3).expect_says(&[
        "report-incomplete",
        "1 of 2 reports of `shards/*/lcov.info` exist",
    ]);
    repository
        .run(&["ratchet", "tighten"])
        .expect_code(3)
        .expect_says(&["cannot tighten the floors"]);
    repository.write("shards/1/lcov.info", &repository.read("shards/0/lcov.info"));
    check().expect_code(3).expect_says(&[
        "report-repeated",
        "`shards/0/lcov.info` and `shards/1/lcov.info`",
    ]);
    repository.write("shards/1/lcov.info", &all);
    check().expect_code(0);
    for path in ["unit.info", "shards"] {
        repository.git(&["rm", "--quiet", "-r", "-f", "--ignore-unmatch", path]);
    }
    let _ = std::fs::remove_dir_all(repository.path().join("shards"));
    check().expect_code(3).expect_says(&[
        "the report `unit.info` does not exist",
        "no report matches `shards/*/lcov.info`",
        "`coverage_percent_min` was not measured",
    ]);
    repository.run(&["ratchet", "check"]).expect_code(0);
    settings_with(
        "[ratchet.unmeasured]\n\"unit.info\" = \"2999-01-01\"\n\"shards/*/lcov.info\" = \"2999-01-01\"\ncoverage_percent_min = \"2999-01-01\"\n",
    );
    // The change that allows it needs a waiver; afterwards it is agreed.
    check().expect_code(3).expect_says(&["settings-unmeasured"]);
    repository.commit("agreed");
    repository.commit("next");
    check().expect_code(0);
}

#[test]
fn a_report_older_than_the_step_that_writes_it_is_unmeasured() {
    let step = "[[tiers.tier1.steps]]\nname = \"unit\"\ncommand = [\"sh\", \"-c\", \"test ! -e fresh || cp fresh lcov.info\"]\noutputs = [\"lcov.info\"]\n\n";
    let repository = Repository::new(&[("tollgate.toml", &format!("{step}{SETTINGS}"))]);
    repository.write(".gitignore", ".tollgate/\n*.info\n");
    repository.write("lcov.info", &lcov(80));
    repository.run(&["ratchet", "tighten"]).expect_code(0);
    repository.commit("floors");
    let check = || tool::run_with(repository.path(), &["ratchet", "check"], &CI);
    check().expect_code(0);
    repository.run(&["tier1", "--all"]).expect_code(0);
    check().expect_code(3).expect_says(&["report-stale"]);
    repository.write("fresh", &lcov(80));
    repository.run(&["tier1", "--all"]).expect_code(0);
    check().expect_code(0);
}

#[test]
fn a_report_with_failed_tests_fails() {
    let junit = "<testsuite name=\"s\"><testcase name=\"good\"/><testcase name=\"bad\"><failure/></testcase></testsuite>";
    let repository = Repository::new(&[
        ("tollgate.toml", "[ratchet]\nreports = [\"junit.xml\"]\n"),
        ("junit.xml", junit),
        (
            FLOORS,
            "{\"version\": 1, \"metrics\": {\"test_count_min\": {\"unit\": \"count\", \"direction\": \"up\", \"floor\": 2}}}",
        ),
    ]);
    repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .expect_says(&["tests-failed", "1 tests failed", "failed: bad"]);
}

#[test]
fn the_history_travels_to_a_fresh_checkout_as_a_union() {
    let settings = "[ratchet.metrics.startup_ms]\nunit = \"ms\"\ndirection = \"down\"\ntolerance = \"5%\"\ncommand = [\"cat\", \"now.json\"]\n";
    let floors = "{\"version\": 1, \"metrics\": {\"startup_ms\": {\"unit\": \"ms\", \"direction\": \"down\", \"floor\": 100, \"tolerance_percent\": 5}}}";
    let one = Repository::new(&[
        ("tollgate.toml", settings),
        (FLOORS, floors),
        ("now.json", "{\"value\": 91}"),
    ]);
    let bare = tempfile::tempdir().expect("a temporary folder");
    let bare = bare.path().join("origin.git");
    let bare = bare.to_str().expect("a plain name");
    one.git(&["clone", "--quiet", "--bare", ".", bare]);
    one.git(&["remote", "add", "origin", bare]);
    one.git(&["fetch", "--quiet"]);
    let clone = || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_str().expect("a plain name").to_owned();
        one.git(&["clone", "--quiet", bare, &path]);
        folder
    };
    let run = |folder: &std::path::Path, words: &[&str]| tool::run_with(folder, words, &CI);
    for _ in 0..12 {
        // Each run is a fresh checkout that knows only what the ref holds.
        let fresh = clone();
        run(fresh.path(), &["ratchet", "check"]).expect_code(0);
        run(fresh.path(), &["ratchet", "history", "push"])
            .expect_code(0)
            .expect_says(&["1 sent"]);
    }
    // Two checkouts that do not know of each other: neither value is lost.
    let (left, right) = (clone(), clone());
    for folder in [&left, &right] {
        std::fs::write(folder.path().join("now.json"), "{\"value\": 300}").expect("a file");
        run(folder.path(), &["ratchet", "check"]).expect_code(0);
    }
    for folder in [&left, &right] {
        run(folder.path(), &["ratchet", "history", "push"]).expect_code(0);
    }
    let last = clone();
    run(last.path(), &["ratchet", "history", "fetch"])
        .expect_code(0)
        .expect_says(&["14 recorded values, 14 of them received"]);
    std::fs::write(last.path().join("now.json"), "{\"value\": 300}").expect("a file");
    let codes: Vec<Option<i32>> = (0..3)
        .map(|_| run(last.path(), &["ratchet", "check"]).code)
        .collect();
    assert_eq!(
        codes,
        [Some(0), Some(0), Some(3)],
        "the fifth slow run in a row fails"
    );
}

/// The lines and branches of a change, compared with the base on a branch of its own.
#[test]
fn the_changed_lines_and_branches_are_counted_against_the_base() {
    let repository = Repository::new(&[
        ("tollgate.toml", SETTINGS),
        ("lcov.info", &lcov(80)),
        ("src/lib.rs", "one\ntwo\nthree\n"),
    ]);
    repository.run(&["ratchet", "tighten"]).expect_code(0);
    repository.commit("floors");
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    repository.write("src/lib.rs", "one\nTWO\nthree\nfour\n");
    let report = lcov(80).replace("DA:2,1\n", "DA:2,1\nBRDA:2,0,0,1\nBRDA:2,0,1,-\n");
    repository.write(
        "lcov.info",
        &report
            .replace("DA:4,1\n", "DA:4,0\n")
            .replace("DA:81,0", "DA:81,1"),
    );
    repository.commit("change");
    repository
        .run(&["ratchet", "check"])
        .expect_code(0)
        .expect_says(&["1 of 2 changed lines ran (50%), and 1 of 2 branches in them"]);
    let settings = format!("{SETTINGS}patch_coverage_min = \"80%\"\n");
    repository.write("tollgate.toml", &settings);
    repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .expect_says(&["patch-coverage", "src/lib.rs:4", "patch-uncovered"]);
}

#[test]
fn a_recorded_value_names_its_branch_and_commit() {
    let repository = at_80();
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    repository.run(&["ratchet", "check"]).expect_code(0);
    let history = repository.read(".tollgate/ratchet-history.ndjson");
    let last = history.lines().last().unwrap_or_default();
    assert!(last.contains(r#""branch":"topic","revision":""#), "{last}");
}

#[test]
fn the_check_alone_reports_settings_that_measure_less() {
    let repository = at_80();
    repository.git(&["checkout", "--quiet", "-b", "topic"]);
    let settings =
        format!("{SETTINGS}[ratchet.unmeasured]\ncoverage_percent_min = \"2099-12-31\"\n");
    repository.write("tollgate.toml", &settings);
    repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .expect_says(&[
            "settings-unmeasured",
            "ratchet.unmeasured.coverage_percent_min",
        ]);
}
