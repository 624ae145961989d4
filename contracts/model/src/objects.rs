//! Helpers for both readers: objects with each key once, and a bounded number of findings.

use tollgate_report::Finding;

use crate::node::{Entry, Fields, NodeValue, sorted_by_key};

/// How many findings one text may give; a hostile one could give a million.
const FINDINGS_MAX: usize = 1_000;

/// Keeps a finding about a text, unless there are too many already.
pub(crate) fn note(findings: &mut Vec<Finding>, finding: impl FnOnce() -> Finding) {
    if findings.len() < FINDINGS_MAX {
        findings.push(finding());
    }
}

/// The entries of an object with each key once: a key that occurs twice keeps its first place in
/// the order and takes the last value, and is named in a finding.
pub(crate) fn object_of(
    mut entries: Vec<Entry>,
    file: &str,
    findings: &mut Vec<Finding>,
) -> NodeValue {
    let mut order = Vec::new();
    if entries.len() > Fields::SMALL {
        order = sorted_by_key(&entries);
        let key = |idx: &u32| entries[*idx as usize].key.as_str();
        if order.windows(2).all(|pair| key(&pair[0]) != key(&pair[1])) {
            return NodeValue::Object(Fields::ordered(entries, order));
        }
    }
    let twice = duplicates(&entries, &order);
    for (first, again) in &twice {
        note(findings, || {
            duplicate_finding(file, &entries[*first], &entries[*again])
        });
    }
    // The last of several wins, as the pairs are in document order.
    let mut is_gone = vec![false; if twice.is_empty() { 0 } else { entries.len() }];
    for (first, again) in twice {
        entries.swap(first, again);
        is_gone[again] = true;
    }
    if !is_gone.is_empty() {
        let mut gone = is_gone.into_iter();
        entries.retain(|_| !gone.next().unwrap_or_default());
    }
    NodeValue::Object(Fields::new(entries))
}

/// Pairs of the first and a later entry of one key, in the order of the later one. For many entries
/// the order of their keys is given.
fn duplicates(entries: &[Entry], order: &[u32]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    if entries.len() <= Fields::SMALL {
        for (again, entry) in entries.iter().enumerate() {
            let first = entries[..again].iter().position(|it| it.key == entry.key);
            pairs.extend(first.map(|first| (first, again)));
        }
        return pairs;
    }
    for equal in order.chunk_by(|a, b| entries[*a as usize].key == entries[*b as usize].key) {
        for again in &equal[1..] {
            pairs.push((equal[0] as usize, *again as usize));
        }
    }
    pairs.sort_unstable_by_key(|(_, again)| *again);
    pairs
}

fn duplicate_finding(file: &str, first: &Entry, again: &Entry) -> Finding {
    Finding::error(
        "duplicate-key",
        format!(
            "the key `{}` occurs twice, first at line {}",
            again.key, first.key_span.line
        ),
    )
    .at(again.key_span.place(file))
    .because("tools differ in which of the two they keep; Tollgate keeps the last")
    .fix("remove or rename one of the two")
}
