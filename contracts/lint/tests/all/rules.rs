//! Lint at its border: each rule with a passing and a failing case, rulesets of projects, and the
//! formats for machines.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollgate_contracts_lint::{
    LintFinding, LintSettings, LintedFile, NOT_HERE, RuleLevel, Ruleset, github_text, json_report,
    lint, lint_with, read_ruleset, rule_codes, rule_infos, sarif_report,
};
use tollgate_contracts_model::{Contract, parse_contract};
use tollgate_report::Finding;

use crate::shared::shared;

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn cases() -> Value {
    let text = include_str!("cases.yaml");
    tollgate_contracts_model::parse("cases.yaml", text)
        .unwrap()
        .to_json()
}

fn contract(value: &Value) -> Contract {
    let text = serde_json::to_string_pretty(value).unwrap();
    parse_contract("case.json", &text).unwrap()
}

fn pointers(contract: &Contract, ruleset: &Ruleset, rule: &str) -> Vec<String> {
    lint_with(contract, ruleset)
        .into_iter()
        .filter(|found| found.finding.code == rule)
        .map(|found| found.pointer)
        .collect()
}

#[test]
fn each_rule_has_a_case_that_breaks_it_and_one_that_does_not() {
    let cases = cases();
    let ruleset = Ruleset::all();
    for rule in rule_codes() {
        let case = &cases["cases"][rule];
        assert!(
            case.is_object(),
            "`{rule}` has no case in tests/lint/cases.yaml"
        );
        let base = &cases["bases"][case["base"].as_str().unwrap()];
        let mut good = base.clone();
        if let Some(patch) = case.get("good") {
            merge(&mut good, patch);
        }
        let got = pointers(&contract(&good), &ruleset, rule);
        assert_eq!(got, Vec::<String>::new(), "the good case of `{rule}`");
        let mut bad = base.clone();
        merge(&mut bad, &case["bad"]);
        let got = pointers(&contract(&bad), &ruleset, rule);
        assert_eq!(
            got,
            [case["at"].as_str().unwrap()],
            "the bad case of `{rule}`"
        );
    }
    let known = rule_codes();
    for rule in cases["cases"].as_object().unwrap().keys() {
        assert!(
            known.contains(&rule.as_str()),
            "the case `{rule}` is of no rule"
        );
    }
}

#[test]
fn every_rule_of_spectral_is_here_with_its_severity_or_has_a_reason() {
    let Some(folder) = shared("vectors", "the rules of Spectral") else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("spectral_rules.md")).unwrap();
    let ours: BTreeMap<String, (RuleLevel, bool)> = rule_infos()
        .into_iter()
        .map(|info| (info.name, (info.level, info.is_recommended)))
        .collect();
    let mut n_rules = 0;
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells[1].trim_matches('`');
        let has_reason = NOT_HERE.iter().any(|(pattern, reason)| {
            !reason.is_empty() && name.starts_with(pattern.trim_end_matches('*'))
        });
        let Some((level, is_recommended)) = ours.get(name) else {
            assert!(has_reason, "`{name}` is neither here nor has a reason");
            continue;
        };
        let word = match level {
            RuleLevel::Warning => "warn",
            RuleLevel::Error => "error",
            RuleLevel::Info => "info",
            RuleLevel::Hint => "hint",
            RuleLevel::Off => "off",
        };
        assert_eq!(
            (word, is_recommended.to_string().as_str()),
            (cells[2], cells[3]),
            "`{name}`"
        );
        n_rules += 1;
    }
    assert!(n_rules > 90, "the table has {n_rules} rules that are here");
}

#[test]
fn recommended_rules_leave_out_what_spectral_leaves_out() {
    let ruleset = Ruleset::recommended();
    let enabled = ruleset.enabled();
    assert!(enabled.contains(&"operation-description"));
    assert!(!enabled.contains(&"info-license"));
    assert!(!enabled.contains(&"operation-permission"));
}

const SHOP: &str = "openapi: 3.0.3\ninfo:\n  title: Shop\n  version: 1.0.0\npaths:\n  /orders:\n    get:\n      operationId: list_orders\n      parameters:\n        - $ref: '#/components/parameters/Limit'\n      responses:\n        '200':\n          description: all\ncomponents:\n  parameters:\n    Limit:\n      name: page_limit\n      in: query\n      schema:\n        type: integer\n";

/// Runs a ruleset over the shop; lines of `severity rule pointer: message`.
fn run(ruleset: &str) -> Vec<String> {
    run_files(&[("rules/.spectral.yaml", ruleset)], SHOP)
}

fn run_files(files: &[(&str, &str)], document: &str) -> Vec<String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let read = &mut |file: &str| {
        let text = files.get(file).map(|text| (*text).to_owned());
        text.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
    };
    let ruleset = read_ruleset("rules/.spectral.yaml", read).unwrap();
    let contract = parse_contract("rules/shop.yaml", document).unwrap();
    let mut lines: Vec<String> = ruleset
        .findings()
        .iter()
        .map(|finding| {
            let place = finding.place.as_ref().unwrap();
            let fix = finding
                .fix
                .as_ref()
                .map_or("", |fix| fix.description.as_str());
            format!(
                "{} {} {place}: {} | {fix}",
                finding.severity.word(),
                finding.code,
                finding.message
            )
        })
        .collect();
    lines.extend(lint_with(&contract, &ruleset).into_iter().map(
        |LintFinding {
             finding, pointer, ..
         }| {
            format!(
                "{} {} {pointer}: {}",
                finding.severity.word(),
                finding.code,
                finding.message
            )
        },
    ));
    lines
}

#[track_caller]
fn check(ruleset: &str, want: &[&str]) {
    assert_eq!(run(ruleset), want);
}

#[test]
fn a_ruleset_extends_sets_and_changes_severities() {
    check(
        "extends: [[spectral:oas, off]]\nrules:\n  info-contact: error\n",
        &["error info-contact /info: `info` has no `contact`"],
    );
    check(
        "extends: [[spectral:oas, off]]\nrules:\n  info-contact: 2\n  info-license: hint\n",
        &[
            "info info-contact /info: `info` has no `contact`",
            "info info-license /info: `info` has no `license`",
        ],
    );
    check(
        "extends: spectral:oas\nrules:\n  info-contact: off\n  info-description: false\n  oas3-api-servers: off\n  operation-tags: off\n",
        &["warning operation-description /paths/~1orders/get: the operation has no `description`"],
    );
    check(
        "extends: [[spectral:oas, off]]\nrules: {license-url: true}\n",
        &["warning license-url /info: the license has no `url`"],
    );
}

#[test]
fn custom_rules_ask_with_core_functions() {
    let rule = |given: &str, then: &str| {
        format!(
            "rules:\n  mine:\n    given: {given}\n    message: '{{{{error}}}}'\n    severity: error\n    then: {then}\n"
        )
    };
    let operation = "/paths/~1orders/get";
    for (given, then, want) in [
        (
            "$.paths.*[get]",
            "{field: summary, function: truthy}",
            format!("{operation}: `summary` must be truthy"),
        ),
        (
            "$.paths.*[get]",
            "{field: summary, function: defined}",
            format!("{operation}: `summary` must be defined"),
        ),
        (
            "$.paths.*[get].operationId",
            "{function: falsy}",
            format!("{operation}/operationId: `operationId` must be falsy"),
        ),
        (
            "$.paths.*[get]",
            "{field: operationId, function: undefined}",
            format!("{operation}/operationId: `operationId` must be undefined"),
        ),
        (
            "$.paths.*[get].operationId",
            "{function: casing, functionOptions: {type: kebab}}",
            format!("{operation}/operationId: `operationId` must be kebab case"),
        ),
        (
            "$.paths.*[get].operationId",
            "{function: pattern, functionOptions: {match: '/^GET/i'}}",
            format!("{operation}/operationId: `list_orders` must match the pattern `/^GET/i`"),
        ),
        (
            "$.paths",
            "{field: '@key', function: pattern, functionOptions: {notMatch: orders}}",
            "/paths/~1orders: `/orders` must not match the pattern `orders`".to_owned(),
        ),
        (
            "$.paths[*]~",
            "{function: length, functionOptions: {max: 3}}",
            "/paths/~1orders: `/orders` must be shorter than 3".to_owned(),
        ),
        (
            "$.openapi",
            "{function: enumeration, functionOptions: {values: [3.1.0]}}",
            "/openapi: `\"3.0.3\"` must be one of `\"3.1.0\"`".to_owned(),
        ),
        (
            "$.info",
            "{function: xor, functionOptions: {properties: [title, version]}}",
            "/info: just one of `title` and `version` must be defined".to_owned(),
        ),
        (
            "$.info",
            "{function: or, functionOptions: {properties: [contact, license]}}",
            "/info: at least one of `contact` or `license` must be defined".to_owned(),
        ),
        (
            "$.info",
            "{function: schema, functionOptions: {schema: {type: object, required: [contact]}}}",
            "/info: `info` must have the property `contact`".to_owned(),
        ),
        (
            "$.info",
            "{field: x, function: schema, functionOptions: {schema: {}}}",
            "/info: `x` must exist".to_owned(),
        ),
        (
            "$.paths.*.get.parameters[*]",
            "{field: name, function: casing, functionOptions: {type: camel}}",
            "/components/parameters/Limit/name: `name` must be camel case".to_owned(),
        ),
        (
            "$.paths.*.get",
            "{field: '$.parameters[*].name', function: pattern, functionOptions: {match: ^x}}",
            "/components/parameters/Limit/name: `page_limit` must match the pattern `^x`"
                .to_owned(),
        ),
        ("$.info", "{function: alphabetical}", String::new()),
        (
            "$.components.parameters",
            "{function: unreferencedReusableObject, functionOptions: {reusableObjectsLocation: '#/components/parameters'}}",
            String::new(),
        ),
    ] {
        let want: Vec<String> = if want.is_empty() {
            vec![]
        } else {
            vec![format!("error mine {want}")]
        };
        assert_eq!(run(&rule(given, then)), want, "{given} {then}");
    }
}

#[test]
fn rules_look_at_references_before_or_after_they_are_followed() {
    let rule = |resolved: bool| {
        format!(
            "rules:\n  mine:\n    given: $.paths.*.get.parameters[*]\n    resolved: {resolved}\n    description: said\n    then: {{field: '$ref', function: truthy}}\n"
        )
    };
    assert_eq!(
        run(&rule(true)),
        ["warning mine /components/parameters/Limit: said"]
    );
    assert_eq!(run(&rule(false)), Vec::<String>::new());
}

#[test]
fn aliases_formats_and_templates_are_read() {
    check(
        "aliases:\n  Path: $.paths[*]\n  Operation: ['#Path[get]']\n  Scoped:\n    targets:\n      - {formats: [oas2], given: ['$.swagger']}\n      - {formats: [oas3], given: ['$.info.title']}\nrules:\n  one:\n    given: '#Operation.operationId'\n    message: '{{property}} at {{path}} is {{value}}: {{description}}; {{error}}'\n    description: why not\n    then: {function: casing, functionOptions: {type: pascal}}\n  two:\n    given: '#Scoped'\n    then: {function: pattern, functionOptions: {match: ^x}}\n  three:\n    formats: [aas2]\n    given: $\n    then: {field: nothing, function: truthy}\n",
        &[
            "warning two /info/title: `Shop` must match the pattern `^x`",
            "warning one /paths/~1orders/get/operationId: operationId at #/paths/~1orders/get/operationId is \"list_orders\": why not; `operationId` must be pascal case",
        ],
    );
}

#[test]
fn overrides_change_levels_by_file_and_pointer() {
    let rules = |files: &str, level: &str| {
        format!(
            "extends: [[spectral:oas, off]]\nrules:\n  info-contact: warn\noverrides:\n  - files: ['{files}']\n    rules:\n      info-contact: {level}\n"
        )
    };
    assert_eq!(
        run(&rules("*.yaml", "error")),
        ["error info-contact /info: `info` has no `contact`"]
    );
    assert_eq!(run(&rules("*.yaml", "off")), Vec::<String>::new());
    assert_eq!(
        run(&rules("**/shop.yaml#/info", "off")),
        Vec::<String>::new()
    );
    assert_eq!(
        run(&rules("**/shop.yaml#/paths", "off")),
        ["warning info-contact /info: `info` has no `contact`"]
    );
    assert_eq!(
        run(&rules("other.yaml", "off")),
        ["warning info-contact /info: `info` has no `contact`"]
    );
}

#[test]
fn a_ruleset_extends_files_beside_it() {
    let base = "rules:\n  base:\n    given: $.info\n    severity: info\n    then: {field: contact, function: truthy}\n  quiet:\n    recommended: false\n    given: $.info\n    then: {field: license, function: truthy}\n";
    let files = |text: &'static str| {
        run_files(
            &[
                ("rules/.spectral.yaml", text),
                ("rules/shared/base.yml", base),
            ],
            SHOP,
        )
    };
    assert_eq!(
        files("extends: ./shared/base.yml\nrules: {base: error}\n"),
        ["error base /info: `contact` must be truthy"]
    );
    assert_eq!(
        files("extends: [[./shared/base.yml, all]]\n"),
        [
            "warning quiet /info: `license` must be truthy",
            "info base /info: `contact` must be truthy",
        ]
    );
}

#[test]
fn what_cannot_run_or_is_not_known_is_a_finding_with_its_place() {
    check(
        "extends: ['@company/rules', 'https://a.test/r.yaml', ./rules.js, spectral:oass]\nrules: {theirs: off}\n",
        &[
            "warning ruleset-not-fetched rules/.spectral.yaml:1:11: `@company/rules` is a package and isn't fetched: its rules don't run | keep a copy next to the ruleset and extend it by its path, such as `./company.yaml`",
            "warning ruleset-not-fetched rules/.spectral.yaml:1:29: `https://a.test/r.yaml` is a URL and isn't fetched: its rules don't run | keep a copy next to the ruleset and extend it by its path, such as `./company.yaml`",
            "warning ruleset-function rules/.spectral.yaml:1:54: cannot read the ruleset `rules/rules.js`: it is JavaScript, which Tollgate does not run; write it as YAML or JSON | ",
            "error ruleset-extends rules/.spectral.yaml:1:66: there is no set `spectral:oass` | did you mean `spectral:oas`?",
            "info ruleset-unknown-rule rules/.spectral.yaml:2:9: there is no rule `theirs` to change | extend the ruleset that has it, or write `given` and `then`",
        ],
    );
    check(
        "extends: [[spectral:oas, off]]\nfunctions: [fancy]\nrules:\n  info-contct: off\n  operation-tags: eror\n  a:\n    given: $.info[?(@.x ==]\n    then: {function: truthy}\n  b:\n    given: $\n    then: {function: fancy}\n  c:\n    given: $\n    then: {function: thruthy}\n  d:\n    given: '#Operaton'\n    then: {function: truthy}\n  e:\n    given: $\n    then: {function: pattern}\n  f:\n    given: $\n    formats: [oas4]\n    givn: $\n    then: {function: casing, functionOptions: {type: kebap}}\naliases: {Operation: $.paths}\n",
        &[
            "warning ruleset-unknown-rule rules/.spectral.yaml:4:3: there is no rule `info-contct` to change | did you mean `info-contact`?",
            "error ruleset-level rules/.spectral.yaml:5:19: the severity `\"eror\"` is not known | did you mean `error`?",
            "error ruleset-path rules/.spectral.yaml:7:12: the path `$.info[?(@.x ==]` is not understood: a value is missing at its end | ",
            "warning ruleset-function rules/.spectral.yaml:11:22: `fancy` is not a core function but JavaScript, which is not run: this check is left out | express the rule with `alphabetical`, `casing`, `defined`, `enumeration`, `falsy`, `length`, `or`, `pattern`, `schema`, `truthy`, `typedEnum`, `undefined`, `unreferencedReusableObject`, `xor`",
            "error ruleset-function rules/.spectral.yaml:14:22: there is no function `thruthy` | did you mean `truthy`?",
            "error ruleset-alias rules/.spectral.yaml:16:12: there is no alias `Operaton` | did you mean `#Operation`?",
            "error ruleset-options rules/.spectral.yaml:20:22: the options of `pattern` are wrong: `match` or `notMatch` must be a text | ",
            "warning ruleset-key rules/.spectral.yaml:24:5: a rule has no key `givn` | did you mean `given`?",
            "warning ruleset-format rules/.spectral.yaml:23:15: the format `oas4` is not known | did you mean `oas2`?",
            "error ruleset-options rules/.spectral.yaml:25:47: the options of `casing` are wrong: there is no casing `kebap`, did you mean `kebab`? | ",
        ],
    );
}

#[test]
fn a_text_that_is_no_ruleset_names_file_line_and_what_to_do() {
    let error = |text: &str| {
        let read = &mut |_: &str| Ok(text.to_owned());
        read_ruleset("r.yaml", read).err().unwrap().to_string()
    };
    assert_eq!(
        error("- a\n"),
        "cannot read the ruleset `r.yaml:1`: it is array, not an object; write `extends: spectral:oas`, or `rules`"
    );
    assert_eq!(
        error("rule: {}\n"),
        "cannot read the ruleset `r.yaml:1`: it has neither `extends` nor `rules`; write `extends: spectral:oas`, or `rules`"
    );
    assert!(error("rules: [\n").starts_with("cannot read `r.yaml:"));
}

fn codes(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| format!("{} {}", finding.severity.word(), finding.code);
    findings.iter().map(line).collect()
}

#[test]
fn settings_change_levels_and_name_slips() {
    let contract = parse_contract("shop.yaml", SHOP).unwrap();
    let settings = LintSettings {
        rules: BTreeMap::from([
            ("operation-tag".to_owned(), RuleLevel::Off),
            ("operation-budget-class".to_owned(), RuleLevel::Info),
            ("info-contact".to_owned(), RuleLevel::Off),
        ]),
        ..LintSettings::default()
    };
    let findings = lint(&contract, &settings);
    let got = codes(&findings);
    assert!(
        got.contains(&"info operation-budget-class".to_owned()),
        "{got:?}"
    );
    assert!(!got.iter().any(|code| code.ends_with("info-contact")));
    let slip = findings
        .iter()
        .find(|finding| finding.code == "lint-unknown-rule")
        .unwrap();
    assert_eq!(
        slip.fix.as_ref().unwrap().description,
        "did you mean `operation-tags`?"
    );
}

fn linted() -> LintedFile {
    let contract = parse_contract("a b/shop.yaml", SHOP).unwrap();
    LintedFile {
        file: contract.entry.clone(),
        reading: contract.findings.clone(),
        rules: lint_with(&contract, &Ruleset::recommended()),
    }
}

#[test]
fn json_counts_and_places_each_finding() {
    let report = json_report(&[], &[linted()]);
    assert_eq!(report["version"], 1);
    assert_eq!(
        report["counts"],
        json!({"error": 0, "info": 0, "warning": 5})
    );
    let first = &report["findings"][0];
    assert_eq!(first["rule"], "oas3-api-servers");
    assert_eq!(
        (&first["file"], &first["line"]),
        (&json!("a b/shop.yaml"), &json!(1))
    );
}

#[test]
fn sarif_has_what_the_standard_asks_for() {
    let log = sarif_report(&[], &[linted()]);
    // The parts of the SARIF 2.1.0 schema that readers rely on.
    let schema: Value = serde_json::from_str(include_str!("sarif.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&log)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let idx = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[idx]["id"], result["ruleId"]);
    }
}

#[test]
fn annotations_of_github_are_one_line_each() {
    let text = github_text(&[], &[linted()]);
    assert_eq!(text.lines().count(), 5);
    assert_eq!(
        text.lines().nth(1).unwrap(),
        "::warning file=a b/shop.yaml,line=2,col=1,title=info-contact::`info` has no `contact`%0Aadd `contact` with `name`, `url` and `email`"
    );
}

#[test]
fn odd_documents_are_linted_without_a_panic() {
    let texts = [
        "openapi: 3.0.0",
        "openapi: 3.1.0\npaths: []\ninfo: null\ncomponents: 3\ntags: {}\nservers: text\n",
        "openapi: 3.0.0\npaths:\n  /a: {$ref: '#/paths/~1a'}\n",
        "openapi: 3.0.0\ncomponents:\n  schemas:\n    A: {allOf: [{$ref: '#/components/schemas/A'}], example: 1, type: [1], enum: 3, required: x}\n",
        "asyncapi: 2.0.0\nchannels:\n  a: {publish: {message: {oneOf: 3, traits: x, examples: [1]}, security: 1}}\n",
        "asyncapi: 3.0.0\noperations: {a: [], b: {channel: 1, security: [1, {type: oauth2, scopes: 1}]}}\nchannels: []\n",
    ];
    for text in texts {
        let contract = parse_contract("odd.yaml", text).unwrap();
        let places = lint_with(&contract, &Ruleset::all());
        assert!(
            places.iter().all(|found| found.finding.place.is_some()),
            "{text}"
        );
    }
}
