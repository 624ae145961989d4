//! Generated TypeScript is strict and works: on the wire, against a server, over a channel, with
//! unusual names. One call of the compiler builds all packages.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tollgate_codegen::{Emit, Language};
use tollgate_report::Digest;

use super::packages::{Package, Shared};
use crate::common::{ODD, artifacts, contract, documents, odd_package, root};

const CALLS: &str = include_str!("../../fixtures/calls.yaml");
const CHAT: &str = include_str!("../../fixtures/chat.yaml");
const STRANGE: &str = include_str!("../../fixtures/strange.yaml");

/// A contract in which only the client checks a schema.
const DOORS: &str = r"openapi: 3.1.0
info: { title: Doors, version: '1' }
paths:
  /doors:
    put:
      operationId: closeDoors
      responses: { '200': { description: never, content: { application/json: { schema: false } } } }
";

fn packages() -> Vec<Package> {
    let fixture = |name: &str, text: &str, emit| {
        let contracts = [contract("fixture.yaml", text)];
        Package::new(name, artifacts(&contracts, Language::TYPESCRIPT, emit))
    };
    let mut packages: Vec<Package> = documents()
        .into_iter()
        .map(|(name, contracts)| {
            let files = artifacts(&contracts, Language::TYPESCRIPT, Emit::Models);
            Package::new(format!("models-{name}"), files)
        })
        .collect();
    packages.push(Package::new("all-odd", odd_package(Language::TYPESCRIPT)));
    packages.push(fixture("wire-odd", ODD, Emit::Wire));
    packages.push(fixture("wire-strange", STRANGE, Emit::Wire));
    packages.push(fixture("client-strange", STRANGE, Emit::Client));
    packages.push(fixture("client-doors", DOORS, Emit::Client));
    packages.push(
        fixture("client-calls", CALLS, Emit::Client)
            .with("src/uses.ts", include_str!("../../fixtures/uses.ts.txt"))
            .with("calls.mjs", include_str!("../../fixtures/calls.mjs.txt")),
    );
    packages.push(
        fixture("client-chat", CHAT, Emit::Client)
            .with("chat.mjs", include_str!("../../fixtures/chat.mjs.txt"))
            .with("socket.mjs", include_str!("../../fixtures/socket.mjs.txt")),
    );
    packages
}

/// Builds all packages, and returns the folder of one; absent without the compiler.
#[track_caller]
fn built(name: &str) -> Option<PathBuf> {
    let tsc = root().join("tests/node/node_modules/.bin/tsc");
    if !tsc.exists() {
        tollgate_report::not_checked("tsc", "generated TypeScript works", "cargo xtask setup");
        return None;
    }
    let packages = packages();
    let shared = Shared::new("typescript", &packages);
    // The compiler is started only when a file changed since the last time that all compiled.
    let mark = shared.folder.join("built");
    let files = packages.iter().flat_map(|package| {
        let files = package.files.iter();
        files.map(|file| format!("{}/{}\n{}", package.name, file.path, file.contents))
    });
    let digest = Digest::of(files.collect::<String>()).to_string();
    if fs::read_to_string(&mark).ok().as_ref() != Some(&digest) {
        let output = Command::new(&tsc)
            .arg("-b")
            .args(packages.iter().map(|package| &package.name))
            .current_dir(shared.folder.join("packages"))
            .output()
            .expect("tsc starts");
        let errors = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{errors}");
        fs::write(mark, digest).expect("a file");
    }
    Some(shared.package(name))
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

/// Sends values through the types of a package; `None` for what must come back as it is.
#[track_caller]
fn wire(package: &str, cases: &[(&str, &str, Option<&str>)]) {
    let Some(folder) = built(package) else {
        return;
    };
    let input: Vec<String> = cases
        .iter()
        .map(|(name, value, _)| {
            format!("{{\"type\":\"fixture.yaml#/components/schemas/{name}\",\"value\":{value}}}\n")
        })
        .collect();
    let output = run(&folder, "dist/wire.js", &input.concat());
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
fn typescript_keeps_every_digit_on_the_wire() {
    wire(
        "wire-odd",
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
                    r#"{"ok":{"id":0,"nick":"a","middle":null,"tags":["a","a","long"],"price":0.015,"order":"sideways","best":{"id":-1,"nick":null}},"violations":[{"path":"/id","message":"is 0, below 1"},{"path":"/tags/2","message":"has 4 characters, more than 3"},{"path":"/tags/1","message":"is a duplicate item"},{"path":"/best/id","message":"is -1, below 1"},{"path":"/price","message":"is 0.015, not a multiple of 0.01"},{"path":"/order","message":"is not one of `ASC`, `DESC`, `asc`, `desc`, `<`, `<=`, ``, `+1`, `-1`, `other`, `Self`"}]}"#,
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
                    r#"{"ok":{"a":"x","b":1},"violations":[{"path":"","message":"fits 2 of the alternatives, but must fit exactly one"}]}"#,
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
fn typescript_accepts_names_of_prototypes_keywords_and_signs() {
    wire(
        "wire-strange",
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
                    r#"{"ok":{"unique":[{"a":1,"b":2},{"b":2,"a":1}],"at":"2023-02-29T00:00:00Z"},"violations":[{"path":"/unique/1","message":"is a duplicate item"},{"path":"/at","message":"is not of format `date-time`"}]}"#,
                ),
            ),
        ],
    );
}

#[test]
fn the_typescript_client_calls_a_server_as_the_contract_says() {
    if let Some(folder) = built("client-calls") {
        assert_eq!(run(&folder, "calls.mjs", ""), "ok\n");
    }
}

#[test]
fn typescript_channels_carry_typed_messages_both_ways() {
    if let Some(folder) = built("client-chat") {
        assert_eq!(run(&folder, "chat.mjs", ""), "ok\n");
        assert_eq!(run(&folder, "socket.mjs", ""), "ok\n");
    }
}

#[test]
fn typescript_is_strict() {
    for package in packages() {
        let settings = package
            .files
            .iter()
            .find(|file| file.path == "tsconfig.json");
        let settings = &settings.expect("settings of the compiler").contents;
        assert!(settings.contains("\"strict\": true"), "{settings}");
    }
    built("models-own");
}
