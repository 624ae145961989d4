//! Tightening floors on evidence. A floor is never loosened, and nothing is written.

use serde::{Deserialize, Serialize};
use tollgate_stats::order::median;
use tollgate_stats::rank::mann_whitney_less;

use crate::catalogue::Catalogue;
use crate::floors::{Floor, Floors, rounded};
use crate::history::History;
use crate::measurement::Measurement;
use crate::metric::{Direction, shown};
use crate::settings::{RatchetSettings, TightenSettings};

/// The input of tightening.
#[derive(Debug, Clone, Copy)]
pub struct TightenInput<'a> {
    /// The floors as they are.
    pub floors: &'a Floors,
    /// What was measured now; exact metrics follow it at once.
    pub measurements: &'a [Measurement],
    /// Values of past runs with those of now; noisy metrics follow it.
    pub history: &'a History,
    /// Settings of the ratchet.
    pub settings: &'a RatchetSettings,
}

/// One floor that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Id of the metric.
    pub metric: String,
    /// The floor before; absent for a new one.
    pub before: Option<f64>,
    /// The floor now.
    pub after: f64,
    /// Why, with the numbers.
    pub reason: String,
}

/// Tightened floors.
#[derive(Debug, Clone, PartialEq)]
pub struct Tightened {
    /// The floors to commit; each at least as strict as before.
    pub floors: Floors,
    /// Floors that changed.
    pub changes: Vec<Change>,
    /// Noisy metrics that seem better without confirmation: the metric and what is missing.
    pub waiting: Vec<(String, String)>,
}

/// Tightens floors. Exact metrics follow a better value at once. A noisy floor follows only when
/// the last 10 runs are lower than those before by Mann–Whitney p < 1e-3 and shifted by at least
/// 1.5%, both against those runs and against the floor; it becomes the median of the last 10.
#[must_use]
pub fn tighten(input: &TightenInput<'_>) -> Tightened {
    let mut tightened = Tightened {
        floors: input.floors.clone(),
        changes: Vec::new(),
        waiting: Vec::new(),
    };
    let catalogue = Catalogue::new(input.settings);
    for (metric, floor) in &mut tightened.floors.0 {
        let proposal = if catalogue.is_noisy(metric) {
            let values = input.history.values(metric, &floor.unit);
            confirmed(floor, &values, &input.settings.tighten)
        } else {
            Ok(exact(metric, floor, input.measurements))
        };
        match proposal {
            Ok(Some((value, reason))) => {
                let after = floor
                    .direction
                    .stricter(floor.floor, rounded(floor.direction, value));
                if after != floor.floor {
                    tightened.changes.push(Change {
                        metric: metric.clone(),
                        before: Some(floor.floor),
                        after,
                        reason,
                    });
                    floor.floor = after;
                }
            }
            Ok(None) => {}
            Err(missing) => tightened.waiting.push((metric.clone(), missing)),
        }
    }
    tightened
}

/// Adds floors for metrics of the catalogue that were measured and have none: at the measured
/// value, not at a value of reference. A noisy metric starts at the median of its recorded values
/// when there are any. A first floor in the settings counts when it is stricter.
#[must_use]
pub fn adopt(input: &TightenInput<'_>) -> Tightened {
    let catalogue = Catalogue::new(input.settings);
    let mut adopted = Tightened {
        floors: input.floors.clone(),
        changes: Vec::new(),
        waiting: Vec::new(),
    };
    for measurement in input.measurements {
        let known = catalogue.get(&measurement.metric);
        let Some(metric) = known.filter(|metric| metric.unit == measurement.unit) else {
            continue;
        };
        if adopted.floors.0.contains_key(&measurement.metric) || !measurement.value.is_finite() {
            continue;
        }
        let id = &measurement.metric;
        let past = input.history.values(id, &metric.unit);
        let value = match metric.direction {
            Direction::Zero => 0.0,
            _ if catalogue.is_noisy(id) => median(&past).unwrap_or(measurement.value),
            _ => measurement.value,
        };
        let after = rounded(metric.direction, value);
        let own = input.settings.metrics.get(id).and_then(|own| own.floor);
        let after = own.map_or(after, |own| metric.direction.stricter(own, after));
        adopted.changes.push(Change {
            metric: id.clone(),
            before: None,
            after,
            reason: format!("measured for the first time: {}", measurement.detail),
        });
        let floor = Floor {
            unit: metric.unit.clone(),
            direction: metric.direction,
            floor: after,
            tolerance_percent: metric.tolerance_percent,
        };
        adopted.floors.0.insert(id.clone(), floor);
    }
    adopted
}

fn exact(metric: &str, floor: &Floor, measurements: &[Measurement]) -> Option<(f64, String)> {
    let values = measurements.iter().filter(|measurement| {
        measurement.metric == metric
            && measurement.unit == floor.unit
            && measurement.value.is_finite()
    });
    // Of several measurements of one metric, the worst counts, as in a check.
    let worst = values.reduce(|one, other| {
        if floor.direction.is_worse(other.value, one.value) {
            other
        } else {
            one
        }
    })?;
    floor
        .direction
        .is_worse(floor.floor, worst.value)
        .then(|| (worst.value, format!("measured: {}", worst.detail)))
}

/// The confirmed better level of a noisy metric; `Err` holds what is missing when it seems better.
fn confirmed(
    floor: &Floor,
    values: &[f64],
    settings: &TightenSettings,
) -> Result<Option<(f64, String)>, String> {
    let n_recent = settings.runs.max(1);
    // Where more is better the sign is reversed, so that lower is better everywhere below.
    let sign = if floor.direction == Direction::Up {
        -1.0
    } else {
        1.0
    };
    let values: Vec<f64> = values.iter().map(|value| sign * value).collect();
    let floor_value = sign * floor.floor;
    let recent = &values[values.len().saturating_sub(n_recent)..];
    let Some(level) = median(recent) else {
        return Ok(None);
    };
    let least_shift = |from: f64| from.abs() * settings.shift_min.0;
    if floor_value - level <= 0.0 || floor_value - level < least_shift(floor_value) {
        return Ok(None);
    }
    let before = &values[..values.len().saturating_sub(n_recent)];
    let before = &before[before.len().saturating_sub(settings.window)..];
    let (Some(level_before), true) = (median(before), recent.len() == n_recent) else {
        return Err(format!(
            "{} of {n_recent} runs recorded, and none before them to compare with",
            recent.len()
        ));
    };
    let shift = level_before - level;
    if shift <= 0.0 || shift < least_shift(level_before) {
        let least = shown(settings.shift_min.0 * 100.0);
        return Err(format!(
            "the last {n_recent} runs are not {least}% better than the {} before",
            before.len()
        ));
    }
    match mann_whitney_less(recent, before) {
        Some(test) if test.p < settings.p_max => {
            let reason = format!(
                "the last {n_recent} runs have the median {} {}, {} better than the {} before \
                 (Mann–Whitney p = {:.1e} < {:.0e})",
                shown(sign * level),
                floor.unit,
                shown(shift),
                before.len(),
                test.p,
                settings.p_max
            );
            Ok(Some((sign * level, reason)))
        }
        Some(test) => Err(format!(
            "Mann–Whitney p = {:.1e} of {n_recent} runs against the {} before is not below {:.0e}",
            test.p,
            before.len(),
            settings.p_max
        )),
        None => Err("no runs to compare".to_owned()),
    }
}
