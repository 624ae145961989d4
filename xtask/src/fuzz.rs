//! `fuzz`: broken documents through load, lint, diff and codegen for a bounded time.

use clap::Args;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tollgate_codegen::{Emit, Language, Request, generate};
use tollgate_contracts_diff::diff;
use tollgate_contracts_lint::{LintSettings, lint};
use tollgate_contracts_model::{Contract, parse_contract};
use tollgate_report::{Clock, ExitCode};

use crate::mutate::{ODD, mutate, numbers_of};
use tollgate::{CommandResult, Context};

#[derive(Debug, Clone, Args)]
pub struct FuzzArgs {
    /// Documents to mutate, in addition to our own contracts and a few malformed ones
    pub files: Vec<PathBuf>,
    /// How long to run, in seconds
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// What the broken documents are derived from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Run this case of the seed alone
    #[arg(long)]
    pub case: Option<u64>,
}

/// How long one case may take: a hundred times what the slowest of the fixtures takes unbroken.
const CASE_MAX: Duration = Duration::from_secs(10);

/// What happened to the cases.
#[derive(Default)]
struct Tally {
    n_cases: u64,
    n_loaded: u64,
    slowest: Duration,
    slowest_case: u64,
    failed: Vec<(u64, String)>,
}

/// Exit 3 when a case panicked or took longer than 10 s. The text of the running case is in
/// `.tollgate/fuzz/running.yaml`, so that a case that ends the process is known too.
pub fn run(context: &Context, args: &FuzzArgs) -> CommandResult {
    let documents = documents(context, &args.files)?;
    let folder = context.root.join(".tollgate/fuzz");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    let running = folder.join("running.yaml");
    let mut tally = Tally::default();
    let start = context.clock.monotonic();
    let until = start + Duration::from_secs(args.seconds);
    let mut case = args.case.unwrap_or_default();
    while context.clock.monotonic() < until {
        let mut numbers = numbers_of(args.seed, case);
        let (name, original) = &documents[numbers.below(documents.len())];
        let text = mutate(original, &mut numbers);
        fs::write(&running, &text)
            .with_context(|| format!("cannot write `{}`", running.display()))?;
        let before = context.clock.monotonic();
        let outcome = catch_unwind(AssertUnwindSafe(|| check(name, original, &text)));
        let took = context.clock.monotonic().saturating_sub(before);
        tally.n_cases += 1;
        if took > tally.slowest {
            (tally.slowest, tally.slowest_case) = (took, case);
        }
        let problem = match outcome {
            Ok(is_loaded) => {
                tally.n_loaded += u64::from(is_loaded);
                (took > CASE_MAX).then(|| format!("took {} ms", took.as_millis()))
            }
            Err(_) => Some("panicked".to_owned()),
        };
        if let Some(problem) = problem {
            let kept = folder.join(format!("case-{}-{case}.yaml", args.seed));
            fs::copy(&running, &kept)
                .with_context(|| format!("cannot keep `{}`", kept.display()))?;
            let shown = kept.strip_prefix(&context.root).unwrap_or(&kept).display();
            tally.failed.push((case, format!("{problem}: `{shown}`")));
        }
        if args.case.is_some() {
            break;
        }
        case += 1;
    }
    Ok(show(context, args, &tally))
}

/// The documents to mutate: our contracts, a few unusual ones, and those that the user names.
fn documents(context: &Context, files: &[PathBuf]) -> anyhow::Result<Vec<(String, String)>> {
    let mut documents: Vec<(String, String)> = ODD
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let own = ["contracts/openapi.yaml", "contracts/asyncapi.yaml"];
    let own = own.map(|file| context.root.join(file)).into_iter();
    let own = own.filter(|path| path.is_file());
    for path in own.chain(files.iter().map(|file| context.here.join(file))) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        documents.push((name.into_owned(), text));
    }
    Ok(documents)
}

/// Runs all readers on a text; returns whether it was a contract.
fn check(name: &str, original: &str, text: &str) -> bool {
    let Ok(contract) = parse_contract(name, text) else {
        return false;
    };
    let _ = (contract.operations(), contract.webhooks());
    let _ = (contract.async_operations(), contract.servers());
    for (_, schema) in contract.component_schemas().into_iter().take(50) {
        let _ = contract.bundle(&contract.entry, schema);
    }
    let _ = lint(&contract, &LintSettings::default());
    let same = diff(&contract, &contract);
    assert!(same.is_empty(), "a contract differs from itself: {same:?}");
    if let Ok(original) = parse_contract(name, original) {
        let _ = diff(&original, &contract);
        let _ = diff(&contract, &original);
    }
    generate_all(&contract);
    true
}

fn generate_all(contract: &Contract) {
    for language in [Language::RUST, Language::SWIFT, Language::TYPESCRIPT] {
        let request = Request {
            language,
            emit: BTreeSet::from([Emit::Models]),
            package: "fuzz-models".to_owned(),
            has_manifest: true,
        };
        let _ = generate(std::slice::from_ref(contract), &request);
    }
}

fn show(context: &Context, args: &FuzzArgs, tally: &Tally) -> ExitCode {
    let failed = tally.failed.iter();
    context.output.json(&json!({
        "version": 1,
        "seed": args.seed,
        "cases": tally.n_cases,
        "loaded": tally.n_loaded,
        "slowest_ms": u64::try_from(tally.slowest.as_millis()).unwrap_or(u64::MAX),
        "slowest_case": tally.slowest_case,
        "failed": failed.map(|(case, problem)| json!({"case": case, "problem": problem})).collect::<Vec<_>>(),
    }));
    context.output.text(|out| {
        for (case, problem) in &tally.failed {
            writeln!(out, "case {case} {problem}")?;
        }
        writeln!(
            out,
            "seed {}: {} cases, {} of them contracts, {} failed; the slowest took {} ms (case {})",
            args.seed,
            tally.n_cases,
            tally.n_loaded,
            tally.failed.len(),
            tally.slowest.as_millis(),
            tally.slowest_case
        )
    });
    if tally.failed.is_empty() {
        ExitCode::Pass
    } else {
        ExitCode::Findings
    }
}
