//! Every key of `tollgate.toml` is read somewhere: a setting without a use promises what nobody does.
#![expect(clippy::unwrap_used, reason = "the helpers of a test are test code")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The code of each crate of the product, by folder, without its tests.
fn code() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(root.join("Cargo.toml")).unwrap()).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members = members.iter().filter_map(toml::Value::as_str);
    let apart = ["tests", "benches", "xtask", "tests/tidy", "xtask/launch"];
    members
        .filter(|member| !apart.contains(member))
        .map(|member| {
            let mut text = String::new();
            collect(&root.join(member).join("src"), &mut text);
            (member.to_owned(), text)
        })
        .collect()
}

fn collect(folder: &Path, text: &mut String) {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, text);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            let whole = fs::read_to_string(&path).unwrap();
            let code = whole.split("#[cfg(test)]\nmod").next().unwrap_or_default();
            let lines = code
                .lines()
                .map(|line| line.split("//").next().unwrap_or_default());
            lines.for_each(|line| {
                text.push_str(line);
                text.push('\n');
            });
        }
    }
}

/// The field of a key: of another name where the code renames it.
fn field_of<'a>(code: &'a str, key: &'a str) -> &'a str {
    let renamed = code
        .split_once(&format!("rename = \"{key}\""))
        .and_then(|(_, rest)| rest.split_once("pub "))
        .and_then(|(_, rest)| rest.split_once(':'));
    renamed.map_or(key, |(name, _)| name)
}

/// Whether the field is read: `.key`, or `Key key` in the table of kinds.
fn is_used(code: &str, key: &str) -> bool {
    let kind: String = key[..1].to_uppercase() + &key[1..];
    let forms = [
        format!(".{}", field_of(code, key)),
        format!("{kind} {key} "),
    ];
    forms.iter().any(|form| {
        code.match_indices(form.as_str()).any(|(at, _)| {
            let rest = code[at + form.len()..].trim_start();
            let next = code[at + form.len()..].chars().next().unwrap_or(' ');
            let is_word = next.is_ascii_alphanumeric() || next == '_';
            !form.starts_with('.') || !is_word && !rest.starts_with('(')
        })
    })
}

/// Each struct of the settings with its keys.
fn keys() -> BTreeMap<String, Vec<String>> {
    let schema: Value = serde_json::from_str(&tollgate_gates::settings_schema()).unwrap();
    let properties = |value: &Value| -> Vec<String> {
        let own = value["properties"].as_object().into_iter();
        own.flat_map(|it| it.keys().cloned()).collect()
    };
    let mut keys = BTreeMap::from([("Settings".to_owned(), properties(&schema))]);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        keys.entry(name.clone())
            .or_default()
            .extend(properties(definition));
    }
    keys
}

#[test]
fn no_setting_is_without_a_use() {
    let code = code();
    let mut unused = Vec::new();
    for (name, keys) in keys() {
        let owners: Vec<&String> = code
            .iter()
            .filter(|(_, text)| text.contains(&format!("struct {name} ")))
            .map(|(member, _)| member)
            .collect();
        // A crate owns its settings; it, and those that join the crates, read them.
        let joins = ["gates", "cli", "release"];
        let readers = code.iter().filter(|(member, _)| {
            owners.len() != 1 || owners.contains(member) || joins.contains(&member.as_str())
        });
        let text: String = readers.map(|(_, text)| text.as_str()).collect();
        let of_struct = keys.iter().filter(|key| !is_used(&text, key));
        unused.extend(of_struct.map(|key| format!("{name}.{key}")));
    }
    assert!(unused.is_empty(), "settings that nothing reads: {unused:?}");
}

#[test]
fn a_setting_that_nothing_reads_would_be_found() {
    assert!(is_used("let a = settings.budget;", "budget"));
    assert!(is_used(
        "#[serde(rename = \"for\")]\npub hold: Span,\n x.hold",
        "for"
    ));
    assert!(is_used("declare! { Budget budget BudgetCheck, }", "budget"));
    assert!(!is_used("let a = settings.budgets;", "budget"));
    assert!(!is_used("settings.budget()", "budget"));
    assert!(!is_used("", "budget"));
}
