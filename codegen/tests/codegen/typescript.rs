//! Generated TypeScript at work: on the wire, against a server, over a channel, with odd names.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{ODD, artifacts, contract, root, write};
use tollgate_codegen::{Emit, Language};

const CALLS: &str = include_str!("../fixtures/calls.yaml");
const CHAT: &str = include_str!("../fixtures/chat.yaml");
const STRANGE: &str = include_str!("../fixtures/strange.yaml");

/// A compiled package in a folder; nothing when the compiler is not here.
#[track_caller]
fn package(text: &str, emit: Emit, more: &[(&str, &str)]) -> Option<tempfile::TempDir> {
    let tsc = root().join("tests/node/node_modules/.bin/tsc");
    if !tsc.exists() {
        tollgate_report::not_checked("tsc", "generated TypeScript works", "cargo xtask setup");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let contracts = [contract("fixture.yaml", text)];
    write(
        folder.path(),
        &artifacts(&contracts, Language::TypeScript, emit),
    );
    for (path, contents) in more {
        fs::write(folder.path().join(path), contents).expect("a file");
    }
    let output = Command::new(&tsc)
        .args(["-p", "."])
        .current_dir(folder.path())
        .output()
        .expect("tsc starts");
    let errors = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{errors}");
    Some(folder)
}

/// What a program of the package prints.
#[track_caller]
fn run(folder: &Path, program: &str, input: &str) -> String {
    let mut child = Command::new("node")
        // Before version 22 it has no WebSocket without it.
        .arg("--experimental-websocket")
        .arg(program)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("node reads");
    drop(stdin);
    let output = child.wait_with_output().expect("node ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// Sends values through the types that stand at places; `None` for what must come back as it is.
#[track_caller]
fn wire(text: &str, cases: &[(&str, &str, Option<&str>)]) {
    let Some(folder) = package(text, Emit::Wire, &[]) else {
        return;
    };
    let input: Vec<String> = cases
        .iter()
        .map(|(name, value, _)| {
            format!("{{\"type\":\"fixture.yaml#/components/schemas/{name}\",\"value\":{value}}}\n")
        })
        .collect();
    let output = run(folder.path(), "dist/wire.js", &input.concat());
    let answers: Vec<&str> = output.lines().collect();
    assert_eq!(answers.len(), cases.len(), "{output}");
    for ((name, value, want), answer) in cases.iter().zip(answers) {
        let want = want.map_or_else(
            || format!("{{\"ok\":{value},\"violations\":[]}}"),
            str::to_owned,
        );
        assert_eq!(answer, want, "{name} {value}");
    }
}

#[test]
fn typescript_keeps_the_wire_to_the_digit() {
    wire(
        ODD,
        &[
            (
                "Person",
                r#"{"id":9223372036854775807,"nick":null,"huge":99999999999999999999999999,"ratio":0.5,"anything":null,"free":{"a":[1.5,-0,1e400,{"b":0.1000000000000000000000001}]},"unlisted":[100000000000000000001]}"#,
                None,
            ),
            (
                "Person",
                r#"{"id":1}"#,
                Some(
                    r#"{"error":"`/nick`: is required","violations":[{"path":"/nick","message":"is required"}]}"#,
                ),
            ),
            (
                "Person",
                r#"{"id":0,"nick":"a","middle":null,"tags":["a","a","long"],"price":0.015,"order":"sideways","best":{"id":-1,"nick":null}}"#,
                Some(
                    r#"{"ok":{"id":0,"nick":"a","middle":null,"tags":["a","a","long"],"price":0.015,"order":"sideways","best":{"id":-1,"nick":null}},"violations":[{"path":"/id","message":"is 0, below 1"},{"path":"/tags/2","message":"has 4 characters, more than 3"},{"path":"/tags/1","message":"is there twice"},{"path":"/best/id","message":"is -1, below 1"},{"path":"/price","message":"is 0.015, not a multiple of 0.01"},{"path":"/order","message":"is not one of `ASC`, `DESC`, `asc`, `desc`, `<`, `<=`, ``, `+1`, `-1`, `other`, `Self`"}]}"#,
                ),
            ),
            (
                "Pet",
                r#"{"kind":"fish","wet":true}"#,
                Some(
                    r#"{"ok":{"kind":"fish","wet":true},"violations":[{"path":"/kind","message":"is not one of `dog`, `cat`, `lion`"}]}"#,
                ),
            ),
            (
                "Pet",
                r#"{"kind":"cat"}"#,
                Some(
                    r#"{"error":"`/lives`: is required","violations":[{"path":"/lives","message":"is required"}]}"#,
                ),
            ),
            ("Pet", r#"{"kind":"lion","lives":1}"#, None),
            ("Mixed", "7", None),
            ("Mixed", r#"["a"]"#, None),
            (
                "Shapes",
                r#"{"a":"x","b":1}"#,
                Some(
                    r#"{"ok":{"a":"x","b":1},"violations":[{"path":"","message":"fits 2 of the alternatives, of which only one may hold"}]}"#,
                ),
            ),
            (
                "Scores",
                r#"{"a/b":11}"#,
                Some(
                    r#"{"ok":{"a/b":11},"violations":[{"path":"/a~1b","message":"is 11, above 10"}]}"#,
                ),
            ),
            (
                "Tree",
                r#"{"value":"a","left":{"value":"b"},"right":null}"#,
                None,
            ),
        ],
    );
}

#[test]
fn typescript_takes_names_of_prototypes_keywords_and_signs() {
    wire(
        STRANGE,
        &[
            (
                "constructor",
                r#"{"__proto__":"a","toString":"b","constructor":1,"toJSON":"x","more":{"__proto__":[1]}}"#,
                None,
            ),
            (
                "constructor",
                r#"{"constructor":1}"#,
                Some(
                    r#"{"error":"`/__proto__`: is required; `/toString`: is required","violations":[{"path":"/__proto__","message":"is required"},{"path":"/toString","message":"is required"}]}"#,
                ),
            ),
            ("__proto__", r#""a\nb""#, None),
            ("class", r#"{"default":"a","function":2}"#, None),
            ("Closed", r#"{"a":12345678901234567890}"#, None),
            (
                "Closed",
                r#"{"c":1}"#,
                Some(
                    r#"{"error":"`/c`: is not a known field","violations":[{"path":"/c","message":"is not a known field"}]}"#,
                ),
            ),
            ("Loop", r#""x""#, None),
            ("Left", "7", None),
            ("Deep", r#"[{"a":[1,{"b":2.5}]}]"#, None),
            ("Nested", "[[[[]]]]", None),
            (
                "Beast",
                r#"{"ki-nd":"newt"}"#,
                Some(
                    r#"{"error":"`/wet`: is required","violations":[{"path":"/wet","message":"is required"}]}"#,
                ),
            ),
            (
                "Limits",
                r#"{"cents":0.07,"big":18446744073709551617,"pattern":"é","odd":"a-b","broken":"x","text":"🙂🙂","unique":[1,"1",{"a":1,"b":2}],"at":"2024-02-29T23:59:60Z","ip":"::1"}"#,
                None,
            ),
            (
                "Limits",
                r#"{"unique":[{"a":1,"b":2},{"b":2,"a":1e0}],"at":"2023-02-29T00:00:00Z"}"#,
                Some(
                    r#"{"ok":{"unique":[{"a":1,"b":2},{"b":2,"a":1}],"at":"2023-02-29T00:00:00Z"},"violations":[{"path":"/unique/1","message":"is there twice"},{"path":"/at","message":"is not of format `date-time`"}]}"#,
                ),
            ),
        ],
    );
}

#[test]
fn the_typescript_client_calls_a_server_as_the_contract_says() {
    let uses = include_str!("../fixtures/uses.ts.txt");
    let calls = include_str!("../fixtures/calls.mjs.txt");
    let more = [("src/uses.ts", uses), ("calls.mjs", calls)];
    if let Some(folder) = package(CALLS, Emit::Client, &more) {
        assert_eq!(run(folder.path(), "calls.mjs", ""), "ok\n");
    }
    package(STRANGE, Emit::Client, &[]);
}

#[test]
fn typescript_channels_carry_typed_messages_both_ways() {
    let chat = include_str!("../fixtures/chat.mjs.txt");
    let socket = include_str!("../fixtures/socket.mjs.txt");
    let programs = [("chat.mjs", chat), ("socket.mjs", socket)];
    if let Some(folder) = package(CHAT, Emit::Client, &programs) {
        assert_eq!(run(folder.path(), "chat.mjs", ""), "ok\n");
        assert_eq!(run(folder.path(), "socket.mjs", ""), "ok\n");
    }
}

#[test]
fn a_client_may_check_a_schema_where_no_model_does() {
    let api = r"openapi: 3.1.0
info: { title: Doors, version: '1' }
paths:
  /doors:
    put:
      operationId: closeDoors
      responses: { '200': { description: never, content: { application/json: { schema: false } } } }
";
    package(api, Emit::Client, &[]);
}
