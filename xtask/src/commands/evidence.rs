//! `explain` and `replay`: why a gate decided as it did, and the same decision again.

use tollgate_report::{EvidenceLog, ExitCode, Record, Verdict};

use crate::commands::{budget, canary, codegen, conform, contract, probe, ratchet, tier};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::ship::judged;

/// `cargo xtask explain ID`.
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
        "compute it again: cargo xtask replay {}",
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

/// The verdict that the recorded inputs lead to now.
fn recompute(evidence: &EvidenceLog, record: &Record) -> Result<Verdict, Failure> {
    let input = |name: &str| {
        let digest = record.inputs.get(name).ok_or_else(|| {
            Failure::settings(anyhow::anyhow!(
                "replay `{}`: the record has no input `{name}`",
                record.id
            ))
        })?;
        evidence.input(digest).map_err(Failure::from)
    };
    match record.gate.as_str() {
        "contract" => contract::replay(&input("contracts")?, &record.settings),
        "conform" => conform::replay(&input("conform")?),
        "models" => codegen::replay(&input("models")?, &record.settings),
        "tier0" | "tier1" | "tier2" | "tier3" => tier::replay(&input("tier")?),
        "ratchet" => ratchet::replay(&input("ratchet")?, &record.settings),
        "budget" => budget::replay(&input("budget")?, &record.settings),
        "probe" => probe::replay(&input("probes")?),
        "build" => judged::replay_build(&input("build")?),
        "canary" => canary::replay(&input("events")?),
        "traffic" => judged::replay_traffic(&input("traffic")?),
        "alert" => judged::replay_alert(&input("received")?),
        other => Err(Failure::usage(format!(
            "replay `{}`: a record of gate `{other}` tells of an act, not of a verdict",
            record.id
        ))
        .hint(format!("cargo xtask explain {}", record.id))),
    }
}

/// `cargo xtask replay ID`: exit 0 when the verdict is the same byte for byte, 70 when it is not.
pub fn replay(context: &Context, id: &str) -> CommandResult {
    let evidence = context.evidence()?;
    let record = evidence.find(id)?;
    let again = recompute(&evidence, &record)?;
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
