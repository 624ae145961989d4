//! `codegen`: what is generated from the contracts, written or compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_codegen::{
    Artifact, Emit, Language, Request, Settings, TargetSettings, check, generate,
};
use tollgate_contracts::{Contract, parse_documents};
use tollgate_report::{Clock, EvidenceLog, ExitCode, Outcome, Verdict, write_atomic};

use crate::cli::CodegenArgs;
use crate::commands::contract::{self, ContractText};
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::gate::{self, Gate, Inputs};

/// All that the verdict over generated files depends on, besides the settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelsInputs {
    contracts: BTreeMap<String, ContractText>,
    /// The local files where generated ones should be; absent ones are `None`.
    local: BTreeMap<String, Option<String>>,
}

/// What generating made: files by path from the root, and how many fields have no type.
struct Made {
    artifacts: Vec<Artifact>,
    n_untyped: usize,
}

fn make(settings: &Settings, contracts: &BTreeMap<String, Contract>) -> Result<Made, Failure> {
    let mut made = Made {
        artifacts: Vec::new(),
        n_untyped: 0,
    };
    for target in &settings.targets {
        let chosen: Vec<Contract> = target
            .contracts
            .iter()
            .map(|name| {
                contracts.get(name).cloned().ok_or_else(|| {
                    Failure::settings(anyhow::anyhow!(
                        "generate `{}`: contract `{name}` is not loaded",
                        target.out
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        let generated = generate(&chosen, &target.request()).map_err(Failure::settings)?;
        made.n_untyped += generated.n_untyped;
        for artifact in generated.artifacts {
            let path = format!("{}/{}", target.out.trim_end_matches('/'), artifact.path);
            made.artifacts.push(Artifact {
                path,
                contents: artifact.contents,
            });
        }
    }
    Ok(made)
}

fn load_contracts(
    context: &Context,
    settings: &Settings,
) -> Result<BTreeMap<String, Contract>, Failure> {
    let mut contracts = BTreeMap::new();
    for name in settings.targets.iter().flat_map(|target| &target.contracts) {
        if !contracts.contains_key(name) {
            contracts.insert(
                name.clone(),
                contract::load(context, &context.root.join(name))?,
            );
        }
    }
    Ok(contracts)
}

fn judge(made: &Made, local: &BTreeMap<String, Option<String>>) -> Verdict {
    let local = local.iter().map(|(path, text)| {
        (
            path.clone(),
            text.as_ref().map(|text| text.clone().into_bytes()),
        )
    });
    check(&made.artifacts, &local.collect())
}

/// Computes a recorded verdict again: generates from the recorded contracts and compares.
pub fn replay(bytes: &[u8], settings: &serde_json::Value) -> Result<Verdict, Failure> {
    let inputs: ModelsInputs =
        serde_json::from_slice(bytes).context("read the recorded contracts and files")?;
    let settings: Settings = serde_json::from_value(settings.clone())
        .context("read the recorded settings of codegen")?;
    let mut contracts = BTreeMap::new();
    for (name, text) in &inputs.contracts {
        contracts.insert(
            name.clone(),
            parse_documents(&text.entry, &text.files).map_err(Failure::settings)?,
        );
    }
    Ok(judge(&make(&settings, &contracts)?, &inputs.local))
}

/// The gate of `ship` and of `codegen --check`.
pub fn gate(context: &Context, evidence: &EvidenceLog, run: &str) -> Result<Gate, Failure> {
    let started = context.clock.monotonic();
    let settings = &context.settings.codegen;
    let contracts = load_contracts(context, settings)?;
    let made = make(settings, &contracts)?;
    let mut local = BTreeMap::new();
    for artifact in &made.artifacts {
        let path = context.root.join(&artifact.path);
        let text = match fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(anyhow::Error::new(error)
                    .context(format!("read `{}`", artifact.path))
                    .into());
            }
        };
        local.insert(artifact.path.clone(), text);
    }
    let mut verdict = judge(&made, &local);
    if verdict.outcome == Outcome::Pass && made.artifacts.is_empty() {
        verdict = Verdict::new(Outcome::NotChecked, "[codegen] names no target");
    }
    let texts = contracts
        .iter()
        .map(|(name, contract)| (name.clone(), ContractText::of(contract)));
    let inputs = Inputs::json(
        "models",
        &ModelsInputs {
            contracts: texts.collect(),
            local,
        },
    )
    .with_settings(settings);
    let duration = context.clock.monotonic().saturating_sub(started);
    gate::record(
        context,
        evidence,
        run,
        ("models", "generated files"),
        inputs,
        verdict,
        duration,
    )
}

/// `cargo xtask codegen …`.
pub fn run(context: &Context, args: &CodegenArgs) -> CommandResult {
    if let Some(out) = &args.out {
        return run_free(context, args, &context.here.join(out));
    }
    // With nothing to generate, nothing can be stale: a check says that it did not look.
    if context.settings.codegen.targets.is_empty() && !args.check {
        return Err(Failure::settings(anyhow::anyhow!(
            "generate: [codegen] of tollgate.toml names no target"
        ))
        .hint("or say it all: cargo xtask codegen --contract FILE --language rust --out DIR"));
    }
    if args.check {
        let evidence = context.evidence()?;
        let gate = gate(context, &evidence, &context.new_run_id("codegen"))?;
        context
            .output
            .findings(&gate.verdict.findings, &context.root);
        context
            .output
            .json(&serde_json::json!({ "version": 1, "gate": gate }));
        let outcome = context.output.paint.outcome(gate.outcome());
        context.output.line(format!(
            "models: {outcome}: {} (evidence {})",
            gate.verdict.reason, gate.evidence
        ));
        return Ok(if gate.outcome() == Outcome::Fail {
            ExitCode::Stale
        } else {
            ExitCode::Pass
        });
    }
    let contracts = load_contracts(context, &context.settings.codegen)?;
    let made = make(&context.settings.codegen, &contracts)?;
    write(context, &made, &context.root.clone(), args.dry_run)
}

/// Generates from any documents, without settings: one folder a language.
fn run_free(context: &Context, args: &CodegenArgs, out: &std::path::Path) -> CommandResult {
    let contracts: Vec<Contract> = args
        .contract
        .iter()
        .map(|file| contract::load(context, &context.here.join(file)))
        .collect::<Result<_, _>>()?;
    let emit: BTreeSet<Emit> = args
        .emit
        .iter()
        .map(|word| emit_of(word))
        .collect::<Result<_, _>>()?;
    let mut made = Made {
        artifacts: Vec::new(),
        n_untyped: 0,
    };
    for word in &args.language {
        let language = language_of(word)?;
        let target = TargetSettings {
            language,
            emit: emit.clone(),
            ..TargetSettings::default()
        };
        let request: Request = target.request();
        let generated = generate(&contracts, &request).map_err(Failure::settings)?;
        made.n_untyped += generated.n_untyped;
        made.artifacts
            .extend(generated.artifacts.into_iter().map(|artifact| Artifact {
                path: format!("{word}/{}", artifact.path),
                ..artifact
            }));
    }
    write(context, &made, out, args.dry_run)
}

fn language_of(word: &str) -> Result<Language, Failure> {
    serde_json::from_value(serde_json::Value::from(word)).map_err(|_| {
        Failure::usage(format!(
            "generate `{word}`: the languages are rust, swift and typescript"
        ))
    })
}

fn emit_of(word: &str) -> Result<Emit, Failure> {
    serde_json::from_value(serde_json::Value::from(word))
        .map_err(|_| Failure::usage(format!("emit `{word}`: models, client and server can be emitted")))
}

fn write(
    context: &Context,
    made: &Made,
    base: &std::path::Path,
    is_dry_run: bool,
) -> CommandResult {
    let mut changed: Vec<String> = Vec::new();
    for artifact in &made.artifacts {
        let path: PathBuf = base.join(&artifact.path);
        if fs::read(&path).is_ok_and(|bytes| bytes == artifact.contents.as_bytes()) {
            continue;
        }
        if !is_dry_run {
            write_atomic(&path, artifact.contents.as_bytes()).map_err(Failure::environment)?;
        }
        changed.push(artifact.path.clone());
    }
    let (verb, count) = if is_dry_run {
        ("would write", "to write")
    } else {
        ("wrote", "written")
    };
    for path in &changed {
        context.output.line(format!("{verb} {path}"));
    }
    context.output.line(format!(
        "{} files, {} {count}, {} fields without a type",
        made.artifacts.len(),
        changed.len(),
        made.n_untyped
    ));
    context.output.json(&serde_json::json!({
        "version": 1, "files": made.artifacts.len(), "changed": changed, "untyped_fields": made.n_untyped, "dry_run": is_dry_run,
    }));
    Ok(ExitCode::Pass)
}
