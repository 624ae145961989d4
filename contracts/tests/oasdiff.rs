//! Agreement with oasdiff on its own pairs, where `../shared/vectors/oasdiff` is present.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tollgate_contracts::{LoadSettings, diff, load_with};
use tollgate_report::not_checked;

fn vectors() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/oasdiff");
    if folder.is_dir() {
        return folder.canonicalize().ok();
    }
    not_checked(
        "../shared",
        "agreement with oasdiff",
        "../shared is not here",
    );
    None
}

/// One pair: expected ids that we report too, all expected ids, unexpected ones in its scope.
#[derive(Default)]
struct Tally {
    n_cases: usize,
    n_agree: usize,
    n_expected: usize,
    n_found: usize,
    n_extra: usize,
    n_unreadable: usize,
    missed: Vec<String>,
    extra: Vec<String>,
}

fn strings(value: &serde_json::Value, key: &str) -> BTreeSet<String> {
    let items = value[key].as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str())
        .map(str::to_owned)
        .collect()
}

fn run(folder: &Path, expected: &str, tally: &mut Tally) {
    let text = std::fs::read_to_string(folder.join(expected)).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    for case in &cases {
        let specs: Vec<PathBuf> = case["specs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|spec| folder.join("data").join(spec.as_str().unwrap()))
            .collect();
        let settings = LoadSettings {
            folder: Some(folder.to_path_buf()),
            ..LoadSettings::default()
        };
        let [old, new] = specs.as_slice() else {
            continue;
        };
        let (Ok(old), Ok(new)) = (load_with(old, &settings), load_with(new, &settings)) else {
            tally.n_unreadable += 1;
            continue;
        };
        let got: BTreeSet<String> = diff(&old, &new)
            .into_iter()
            .filter_map(|change| change.alias_oasdiff)
            .collect();
        let want = strings(case, "expect_ids");
        let in_scope = strings(case, "scope_ids");
        let extra: Vec<&String> = got
            .intersection(&in_scope)
            .filter(|id| !want.contains(*id))
            .collect();
        let missed: Vec<&String> = want.difference(&got).collect();
        tally.n_cases += 1;
        tally.n_expected += want.len();
        tally.n_found += want.len() - missed.len();
        tally.n_extra += extra.len();
        tally.n_agree += usize::from(extra.is_empty() && missed.is_empty());
        tally.missed.extend(missed.into_iter().cloned());
        tally.extra.extend(extra.into_iter().cloned());
    }
}

fn top(ids: &[String]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for id in ids {
        *counts.entry(id).or_insert(0) += 1;
    }
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|(id, n)| (std::cmp::Reverse(*n), (*id).clone()));
    rows.iter()
        .take(60)
        .map(|(id, n)| format!("{id} {n}, "))
        .collect()
}

#[test]
fn most_of_oasdiffs_own_pairs_get_the_same_ids() {
    let Some(folder) = vectors() else { return };
    let mut tally = Tally::default();
    run(&folder, "pairs_expected.json", &mut tally);
    run(&folder, "mutated_expected.json", &mut tally);
    println!(
        "{} of {} cases agree; {} of {} expected ids found, {} not expected, {} unreadable",
        tally.n_agree,
        tally.n_cases,
        tally.n_found,
        tally.n_expected,
        tally.n_extra,
        tally.n_unreadable
    );
    println!("missed: {}", top(&tally.missed));
    println!("not expected: {}", top(&tally.extra));
    assert!(tally.n_found * 100 >= tally.n_expected * FOUND_PERCENT_MIN);
}

/// Reached on 2026-11-21; raise it with each rule that is added.
const FOUND_PERCENT_MIN: usize = 45;

#[test]
fn every_alias_is_an_id_that_oasdiff_has() {
    let Some(folder) = vectors() else { return };
    let text = std::fs::read_to_string(folder.join("rules.md")).unwrap();
    let known: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let mut strangers = BTreeSet::new();
    let mut tally = Vec::new();
    for expected in ["pairs_expected.json", "mutated_expected.json"] {
        let text = std::fs::read_to_string(folder.join(expected)).unwrap();
        let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        tally.extend(cases);
    }
    for case in &tally {
        let settings = LoadSettings {
            folder: Some(folder.clone()),
            ..LoadSettings::default()
        };
        let load = |spec: &serde_json::Value| {
            load_with(&folder.join("data").join(spec.as_str().unwrap()), &settings).unwrap()
        };
        let [old, new] = case["specs"].as_array().unwrap().as_slice() else {
            continue;
        };
        let aliases = diff(&load(old), &load(new))
            .into_iter()
            .filter_map(|change| change.alias_oasdiff);
        strangers.extend(aliases.filter(|alias| !known.contains(alias.as_str())));
    }
    assert_eq!(strangers, BTreeSet::new());
}
