//! A conversation with a made-up service: what is asked, what is told, and that it is the same for
//! the same seed.

use tollgate_contracts_conform::{Answer, ConformSettings, Report, Request, Session, curl};
use tollgate_contracts_model::parse_contract;

const NOTES: &str = r##"{
  "openapi": "3.1.0", "info": {"title": "Notes", "version": "1"},
  "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
  "security": [{"key": []}],
  "paths": {"/notes": {"post": {
    "operationId": "createNote",
    "requestBody": {"required": true, "content": {"application/json": {"schema": {
      "type": "object", "required": ["text"], "additionalProperties": false,
      "properties": {"text": {"type": "string", "minLength": 1, "maxLength": 20},
                     "pinned": {"type": "boolean"}, "colour": {"enum": ["red", "blue"]}}}}}},
    "responses": {"201": {"description": "made", "content": {"application/json": {"schema": {
      "type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}}}},
      "400": {"description": "no"}, "401": {"description": "no key"}}}}}
}"##;

/// Drives a session against a function.
fn converse(serve: impl Fn(&Request) -> (u16, &'static str)) -> (Report, Vec<Request>) {
    let contract = parse_contract("notes.json", NOTES).expect("it is a contract");
    let settings = ConformSettings {
        seed: 3,
        n_requests_max: 120,
    };
    let mut session = Session::new(&contract, settings);
    let mut requests = Vec::new();
    while let Some(request) = session.next_request() {
        let (status, body) = serve(&request);
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        if status == 405 {
            headers.push(("allow".to_owned(), "POST".to_owned()));
        }
        session.receive(&Answer {
            status,
            headers,
            body: body.as_bytes().to_vec(),
        });
        requests.push(request);
    }
    (session.report(), requests)
}

/// A service that keeps to the contract.
fn good(request: &Request) -> (u16, &'static str) {
    if request.method != "POST" {
        return (405, "");
    }
    if !request.without.is_empty() {
        return (401, "");
    }
    let media = request
        .headers
        .iter()
        .any(|(name, value)| name == "content-type" && value == "application/json");
    let body: Option<serde_json::Value> = request
        .body
        .as_deref()
        .and_then(|body| serde_json::from_slice(body).ok());
    let is_good = media
        && body
            .as_ref()
            .and_then(|body| body.as_object())
            .is_some_and(|body| {
                let text = body
                    .get("text")
                    .and_then(|text| text.as_str())
                    .map_or(0, |text| text.chars().count());
                (1..=20).contains(&text)
                    && body.get("pinned").is_none_or(serde_json::Value::is_boolean)
                    && body
                        .get("colour")
                        .is_none_or(|colour| colour == "red" || colour == "blue")
                    && body
                        .keys()
                        .all(|key| ["text", "pinned", "colour"].contains(&key.as_str()))
            });
    if is_good {
        (201, r#"{"id": 1}"#)
    } else {
        (400, "")
    }
}

#[test]
fn nothing_is_found_in_a_service_that_keeps_to_its_contract() {
    let (report, requests) = converse(good);
    assert_eq!(report.failures, []);
    assert_eq!(requests.len(), 120);
    assert_eq!(converse(good).1, requests);
}

#[test]
fn a_failure_is_told_once_with_the_smallest_request() {
    let (report, _) = converse(|request| {
        let body =
            String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
        match good(request) {
            (201, _) if body.contains("blue") => (
                500,
                r#"{"error": "thread 'main' panicked at src/main.rs:7"}"#,
            ),
            other => other,
        }
    });
    let checks: Vec<&str> = report
        .failures
        .iter()
        .map(|failure| failure.check.as_str())
        .collect();
    assert_eq!(
        checks,
        ["internals-leaked", "server-error", "status-undeclared"]
    );
    let request = report.failures[0].request.as_ref().expect("it was sent");
    let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
    assert!(!body.contains("pinned"), "{body}");
}

#[test]
fn a_command_names_the_secret_and_does_not_show_it() {
    let request = Request {
        method: "POST".to_owned(),
        target: "/notes?a=b".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        without: Vec::new(),
        body: Some(b"{\"text\":\"it's\"}".to_vec()),
    };
    assert_eq!(
        curl(
            "http://127.0.0.1:1",
            &request,
            &["authorization".to_owned()]
        ),
        r#"curl -sS -i -X POST 'http://127.0.0.1:1/notes?a=b' -H 'content-type: application/json' -H "authorization: $AUTHORIZATION" --data-raw '{"text":"it'\''s"}'"#
    );
}
