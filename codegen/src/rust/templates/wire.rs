//! Reads lines `{"type": PLACE, "value": JSON}`, decodes the value as the type of that place,
//! checks it, and writes `{"ok": JSON, "violations": [{"path": POINTER, "message": TEXT}]}` or
//! `{"error": TEXT, "violations": […]}`.
#![recursion_limit = "1024"]
#![allow(dead_code, unused_imports, reason = "a contract may have no types")]

use std::io::{BufRead as _, Write as _};

use models_crate::support::{Decode, Path, Rule as rule, Validate, Violation, check};
use serde_json::{Value, json};

type Run = fn(Value, &[rule<'_>]) -> Value;

fn run<T: Decode + Validate>(value: Value, rules: &[rule<'_>]) -> Value {
    let decoded = match T::decode(value, &Path::Root) {
        Ok(decoded) => decoded,
        Err(violation) => return json!({"error": violation.to_string(), "violations": told(&[violation])}),
    };
    let mut violations = Vec::new();
    check(&decoded, rules, &Path::Root, &mut violations);
    json!({"ok": decoded.encode().into_value(), "violations": told(&violations)})
}

fn told(violations: &[Violation]) -> Vec<Value> {
    violations.iter().map(|violation| json!({"path": violation.path, "message": violation.message})).collect()
}

fn answer(line: &str) -> Value {
    let mut request: Value = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(error) => return json!({"error": format!("the line is not JSON: {error}")}),
    };
    let place = request["type"].as_str().unwrap_or_default().to_owned();
    match TYPES.binary_search_by(|(known, ..)| (*known).cmp(&place)) {
        Ok(index) => TYPES[index].1(request["value"].take(), TYPES[index].2),
        Err(_) => json!({"error": format!("no type has the place `{place}`")}),
    }
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", answer(&line?))?;
        out.flush()?;
    }
    Ok(())
}

