//! What settings accept and refuse.

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    probes: Vec<Probe>,
}

#[track_caller]
fn parse_error(text: &str) -> String {
    toml::from_str::<File>(text).unwrap_err().to_string()
}

const GOOD: &str = r#"
[[probes]]
name = "health"
target = "200ms"
secret_env = { key = "TOLLGATE_KEY" }
[probes.http]
path = "/health"
operation = "getHealth"
headers = { authorization = "Bearer {key}" }
expect.status = [200]

[[probes]]
name = "memory"
[probes.metrics]
checks = [{ metric = "process_resident_memory_bytes", op = "<", value = "500MiB" }]
"#;

#[test]
fn a_probe_reads_back_as_it_was_written() {
    let file: File = toml::from_str(GOOD).unwrap();
    assert_eq!(check(&file.probes), []);
    let json = serde_json::to_string(&file.probes).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<Probe>>(&json).unwrap(),
        file.probes
    );
    assert_eq!(file.probes[0].failures_before_down, 3);
}

#[test]
fn an_unknown_key_is_reported_on_its_line() {
    let error = parse_error("[[probes]]\nname = \"a\"\n[probes.http]\npth = \"/\"\n");
    assert!(error.contains("line 4"), "{error}");
    assert!(error.contains("unknown field `pth`"), "{error}");
}

#[test]
fn a_probe_has_exactly_one_kind() {
    let none = parse_error("[[probes]]\nname = \"a\"\n");
    assert!(none.contains("it has 0"), "{none}");
    let two = parse_error("[[probes]]\nname = \"a\"\nhttp = {}\nmetrics = {}\n");
    assert!(two.contains("it has 2"), "{two}");
}

#[test]
fn what_a_type_cannot_refuse_the_check_refuses() {
    let cases = [
        (
            "http = { expect = { body_matches = [\"(\"] } }",
            "regular expression",
        ),
        (
            "http = { expect = { json = [{ pointer = \"id\" }] } }",
            "JSON pointer",
        ),
        ("http = { body = \"x\", json = 1 }", "exclude each other"),
        ("http = { capture = { id = {} } }", "exactly one of"),
        ("http = { method = \"GE T\" }", "not an HTTP method"),
        ("journey = {}", "at least one step"),
        (
            "metrics = { checks = [{ metric = \"m\", op = \"<\", value = \"5 apples\" }] }",
            "5 apples",
        ),
        ("load = { connections = 0 }", "`connections`"),
        ("load = { rate = 0.0 }", "`rate`"),
        ("command = {}", "`program` is empty"),
        ("tcp = { address = \"localhost\" }", "localhost:5432"),
        ("http = {}\nfailures_before_down = 0", "at least 1"),
    ];
    for (text, want) in cases {
        let file: File = toml::from_str(&format!("[[probes]]\nname = \"a\"\n{text}\n")).unwrap();
        let findings = check(&file.probes);
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        assert!(findings[0].message.contains(want), "{text}: {findings:?}");
    }
}

#[test]
fn the_schema_for_editors_knows_every_kind() {
    let schema = serde_json::to_value(schemars::schema_for!(Probe)).unwrap();
    for kind in Kind::ALL {
        assert!(schema["properties"].get(kind.word()).is_some(), "{kind}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
