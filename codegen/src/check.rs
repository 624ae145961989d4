//! Compares the generated files in the tree with what the contract generates.

use std::collections::BTreeMap;

use tollgate_report::{Finding, Place, Verdict};

use crate::Artifact;

/// Compares artifacts with the files in the tree, keyed by the artifact's path.
///
/// `local` holds `None` for a file that is not there; files that are there and that nothing
/// generates any more are stale too. A stale file is an error finding, for which the command
/// line exits 4.
#[must_use]
pub fn check(artifacts: &[Artifact], local: &BTreeMap<String, Option<Vec<u8>>>) -> Verdict {
    let mut findings = Vec::new();
    for artifact in artifacts {
        match local.get(&artifact.path) {
            Some(Some(bytes)) if bytes == artifact.contents.as_bytes() => {}
            Some(Some(bytes)) => findings.push(stale(
                &artifact.path,
                format!("`{}` is not what the contract generates", artifact.path),
                first_difference(bytes, artifact.contents.as_bytes()),
            )),
            Some(None) | None => findings.push(stale(
                &artifact.path,
                format!("`{}` is missing", artifact.path),
                0,
            )),
        }
    }
    for (path, bytes) in local {
        let is_generated = artifacts.iter().any(|artifact| artifact.path == *path);
        if bytes.is_some() && !is_generated {
            let message = format!("`{path}` is no longer generated");
            findings.push(stale(path, message, 0));
        }
    }
    let reason = format!("{} generated files are up to date", artifacts.len());
    Verdict::from_findings(findings, reason)
}

fn stale(path: &str, message: String, line: u32) -> Finding {
    Finding::error("codegen-stale", message)
        .at(Place::at(path, line, 0))
        .because("generated code must match the committed contract")
        .fix_command("generate it again", "{tollgate} codegen")
}

/// The first line, from 1, that differs.
fn first_difference(one: &[u8], other: &[u8]) -> u32 {
    let n_same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let n_lines = one[..n_same].iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(n_lines + 1).unwrap_or(u32::MAX)
}
