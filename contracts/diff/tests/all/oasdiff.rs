//! Agreement with oasdiff on its own pairs, where `../shared/vectors/oasdiff` is present.

#![expect(clippy::unwrap_used, reason = "helpers of tests may stop the test")]

use std::collections::BTreeSet;
use std::path::Path;

use tollgate_contracts_diff::judge_case;
use tollgate_contracts_model::{LoadSettings, load_with};

use crate::shared::shared;

/// Cases, those that agree, expected ids, those found, and every difference.
#[derive(Default)]
struct Tally {
    n_cases: usize,
    n_agree: usize,
    n_ids: usize,
    n_found: usize,
    differences: Vec<String>,
}

fn run(folder: &Path, expected: &str, tally: &mut Tally) {
    let text = std::fs::read_to_string(folder.join(expected)).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let today = "2026-11-21".parse().unwrap();
    for case in &cases {
        let load = |spec: &serde_json::Value| {
            let settings = LoadSettings {
                folder: Some(folder.to_path_buf()),
                ..LoadSettings::default()
            };
            load_with(&folder.join("data").join(spec.as_str().unwrap()), &settings).unwrap()
        };
        let [old, new] = case["specs"].as_array().unwrap().as_slice() else {
            continue;
        };
        let result = judge_case(case, &load(old), &load(new), today);
        if result.contradiction.is_some() {
            continue;
        }
        tally.n_cases += 1;
        tally.n_agree += usize::from(result.differences.is_empty());
        tally.n_ids += result.n_ids;
        tally.n_found += result.n_found;
        let name = case["test"].as_str().unwrap_or_default();
        let rows = result.differences.iter();
        tally
            .differences
            .extend(rows.map(|row| format!("{name}: {row}")));
    }
}

#[test]
fn nearly_all_of_oasdiffs_own_pairs_get_the_same_ids_and_counts() {
    let Some(folder) = shared("vectors/oasdiff", "agreement with oasdiff") else {
        return;
    };
    let mut tally = Tally::default();
    run(&folder, "pairs_expected.json", &mut tally);
    run(&folder, "mutated_expected.json", &mut tally);
    println!("{}", tally.differences.join("\n"));
    println!(
        "{} of {} cases agree; {} of {} expected ids found",
        tally.n_agree, tally.n_cases, tally.n_found, tally.n_ids,
    );
    assert!(tally.n_agree * 100 >= tally.n_cases * AGREE_PERCENT_MIN);
}

/// Reached on 2026-11-21.
const AGREE_PERCENT_MIN: usize = 98;

#[test]
fn the_rules_are_exactly_those_of_oasdiff() {
    let Some(folder) = shared("vectors/oasdiff", "agreement with oasdiff") else {
        return;
    };
    let text = std::fs::read_to_string(folder.join("rules.md")).unwrap();
    let rules = text.split("# oasdiff validate rules").next().unwrap();
    let known: BTreeSet<&str> = rules
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    let ours: BTreeSet<&str> = tollgate_contracts_diff::rules()
        .map(|rule| rule.id)
        .collect();
    assert_eq!(ours.len(), 509);
    assert_eq!(ours, known);
}
