//! The generated text of the fixture, its stability, and the verdict on stale files.

use std::collections::BTreeMap;

use crate::common::{ODD, artifacts, contract};
use tollgate_codegen::{CodegenError, Emit, Language, Request, Settings, check, generate};
use tollgate_report::Outcome;

#[track_caller]
fn file(language: Language, emit: Emit, path: &str) -> String {
    let artifacts = artifacts(&[contract("odd.yaml", ODD)], language, emit);
    let found = artifacts.into_iter().find(|artifact| artifact.path == path);
    found.expect("the file is generated").contents
}

#[test]
fn rust_models_look_so() {
    insta::assert_snapshot!(file(Language::RUST, Emit::Models, "src/odd.rs"));
}

#[test]
fn the_wire_of_rust_models_looks_so() {
    insta::assert_snapshot!(file(Language::RUST, Emit::Models, "src/odd_wire.rs"));
}

#[test]
fn the_server_looks_so() {
    insta::assert_snapshot!(file(Language::RUST, Emit::Server, "src/server/api.rs"));
}

#[test]
fn swift_models_look_so() {
    insta::assert_snapshot!(file(
        Language::SWIFT,
        Emit::Models,
        "Sources/FixtureModels/Models.swift"
    ));
}

#[test]
fn typescript_models_look_so() {
    insta::assert_snapshot!(file(Language::TYPESCRIPT, Emit::Models, "src/models.ts"));
}

#[test]
fn circles_and_diamonds_of_all_of_end() {
    let members = |n: usize| {
        let next = format!("{{$ref: '#/components/schemas/S{}'}}", (n + 1) % 40);
        format!(
            "    S{n}: {{allOf: [{next}, {next}, {{properties: {{p{n}: {{type: string}}}}}}]}}\n"
        )
    };
    let schemas: String = (0..40).map(members).collect();
    let text = format!("openapi: 3.1.0\ncomponents:\n  schemas:\n{schemas}");
    for language in [Language::RUST, Language::SWIFT, Language::TYPESCRIPT] {
        let made = artifacts(&[contract("odd.yaml", &text)], language, Emit::Models);
        assert!(
            made.iter()
                .any(|artifact| artifact.contents.contains("S39"))
        );
    }
}

#[test]
fn every_generated_file_names_its_command() {
    for language in [Language::RUST, Language::SWIFT, Language::TYPESCRIPT] {
        for artifact in artifacts(&[contract("odd.yaml", ODD)], language, Emit::Models) {
            let head: Vec<&str> = artifact.contents.lines().take(2).collect();
            assert!(
                head.join(" ").contains("tollgate codegen"),
                "{}",
                artifact.path
            );
        }
    }
}

#[test]
fn a_new_schema_changes_only_its_own_declarations() {
    let more = ODD.replace(
        "  schemas:\n",
        "  schemas:\n    Newcomer: {type: object, properties: {a: {type: string}}}\n",
    );
    for (language, path) in [
        (Language::RUST, "src/odd.rs"),
        (Language::SWIFT, "Sources/FixtureModels/Models.swift"),
        (Language::TYPESCRIPT, "src/models.ts"),
    ] {
        let before = file(language, Emit::Models, path);
        let after = artifacts(&[contract("odd.yaml", &more)], language, Emit::Models);
        let after = after.into_iter().find(|artifact| artifact.path == path);
        let after = after.expect("the file is generated").contents;
        let mut rest = after.lines();
        let is_kept = before.lines().all(|line| rest.any(|other| other == line));
        assert!(
            is_kept,
            "{path}: a line of the old text is gone or has moved"
        );
        assert!(after.contains("Newcomer") && !before.contains("Newcomer"));
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for language in [Language::RUST, Language::SWIFT, Language::TYPESCRIPT] {
        let once = artifacts(&[contract("odd.yaml", ODD)], language, Emit::Models);
        let twice = artifacts(&[contract("odd.yaml", ODD)], language, Emit::Models);
        assert_eq!(once, twice);
    }
}

#[test]
fn stale_missing_and_left_over_files_are_named() {
    let artifacts = artifacts(&[contract("odd.yaml", ODD)], Language::RUST, Emit::Models);
    let mut local: BTreeMap<String, Option<Vec<u8>>> = artifacts
        .iter()
        .map(|artifact| {
            (
                artifact.path.clone(),
                Some(artifact.contents.clone().into_bytes()),
            )
        })
        .collect();
    assert_eq!(check(&artifacts, &local).outcome, Outcome::Pass);
    local.insert("src/lib.rs".to_owned(), Some(b"// old".to_vec()));
    local.insert("src/odd.rs".to_owned(), None);
    local.insert("src/gone.rs".to_owned(), Some(Vec::new()));
    let verdict = check(&artifacts, &local);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let messages: Vec<&str> = verdict
        .findings
        .iter()
        .map(|f| f.message.as_str())
        .collect();
    assert_eq!(
        messages,
        [
            "`src/gone.rs` is no longer generated",
            "`src/lib.rs` is not what the contract generates",
            "`src/odd.rs` is missing",
        ]
    );
}

#[test]
fn a_contract_that_decides_one_permission_decides_all() {
    let other = "paths:\n  /others:\n    get: {operationId: others, responses: {'200': {description: ok}}}\n";
    let undecided = ODD.replacen("paths:\n", other, 1);
    let request = Request {
        language: Language::RUST,
        emit: [Emit::Server].into(),
        package: "models".to_owned(),
        has_manifest: false,
    };
    let error = generate(&[contract("odd.yaml", &undecided)], &request).expect_err("it is refused");
    assert!(matches!(error, CodegenError::NoPermission { ref operation } if operation == "others"));
}

#[test]
fn settings_of_this_repository_can_be_written() {
    let text = r#"{"targets": [
        {"contracts": ["contracts/openapi.yaml"], "language": "rust", "emit": ["models"],
         "out": "models/rust", "package": "tollgate-models", "manifest": false},
        {"contracts": ["contracts/openapi.yaml"], "language": "typescript", "out": "models/typescript"}
    ]}"#;
    let settings: Settings = serde_json::from_str(text).expect("settings");
    assert!(!settings.targets[0].request().has_manifest);
    assert_eq!(settings.targets[1].request().language, Language::TYPESCRIPT);
    assert!(serde_json::from_str::<Settings>(r#"{"target": []}"#).is_err());
}

#[test]
fn the_client_looks_so() {
    let client = file(Language::RUST, Emit::Client, "src/client.rs");
    let (_, own) = client
        .rsplit_once("\n/// What `get-thing` takes.")
        .expect("the request");
    insta::assert_snapshot!(own);
}
