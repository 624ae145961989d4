//! Two versions of the floors: joined, and compared. The stricter floor wins; nothing loosens.

use std::collections::BTreeMap;

use tollgate_report::{Finding, Place};

use crate::floors::{Floor, Floors, FloorsError};
use crate::metric::shown;

/// The join of two versions: every metric of either, with the stricter floor and tolerance.
///
/// Idempotent, commutative and associative. Where two versions disagree on the direction or unit
/// itself, the greater (direction, unit) wins as a whole; [`merge_driver`] rejects that instead.
#[must_use]
pub fn merge(left: &Floors, right: &Floors) -> Floors {
    let mut joined: BTreeMap<String, Floor> = left.0.clone();
    for (metric, theirs) in &right.0 {
        joined
            .entry(metric.clone())
            .and_modify(|ours| *ours = join(ours, theirs))
            .or_insert_with(|| theirs.clone());
    }
    Floors(joined)
}

fn join(left: &Floor, right: &Floor) -> Floor {
    let kind = |floor: &Floor| (floor.direction, floor.unit.clone());
    match kind(left).cmp(&kind(right)) {
        std::cmp::Ordering::Less => right.clone(),
        std::cmp::Ordering::Greater => left.clone(),
        std::cmp::Ordering::Equal => Floor {
            unit: left.unit.clone(),
            direction: left.direction,
            floor: left.direction.stricter(left.floor, right.floor),
            // No tolerance is the strictest.
            tolerance_percent: left
                .tolerance_percent
                .zip(right.tolerance_percent)
                .map(|(left, right)| left.min(right)),
        },
    }
}

/// The three versions that git hands to a merge driver as `%O`, `%A` and `%B`.
#[derive(Debug, Clone, Copy)]
pub struct MergeInputs<'a> {
    /// The common ancestor; empty when both sides added the file.
    pub ancestor: &'a [u8],
    /// Our side.
    pub ours: &'a [u8],
    /// Their side.
    pub theirs: &'a [u8],
}

/// A person has to merge.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A side is not a floors file.
    #[error("cannot merge the floors: {side} is not a floors file")]
    Side {
        /// `our side` or `their side`.
        side: &'static str,
        /// What is wrong with it.
        #[source]
        source: FloorsError,
    },
    /// A side is not text.
    #[error("cannot merge the floors: {side} is not UTF-8 text")]
    NotText {
        /// `our side` or `their side`.
        side: &'static str,
        /// What is wrong with it.
        #[source]
        source: std::str::Utf8Error,
    },
    /// The two sides define one metric differently.
    #[error(
        "cannot merge the floors: `{metric}` is in `{ours}` on our side and in `{theirs}` on their side\n\nhint: use one unit and one direction on both sides, then merge again"
    )]
    Redefined {
        /// The metric.
        metric: String,
        /// Unit and direction on our side.
        ours: String,
        /// Unit and direction on their side.
        theirs: String,
    },
}

/// Git's merge driver: the bytes of the joined file. A join needs no ancestor, so a damaged or
/// missing one does no harm.
pub fn merge_driver(inputs: &MergeInputs<'_>) -> Result<Vec<u8>, MergeError> {
    let ours = side(inputs.ours, "our side")?;
    let theirs = side(inputs.theirs, "their side")?;
    let kind = |floor: &Floor| format!("{} {}", floor.unit, floor.direction.arrow());
    for (metric, our_floor) in &ours.0 {
        if let Some(their_floor) = theirs.0.get(metric)
            && kind(our_floor) != kind(their_floor)
        {
            return Err(MergeError::Redefined {
                metric: metric.clone(),
                ours: kind(our_floor),
                theirs: kind(their_floor),
            });
        }
    }
    Ok(merge(&ours, &theirs).render().into_bytes())
}

fn side(bytes: &[u8], side: &'static str) -> Result<Floors, MergeError> {
    let text = std::str::from_utf8(bytes).map_err(|source| MergeError::NotText { side, source })?;
    Floors::parse(text, side).map_err(|source| MergeError::Side { side, source })
}

/// What the new version of the file loosens: `floor-loosened`, `floor-removed` and
/// `floor-redefined` are errors. `file` is the floors file, for the place of the findings.
#[must_use]
pub fn diff_floors(old: &Floors, new: &Floors, file: &str) -> Vec<Finding> {
    let text = new.render();
    let mut findings = Vec::new();
    for (metric, before) in &old.0 {
        let (line, column) = crate::floors::key_place(&text, metric);
        let at = |finding: Finding| {
            finding
                .because("a looser floor lets quality drop unnoticed; a value that is worse for a while needs a waiver")
                .fix_command(
                    "restore the old line, and write a waiver if the value has to be worse for a while",
                    format!("{{tollgate}} ratchet waive {metric}"),
                )
        };
        let Some(after) = new.0.get(metric) else {
            let message = format!(
                "the floor of `{metric}` ({}) was removed",
                shown(before.floor)
            );
            findings.push(at(Finding::error("floor-removed", message)).at(Place::file(file)));
            continue;
        };
        let place = Place::at(
            file,
            u32::try_from(line).unwrap_or(0),
            u32::try_from(column).unwrap_or(0),
        );
        if let Some((code, message)) = loosened(metric, before, after) {
            findings.push(at(Finding::error(code, message)).at(place));
        }
    }
    findings.sort();
    findings
}

fn loosened(metric: &str, before: &Floor, after: &Floor) -> Option<(&'static str, String)> {
    if before.direction != after.direction || before.unit != after.unit {
        let message = format!(
            "`{metric}` changed from `{} {}` to `{} {}`",
            before.unit,
            before.direction.arrow(),
            after.unit,
            after.direction.arrow()
        );
        return Some(("floor-redefined", message));
    }
    if before.direction.is_worse(after.floor, before.floor) {
        let message = format!(
            "the floor of `{metric}` was loosened from {} to {} {}",
            shown(before.floor),
            shown(after.floor),
            after.unit
        );
        return Some(("floor-loosened", message));
    }
    let widened = match (before.tolerance_percent, after.tolerance_percent) {
        (None, Some(after)) => Some(("none".to_owned(), after)),
        (Some(before), Some(after)) if after > before => {
            Some((format!("{}%", shown(before)), after))
        }
        _ => None,
    };
    widened.map(|(before, after)| {
        let message = format!(
            "the tolerance of `{metric}` was widened from {before} to {}%",
            shown(after)
        );
        ("floor-loosened", message)
    })
}
