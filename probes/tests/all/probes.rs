//! Probes against real servers on loopback: what they find, what they hide, what they leave.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::server::{Request as Hello, Response as Welcome};
use tollgate_probes::{Context, Probe, ProbeResult, SchemaSource, State, run_all, run_probe};

use crate::support::{answer, serve, serve_raw};

#[derive(Deserialize)]
struct File {
    probes: Vec<Probe>,
}

/// One probe from the text after its name.
#[track_caller]
fn probe(text: &str) -> Probe {
    let text = format!("[[probes]]\nname = \"p\"\n{text}\n");
    let file: File = toml::from_str(&text).unwrap();
    assert_eq!(tollgate_probes::settings::check(&file.probes), []);
    file.probes.into_iter().next().unwrap()
}

#[track_caller]
fn check(result: &ProbeResult, state: State, code: &str) {
    let got = result
        .failure
        .as_ref()
        .map_or("", |cause| cause.code.as_str());
    assert_eq!((result.state, got), (state, code), "{result:#?}");
    let text = serde_json::to_string(result).unwrap();
    assert_eq!(&serde_json::from_str::<ProbeResult>(&text).unwrap(), result);
}

struct Contract;

impl SchemaSource for Contract {
    fn response_schema(&self, operation: &str, status: u16) -> Option<Value> {
        (operation == "getHealth" && status == 200).then(|| {
            json!({
                "type": "object",
                "required": ["status"],
                "properties": {"status": {"enum": ["ok", "degraded"]}}
            })
        })
    }

    fn message_schema(&self, message: &str) -> Option<Value> {
        (message == "pong").then(|| {
            json!({"type": "object", "required": ["seq"], "properties": {"seq": {"type": "integer"}}})
        })
    }
}

fn context(url: &str) -> Context {
    Context::new(url).with_schemas(Arc::new(Contract))
}

#[tokio::test]
async fn a_body_against_its_contract_fails_without_being_shown() {
    let server = serve(async |request| match request.uri().path() {
        "/good" => answer(200, r#"{"status":"ok"}"#),
        "/bad" => answer(200, r#"{"status":"private words"}"#),
        _ => answer(203, "{}"),
    })
    .await;
    let cx = context(&server.url);
    let good = run_probe(
        &probe("http = { path = \"/good\", operation = \"getHealth\" }"),
        &cx,
    )
    .await;
    check(&good, State::Pass, "");
    let phases: Vec<&str> = good.phases_us.keys().map(String::as_str).collect();
    assert_eq!(phases, ["body", "connect", "dns", "first_byte"]);

    let bad = run_probe(
        &probe("http = { path = \"/bad\", operation = \"getHealth\" }"),
        &cx,
    )
    .await;
    check(&bad, State::Fail, "schema");
    let cause = bad.failure.unwrap();
    assert!(cause.got.contains("`/status`"), "{cause:?}");
    assert!(!cause.got.contains("private"), "{cause:?}");

    let unknown = run_probe(
        &probe("http = { path = \"/new\", operation = \"getHealth\" }"),
        &cx,
    )
    .await;
    check(&unknown, State::Error, "no_schema");
}

#[tokio::test]
async fn each_expectation_fails_with_its_own_code() {
    let server = serve(async |request| {
        let mut reply = match request.uri().path() {
            "/moved" => answer(302, "")?,
            "/list" => answer(200, r#"{"items":[{"id":1},{"id":2,"name":"b"}]}"#)?,
            _ => answer(500, "")?,
        };
        reply
            .headers_mut()
            .insert("location", "/list".parse().unwrap());
        Some(reply)
    })
    .await;
    let cx = context(&server.url);
    let cases = [
        ("http = { path = \"/\" }", State::Fail, "status"),
        (
            "http = { path = \"/\", expect = { status = [500] } }",
            State::Pass,
            "",
        ),
        ("http = { path = \"/moved\" }", State::Fail, "status"),
        (
            "http = { path = \"/moved\", redirects_max = 1 }",
            State::Pass,
            "",
        ),
        (
            "http = { path = \"/list\", expect = { headers = { x-version = \".\" } } }",
            State::Fail,
            "header",
        ),
        (
            "http = { path = \"/list\", expect = { body_contains = [\"nothing\"] } }",
            State::Fail,
            "body",
        ),
        (
            "http = { path = \"/list\", expect = { json = [{ pointer = \"/items\", contains = { id = 2 } }] } }",
            State::Pass,
            "",
        ),
        (
            "http = { path = \"/list\", expect = { json = [{ pointer = \"/items\", contains = { id = 3 } }] } }",
            State::Fail,
            "json",
        ),
        (
            "http = { path = \"/list\", expect = { json = [{ pointer = \"/next\", exists = false }] } }",
            State::Pass,
            "",
        ),
        (
            "http = { path = \"/list\", body_size_max = \"8B\" }",
            State::Fail,
            "too_large",
        ),
        ("http = { path = \"/{nobody}\" }", State::Error, "variable"),
        (
            "http = { path = \"http://nobody.invalid/\" }\ntimeout = \"2s\"",
            State::Error,
            "dns",
        ),
    ];
    for (text, state, code) in cases {
        check(&run_probe(&probe(text), &cx).await, state, code);
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_a_fail_of_the_target() {
    let url = {
        let server = serve(async |_| answer(200, "")).await;
        server.url.clone()
    };
    let mut refused = run_probe(&probe("http = { path = \"/\" }"), &context(&url)).await;
    for _ in 0..100 {
        // The listener closes when its aborted task is dropped, a moment after its guard.
        if refused.state == State::Fail && refused.failure.as_ref().unwrap().code == "connect" {
            break;
        }
        refused = run_probe(&probe("http = { path = \"/\" }"), &context(&url)).await;
    }
    check(&refused, State::Fail, "connect");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_fails_in_the_phase_tls() {
    let server = serve(async |_| answer(200, "")).await;
    let url = server.url.replace("http://", "https://");
    let result = run_probe(&probe("http = { path = \"/\" }"), &context(&url)).await;
    check(&result, State::Fail, "tls");
}

/// Answers with a head that promises more than it sends; then waits or closes.
async fn serve_half(closes: bool) -> crate::support::Server {
    serve_raw(move |mut stream| async move {
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
            .await;
        if !closes {
            std::future::pending::<()>().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_reset_in_the_body_is_incomplete_and_every_attempt_is_shown() {
    let server = serve_half(true).await;
    let result = run_probe(
        &probe("http = { path = \"/\" }\nretries = 2"),
        &context(&server.url),
    )
    .await;
    check(&result, State::Fail, "incomplete");
    assert_eq!(result.attempts.len(), 3);
}

#[tokio::test]
async fn a_body_that_never_ends_times_out_and_names_the_phases_it_reached() {
    let server = serve_half(false).await;
    let result = run_probe(
        &probe("http = { path = \"/\" }\ntimeout = \"150ms\""),
        &context(&server.url),
    )
    .await;
    check(&result, State::Fail, "timeout");
    assert!(result.failure.unwrap().got.contains("first_byte"));
}

#[tokio::test]
async fn a_pass_over_its_target_is_degraded() {
    let server = serve(async |_| {
        tokio::time::sleep(Duration::from_millis(40)).await;
        answer(200, "")
    })
    .await;
    let result = run_probe(
        &probe("http = { path = \"/\" }\ntarget = \"20ms\""),
        &context(&server.url),
    )
    .await;
    check(&result, State::Degraded, "");
}

const JOURNEY: &str = r#"
timeout = "2s"
[[probes.journey.steps]]
name = "create"
method = "POST"
path = "/things"
json = { name = "thing-{run}" }
expect.status = [201]
capture = { id = { pointer = "/id" }, etag = { header = "etag" } }
[[probes.journey.steps]]
name = "read"
path = "/things/{id}"
expect.json = [{ pointer = "/name", equals = "thing-{run}" }]
[[probes.journey.steps]]
name = "list"
path = "/things"
expect.json = [{ contains = { id = "{id}" } }]
[[probes.journey.steps]]
name = "update"
method = "PUT"
path = "/things/{id}"
headers = { if-match = "{etag}" }
json = { name = "other" }
[[probes.journey.steps]]
name = "delete"
method = "DELETE"
path = "/things/{id}"
expect.status = [204]
[[probes.journey.steps]]
name = "gone"
path = "/things/{id}"
expect.status = [404]
[[probes.journey.cleanup]]
name = "clean up"
method = "DELETE"
path = "/things/{id}"
expect.status = [204, 404]
"#;

type Things = Arc<Mutex<BTreeMap<String, Value>>>;

async fn serve_things(things: Things, fault: &'static str) -> crate::support::Server {
    serve(move |request| {
        let things = Arc::clone(&things);
        async move {
            let method = request.method().as_str().to_owned();
            let id = request.uri().path().strip_prefix("/things").unwrap();
            let id = id.trim_start_matches('/').to_owned();
            if fault == "create" && method == "POST" {
                return answer(500, "");
            }
            if fault == "update" && method == "PUT" {
                return answer(500, "");
            }
            if fault == "stall" && method == "PUT" {
                std::future::pending::<()>().await;
            }
            let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
            let mut things = things.lock().unwrap();
            match (method.as_str(), id.is_empty()) {
                ("POST", _) => {
                    let id = format!("t{}", things.len() + 1);
                    let thing = json!({"id": id, "name": body["name"]});
                    things.insert(id, thing.clone());
                    let mut reply = answer(201, thing.to_string())?;
                    reply
                        .headers_mut()
                        .insert("etag", "\"v1\"".parse().unwrap());
                    Some(reply)
                }
                ("GET", true) => {
                    answer(200, json!(things.values().collect::<Vec<_>>()).to_string())
                }
                ("GET", false) => match things.get(&id) {
                    Some(thing) => answer(200, thing.to_string()),
                    None => answer(404, ""),
                },
                ("PUT", _) if request.headers()["if-match"] == "\"v1\"" => answer(200, ""),
                ("DELETE", _) => answer(
                    if things.remove(&id).is_some() {
                        204
                    } else {
                        404
                    },
                    "",
                ),
                _ => answer(400, ""),
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_journey_leaves_nothing_behind_whether_it_passes_fails_or_stalls() {
    for (fault, state, code, n_steps, timeout) in [
        ("none", State::Pass, "", 7, "2s"),
        ("update", State::Fail, "status", 5, "2s"),
        ("stall", State::Fail, "timeout", 5, "300ms"),
    ] {
        let things = Things::default();
        let server = serve_things(Arc::clone(&things), fault).await;
        let text = JOURNEY.replace("\"2s\"", &format!("\"{timeout}\""));
        let result = run_probe(&probe(&text), &context(&server.url)).await;
        check(&result, state, code);
        assert_eq!(result.steps.len(), n_steps, "{fault}");
        assert!(result.steps.last().unwrap().is_cleanup);
        assert!(
            things.lock().unwrap().is_empty(),
            "{fault} leaves something behind"
        );
        if fault == "update" {
            assert!(result.failure.unwrap().what.starts_with("step `update`"));
        }
    }
}

#[tokio::test]
async fn a_clean_up_of_what_was_never_made_is_skipped() {
    let server = serve_things(Things::default(), "create").await;
    let result = run_probe(&probe(JOURNEY), &context(&server.url)).await;
    check(&result, State::Fail, "status");
    let cleanup = result.steps.last().unwrap();
    assert_eq!((cleanup.is_cleanup, cleanup.state), (true, None));
}

#[tokio::test]
async fn a_secret_is_never_in_a_result() {
    let secret = "s3cr3t/\"value";
    // The server sends back what it got, where a probe would show it.
    let server = serve(async |request| {
        let auth = request.headers()["authorization"].clone();
        let body = json!({"got": auth.to_str().unwrap(), "token": "t0k3n-value"});
        let mut reply = answer(200, body.to_string())?;
        reply.headers_mut().insert("x-echo", auth);
        Some(reply)
    })
    .await;
    let cx = context(&server.url)
        .with_secrets(move |name| (name == "THE_KEY").then(|| secret.to_owned()));
    let shared = "secret_env = { key = \"THE_KEY\" }\n";
    let request = "headers = { authorization = \"Bearer {key}\" }, path = \"/?q={key}\"";
    let capture = "capture = { token = { pointer = \"/token\", secret = true } }";
    let cases = [
        format!("{shared}http = {{ {request}, expect = {{ headers = {{ x-echo = \"^no$\" }} }} }}"),
        format!(
            "{shared}http = {{ {request}, expect = {{ json = [{{ pointer = \"/got\", equals = \"{{key}}!\" }}] }} }}"
        ),
        format!("{shared}http = {{ {request}, expect = {{ json = [{{ equals = 1 }}] }} }}"),
        format!(
            "{shared}journey = {{ steps = [{{ {request}, {capture} }}, {{ headers = {{ authorization = \"{{token}}\" }}, expect = {{ headers = {{ x-echo = \"^no$\" }} }} }}] }}"
        ),
        format!(
            "{shared}command = {{ program = \"sh\", args = [\"-c\", \"echo $0 >&2; exit 1\", \"{{key}}\"] }}"
        ),
    ];
    for text in cases {
        let result = run_probe(&probe(&text), &cx).await;
        assert_eq!(result.state, State::Fail, "{result:#?}");
        let shown = serde_json::to_string(&result).unwrap();
        // The whole body is not shown at all, so there is nothing to redact in it.
        assert!(
            shown.contains("[redacted]") || shown.contains("an object of 2 fields"),
            "{shown}"
        );
        for form in ["s3cr3t", "t0k3n"] {
            assert!(!shown.contains(form), "{shown}");
        }
    }
    let missing = probe("secret_env = { key = \"OTHER\" }\nhttp = {}");
    check(&run_probe(&missing, &cx).await, State::Error, "settings");
}

/// A WebSocket server that answers each message with `{"type":"pong","seq":…}` after a hello.
async fn serve_websocket(seq: Value) -> crate::support::Server {
    let seq = Arc::new(seq);
    serve_raw(move |stream| {
        let seq = Arc::clone(&seq);
        async move {
            #[expect(
                clippy::result_large_err,
                reason = "the callback's type is tungstenite's"
            )]
            let agree = |hello: &Hello, mut welcome: Welcome| {
                if let Some(subprotocol) = hello.headers().get("sec-websocket-protocol") {
                    welcome
                        .headers_mut()
                        .insert("sec-websocket-protocol", subprotocol.clone());
                }
                Ok(welcome)
            };
            let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, agree).await else {
                return;
            };
            let _ = socket.send("{\"type\":\"hello\"}".into()).await;
            while let Some(Ok(message)) = socket.next().await {
                if !message.is_text() {
                    return;
                }
                let sent: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
                if sent["type"] == "leave" {
                    return;
                }
                let reply = json!({"type": "pong", "seq": *seq, "to": sent["id"]});
                let _ = socket.send(reply.to_string().into()).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_websocket_is_judged_by_subprotocol_reply_schema_and_hold() {
    let request =
        "path = \"/ws\", subprotocol = \"v1\", send = { type = \"ping\", id = \"{run}\" }";
    let reply = "expect = { type = \"pong\", to = \"{run}\" }, message = \"pong\"";
    let good = probe(&format!(
        "websocket = {{ {request}, {reply}, hold = \"30ms\" }}"
    ));
    let server = serve_websocket(json!(7)).await;
    let result = run_probe(&good, &context(&server.url)).await;
    check(&result, State::Pass, "");
    assert_eq!(result.measurements["other_messages"], 1.0);
    assert!(result.phases_us.contains_key("handshake") && result.phases_us.contains_key("message"));

    let dropped =
        probe("websocket = { path = \"/ws\", send = { type = \"leave\" }, hold = \"2s\" }");
    check(
        &run_probe(&dropped, &context(&server.url)).await,
        State::Fail,
        "dropped",
    );

    let server = serve_websocket(json!("seven")).await;
    check(
        &run_probe(&good, &context(&server.url)).await,
        State::Fail,
        "schema",
    );

    let http = serve(async |_| answer(401, "")).await;
    let refused = run_probe(&good, &context(&http.url)).await;
    check(&refused, State::Fail, "status");
    assert_eq!(refused.failure.unwrap().got, "401");
}

#[tokio::test]
async fn metrics_are_measured_and_held_against_their_limits() {
    let server = serve(async |_| {
        answer(
            200,
            "# TYPE mem gauge\nmem{area=\"heap\"} 1.5e8\nmem{area=\"stack\"} 1000\nerrors 3\n",
        )
    })
    .await;
    let cx = context(&server.url);
    let cases = [
        (
            "{ metric = \"mem\", op = \"<\", value = \"500MiB\" }",
            State::Pass,
            "",
        ),
        (
            "{ metric = \"mem\", labels = { area = \"heap\" }, op = \"<\", value = \"100MiB\" }",
            State::Fail,
            "metric",
        ),
        ("{ metric = \"error\" }", State::Error, "no_metric"),
    ];
    for (text, state, code) in cases {
        let result = run_probe(&probe(&format!("metrics = {{ checks = [{text}] }}")), &cx).await;
        check(&result, state, code);
        if state != State::Error {
            assert_eq!(result.measurements["mem{area=\"heap\"}"], 1.5e8);
        }
    }
}

#[tokio::test]
async fn a_command_is_judged_by_exit_and_measured_by_its_last_line() {
    let cx = context("http://127.0.0.1:9");
    let script =
        "echo noise; echo \\\"{\\\\\\\"rows\\\\\\\": 3}\\\"; test -n \\\"$TOLLGATE_BASE_URL\\\"";
    let good = probe(&format!(
        "command = {{ program = \"sh\", args = [\"-c\", \"{script}\"], measurements = true }}"
    ));
    let result = run_probe(&good, &cx).await;
    check(&result, State::Pass, "");
    assert_eq!(result.measurements["rows"], 3.0);
    let bad = probe("command = { program = \"sh\", args = [\"-c\", \"echo why >&2; exit 4\"] }");
    let result = run_probe(&bad, &cx).await;
    check(&result, State::Fail, "exit");
    assert!(
        result
            .failure
            .unwrap()
            .got
            .ends_with("last line of stderr: why")
    );
    let none = probe("command = { program = \"/nonexistent/program\" }");
    check(&run_probe(&none, &cx).await, State::Error, "command");
}

#[cfg(unix)]
#[tokio::test]
async fn a_timeout_kills_the_children_of_a_command_too() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    let reading = {
        let pipe = pipe.clone();
        // Ends when every process that holds the pipe open for writing is gone.
        tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            std::fs::File::open(pipe)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            text
        })
    };
    let script = "exec 3>\\\"$0\\\"; echo up >&3; sleep 60 & sleep 60";
    let stuck = probe(&format!(
        "timeout = \"300ms\"\ncommand = {{ program = \"sh\", args = [\"-c\", \"{script}\", \"{}\"] }}",
        pipe.display()
    ));
    let result = run_probe(&stuck, &context("http://127.0.0.1:9")).await;
    check(&result, State::Fail, "timeout");
    let text = tokio::time::timeout(Duration::from_secs(20), reading)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(text, "up\n");
}

#[tokio::test]
async fn probes_run_together_up_to_the_bound_and_keep_their_order() {
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let server = {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        serve(move |_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                answer(200, "")
            }
        })
        .await
    };
    let probes: Vec<Probe> = (0..6)
        .map(|n| Probe {
            name: format!("p{n}"),
            ..probe("http = {}")
        })
        .collect();
    let results = run_all(&probes, &Arc::new(context(&server.url)), 2).await;
    let names: Vec<&str> = results.iter().map(|result| result.name.as_str()).collect();
    assert_eq!(names, ["p0", "p1", "p2", "p3", "p4", "p5"]);
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_port_passes_when_it_accepts_and_answers_as_expected() {
    let server = serve_raw(|mut stream| async move {
        let mut request = [0; 4];
        stream.write_all(b"220 mail.example\r\n").await.unwrap();
        if stream.read_exact(&mut request).await.is_ok() {
            stream.write_all(b"221 bye").await.unwrap();
        }
    })
    .await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let cx = context(&server.url).with_var("mail", &address);
    for (text, state, code) in [
        ("tcp = {}", State::Pass, ""),
        (
            "tcp = { address = \"{mail}\", expect = \"220 \" }",
            State::Pass,
            "",
        ),
        (
            "tcp = { send = \"QUIT\", expect = \"221 bye\" }",
            State::Pass,
            "",
        ),
        (
            "tcp = { send = \"QUIT\", expect = \"250\" }",
            State::Fail,
            "answer",
        ),
        (
            "tcp = { expect = \"250\", answer_size_max = \"4B\" }",
            State::Fail,
            "answer",
        ),
        (
            "timeout = \"200ms\"\ntcp = { expect = \"250\" }",
            State::Fail,
            "timeout",
        ),
    ] {
        let result = run_probe(&probe(text), &cx).await;
        check(&result, state, code);
        assert!(result.phases_us.contains_key("connect"), "{result:?}");
    }
    drop(server);
    let down = run_probe(&probe("tcp = {}"), &cx).await;
    check(&down, State::Fail, "connect");
}
