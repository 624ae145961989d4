//! Chapter four: what is measured may only get better.

use tollgate_tests::repository::Repository;

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
        .expect_says(&["coverage_percent_min: 70 → 80"]);
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
    waive("coverage_percent", "2999-01-31")
        .expect_code(2)
        .expect_says(&["did you mean `coverage_percent_min`?"]);
    waive("coverage_percent_min", "tomorrow")
        .expect_code(2)
        .expect_says(&["`tomorrow`", "YYYY-MM-DD"]);
    waive("coverage_percent_min", "2999-01-31").expect_code(0);
    repository
        .run(&["ratchet", "check"])
        .expect_code(0)
        .expect_says(&[
            "waived until 2999-01-31 by `ada`: big move",
            "live waivers: 1",
        ]);
    repository.replace("ratchet/waivers/coverage_percent_min.toml", "2999", "2020");
    repository
        .run(&["ratchet", "check"])
        .expect_code(3)
        .expect_says(&["the waiver of `coverage_percent_min` expired after 2020-01-31"]);
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
    let ancestor = repository.read(FLOORS);
    repository.write("ours.json", &ancestor.replace("80.0", "85.0"));
    repository.write(
        "theirs.json",
        &ancestor
            .replace("80.0", "83.0")
            .replace("\"floor\": 2.0", "\"floor\": 1.0"),
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
