//! Chapter two: models are generated from the contract, in three languages, the same each time.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use tollgate_tests::process::{self, expect_gone};
use tollgate_tests::repository::Repository;
use tollgate_tests::tool::command;
use tollgate_tests::wait::until;

const SETTINGS: &str = r#"
[[codegen.targets]]
contracts = ["contracts/openapi.yaml"]
language = "rust"
out = "models/rust"
package = "shop"

[[codegen.targets]]
contracts = ["contracts/openapi.yaml"]
language = "swift"
out = "models/swift"
package = "Shop"

[[codegen.targets]]
contracts = ["contracts/openapi.yaml"]
language = "typescript"
out = "models/typescript"
package = "shop"
"#;

const SHOP: &str = r##"openapi: 3.1.0
info: { title: Shop, version: 1.0.0 }
paths: {}
components:
  schemas:
    Order:
      type: object
      required: [id, state]
      properties:
        id: { type: string }
        state: { type: string, enum: [open, shipped] }
        note: { type: [string, "null"] }
"##;

fn shop() -> Repository {
    Repository::new(&[
        ("tollgate.toml", SETTINGS),
        ("contracts/openapi.yaml", SHOP),
    ])
}

#[test]
fn three_languages_are_written_and_a_second_run_changes_nothing() {
    let repository = shop();
    let before = repository.tree();
    repository
        .run(&["codegen", "--dry-run"])
        .expect_code(0)
        .expect_says(&["would write models/rust/src/lib.rs"]);
    assert_eq!(repository.tree(), before, "a dry run writes nothing");
    repository.run(&["codegen"]).expect_code(0);
    let tree = repository.tree();
    let text = |path: &str| String::from_utf8(tree[path].clone()).unwrap();
    assert!(text("models/rust/src/openapi.rs").contains("pub struct Order"));
    assert!(text("models/swift/Sources/Shop/Models.swift").contains("struct Order"));
    assert!(text("models/typescript/src/models.ts").contains("Order"));
    let again = repository.run(&["codegen", "--format", "json"]);
    assert_eq!(
        again.expect_code(0).json()["changed"],
        serde_json::json!([])
    );
    assert_eq!(repository.tree(), tree);
    repository
        .run(&["codegen", "--check"])
        .expect_code(0)
        .expect_says(&["models: pass"]);
}

#[test]
fn a_stale_file_is_named_and_exits_4_until_it_is_generated_again() {
    let repository = shop();
    repository.run(&["codegen"]).expect_code(0);
    let edited = "models/swift/Sources/Shop/Models.swift";
    repository.write(edited, &format!("{}// mine\n", repository.read(edited)));
    let tree = repository.tree();
    repository
        .run(&["codegen", "--check"])
        .expect_code(4)
        .expect_says(&["error[codegen-stale]", edited, "tollgate codegen"]);
    assert_eq!(repository.tree(), tree, "a check writes nothing");
    repository.run(&["codegen"]).expect_code(0);
    repository.run(&["codegen", "--check"]).expect_code(0);
    repository.replace(
        "contracts/openapi.yaml",
        "enum: [open, ",
        "enum: [open, paid, ",
    );
    let stale = repository.run(&["codegen", "--check"]);
    stale.expect_code(4).expect_says(&[
        "models/rust/src/openapi.rs",
        "models/typescript/src/models.ts",
    ]);
    repository
        .run(&["replay", &stale.evidence()])
        .expect_code(0)
        .expect_says(&["byte for byte"]);
}

#[test]
fn any_document_gives_models_without_settings() {
    let repository = Repository::new(&[("shop.yaml", SHOP)]);
    repository
        .run(&[
            "codegen",
            "--contract",
            "shop.yaml",
            "--language",
            "rust,typescript",
            "--out",
            "made",
        ])
        .expect_code(0)
        .expect_says(&[
            "wrote made/rust/src/lib.rs",
            "wrote made/typescript/src/models.ts",
        ]);
    let tree = repository.tree();
    assert!(tree.contains_key("made/rust/Cargo.toml"));
    assert!(!tree.keys().any(|path| path.starts_with("made/swift")));
    repository
        .run(&[
            "codegen",
            "--contract",
            "shop.yaml",
            "--language",
            "cobol",
            "--out",
            "made",
        ])
        .expect_code(2)
        .expect_says(&["`cobol`", "rust, swift and typescript"]);
}

#[test]
fn a_later_run_removes_only_what_an_earlier_one_wrote() {
    let repository = Repository::new(&[("shop.yaml", SHOP)]);
    let generate = [
        "codegen",
        "--contract",
        "shop.yaml",
        "--language",
        "rust",
        "--out",
        "made",
    ];
    repository.run(&generate).expect_code(0);
    let manifest = "made/rust/tollgate-codegen.json";
    let listed = repository.read(manifest);
    assert!(listed.contains("../../shop.yaml") && listed.contains("src/shop.rs"));
    // An earlier run wrote three more files; one of them was changed since.
    let digest = |text: &str| tollgate_report::Digest::of(text).to_string();
    let mut more: serde_json::Value = serde_json::from_str(&listed).unwrap();
    for (file, text) in [
        ("src/old/gone.rs", "old"),
        ("src/mine.rs", "theirs"),
        ("../../no.rs", "old"),
    ] {
        more["files"][file] = digest(text).into();
    }
    repository.write("made/rust/src/old/gone.rs", "old");
    repository.write("made/rust/src/mine.rs", "mine");
    repository.write("no.rs", "old");
    repository.write("made/rust/notes.txt", "mine");
    repository.write(manifest, &more.to_string());
    let check: Vec<&str> = generate.iter().copied().chain(["--check"]).collect();
    let stale = repository.run(&check);
    stale
        .expect_code(4)
        .expect_says(&["`made/rust/src/old/gone.rs` is no longer generated"]);
    repository.run(&generate).expect_code(0).expect_says(&[
        "removed made/rust/src/old/gone.rs",
        "kept made/rust/src/mine.rs",
    ]);
    let tree = repository.tree();
    assert!(!tree.contains_key("made/rust/src/old/gone.rs"));
    for path in ["made/rust/src/mine.rs", "made/rust/notes.txt", "no.rs"] {
        assert!(tree.contains_key(path), "{path}");
    }
    repository.run(&check).expect_code(0);
}

#[test]
fn a_file_of_somebody_else_is_not_replaced() {
    let repository = Repository::new(&[
        ("shop.yaml", SHOP),
        ("made/rust/src/lib.rs", "fn mine() {}\n"),
    ]);
    let tree = repository.tree();
    repository
        .run(&["codegen", "--contract", "shop.yaml", "--out", "made"])
        .expect_code(2)
        .expect_says(&["made/rust/src/lib.rs", "did not write"]);
    assert_eq!(repository.tree(), tree);
}

#[test]
fn watching_generates_again_when_a_contract_changes() {
    let repository = shop();
    let mut command = command(repository.path(), &["codegen", "--watch", "--rounds", "2"]);
    command.stdout(Stdio::piped());
    let mut watch = process::start(repository.path(), command);
    let mut lines = BufReader::new(watch.take_stdout().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("files written"));
    repository.replace(
        "contracts/openapi.yaml",
        "enum: [open, ",
        "enum: [open, paid, ",
    );
    assert!(lines.next().unwrap().unwrap().contains("files written"));
    assert!(watch.wait().unwrap().success());
    assert!(
        repository
            .read("models/rust/src/openapi.rs")
            .contains("Paid")
    );
}

#[test]
fn parts_that_a_language_does_not_have_are_left_out() {
    let repository = shop();
    let made = ["codegen", "--contract", "contracts/openapi.yaml"];
    let flags = ["--language", "rust,swift,typescript", "--out", "made"];
    let parts = ["--emit", "models,client,server"];
    repository
        .run(&[&made[..], &flags[..], &parts[..]].concat())
        .expect_code(0)
        .expect_says(&[
            "no server is generated in swift: only rust has one",
            "no server is generated in typescript: only rust has one",
        ]);
    let is_there = |file: &str| repository.path().join("made").join(file).exists();
    for file in [
        "rust/Cargo.toml",
        "swift/Package.swift",
        "typescript/package.json",
    ] {
        assert!(is_there(file), "{file}");
    }
    // Nothing but a server in a language without one is a wrong wish, not an empty folder.
    let swift = ["--language", "swift", "--out", "other", "--emit", "server"];
    repository
        .run(&[&made[..], &swift[..]].concat())
        .expect_says(&["only rust has it"]);
    assert!(!repository.path().join("other").exists());
}

/// Compiles two generated packages, the first with all that serde needs.
#[test]
fn what_is_generated_compiles_keeps_the_wire_and_refuses_what_is_invalid() {
    let repository = shop();
    let made = ["codegen", "--contract", "contracts/openapi.yaml"];
    let flags = ["--language", "rust,typescript", "--out", "made"];
    repository
        .run(&[&made[..], &flags[..]].concat())
        .expect_code(0);
    let verify = [
        "codegen",
        "verify",
        "made",
        "--may-be-missing",
        "--format",
        "json",
    ];
    let verified = repository.run(&verify).expect_code(0).json();
    let rust = &verified["packages"][0];
    assert_eq!(rust["language"], "rust", "{verified}");
    assert_eq!(
        (&rust["compiles"], &rust["wire"]),
        (&"good".into(), &"good".into()),
        "{verified}"
    );
    assert_eq!(rust["refuses"], "good", "{verified}");
    assert_eq!(
        rust["share"]["refused"], rust["share"]["right_path"],
        "{verified}"
    );

    let corpus = [
        "codegen",
        "corpus",
        "contracts",
        "--language",
        "rust",
        "--format",
        "json",
    ];
    let table = repository.run(&corpus).expect_code(0).json();
    let totals = &table["totals"];
    assert_eq!(
        (&totals["cells"], &totals["bad"]),
        (&1.into(), &0.into()),
        "{table}"
    );
    assert_eq!(totals["instances"], totals["equal"], "{table}");

    // A file that is not what was generated is told.
    repository.replace(
        "made/rust/src/openapi.rs",
        "pub struct Order",
        "pub struct Order2",
    );
    repository.run(&verify).expect_code(3);
}

#[test]
fn a_signal_to_the_command_ends_the_compilers_that_it_started() {
    let repository = Repository::new(&[("shop.yaml", SHOP)]);
    // In place of cargo something that takes for ever, with a child of its own.
    repository.write(
        "fake/cargo",
        "#!/bin/sh\nsleep 600 &\necho $! $$ > \"$PIDS\"\nwait\n",
    );
    let fake = repository.path().join("fake");
    let is_done = Command::new("chmod")
        .arg("+x")
        .arg(fake.join("cargo"))
        .status();
    assert!(is_done.unwrap().success());
    let pids = repository.path().join("pids");
    let path = format!("{}:{}", fake.display(), std::env::var("PATH").unwrap());
    let mut running = command(
        repository.path(),
        &["codegen", "corpus", ".", "--language", "rust"],
    );
    running.env("PATH", path).env("PIDS", &pids);
    running.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = process::start(repository.path(), running);
    let started = until("the compiler", Duration::from_secs(60), || {
        let text = std::fs::read_to_string(&pids).ok()?;
        let pids = text
            .ends_with('\n')
            .then(|| text.split_whitespace().map(str::parse));
        pids?.collect::<Result<Vec<u32>, _>>().ok()
    });
    assert_eq!(started.len(), 2);
    let told = Command::new("kill").arg(running.pid().to_string()).status();
    assert!(told.unwrap().success());
    assert!(!running.wait().unwrap().success());
    expect_gone(&started);
}
