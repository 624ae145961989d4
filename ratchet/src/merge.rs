//! Two versions of the floors: joined, and compared. The stricter floor wins; nothing loosens.

use std::collections::BTreeMap;

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

/// A merged file, and what of the two sides is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The text of the joined file.
    pub text: String,
    /// Each loosening of a side that the merge does not take, with what it keeps.
    pub notes: Vec<String>,
}

/// Git's merge driver: the joined file. The ancestor decides nothing but which side redefined a
/// metric, so a damaged or missing one does no harm.
pub fn merge_driver(inputs: &MergeInputs<'_>) -> Result<Merged, MergeError> {
    let ours = side(inputs.ours, "our side")?;
    let theirs = side(inputs.theirs, "their side")?;
    let ancestor = side(inputs.ancestor, "the ancestor").unwrap_or_default();
    let mut merged = merge(&ours, &theirs);
    for (metric, our_floor) in &ours.0 {
        if let Some(their_floor) = theirs.0.get(metric)
            && kind(our_floor) != kind(their_floor)
        {
            let floor = redefined(metric, ancestor.0.get(metric), our_floor, their_floor)?;
            merged.0.insert(metric.clone(), floor.clone());
        }
    }
    let mut notes = loosenings_left_out(&ancestor, &ours, &merged, "our side");
    notes.extend(loosenings_left_out(
        &ancestor,
        &theirs,
        &merged,
        "their side",
    ));
    Ok(Merged {
        text: merged.render(),
        notes,
    })
}

fn kind(floor: &Floor) -> String {
    format!("{} {}", floor.unit, floor.direction.arrow())
}

/// The floor of the one side that changed the unit or direction.
fn redefined<'a>(
    metric: &str,
    ancestor: Option<&Floor>,
    ours: &'a Floor,
    theirs: &'a Floor,
) -> Result<&'a Floor, MergeError> {
    match ancestor.map(kind) {
        Some(before) if before == kind(ours) => Ok(theirs),
        Some(before) if before == kind(theirs) => Ok(ours),
        _ => Err(MergeError::Redefined {
            metric: metric.to_owned(),
            ours: kind(ours),
            theirs: kind(theirs),
        }),
    }
}

fn loosenings_left_out(
    ancestor: &Floors,
    side: &Floors,
    merged: &Floors,
    name: &str,
) -> Vec<String> {
    let mut notes = Vec::new();
    for (metric, before) in &ancestor.0 {
        let (after, kept) = (side.0.get(metric), merged.0.get(metric));
        let Some(kept) = kept.filter(|kept| after != Some(kept)) else {
            continue;
        };
        for loosened in crate::base::loosened(metric, before, after) {
            let tolerance = kept.tolerance_percent.map_or_else(String::new, |percent| {
                format!(" with a tolerance of {}%", shown(percent))
            });
            notes.push(format!(
                "on {name}, {loosened}; the merge keeps {} {}{tolerance}",
                shown(kept.floor),
                kept.unit
            ));
        }
    }
    notes
}

fn side(bytes: &[u8], side: &'static str) -> Result<Floors, MergeError> {
    let text = std::str::from_utf8(bytes).map_err(|source| MergeError::NotText { side, source })?;
    Floors::parse(text, side).map_err(|source| MergeError::Side { side, source })
}
