//! Text to nodes: picks the reader for a text.

use tollgate_report::Finding;

pub use crate::node::{Entry, Fields, Node, NodeValue, Span, escape_token, unescape_token};
pub use crate::source_error::{ALIAS_NODES_MAX, DEPTH_MAX, NODES_MAX, SourceError};
use crate::{json, text, yaml};

/// Reads a JSON or YAML text. A key that occurs twice keeps its last value.
///
/// # Errors
/// The text is neither JSON nor YAML, or it is deeper or larger than the limits of this module.
pub fn parse(file: &str, text: &str) -> Result<Node, SourceError> {
    parse_with_findings(file, text).map(|(node, _)| node)
}

/// Reads a JSON or YAML text, and reports what other readers may reject: duplicate keys, comments
/// and trailing commas in JSON, a second YAML document, and the like.
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

/// A text that starts as JSON is read as JSON. It is read as YAML, of which JSON is a subset, if
/// that fails or needs a lenient reader and if the file name does not require JSON. The error is
/// that of the reader that read further.
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
