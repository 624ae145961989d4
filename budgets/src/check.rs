//! All limits against all measurements, as one verdict and one table.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use tollgate_report::render::{Paint, printable, render_table};
use tollgate_report::suggest::nearest;
use tollgate_report::{Finding, Timestamp, Verdict};

use crate::evaluate::{BudgetVerdict, Standing, evaluate};
use crate::limits::{BudgetFile, Limit};
use crate::measurement::Measurement;
use crate::objective::{ObjectiveRow, evaluate_objective};
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
    /// Whether a limit that nothing measured fails, unless the settings name it.
    pub is_strict: bool,
    /// The time of the check, for the last days in the settings.
    pub now: Timestamp,
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
    /// Every objective of the settings, sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<ObjectiveRow>,
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
    let objectives: Vec<ObjectiveRow> = input
        .settings
        .slo
        .iter()
        .map(|(name, slo)| evaluate_objective(name, slo, input.measurements))
        .collect();
    let judged = judged(&rows, &objectives);
    findings.extend(judged.iter().filter_map(|judged| finding(input, judged)));
    findings.extend(without_limit(input, &rows, &objectives));
    findings.extend(unknown_unmeasured(input, &judged));
    if input.is_strict && judged.is_empty() {
        findings.push(
            Finding::error("budget-unmeasured", "there is no limit to check")
                .fix("write limits, or leave the check out"),
        );
    }
    findings.sort();
    let verdict = verdict(&judged, findings);
    Checked {
        rows,
        objectives,
        verdict,
    }
}

/// What limits and objectives have in common.
struct Judged {
    id: String,
    standing: Standing,
    reason: String,
}

fn judged(rows: &[Row], objectives: &[ObjectiveRow]) -> Vec<Judged> {
    let rows = rows.iter().map(|row| Judged {
        id: row.id.clone(),
        standing: row.verdict.standing,
        reason: row.verdict.reason.clone(),
    });
    let objectives = objectives.iter().map(|row| Judged {
        id: row.id(),
        standing: row.standing,
        reason: row.reason.clone(),
    });
    rows.chain(objectives).collect()
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

fn finding(input: &CheckInput<'_>, judged: &Judged) -> Option<Finding> {
    let id = &judged.id;
    let finding = match judged.standing {
        Standing::Within => return None,
        Standing::OverTarget => {
            Finding::warning("budget-over-target", format!("`{id}` is over its target"))
        }
        Standing::NotChecked => unmeasured(input, id),
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
    Some(finding.because(&judged.reason))
}

/// A limit without a measurement: allowed until the day that the settings name, and elsewhere an
/// error where the check is strict.
fn unmeasured(input: &CheckInput<'_>, id: &str) -> Finding {
    let message = format!("`{id}` was not measured");
    match input.settings.unmeasured.get(id) {
        Some(until) if until.is_over(input.now) && input.is_strict => Finding::error(
            "budget-unmeasured",
            format!("{message}, and the settings allowed that until {until}"),
        )
        .fix("measure it, or agree on a new day in `unmeasured` of [budgets] in tollgate.toml"),
        Some(until) if !until.is_over(input.now) => Finding::info(
            "budget-not-checked",
            format!("{message}, which the settings allow until {until}"),
        ),
        None if input.is_strict => Finding::error("budget-unmeasured", message).fix(format!(
            "measure it, or name it with a last day under [budgets.unmeasured] in tollgate.toml: `\"{id}\" = \"YYYY-MM-DD\"`"
        )),
        _ => Finding::info("budget-not-checked", message),
    }
}

/// Names in `unmeasured` of the settings that are not those of a limit or an objective.
fn unknown_unmeasured(input: &CheckInput<'_>, judged: &[Judged]) -> Vec<Finding> {
    let known = || judged.iter().map(|judged| judged.id.as_str());
    // Without a contract the limits of operations are not known.
    let is_known = |id: &str| known().any(|known| known == id) || input.operations.is_none();
    let names = input.settings.unmeasured.keys();
    names
        .filter(|id| !is_known(id))
        .map(|id| {
            let message =
                format!("`unmeasured` of [budgets] names `{id}`, for which there is no limit");
            Finding::error("budget-unmeasured-unknown", message).fix(match nearest(id, known()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "remove it".to_owned(),
            })
        })
        .collect()
}

fn without_limit(
    input: &CheckInput<'_>,
    rows: &[Row],
    objectives: &[ObjectiveRow],
) -> Vec<Finding> {
    let of_objectives = objectives.iter().map(|row| row.measurement.as_str());
    let known = || {
        let of_rows = rows.iter().map(|row| row.limit.measurement.as_str());
        of_rows.chain(of_objectives.clone())
    };
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

fn verdict(judged: &[Judged], findings: Vec<Finding>) -> Verdict {
    let standings: Vec<Standing> = judged.iter().map(|judged| judged.standing).collect();
    let others = [
        Standing::OverCritical,
        Standing::NotEnoughData,
        Standing::OverTarget,
        Standing::NotChecked,
    ];
    let verdict = Verdict::of_rows(
        &standings,
        (Standing::Within, "limits are kept"),
        &others,
        |standing| (standing.word(), standing.outcome()),
        findings,
    );
    Verdict {
        reason: format!("{}; {}", tally(&standings), verdict.reason),
        ..verdict
    }
}

/// The three answers, counted apart: over the target still passes, and too little data does not count as one.
fn tally(standings: &[Standing]) -> String {
    let count = |these: &[Standing]| standings.iter().filter(|it| these.contains(it)).count();
    format!(
        "{} pass, {} fail, {} unmeasured",
        count(&[Standing::Within, Standing::OverTarget]),
        count(&[Standing::OverCritical]),
        count(&[Standing::NotChecked, Standing::NotEnoughData])
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
    show_objectives(out, checked, paint)
}

/// Writes a line for each objective, with its numbers.
fn show_objectives(out: &mut dyn Write, checked: &Checked, paint: Paint) -> io::Result<()> {
    for row in &checked.objectives {
        writeln!(
            out,
            "{}: {}: {}",
            standing_word(row.standing, paint),
            row.id(),
            printable(&row.reason)
        )?;
    }
    Ok(())
}

/// The word of a standing in the colour of its outcome.
fn standing_word(standing: Standing, paint: Paint) -> String {
    let outcome = standing.outcome();
    paint
        .outcome(outcome)
        .replace(outcome.word(), standing.word())
}

fn cells(row: &Row, paint: Paint) -> Vec<String> {
    let Row { limit, verdict, .. } = row;
    let none = || "–".to_owned();
    let word = standing_word(verdict.standing, paint);
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
