//! Chapter six: synthetic users look at a running service, here a real hub.

use std::fs;
use std::net::TcpListener;

use tollgate_tests::hub::{Hub, KEY};
use tollgate_tests::repository::Repository;
use tollgate_tests::tool::{Run, run_with, workspace};

const PROBES: &str = r#"
[[probes]]
name = "health"
[probes.http]
path = "/health"
operation = "getHealth"

[[probes]]
name = "projects"
secret_env = { key = "PROBE_KEY" }
[probes.journey]
[[probes.journey.steps]]
name = "create"
method = "POST"
path = "/api/v1/projects"
headers = { authorization = "Bearer {key}" }
json = { id = "probe-{run}", name = "Probe" }
operation = "createProject"
expect.status = [201]
capture = { id = { pointer = "/id" } }
[[probes.journey.steps]]
name = "read"
path = "/api/v1/projects/{id}"
headers = { authorization = "Bearer {key}" }
operation = "getProject"
[[probes.journey.cleanup]]
name = "archive"
method = "DELETE"
path = "/api/v1/projects/{id}"
headers = { authorization = "Bearer {key}" }
expect.status = [204]

[[probes]]
name = "events"
secret_env = { key = "PROBE_KEY" }
[probes.websocket]
path = "/ws"
headers = { authorization = "Bearer {key}" }

[[probes]]
name = "memory"
[probes.metrics]
path = "/metrics"
checks = [{ metric = "process_resident_memory_bytes", op = "<", value = "500MiB" }]
"#;

/// A repository with these probes and the hub's own contract.
fn repository() -> Repository {
    let contract = |name: &str| {
        fs::read_to_string(workspace().join("contracts").join(name)).expect("our contract")
    };
    Repository::new(&[
        ("tollgate.toml", PROBES),
        ("contracts/openapi.yaml", &contract("openapi.yaml")),
        ("contracts/asyncapi.yaml", &contract("asyncapi.yaml")),
    ])
}

fn probe(repository: &Repository, base: &str, more: &[&str]) -> Run {
    let args = [
        &["probe", "run", "--base", base, "--junit", "probes.xml"],
        more,
    ]
    .concat();
    run_with(repository.path(), &args, &[("PROBE_KEY", KEY)])
}

/// An address at which nobody listens: its port was free a moment ago.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

/// Everything that a run left on disk, as text.
fn left_behind(repository: &Repository) -> String {
    let evidence = repository.read(".tollgate/evidence.ndjson");
    let inputs = fs::read_dir(repository.path().join(".tollgate/inputs")).expect("inputs are kept");
    inputs
        .map(|input| fs::read_to_string(input.expect("an entry").path()).unwrap_or_default())
        .fold(evidence, |all, text| all + &text)
}

#[test]
fn a_healthy_hub_passes_every_probe_and_no_secret_is_shown() {
    let repository = repository();
    let hub = Hub::start(repository.path());
    let run = probe(&repository, &hub.base, &["--format", "json"]);
    run.expect_code(0);
    let results = run.json()["results"].clone();
    let states: Vec<(&str, &str)> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            (
                result["name"].as_str().unwrap(),
                result["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("health", "pass"),
            ("projects", "pass"),
            ("events", "pass"),
            ("memory", "pass")
        ]
    );
    let junit = repository.read("probes.xml");
    assert!(
        junit.contains("tests=\"4\" failures=\"0\" errors=\"0\""),
        "{junit}"
    );
    let all = run.all() + &junit + &left_behind(&repository);
    assert!(!all.contains(KEY), "the key is shown");
    let only = probe(&repository, &hub.base, &["health"]);
    only.expect_code(0).expect_says(&["1 of 1 probes pass"]);
}

#[test]
fn an_unreachable_service_fails_with_its_address_and_the_reason() {
    let repository = repository();
    let base = closed();
    let run = probe(&repository, &base, &[]);
    let addr = base.trim_start_matches("http://");
    run.expect_code(3).expect_says(&[
        "probes: fail: 0 of 4 probes pass",
        &format!("no connection to `{addr}`: Connection refused"),
    ]);
    let junit = repository.read("probes.xml");
    assert!(junit.contains("failures=\"4\""), "{junit}");
    assert!(junit.contains("<failure type=\"connect\""), "{junit}");
    let all = run.all() + &junit + &left_behind(&repository);
    assert!(!all.contains(KEY), "the key is shown");
    repository
        .run(&["replay", &run.evidence()])
        .expect_code(0)
        .expect_says(&["byte for byte"]);
}

#[test]
fn a_probe_that_could_not_run_never_passes() {
    let repository = repository();
    let hub = Hub::start(repository.path());
    let run = repository.run(&["probe", "run", "--base", &hub.base]);
    run.expect_code(6)
        .expect_says(&["PROBE_KEY", "2 could not measure"]);
    repository
        .run(&["probe", "run", "--base", "nowhere"])
        .expect_code(2)
        .expect_says(&["`nowhere`", "http://"]);
    repository
        .run(&["probe", "run", "helth", "--base", &hub.base])
        .expect_code(2)
        .expect_says(&["did you mean `health`?"]);
}

#[test]
fn load_measures_a_hub_on_this_machine_and_refuses_any_other() {
    let repository = repository();
    repository
        .run(&["load", "http://example.com/health"])
        .expect_code(2)
        .expect_says(&["not on this machine", "--allow-host"]);
    let hub = Hub::start(repository.path());
    let url = format!("{}/health", hub.base);
    let load = |more: &[&str]| {
        let args = ["load", &url, "--rate", "50", "--duration", "2s"];
        repository.run(&[&args[..], more].concat())
    };
    load(&["--errors", "0%"]).expect_code(0).expect_says(&[
        "100 planned, 100 sent, 100 ok",
        "from the intended send time: p50",
    ]);
    let nothing = format!("{}/nothing", hub.base);
    repository
        .run(&["load", &nothing, "--duration", "1s", "--errors", "1%"])
        .expect_code(3)
        .expect_says(&["share of errors", "at most 1"]);
}
