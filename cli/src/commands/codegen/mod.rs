//! `codegen`: what is generated from the contracts, written, compared, watched, compiled and
//! proved on the wire.

mod arguments;
mod corpus;
mod verify;
mod watch;
mod write;

use clap::{Args, Subcommand};
use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use tollgate_codegen::folders::{Folder, make, understand};
use tollgate_codegen::manifest;
use tollgate_codegen::{Emit, Language, Settings, TargetSettings};
use tollgate_report::{ExitCode, Finding, Outcome};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

use arguments::WantedArgs;
use corpus::CorpusArgs;
use tollgate_gates::models::made::{load_contracts, local_files};
use tollgate_gates::models::{gate, judge};
use verify::VerifyArgs;
use write::Written;

/// Generate models, clients and the server trait from the contracts
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Example: {tollgate} codegen --check")]
pub struct CodegenArgs {
    #[command(subcommand)]
    pub command: Option<CodegenCommand>,
    /// Write nothing; exit 4 when committed files differ
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Write nothing; list what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Contracts to generate from, without settings
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "out")]
    pub contract: Vec<PathBuf>,
    #[command(flatten)]
    pub wanted: WantedArgs,
    /// The folder to write to, without settings; each language gets a package in DIR/LANGUAGE
    #[arg(long, value_name = "DIR", requires = "contract")]
    pub out: Option<PathBuf>,
    /// The package's name, without settings
    #[arg(long, value_name = "NAME", requires = "out")]
    pub package: Option<String>,
    /// The folder that references may not leave; by default that of the contract
    #[arg(long, value_name = "DIR", requires = "contract")]
    pub root: Option<PathBuf>,
    /// Generate again whenever a contract changes, until ctrl-c
    #[arg(long, conflicts_with_all = ["check", "dry_run"])]
    pub watch: bool,
    /// With --watch: stop after this many rounds; 0 never stops
    #[arg(long, default_value_t = 0, requires = "watch")]
    pub rounds: u32,
}

#[derive(Debug, Clone, Subcommand)]
pub enum CodegenCommand {
    /// Compile generated packages and prove that values keep their shape on the wire
    #[command(after_help = "Example: {tollgate} codegen verify out")]
    Verify(VerifyArgs),
    /// Take every document of a folder through every language: generate, compile, wire
    #[command(
        after_help = "Example: {tollgate} codegen corpus ../shared/corpus --only 'asyncapi*'"
    )]
    Corpus(CorpusArgs),
}

/// `codegen …`.
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
            "there is nothing to generate: tollgate.toml has no target in [codegen]"
        ))
        .hint(
            "add a target, or run `{tollgate} codegen --contract FILE --language rust --out DIR`",
        ));
    }
    let root = args.root.as_ref();
    let root = root.map(|root| manifest::normal(&context.here.join(root)));
    let root = root.as_deref();
    if args.watch {
        return crate::runtime::block_on(watch::run(context, &settings, root, args.rounds));
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
    let emit: BTreeSet<Emit> = args.wanted.parts()?;
    let shown = |path: &Path| {
        let path = manifest::normal(&context.here.join(path));
        let path = path.strip_prefix(&context.root).unwrap_or(&path);
        path.to_string_lossy().replace('\\', "/")
    };
    let contracts: Vec<String> = args.contract.iter().map(|file| shown(file)).collect();
    let mut languages = BTreeSet::new();
    let mut targets = Vec::new();
    for language in args.wanted.languages::<Vec<Language>>()? {
        if !languages.insert(language) {
            continue;
        }
        let has_all = emit.iter().all(|part| language.has(*part)) || emit.len() == 1;
        let parts = emit.iter().filter(|part| has_all || language.has(**part));
        if !has_all {
            context.output.progress(format!(
                "note: no server is generated in {}: only {} has one",
                language.word(),
                Language::with(Emit::Server)
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
    let verdict = judge(folders, &local);
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
                "kept {}: it is no longer generated, but it was changed manually",
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
