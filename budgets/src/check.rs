//! All limits against all measurements, as one verdict and one table.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use tollgate_report::render::{Paint, printable, render_table};
use tollgate_report::suggest::nearest;
use tollgate_report::{Finding, Verdict};

use crate::evaluate::{BudgetVerdict, Standing, evaluate};
use crate::limits::{BudgetFile, Limit};
use crate::measurement::Measurement;
use crate::operations::Operations;
use crate::settings::BudgetSettings;
use crate::unit::shown;

/// The input of a check.
#[derive(Debug, Clone, Copy)]
pub struct CheckInput<'a> {
    /// The promises.
    pub budgets: &'a BudgetFile,
    /// The limits of the contract's operations; absent without a contract.
    pub operations: Option<&'a Operations>,
    /// What was measured.
    pub measurements: &'a [Measurement],
    /// Settings of the budgets.
    pub settings: &'a BudgetSettings,
}

/// One limit with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Id of the limit.
    pub id: String,
    /// The limit.
    pub limit: Limit,
    /// The result of its measurement.
    pub verdict: BudgetVerdict,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// Every limit, sorted by id, those of operations as `operation.ID`.
    pub rows: Vec<Row>,
    /// The verdict of the gate with a finding for each limit that is not within.
    pub verdict: Verdict,
}

/// Judges every limit.
#[must_use]
pub fn check(input: &CheckInput<'_>) -> Checked {
    let mut limits: BTreeMap<String, Limit> = input.budgets.limits.clone();
    let mut findings = Vec::new();
    if let Some(operations) = input.operations {
        findings.extend(operations.findings.iter().cloned());
        let of_operations = operations.limits.values();
        limits.extend(of_operations.map(|limit| (limit.measurement.clone(), limit.clone())));
    }
    let rows: Vec<Row> = limits
        .into_iter()
        .map(|(id, limit)| row(input, id, limit))
        .collect();
    findings.extend(rows.iter().filter_map(finding));
    findings.extend(without_limit(input, &rows));
    findings.sort();
    let verdict = verdict(&rows, findings);
    Checked { rows, verdict }
}

fn row(input: &CheckInput<'_>, id: String, limit: Limit) -> Row {
    let found = input
        .measurements
        .iter()
        .find(|measurement| measurement.id == limit.measurement);
    let verdict = match found {
        Some(measurement) => evaluate(&limit, measurement, input.settings.confidence.0),
        None => BudgetVerdict {
            standing: Standing::NotChecked,
            estimate: None,
            reason: format!("no measurement of `{}` was given", limit.measurement),
        },
    };
    Row { id, limit, verdict }
}

fn finding(row: &Row) -> Option<Finding> {
    let id = &row.id;
    let finding = match row.verdict.standing {
        Standing::Within => return None,
        Standing::OverTarget => {
            Finding::warning("budget-over-target", format!("`{id}` is over its target"))
        }
        Standing::NotChecked => {
            Finding::info("budget-not-checked", format!("`{id}` was not measured"))
        }
        Standing::NotEnoughData => Finding::warning(
            "budget-not-enough-data",
            format!("`{id}` does not have enough data for a verdict"),
        )
        .fix("measure longer, or merge the histograms of several runs"),
        Standing::OverCritical => Finding::error(
            "budget-over-critical",
            format!("`{id}` is over its critical limit"),
        ),
    };
    Some(finding.because(&row.verdict.reason))
}

fn without_limit(input: &CheckInput<'_>, rows: &[Row]) -> Vec<Finding> {
    let known = || rows.iter().map(|row| row.limit.measurement.as_str());
    let is_known = |id: &str| known().any(|known| known == id);
    let strangers = input
        .measurements
        .iter()
        .filter(|measurement| !is_known(&measurement.id));
    strangers
        .map(|measurement| {
            let id = &measurement.id;
            let message = format!("`{id}` was measured, but there is no limit for it");
            // Without a contract the limits of operations are not known.
            if input.operations.is_none() && id.starts_with("operation.") {
                return Finding::info("measurement-without-limit", message);
            }
            let hint = match nearest(id, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add a limit for it, or remove the measurement".to_owned(),
            };
            Finding::error("measurement-without-limit", message).fix(hint)
        })
        .collect()
}

fn verdict(rows: &[Row], findings: Vec<Finding>) -> Verdict {
    let standings: Vec<Standing> = rows.iter().map(|row| row.verdict.standing).collect();
    let others = [
        Standing::OverCritical,
        Standing::NotEnoughData,
        Standing::OverTarget,
        Standing::NotChecked,
    ];
    Verdict::of_rows(
        &standings,
        (Standing::Within, "limits are kept"),
        &others,
        |standing| (standing.word(), standing.outcome()),
        findings,
    )
}

/// Writes the table (limit, verdict, target, critical, measured, interval, samples) and the reason
/// of each limit that is over or lacks data.
pub fn show(out: &mut dyn Write, checked: &Checked, paint: Paint) -> io::Result<()> {
    let rows: Vec<Vec<String>> = checked.rows.iter().map(|row| cells(row, paint)).collect();
    let header = [
        "limit", "verdict", "target", "critical", "measured", "interval", "samples",
    ];
    render_table(out, &header, &rows)?;
    for row in &checked.rows {
        if !matches!(
            row.verdict.standing,
            Standing::Within | Standing::NotChecked
        ) {
            let word = row.verdict.standing.word();
            writeln!(
                out,
                "{word}: {}: {}",
                row.id,
                printable(&row.verdict.reason)
            )?;
        }
    }
    Ok(())
}

fn cells(row: &Row, paint: Paint) -> Vec<String> {
    let Row { limit, verdict, .. } = row;
    let none = || "–".to_owned();
    let outcome = verdict.standing.outcome();
    let word = paint
        .outcome(outcome)
        .replace(outcome.word(), verdict.standing.word());
    let promise = |value| format!("{} {} {}", limit.bound.sign(), shown(value), limit.unit);
    let end = |bound: Option<f64>| bound.map_or_else(|| "?".to_owned(), shown);
    let (point, interval, n) = match verdict.estimate {
        Some(estimate) => (
            shown(estimate.point),
            match (estimate.lower, estimate.upper) {
                (None, None) => none(),
                _ if estimate.n_needed == 1 => none(),
                (lower, upper) => format!("{} … {}", end(lower), end(upper)),
            },
            format!("{} of {}", estimate.n, estimate.n_needed),
        ),
        None => (none(), none(), none()),
    };
    vec![
        row.id.clone(),
        word,
        promise(limit.target),
        promise(limit.critical),
        point,
        interval,
        n,
    ]
}
