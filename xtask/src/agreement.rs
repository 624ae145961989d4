//! `agreement`: a folder of oasdiff's pairs against our view of oasdiff.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};
use tollgate_contracts_diff::{CaseResult, judge_case};
use tollgate_contracts_model::{LoadSettings, load_with};
use tollgate_report::{Clock, Day, ExitCode};

use tollgate::{CommandResult, Context, Failure};

/// The files of cases that a folder may have.
const FILES: &[&str] = &["pairs_expected.json", "mutated_expected.json"];

struct Row {
    name: String,
    specs: Vec<String>,
    result: CaseResult,
}

/// `agreement DIR`: exit 3 when less than 98 % of the cases agree.
pub fn run(context: &Context, folder: &Path) -> CommandResult {
    let folder = context.here.join(folder);
    let today = Day::of(context.clock.now());
    let mut rows = Vec::new();
    let mut is_any = false;
    for file in FILES {
        let path = folder.join(file);
        if path.is_file() {
            is_any = true;
            rows.extend(cases(&folder, &path, today)?);
        }
    }
    if !is_any {
        let error = anyhow::anyhow!(
            "there is no `pairs_expected.json` in `{}`",
            folder.display()
        );
        return Err(Failure::settings(error).hint("name a folder with oasdiff's pairs"));
    }
    Ok(show(context, &rows))
}

fn cases(folder: &Path, path: &Path, today: Day) -> Result<Vec<Row>, Failure> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let cases: Vec<Value> =
        serde_json::from_str(&text).with_context(|| format!("cannot read `{}`", path.display()))?;
    let settings = LoadSettings {
        folder: Some(folder.to_path_buf()),
        ..LoadSettings::default()
    };
    let mut rows = Vec::new();
    for case in &cases {
        let specs: Vec<String> = case["specs"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|spec| spec.as_str().map(str::to_owned))
            .collect();
        let load = |spec: &str| load_with(&folder.join("data").join(spec), &settings);
        let result = match specs.as_slice() {
            [old, new] => match (load(old), load(new)) {
                (Ok(old), Ok(new)) => judge_case(case, &old, &new, today),
                (old, new) => unreadable([old.err(), new.err()]),
            },
            _ => continue,
        };
        let name = case["test"].as_str().unwrap_or_default().to_owned();
        rows.push(Row {
            name,
            specs,
            result,
        });
    }
    Ok(rows)
}

fn unreadable(errors: [Option<tollgate_contracts_model::LoadError>; 2]) -> CaseResult {
    let errors = errors.into_iter().flatten();
    CaseResult {
        differences: errors.map(|error| error.to_string()).collect(),
        ..CaseResult::default()
    }
}

fn show(context: &Context, rows: &[Row]) -> ExitCode {
    let judged: Vec<&Row> = rows
        .iter()
        .filter(|row| row.result.contradiction.is_none())
        .collect();
    let differing: Vec<&&Row> = judged
        .iter()
        .filter(|row| !row.result.differences.is_empty())
        .collect();
    let n_agree = judged.len() - differing.len();
    let n_ids: usize = judged.iter().map(|row| row.result.n_ids).sum();
    let n_found: usize = judged.iter().map(|row| row.result.n_found).sum();
    let contradictions = rows.iter().filter_map(|row| {
        let reason = row.result.contradiction?;
        Some(json!({"case": row.name, "specs": row.specs, "reason": reason}))
    });
    let contradictions: Vec<Value> = contradictions.collect();
    context.output.json(&json!({
        "version": 1,
        "cases": judged.len(),
        "agree": n_agree,
        "ids": {"expected": n_ids, "found": n_found},
        "differing": differing
            .iter()
            .map(|row| json!({
                "case": row.name,
                "specs": row.specs,
                "differences": row.result.differences,
            }))
            .collect::<Vec<_>>(),
        "contradictory": contradictions,
    }));
    context.output.text(|out| {
        for row in &differing {
            writeln!(out, "{} ({})", row.name, row.specs.join(" → "))?;
            for difference in &row.result.differences {
                writeln!(out, "  {difference}")?;
            }
        }
        for row in rows {
            if let Some(reason) = row.result.contradiction {
                writeln!(out, "{}: not judged: {reason}", row.name)?;
            }
        }
        writeln!(
            out,
            "{n_agree} of {} cases agree ({} %); {n_found} of {n_ids} expected ids found; \
             {} cases contradict themselves",
            judged.len(),
            percent(n_agree, judged.len()),
            contradictions.len()
        )
    });
    if n_agree * 100 >= judged.len() * 98 {
        ExitCode::Pass
    } else {
        ExitCode::Findings
    }
}

fn percent(part: usize, whole: usize) -> String {
    let tenths = (part * 1000).checked_div(whole).unwrap_or(0);
    format!("{}.{}", tenths / 10, tenths % 10)
}
