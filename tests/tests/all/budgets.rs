//! Chapter five: measurements are held against promises, and too few of them decide nothing.

use tollgate_tests::repository::Repository;
use tollgate_tests::tool;

const SLA: &str = r#"{
  "version": 1,
  "limits": {
    "api.latency.p95": { "measurement": "api.latency", "statistic": "p95", "unit": "ms", "target": 400, "critical": 800 }
  }
}
"#;

fn check(p95_ms: f64, n: u64) -> (Repository, tollgate_tests::tool::Run) {
    let measurements = serde_json::json!({
        "version": 1,
        "measurements": [{ "id": "api.latency", "unit": "ms", "percentiles": { "p95": p95_ms }, "count": n }],
    });
    let repository = Repository::new(&[
        ("budgets/performance_sla.json", SLA),
        ("measured.json", &measurements.to_string()),
    ]);
    let run = repository.run(&["budget", "check", "measured.json"]);
    (repository, run)
}

#[test]
fn a_kept_promise_passes() {
    let (_, run) = check(300.0, 1_000);
    run.expect_code(0).expect_says(&[
        "api.latency.p95",
        "within",
        "budgets: pass: 1 pass, 0 fail, 0 unmeasured; 1 of 1 limits",
    ]);
}

#[test]
fn over_critical_fails_with_measured_and_limit_and_replays() {
    let (repository, run) = check(900.0, 1_000);
    run.expect_code(3).expect_says(&[
        "over critical: api.latency.p95: p95 900 ms",
        "critical ≤ 800 ms",
    ]);
    repository
        .run(&["replay", &run.evidence()])
        .expect_code(0)
        .expect_says(&["byte for byte"]);
}

#[test]
fn too_few_samples_are_inconclusive_however_good_or_bad() {
    for p95_ms in [300.0, 900.0] {
        let (_, run) = check(p95_ms, 5);
        run.expect_code(7)
            .expect_says(&["not enough data", "5 of 59 samples that p95 requires"]);
    }
}

#[test]
fn a_measurement_that_can_not_be_read_names_its_line_and_the_units() {
    let (repository, _) = check(300.0, 1_000);
    repository.write(
        "measured.json",
        "{ \"version\": 1,\n  \"measurements\": [\n    { \"id\": \"api.latency\", \"unit\": \"furlong\", \"value\": 1 }]}",
    );
    repository
        .run(&["budget", "check", "measured.json"])
        .expect_code(5)
        .expect_says(&["measured.json:3:", "`furlong`", "`ms`"]);
    repository
        .run(&["budget", "check", "nothing.json"])
        .expect_code(6)
        .expect_says(&["nothing.json", "tollgate ship"]);
}

const UNMEASURED: &str = r#"{"version": 1, "measurements": []}"#;

#[test]
fn a_promise_that_nothing_measured_fails_in_ci_unless_the_settings_name_it() {
    let (repository, _) = check(300.0, 1_000);
    repository.write("none.json", UNMEASURED);
    let check = ["budget", "check", "none.json"];
    repository
        .run(&check)
        .expect_code(0)
        .expect_says(&["0 pass, 0 fail, 1 unmeasured"]);
    let strict = ["--strict", "budget", "check", "none.json"];
    repository
        .run(&strict)
        .expect_code(3)
        .expect_says(&["error[budget-unmeasured]", "[budgets.unmeasured]"]);
    let run = tool::run_with(repository.path(), &check, &[("CI", "true")]);
    run.expect_code(3);
    let allowed = "[budgets.unmeasured]\n\"api.latency.p95\" = \"2999-12-31\"\n";
    repository.write("tollgate.toml", allowed);
    repository.run(&strict).expect_code(0);
    repository.write("tollgate.toml", &allowed.replace("2999", "2020"));
    repository
        .run(&strict)
        .expect_code(3)
        .expect_says(&["the settings allowed that until 2020-12-31"]);
}

#[test]
fn a_promise_that_a_branch_loosens_needs_a_waiver() {
    let (repository, _) = check(300.0, 1_000);
    repository.git(&["checkout", "--quiet", "-b", "change"]);
    repository.replace("budgets/performance_sla.json", "800", "1600");
    repository.commit("slower");
    let check = ["budget", "check", "measured.json"];
    let run = repository.run(&check);
    run.expect_code(3).expect_says(&[
        "was loosened from 800 ms to 1600 ms",
        "budgets/performance_sla.json:4:",
    ]);
    repository
        .run(&["replay", &run.evidence()])
        .expect_code(0)
        .expect_says(&["byte for byte"]);
    repository.write("tollgate.toml", "[waivers]\ndays_max = 400000\n");
    repository.write(
        "waivers/slow.toml",
        "loosens = \"budget-limit-raised\"\nscope = \"limits.api.latency.p95\"\nowner = \"ada\"\nreason = \"new store\"\nexpires = 2999-12-31\n",
    );
    repository.run(&check).expect_code(0).expect_says(&[
        "waived until 2999-12-31 by `ada`: new store",
        "info[waiver-live]",
    ]);
}

#[test]
fn an_objective_that_leaves_nothing_to_spend_is_refused_with_its_key() {
    let (repository, _) = check(300.0, 1_000);
    repository.write("tollgate.toml", "[budgets.slo.api]\nobjective = \"100%\"\n");
    repository
        .run(&["budget", "check", "measured.json"])
        .expect_code(5)
        .expect_says(&["budgets.slo.api", "objective", "tollgate.toml:2:1"]);
}
