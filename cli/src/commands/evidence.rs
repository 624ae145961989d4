//! `explain` and `replay`: why a gate decided as it did, and the same decision again.

use clap::Args;
use tollgate_report::{EvidenceLog, ExitCode, Verdict};

use crate::context::Context;
use crate::failure::CommandResult;

/// Show why a gate decided as it did
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: {tollgate} explain 3fa94c01b2d7")]
pub struct ExplainArgs {
    /// The evidence id, or its first digits
    pub id: String,
}

/// Compute a verdict again from its recorded inputs
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: {tollgate} replay 3fa94c01b2d7")]
pub struct ReplayArgs {
    /// The evidence id, or its first digits
    pub id: String,
}

/// `explain ID`.
pub fn explain(context: &Context, id: &str) -> CommandResult {
    let evidence = context.evidence()?;
    let record = evidence.find(id)?;
    context.output.json(&record);
    context.output.text(|out| {
        writeln!(
            out,
            "evidence {} (number {} of the chain)",
            record.id, record.seq
        )?;
        writeln!(out, "  gate     {} on {}", record.gate, record.subject)?;
        writeln!(out, "  when     {}", record.at)?;
        writeln!(out, "  run      {}", record.run)?;
        writeln!(
            out,
            "  verdict  {}",
            context.output.paint.outcome(record.verdict.outcome)
        )?;
        writeln!(out, "  why      {}", record.verdict.reason)?;
        for (name, digest) in &record.inputs {
            writeln!(
                out,
                "  input    {name} {} ({})",
                digest.short(),
                size_of(&evidence, digest)
            )?;
        }
        if !record.settings.is_null() {
            let settings = serde_json::to_string(&record.settings).unwrap_or_default();
            let shown: String = settings.chars().take(160).collect();
            let more = if shown.len() < settings.len() {
                " … (whole with --format json)"
            } else {
                ""
            };
            writeln!(out, "  settings {shown}{more}")?;
        }
        writeln!(out)
    });
    context
        .output
        .findings(&record.verdict.findings, &context.root);
    context.output.line(format!(
        "compute it again: {{tollgate}} replay {}",
        record.id
    ));
    Ok(ExitCode::Pass)
}

fn size_of(evidence: &EvidenceLog, digest: &tollgate_report::Digest) -> String {
    match evidence.input(digest) {
        Ok(bytes) => format!("{} bytes kept", bytes.len()),
        Err(_) => "missing".to_owned(),
    }
}

/// `replay ID`: exit 0 when the verdict is the same byte for byte, 70 when it is not.
pub fn replay(context: &Context, id: &str) -> CommandResult {
    let evidence = context.evidence()?;
    let record = evidence.find(id)?;
    let again = tollgate_gates::replay(&evidence, &record)?;
    let bytes =
        |verdict: &Verdict| serde_json::to_string(verdict).expect("a verdict has only string keys");
    let is_same = bytes(&again) == bytes(&record.verdict);
    context.output.json(&serde_json::json!({
        "version": 1, "id": record.id, "same": is_same, "recorded": record.verdict, "replayed": again,
    }));
    let outcome = context.output.paint.outcome(again.outcome);
    context.output.line(format!(
        "{} on {}: {outcome}: {}",
        record.gate, record.subject, again.reason
    ));
    if is_same {
        context.output.line(format!(
            "the same verdict as recorded, byte for byte ({} bytes)",
            bytes(&again).len()
        ));
        return Ok(ExitCode::Pass);
    }
    context.output.line(format!(
        "not the verdict that was recorded: {}: {}",
        record.verdict.outcome.word(),
        record.verdict.reason
    ));
    context.output.line(
        "a verdict must follow from its inputs alone; or this version of Tollgate judges otherwise",
    );
    Ok(ExitCode::Bug)
}
