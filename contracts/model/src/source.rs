//! Text to nodes: which reader takes it, the limits, and what both readers share. It must not
//! know what a contract is, nor read a file.

use tollgate_report::Finding;

use crate::fields::sorted_by_key;
pub use crate::node::{Entry, Fields, Node, NodeValue, Span, escape_token, unescape_token};
use crate::{json, text, yaml};

/// How deep nodes may stand in each other; deeper text is refused, so that no walk over nodes
/// can exhaust the stack. The deepest document of the corpus has 38 levels.
pub const DEPTH_MAX: usize = 192;
/// How many nodes one text may have after its aliases are followed. The largest document of the
/// corpus (6.9 MB) has fewer than a tenth of this.
pub const NODES_MAX: usize = 8_000_000;
/// How many nodes aliases may add to what is written.
pub const ALIAS_NODES_MAX: usize = 1_000_000;

/// A text that is not JSON or YAML, or that goes beyond the limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read `{file}:{line}:{column}`: {problem}; {hint}{excerpt}")]
pub struct SourceError {
    /// The file, as given.
    pub file: String,
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub hint: String,
    /// The line with a caret under the column, each after a line break; empty when there is no
    /// such line.
    pub excerpt: String,
}

impl SourceError {
    pub(crate) fn new(
        file: &str,
        span: Span,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            line: span.line,
            column: span.column,
            problem: problem.into(),
            hint: hint.into(),
            excerpt: String::new(),
        }
    }
}

/// Reads a JSON or YAML text. A key that stands twice keeps its last value.
///
/// # Errors
/// A text that is neither, or that is deeper or larger than the limits of this module.
pub fn parse(file: &str, text: &str) -> Result<Node, SourceError> {
    parse_with_findings(file, text).map(|(node, _)| node)
}

/// Reads a JSON or YAML text, and says what other readers may refuse: keys that stand twice,
/// comments and trailing commas in JSON, a second YAML document, and the like.
///
/// # Errors
/// As [`parse`].
pub fn parse_with_findings(file: &str, text: &str) -> Result<(Node, Vec<Finding>), SourceError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut findings = Vec::new();
    let node = parse_either(file, text, &mut findings).map_err(|error| SourceError {
        excerpt: text::excerpt(text, error.line, error.column),
        ..error
    })?;
    Ok((node, findings))
}

/// A text that starts as JSON is read as JSON. Where that fails, or needs what only a lenient
/// reader takes, and no name says that it must be JSON, it is read as YAML, of which JSON is a
/// part. The error is of the reader that came further.
fn parse_either(file: &str, text: &str, findings: &mut Vec<Finding>) -> Result<Node, SourceError> {
    let start = text.trim_start();
    let is_json = has_json_name(file);
    let looks_like_json = start.starts_with(['{', '[']) || (is_json && start.starts_with('/'));
    if !looks_like_json {
        return yaml::parse(file, text, findings);
    }
    let mut by_json_findings = Vec::new();
    let by_json = json::parse(file, text, &mut by_json_findings);
    let is_plain = by_json_findings.iter().all(|it| it.code == "duplicate-key");
    if is_json || (by_json.is_ok() && is_plain) {
        findings.append(&mut by_json_findings);
        return by_json;
    }
    let by_yaml = yaml::parse(file, text, findings);
    match (by_json, by_yaml) {
        (_, Ok(node)) => Ok(node),
        (Ok(node), Err(_)) => {
            *findings = by_json_findings;
            Ok(node)
        }
        (Err(json), Err(yaml)) if (json.line, json.column) > (yaml.line, yaml.column) => Err(json),
        (Err(_), Err(yaml)) => Err(yaml),
    }
}

fn has_json_name(file: &str) -> bool {
    file.rsplit_once('.')
        .is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"))
}

/// How many findings one text may give; a hostile one has a million.
const FINDINGS_MAX: usize = 1_000;

/// Keeps a finding about a text, unless there are too many already.
pub(crate) fn note(findings: &mut Vec<Finding>, finding: impl FnOnce() -> Finding) {
    if findings.len() < FINDINGS_MAX {
        findings.push(finding());
    }
}

/// The entries of an object with each key once: a key that stands twice keeps its first place in
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

/// Pairs of the first and a later entry of one key, in the order of the later. Of many entries
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
            "the key `{}` stands twice, first at line {}",
            again.key, first.key_span.line
        ),
    )
    .at(again.key_span.place(file))
    .because("readers differ in which of the two they keep; the last counts here")
    .fix("remove or rename one of the two")
}
