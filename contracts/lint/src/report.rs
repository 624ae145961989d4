//! Findings of lint in machine formats: JSON, SARIF 2.1.0 and the annotations of GitHub. The
//! functions return text and print nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use tollgate_report::{Finding, Place, Severity};

use crate::catalogue::rule_infos;
use crate::finding::LintFinding;

/// One linted file with what was found in it.
#[derive(Clone, Debug)]
pub struct LintedFile {
    /// The entry file, as named.
    pub file: String,
    /// What reading found: missing references, duplicate keys.
    pub reading: Vec<Finding>,
    /// What the rules found.
    pub rules: Vec<LintFinding>,
}

impl LintedFile {
    /// All findings with their pointers (empty for those of reading), worst first.
    fn all(&self) -> Vec<(&Finding, &str, Option<&str>)> {
        let reading = self.reading.iter().map(|finding| (finding, "", None));
        let rules = self.rules.iter().map(|found| {
            (
                &found.finding,
                found.pointer.as_str(),
                found.documentation.as_deref(),
            )
        });
        let mut all: Vec<_> = reading.chain(rules).collect();
        all.sort();
        all
    }
}

/// The findings as JSON, `version` 1; `docs/REFERENCE.md` describes it.
#[must_use]
pub fn json_report(ruleset: &[Finding], files: &[LintedFile]) -> Value {
    let mut counts: BTreeMap<&str, usize> =
        BTreeMap::from([("error", 0), ("warning", 0), ("info", 0)]);
    let mut findings = Vec::new();
    let of_ruleset = ruleset.iter().map(|finding| (finding, "", None));
    let of_files = files.iter().flat_map(LintedFile::all);
    for (finding, pointer, documentation) in of_ruleset.chain(of_files) {
        *counts.entry(finding.severity.word()).or_default() += 1;
        let place = finding.place.as_ref();
        findings.push(json!({
            "rule": finding.code,
            "severity": finding.severity.word(),
            "message": finding.message,
            "file": place.map(|place| place.file.as_str()),
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
            "pointer": pointer,
            "why": finding.why,
            "fix": finding.fix.as_ref().map(|fix| fix.description.as_str()),
            "documentation": documentation,
        }));
    }
    let names: Vec<&str> = files.iter().map(|file| file.file.as_str()).collect();
    json!({ "version": 1, "files": names, "counts": counts, "findings": findings })
}

fn sarif_level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// The findings as a SARIF 2.1.0 log (OASIS standard of 2020): one run, each rule that found
/// something with its metadata, regions with lines and columns from 1 in characters.
#[must_use]
pub fn sarif_report(ruleset: &[Finding], files: &[LintedFile]) -> Value {
    let infos: BTreeMap<String, String> = rule_infos()
        .into_iter()
        .map(|info| (info.name, info.why))
        .collect();
    let of_ruleset = ruleset.iter().map(|finding| (finding, "", None));
    let all: Vec<(&Finding, &str, Option<&str>)> = of_ruleset
        .chain(files.iter().flat_map(LintedFile::all))
        .collect();
    let mut rules: BTreeMap<&str, (&Finding, Option<&str>)> = BTreeMap::new();
    for (finding, _, documentation) in &all {
        rules
            .entry(&finding.code)
            .or_insert((finding, *documentation));
    }
    let indexes: BTreeMap<&str, usize> = rules
        .keys()
        .enumerate()
        .map(|(idx, name)| (*name, idx))
        .collect();
    let descriptors: Vec<Value> = rules
        .iter()
        .map(|(name, (finding, documentation))| {
            let why = infos.get(*name).filter(|why| !why.is_empty()).cloned();
            let text = why
                .or_else(|| finding.why.clone())
                .unwrap_or_else(|| finding.message.clone());
            let mut rule = json!({
                "id": name,
                "shortDescription": { "text": text },
                "defaultConfiguration": { "level": sarif_level(finding.severity) },
            });
            if let Some(url) = documentation {
                rule["helpUri"] = Value::from(*url);
            }
            rule
        })
        .collect();
    let results: Vec<Value> = all
        .iter()
        .map(|(finding, pointer, _)| sarif_result(finding, pointer, &indexes))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tollgate",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": descriptors,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn sarif_result(finding: &Finding, pointer: &str, indexes: &BTreeMap<&str, usize>) -> Value {
    let mut text = finding.message.clone();
    if let Some(fix) = &finding.fix {
        let _ = write!(text, "; {}", fix.description);
    }
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": indexes.get(finding.code.as_str()),
        "level": sarif_level(finding.severity),
        "message": { "text": text },
    });
    if let Some(place) = &finding.place {
        let (line, column) = region(place);
        let mut location = json!({
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&place.file) },
                "region": { "startLine": line, "startColumn": column },
            },
        });
        if !pointer.is_empty() {
            location["logicalLocations"] = json!([{ "fullyQualifiedName": pointer }]);
        }
        result["locations"] = json!([location]);
    }
    result
}

/// A path as the URI reference that SARIF requires (RFC 3986, section 3.3).
fn uri(file: &str) -> String {
    let mut out = String::new();
    for byte in file.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte);
        if is_plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The findings as commands that GitHub's runner turns into annotations, one a line.
#[must_use]
pub fn github_text(ruleset: &[Finding], files: &[LintedFile]) -> String {
    let mut out = String::new();
    let of_files = files
        .iter()
        .flat_map(LintedFile::all)
        .map(|(finding, _, _)| finding);
    for finding in ruleset.iter().chain(of_files) {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let mut properties = Vec::new();
        if let Some(place) = &finding.place {
            let (line, column) = region(place);
            properties.push(format!("file={}", escape_property(&place.file)));
            properties.push(format!("line={line}"));
            properties.push(format!("col={column}"));
        }
        properties.push(format!("title={}", escape_property(&finding.code)));
        let mut text = finding.message.clone();
        if let Some(fix) = &finding.fix {
            let _ = write!(text, "\n{}", fix.description);
        }
        let _ = writeln!(
            out,
            "::{command} {}::{}",
            properties.join(","),
            escape_data(&text)
        );
    }
    out
}

/// As `escapeData` of GitHub's toolkit.
fn escape_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A place as the three numbers that machine formats require; unknown numbers are 1.
fn region(place: &Place) -> (u32, u32) {
    (place.line.max(1), place.column.max(1))
}
