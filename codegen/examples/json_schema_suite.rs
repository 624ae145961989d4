//! Runs the required part of the JSON Schema Test Suite (draft 2020-12) through generated Rust
//! types: `json_schema_suite SUITE OUT`, where SUITE is a clone of
//! `json-schema-org/JSON-Schema-Test-Suite` and OUT a folder for one generated package.
//!
//! Each group's schema becomes a component of a contract of its own, in the dialect of JSON
//! Schema; each test's data is decoded and checked as a property of an object. Prints the share
//! that agrees, for each file, and each test that does not.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use serde_json::{Value, json};
use tollgate_codegen::{Emit, Language, Request, generate};

/// One test of the suite.
struct Case {
    file: String,
    title: String,
    place: String,
    data: Value,
    is_valid: bool,
    /// What of the schema we don't do, when there is something.
    reason: &'static str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [suite, out] = arguments.as_slice() else {
        return Err("json_schema_suite needs SUITE OUT".into());
    };
    let mut contracts = Vec::new();
    let mut cases = Vec::new();
    let folder = Path::new(suite).join("tests/draft2020-12");
    let mut files: Vec<_> = fs::read_dir(&folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    for file in files.iter().filter(|file| file.path().is_file()) {
        let name = file.file_name().to_string_lossy().into_owned();
        let groups: Vec<Value> = serde_json::from_slice(&fs::read(file.path())?)?;
        for group in groups {
            let index = contracts.len();
            let contract = format!("case{index}.json");
            let document = wrap(&group["schema"]);
            contracts.push(tollgate_contracts_model::parse_contract(
                &contract,
                &document.to_string(),
            )?);
            for test in group["tests"].as_array().into_iter().flatten() {
                cases.push(Case {
                    file: name.clone(),
                    title: format!("{}: {}", group["description"], test["description"]),
                    place: format!("{contract}#/components/schemas/Holder"),
                    data: json!({ "value": test["data"] }),
                    is_valid: test["valid"] == true,
                    reason: reason(&name, &group["schema"]),
                });
            }
        }
    }
    let request = Request {
        language: Language::RUST,
        emit: BTreeSet::from([Emit::Models, Emit::Wire]),
        package: "suite-models".to_owned(),
        has_manifest: true,
    };
    for artifact in generate(&contracts, &request)?.artifacts {
        let path = Path::new(out).join(&artifact.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, artifact.contents)?;
    }
    let answers = run(&Path::new(out).canonicalize()?, &cases)?;
    report(&cases, &answers);
    Ok(())
}

/// The group's schema as a component, and an object that holds a value of it.
fn wrap(schema: &Value) -> Value {
    let mut schema = schema.clone();
    rebase(&mut schema);
    json!({
        "openapi": "3.1.0",
        "info": {"title": "suite", "version": "1"},
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": {},
        "components": {"schemas": {
            "Case": schema,
            "Holder": {"type": "object", "required": ["value"], "properties": {"value": {"$ref": "#/components/schemas/Case"}}},
        }},
    })
}

/// References from the schema's root become references from the document's root.
fn rebase(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(text)
                        if key == "$ref" && (text == "#" || text.starts_with("#/")) =>
                    {
                        *text = format!("#/components/schemas/Case{}", &text[1..]);
                    }
                    _ if matches!(key.as_str(), "enum" | "const") => {}
                    value => rebase(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rebase),
        _ => {}
    }
}

/// Why a group's tests may fail: the part of JSON Schema that contracts have no use for.
fn reason(file: &str, schema: &Value) -> &'static str {
    let text = schema.to_string();
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    if has("$dynamicRef") || has("$recursiveRef") {
        "dynamic references are not followed"
    } else if has("$vocabulary")
        || text.contains("http://localhost")
        || text.contains("draft/2020-12/schema\"")
            && has("$ref")
            && text.contains("\"$ref\":\"https://json-schema.org")
    {
        "other documents (metaschemas, remote references) are not fetched"
    } else if has("$id") {
        "`$id` does not change the base of references"
    } else if file == "format.json" {
        "formats are checked, not only described"
    } else {
        ""
    }
}

/// Builds the package and runs all tests in one process.
fn run(out: &Path, cases: &[Case]) -> Result<Vec<Value>, Box<dyn Error>> {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", "wire"])
        .current_dir(out)
        .env("CARGO_TARGET_DIR", out.join("target"))
        .status()?;
    if !status.success() {
        return Err("the generated package does not compile".into());
    }
    let mut driver = Command::new(out.join("target/debug/examples/wire"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = driver.stdin.take().ok_or("the driver has no input")?;
    let lines: String = cases
        .iter()
        .map(|case| format!("{}\n", json!({"type": case.place, "value": case.data})))
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = driver.wait_with_output()?;
    writer.join().map_err(|_| "the writer stopped")??;
    let lines = output.stdout.split(|byte| *byte == b'\n');
    let answers = lines
        .filter(|line| !line.is_empty())
        .map(serde_json::from_slice);
    Ok(answers.collect::<Result<_, _>>()?)
}

/// Whether two values are equal as JSON: `1` is `1.0`.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|other| is_same(one, other)))
        }
        _ => one == other,
    }
}

fn report(cases: &[Case], answers: &[Value]) {
    let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (case, answer) in cases.iter().zip(answers) {
        let is_ok = answer.get("ok").is_some() && answer["violations"] == json!([]);
        let is_kept = answer
            .get("ok")
            .is_none_or(|ok| is_same(ok, &case.data) || !case.is_valid);
        let (n_good, n) = files.entry(&case.file).or_default();
        *n += 1;
        if is_ok == case.is_valid && is_kept {
            *n_good += 1;
            continue;
        }
        let reason = if case.reason.is_empty() {
            "not explained"
        } else {
            case.reason
        };
        *reasons.entry(reason).or_default() += 1;
        println!(
            "{} {}\n    want valid={}, got {answer} ({reason})",
            case.file, case.title, case.is_valid
        );
    }
    println!();
    for (file, (n_good, n)) in &files {
        println!("{n_good:4} of {n:4}  {file}");
    }
    let n_good: usize = files.values().map(|(n_good, _)| n_good).sum();
    println!("{n_good} of {} tests agree", cases.len());
    for (reason, n) in reasons {
        println!("{n:4}  {reason}");
    }
}
