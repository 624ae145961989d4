//! Chapter two: models are generated from the contract, in three languages, the same each time.

use tollgate_tests::repository::Repository;

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
        .expect_says(&["error[codegen-stale]", edited, "cargo xtask codegen"]);
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
        .expect_says(&["wrote rust/src/lib.rs", "wrote typescript/src/models.ts"]);
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
