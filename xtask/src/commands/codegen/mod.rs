//! `codegen`: what is generated from the contracts, written, compared, watched, compiled and
//! proved on the wire.

pub mod child;
mod compile;
mod corpus;
mod gate;
mod made;
mod manifest;
mod proof;
mod verify;
mod watch;
mod wire;
mod write;

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::Path;

use tollgate_codegen::{Emit, Language, Settings, TargetSettings};
use tollgate_report::{ExitCode, Finding, Outcome, suggest};

use crate::cli::{CodegenArgs, CodegenCommand};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};

pub use compile::in_path;
pub use gate::{gate, replay};
use made::{Folder, load_contracts, local_files, make, understand};
use write::Written;

/// `cargo xtask codegen …`.
pub fn run(context: &Context, args: &CodegenArgs) -> CommandResult {
    match &args.command {
        Some(CodegenCommand::Verify(args)) => return verify::run(context, args),
        Some(CodegenCommand::Corpus(args)) => return corpus::run(context, args),
        None => {}
    }
    let settings = match &args.out {
        Some(out) => free_settings(context, args, out)?,
        None => context.settings.codegen.clone(),
    };
    // With nothing to generate, nothing can be stale: a check says that it did not look.
    if settings.targets.is_empty() && !args.check {
        return Err(Failure::settings(anyhow::anyhow!(
            "generate: [codegen] of tollgate.toml names no target"
        ))
        .hint("or say it all: cargo xtask codegen --contract FILE --language rust --out DIR"));
    }
    let root = args.root.as_ref();
    let root = root.map(|root| manifest::normal(&context.here.join(root)));
    let root = root.as_deref();
    if args.watch {
        return super::block_on(watch::run(context, &settings, root, args.rounds));
    }
    if args.check && args.out.is_none() {
        return check_settings(context);
    }
    // The process ends after this, which gives all memory back at once: value by value it would
    // take a tenth of the time.
    let contracts = ManuallyDrop::new(load_contracts(context, &settings, root)?);
    let meanings = ManuallyDrop::new(understand(&settings, &contracts)?);
    let folders = ManuallyDrop::new(make(&settings, &meanings)?);
    if args.check {
        return check_free(context, &folders);
    }
    for finding in folders.iter().flat_map(|folder| &folder.findings) {
        context
            .output
            .progress(format!("note: {}", finding.message));
    }
    let written = write::write(&context.root, &folders, args.dry_run)?;
    tell(context, &written, args.dry_run);
    Ok(ExitCode::Pass)
}

/// The settings that the flags stand for: one target a language, in a folder of its name.
fn free_settings(context: &Context, args: &CodegenArgs, out: &Path) -> Result<Settings, Failure> {
    let emit: BTreeSet<Emit> = args
        .emit
        .iter()
        .map(|word| emit_of(word))
        .collect::<Result<_, _>>()?;
    let shown = |path: &Path| {
        let path = manifest::normal(&context.here.join(path));
        let path = path.strip_prefix(&context.root).unwrap_or(&path);
        path.to_string_lossy().replace('\\', "/")
    };
    let contracts: Vec<String> = args.contract.iter().map(|file| shown(file)).collect();
    let mut languages = BTreeSet::new();
    let mut targets = Vec::new();
    for word in &args.language {
        let language = language_of(word)?;
        if !languages.insert(language) {
            continue;
        }
        let has_all = emit.iter().all(|part| part.is_for(language)) || emit.len() == 1;
        let parts = emit.iter().filter(|part| has_all || part.is_for(language));
        if !has_all {
            context.output.progress(format!(
                "note: no server is generated in {}: only rust has one",
                language.word()
            ));
        }
        let mut target = TargetSettings {
            contracts: contracts.clone(),
            language,
            emit: parts.copied().collect(),
            out: shown(&out.join(language.word())),
            ..TargetSettings::default()
        };
        if let Some(package) = &args.package {
            target.package.clone_from(package);
        }
        targets.push(target);
    }
    Ok(Settings { targets })
}

fn language_of(word: &str) -> Result<Language, Failure> {
    let words = ["rust", "swift", "typescript"];
    serde_json::from_value(serde_json::Value::from(word)).map_err(|_| {
        let failure = Failure::usage(format!(
            "generate `{word}`: the languages are rust, swift and typescript"
        ));
        match suggest::nearest(word, words) {
            Some(near) => failure.hint(format!("did you mean `{near}`?")),
            None => failure,
        }
    })
}

fn emit_of(word: &str) -> Result<Emit, Failure> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|_| {
        Failure::usage(format!(
            "emit `{word}`: models, client and server can be emitted"
        ))
    })
}

/// `--check` of the settings' targets: a gate, with evidence.
fn check_settings(context: &Context) -> CommandResult {
    let evidence = context.evidence()?;
    let gate = gate(context, &evidence, &context.new_run_id("codegen"))?;
    context
        .output
        .findings(&gate.verdict.findings, &context.root);
    context.output.json(&serde_json::json!({
        "version": 1, "stale": stale(&gate.verdict.findings), "gate": gate,
    }));
    let outcome = context.output.paint.outcome(gate.outcome());
    context.output.line(format!(
        "models: {outcome}: {} (evidence {})",
        gate.verdict.reason, gate.evidence
    ));
    Ok(exit_of(gate.outcome()))
}

/// `--check` of what the flags say: no gate of the repository, so nothing is recorded.
fn check_free(context: &Context, folders: &[Folder]) -> CommandResult {
    let local = local_files(&context.root, folders)?;
    let verdict = gate::judge(folders, &local);
    context.output.findings(&verdict.findings, &context.root);
    context.output.json(&serde_json::json!({
        "version": 1, "stale": stale(&verdict.findings), "verdict": verdict,
    }));
    let outcome = context.output.paint.outcome(verdict.outcome);
    context
        .output
        .line(format!("models: {outcome}: {}", verdict.reason));
    Ok(exit_of(verdict.outcome))
}

fn exit_of(outcome: Outcome) -> ExitCode {
    if outcome == Outcome::Fail {
        ExitCode::Stale
    } else {
        ExitCode::Pass
    }
}

fn stale(findings: &[Finding]) -> Vec<&str> {
    let places = findings.iter().filter_map(|finding| finding.place.as_ref());
    places.map(|place| place.file.as_str()).collect()
}

/// Prints what was written, or would be.
fn tell(context: &Context, written: &[Written], is_dry_run: bool) {
    let output = &context.output;
    let path = |folder: &Written, file: &String| format!("{}/{file}", folder.folder);
    let verbs = if is_dry_run {
        ("would write", "would remove", "to write")
    } else {
        ("wrote", "removed", "written")
    };
    let mut changed = Vec::new();
    for folder in written {
        for file in &folder.written {
            output.line(format!("{} {}", verbs.0, path(folder, file)));
            changed.push(path(folder, file));
        }
        for file in &folder.removed {
            output.line(format!("{} {}", verbs.1, path(folder, file)));
            changed.push(path(folder, file));
        }
        for file in &folder.kept {
            output.line(format!(
                "kept {}: nothing generates it any more, but it was changed by hand",
                path(folder, file)
            ));
        }
    }
    let n_files: usize = written.iter().map(|folder| folder.files).sum();
    let n_written: usize = written.iter().map(|folder| folder.written.len()).sum();
    let n_untyped: usize = written.iter().map(|folder| folder.untyped_fields).sum();
    output.line(format!(
        "{n_files} files, {n_written} {}, {n_untyped} fields without a type",
        verbs.2
    ));
    output.json(&serde_json::json!({
        "version": 1, "files": n_files, "changed": changed, "untyped_fields": n_untyped,
        "dry_run": is_dry_run, "packages": written,
    }));
}
