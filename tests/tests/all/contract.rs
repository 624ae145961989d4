//! Chapter one: a contract is read, linted, compared and agreed.

use std::fs;

use tollgate_tests::http::Site;
use tollgate_tests::repository::Repository;

const SHOP: &str = r##"openapi: 3.1.0
info:
  title: Shop
  description: Sells things
  version: 1.0.0
  contact: {name: Shop, url: https://shop.example, email: shop@shop.example}
servers:
  - url: https://shop.example
tags:
  - name: orders
paths:
  /orders:
    get:
      operationId: listOrders
      summary: List the orders
      description: In the order in which they came
      tags: [orders]
      responses:
        "200":
          description: The orders
          content:
            application/json:
              schema:
                type: array
                items:
                  $ref: "#/components/schemas/Order"
components:
  schemas:
    Order:
      type: object
      required: [id, state]
      properties:
        id:
          type: string
        state:
          type: string
          enum: [open, shipped]
"##;
const FILE: &str = "contracts/openapi.yaml";

fn shop() -> Repository {
    Repository::new(&[(FILE, SHOP)])
}

#[test]
fn a_lint_finding_shows_its_line_under_a_caret() {
    let repository = shop();
    repository
        .run(&["contract", "lint"])
        .expect_code(0)
        .expect_says(&["contract: pass"]);
    repository.replace(FILE, "      operationId: listOrders\n", "");
    repository
        .run(&["contract", "lint"])
        .expect_code(0)
        .expect_says(&[
            "warning[operation-operationId]: the operation has no `operationId`",
            "  --> contracts/openapi.yaml:13:5\n13 |     get:\n   |     ^\n",
        ]);
}

#[test]
fn a_reference_that_leads_nowhere_names_its_place_and_the_nearest_name() {
    let repository = shop();
    repository.replace(FILE, "schemas/Order\"", "schemas/Oder\"");
    let run = repository.run(&["contract", "lint"]);
    run.expect_code(3).expect_says(&[
        "error[ref-missing]: `#/components/schemas/Oder` cannot be resolved",
        "--> contracts/openapi.yaml:26:25",
        "did you mean `Order`?",
    ]);
    let json = repository.run(&["contract", "lint", "--format", "json"]);
    let finding = &json.expect_code(3).json()["gate"]["verdict"]["findings"][0];
    assert_eq!(finding["code"], "ref-missing");
    assert_eq!(
        finding["place"],
        serde_json::json!({ "file": FILE, "line": 26, "column": 25 })
    );
}

#[test]
fn a_reference_to_a_missing_file_names_that_file() {
    let repository = shop();
    repository.replace(FILE, "#/components/schemas/Order\"", "parts.yaml#/Order\"");
    let run = repository.run(&["contract", "lint"]);
    assert_ne!(run.code, Some(0));
    run.expect_says(&["parts.yaml", "contracts/openapi.yaml:26"]);
}

#[test]
fn broken_yaml_is_a_bad_contract_with_file_and_line() {
    let repository = shop();
    repository.replace(FILE, "  title: Shop\n", "  title: [Shop\n");
    for args in [
        &["contract", "lint"][..],
        &["contract", "check"],
        &["contract", "diff", FILE, FILE],
    ] {
        repository
            .run(args)
            .expect_code(5)
            .expect_says(&["contracts/openapi.yaml:4:"]);
    }
    let json = repository.run(&["contract", "lint", "--format", "json"]);
    let error = json.expect_code(5).json()["error"].clone();
    assert_eq!(error["exit_code"], 5);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("openapi.yaml:4:")
    );
}

#[test]
fn a_break_between_a_revision_and_a_file_names_the_operation_and_exits_3() {
    let repository = shop();
    let now = format!("HEAD:{FILE}");
    repository
        .run(&["contract", "diff", &now, FILE])
        .expect_code(0)
        .expect_says(&["0 changes"]);
    repository.replace(
        FILE,
        "          type: string\n          enum: [open, shipped]\n",
        "          type: integer\n",
    );
    repository
        .run(&["contract", "diff", &now, FILE])
        .expect_code(3)
        .expect_says(&[
            "GET /orders: the type changed from `string` to `integer`",
            "--> contracts/openapi.yaml:36:17",
            "version: major",
        ]);
    let json = repository.run(&["contract", "diff", &now, FILE, "--format", "json"]);
    let changes = json.expect_code(3).json();
    assert_eq!(changes["bump"], "major");
    let codes: Vec<&str> = changes["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|change| change["code"].as_str())
        .collect();
    assert!(
        codes.contains(&"response-property-type-changed"),
        "{codes:?}"
    );
}

#[test]
fn what_was_blessed_may_grow_but_not_break_without_a_new_major_version() {
    let repository = shop();
    repository
        .run(&["contract", "check"])
        .expect_code(0)
        .expect_says(&["no blessed contract yet", "tollgate contract bless"]);
    repository.run(&["contract", "bless"]).expect_code(0);
    assert_eq!(repository.read("contracts/blessed/openapi.yaml"), SHOP);
    repository
        .run(&["contract", "check"])
        .expect_code(0)
        .expect_says(&["contract: pass"]);
    repository.replace(
        FILE,
        "          enum: [open, shipped]\n",
        "          enum: [open, shipped]\n        note:\n          type: string\n",
    );
    repository.run(&["contract", "check"]).expect_code(0);
    repository.replace(FILE, "  /orders:\n", "  /purchases:\n");
    repository
        .run(&["contract", "check"])
        .expect_code(3)
        .expect_says(&["GET /orders", "raise the major version"]);
    repository.replace(FILE, "  version: 1.0.0\n", "  version: 2.0.0\n");
    repository.run(&["contract", "check"]).expect_code(0);
}

#[test]
fn a_url_is_fetched_from_an_allowed_host_and_counts_by_its_digest() {
    let money = "Money: {type: object, properties: {unit: {$ref: 'units.yaml#/Unit'}}}\n";
    let units = "Unit: {type: string, enum: [EUR, USD]}\n";
    let site = Site::new(&[("/common.yaml", money), ("/units.yaml", units)]);
    let repository = shop();
    let url = format!("http://{}/common.yaml#/Money", site.addr());
    repository.replace(
        FILE,
        "        id:\n          type: string\n",
        &format!(
            "        id:\n          type: string\n        price:\n          $ref: \"{url}\"\n"
        ),
    );
    // Nobody has allowed the host: nothing is fetched and nothing is written.
    repository
        .run(&["contract", "lock"])
        .expect_code(3)
        .expect_says(&[
            &format!("the host `{}` is not allowed", site.addr()),
            "contracts.lock: 0 URLs",
        ]);
    assert!(!repository.path().join("contracts.lock").exists());
    repository.write(
        "tollgate.toml",
        &format!("[contracts]\nremote_hosts = [\"{}\"]\n", site.addr()),
    );
    repository
        .run(&["contract", "lock"])
        .expect_code(0)
        .expect_says(&["contracts.lock: 2 URLs"]);
    let lock = repository.read("contracts.lock");
    // What is locked is read without the site.
    site.set("/units.yaml", "Unit: {type: string, enum: [EUR]}\n");
    let lint = repository.run(&["contract", "lint"]);
    let printed = lint.expect_code(0).all();
    assert!(!printed.contains("ref-remote"), "{printed}");
    // Another machine has the lock and not the texts: it refuses what has changed.
    fs::remove_dir_all(repository.path().join(".tollgate/cache/remote")).expect("the cache goes");
    let run = repository.run(&["contract", "lock"]);
    run.expect_code(3).expect_says(&["units.yaml"]);
    assert_eq!(repository.read("contracts.lock"), lock);
    repository
        .run(&["contract", "lock", "--update"])
        .expect_code(0)
        .expect_says(&["contracts.lock: 2 URLs"]);
    assert_ne!(repository.read("contracts.lock"), lock);
}

#[test]
fn a_break_that_the_same_change_blesses_fails_without_a_new_major_version() {
    let repository = shop();
    repository.run(&["contract", "bless"]).expect_code(0);
    repository.commit("blessed");
    repository.git(&["checkout", "--quiet", "-b", "change"]);
    repository.replace(FILE, "  /orders:\n", "  /purchases:\n");
    repository.run(&["contract", "bless"]).expect_code(0);
    repository.commit("break and bless");
    let run = repository.run(&["contract", "check"]);
    run.expect_code(3)
        .expect_says(&["error[contract-break-blessed]", "GET /orders"]);
    repository.run(&["replay", &run.evidence()]).expect_code(0);
    repository.replace(FILE, "  version: 1.0.0\n", "  version: 2.0.0\n");
    repository.run(&["contract", "bless"]).expect_code(0);
    repository.run(&["contract", "check"]).expect_code(0);
}

#[test]
fn a_ruleset_and_a_budget_class_are_compared_with_the_base_by_the_lint_alone() {
    let api = "openapi: 3.1.0\ninfo: {title: A, version: 1.0.0}\npaths:\n  /x:\n    get:\n      operationId: getX\n      x-budget: core\n      responses: {'200': {description: ok}}\n";
    let class = |target: u32| {
        format!(r#"{{"statistic": "p95", "unit": "ms", "target": {target}, "critical": 900}}"#)
    };
    let promises = format!(
        r#"{{"version": 1, "limits": {{}}, "classes": {{"core": {}, "heavy": {}}}}}"#,
        class(100),
        class(200)
    );
    let ruleset =
        "rules:\n  own: {given: $.info, severity: error, then: {field: title, function: truthy}}\n";
    let repository = Repository::new(&[
        ("tollgate.toml", "[ratchet]\n"),
        ("contracts/openapi.yaml", api),
        ("budgets/performance_sla.json", &promises),
        (".spectral.yaml", ruleset),
    ]);
    repository.run(&["contract", "lint"]).expect_code(0);
    repository.replace(".spectral.yaml", "error", "hint");
    repository
        .run(&["contract", "lint"])
        .expect_code(3)
        .expect_says(&["settings-rule-lowered", "`rules.own` of `.spectral.yaml`"]);
    repository.write(".spectral.yaml", ruleset);
    repository.replace("contracts/openapi.yaml", "core", "heavy");
    repository
        .run(&["contract", "lint"])
        .expect_code(3)
        .expect_says(&["budget-class-changed", "getX"]);
}
