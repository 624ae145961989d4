//! A running service against its contract: the hub keeps to its own, and each seeded defect of a
//! small service is told with the request that shows it.

use std::sync::LazyLock;

use tollgate_tests::defects::{self, DEFECTS};
use tollgate_tests::hub::{Hub, KEY};
use tollgate_tests::repository::Repository;
use tollgate_tests::tool::workspace;

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Runtime::new().expect("a runtime starts"));

/// The arguments of a run against the service with defects.
fn args<'a>(base: &'a str, contract: &'a str, n: &'a str) -> Vec<&'a str> {
    vec![
        "contract",
        "conform",
        base,
        "--contract",
        contract,
        "--seed",
        "1",
        "--max-requests",
        n,
        "--header",
        "authorization: Bearer items-key",
    ]
}

fn contract() -> String {
    let path = workspace().join("tests/fixtures/items.yaml");
    path.display().to_string()
}

#[test]
fn the_hub_conforms_to_its_contracts() {
    let repository = Repository::new(&[]);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let hub = Hub::start(folder.path());
    let files = ["contracts/openapi.yaml", "contracts/asyncapi.yaml"]
        .map(|file| workspace().join(file).display().to_string());
    let header = format!("authorization: Bearer {KEY}");
    let run = repository.run(&[
        "contract",
        "conform",
        &hub.base,
        "--contract",
        &files[0],
        &files[1],
        "--seed",
        "7",
        "--max-requests",
        "300",
        "--header",
        &header,
    ]);
    run.expect_code(0)
        .expect_says(&["conform: pass", "300 requests"]);
}

#[test]
fn a_service_without_defects_passes_and_one_with_a_defect_shows_the_request() {
    let repository = Repository::new(&[]);
    let contract = contract();
    for (defect, code, says) in [
        ("", 0, &["conform: pass"][..]),
        (
            "missing-header",
            3,
            &[
                "error[conform-header-missing]",
                "curl -sS -i -X POST",
                "$AUTHORIZATION",
            ],
        ),
        (
            "deleted-stays",
            3,
            &["error[conform-deleted-readable]", "is still read"],
        ),
    ] {
        let (base, task) = RUNTIME
            .block_on(defects::start(defect))
            .expect("a free port");
        let run = repository.run(&args(&base, &contract, "200"));

        run.expect_code(code).expect_says(says);
        assert!(!run.stdout.contains("items-key"), "the key is printed");
        task.abort();
    }
}

#[test]
fn the_same_seed_sends_the_same_requests() {
    let repository = Repository::new(&[]);
    let contract = contract();
    let reports: Vec<serde_json::Value> = (0..2)
        .map(|_| {
            let (base, task) = RUNTIME
                .block_on(defects::start("wrong-type"))
                .expect("a free port");
            let mut args = args(&base, &contract, "150");
            args.extend(["--format", "json"]);
            let mut json = repository.run(&args).expect_code(3).json();
            task.abort();
            let text = json["failures"].to_string().replace(&base, "BASE");
            json["failures"] = text.into();
            json["evidence"] = "".into();
            json
        })
        .collect();
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0]["version"], 1);
}

#[test]
fn another_host_is_refused_before_anything_is_sent() {
    let repository = Repository::new(&[]);
    let contract = contract();
    repository
        .run(&args("http://192.0.2.1:9", &contract, "5"))
        .expect_code(2)
        .expect_says(&["--allow-host 192.0.2.1"]);
}

#[test]
fn an_unreachable_service_is_an_environment_error() {
    let repository = Repository::new(&[]);
    let contract = contract();
    repository
        .run(&args("http://127.0.0.1:9", &contract, "50"))
        .expect_code(6);
}

#[test]
fn every_defect_has_a_name_of_its_own() {
    let mut names: Vec<&str> = DEFECTS.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DEFECTS.len());
    assert!(names.len() >= 15);
}
