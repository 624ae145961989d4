//! Floors and waivers of a change compared with those of its base: what it loosens.
//!
//! A loosening passes only with a live waiver of its metric, which every report shows.

use tollgate_report::{Finding, Place, Timestamp};

use crate::floors::{Floor, Floors, key_place};
use crate::metric::{Direction, shown};
use crate::waiver::Waiver;

/// What one version of a repository commits about floors.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// Its floors.
    pub floors: &'a Floors,
    /// Its waivers.
    pub waivers: &'a [Waiver],
}

/// The input of the comparison.
#[derive(Debug, Clone, Copy)]
pub struct BaseInput<'a> {
    /// The version that the change starts from.
    pub base: Version<'a>,
    /// The version that is judged.
    pub now: Version<'a>,
    /// The text of the floors file that is judged, for the places of findings.
    pub text: &'a str,
    /// The floors file, relative to the repository.
    pub file: &'a str,
    /// The time of the check, for waivers.
    pub at: Timestamp,
    /// The longest time from now to the end of a waiver, in days.
    pub waiver_days_max: u32,
}

/// What the change loosens. Errors, unless a live waiver of the metric makes them warnings:
/// `floor-loosened`, `floor-removed`, `floor-redefined`, `tolerance-widened`. Always errors:
/// `waiver-extended`, `waiver-deepened`. A warning: `waiver-added`.
#[must_use]
pub fn compare_with_base(input: &BaseInput<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (metric, before) in &input.base.floors.0 {
        let after = input.now.floors.0.get(metric);
        let (line, column) = key_place(input.text, metric);
        let place = match after {
            Some(_) => Place::at(input.file, number(line), number(column)),
            None => Place::file(input.file),
        };
        let loosened = loosenings(metric, before, after);
        findings.extend(loosened.into_iter().map(|(code, message)| {
            let waiver = live_waiver(input, metric);
            loosening(code, message, metric, waiver).at(place.clone())
        }));
    }
    findings.extend(waiver_changes(input));
    findings.sort();
    findings
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(0)
}

fn live_waiver<'a>(input: &BaseInput<'a>, metric: &str) -> Option<&'a Waiver> {
    input.now.waivers.iter().find(|waiver| {
        waiver.metric == metric
            && waiver.is_live(input.at)
            && !waiver.is_too_long(input.at, input.waiver_days_max)
    })
}

fn loosening(code: &str, message: String, metric: &str, waiver: Option<&Waiver>) -> Finding {
    let Some(waiver) = waiver else {
        return Finding::error(code, message)
            .because("a looser floor lets quality drop unnoticed; a value that is worse for a while needs a waiver")
            .fix_command(
                "restore the old line, and write a waiver if the value has to be worse for a while",
                format!(
                    "{{tollgate}} ratchet waive {metric} --owner NAME --reason TEXT --expires DAY"
                ),
            );
    };
    let until = waiver.expires.as_deref().unwrap_or_default();
    Finding::warning(code, message).because(format!(
        "`{}` waives it until {until} (`{}`): {}",
        waiver.owner, waiver.file, waiver.reason
    ))
}

/// Each way in which the floor of one metric is looser than before.
fn loosenings(metric: &str, before: &Floor, after: Option<&Floor>) -> Vec<(&'static str, String)> {
    let unit = &before.unit;
    let Some(after) = after else {
        let message = format!(
            "the floor of `{metric}` ({} {unit}) was removed",
            shown(before.floor)
        );
        return vec![("floor-removed", message)];
    };
    if before.direction != after.direction || before.unit != after.unit {
        let message = format!(
            "`{metric}` changed from `{} {unit} {}` to `{} {} {}`",
            shown(before.floor),
            before.direction.arrow(),
            shown(after.floor),
            after.unit,
            after.direction.arrow()
        );
        return vec![("floor-redefined", message)];
    }
    let mut found = Vec::new();
    if before.direction.is_worse(after.floor, before.floor) {
        let message = format!(
            "the floor of `{metric}` was loosened from {} to {} {unit}",
            shown(before.floor),
            shown(after.floor)
        );
        found.push(("floor-loosened", message));
    }
    let tolerance = |floor: &Floor| floor.tolerance_percent.unwrap_or(0.0);
    if tolerance(after) > tolerance(before) {
        let message = format!(
            "the tolerance of `{metric}` was widened from {} to {}%",
            before
                .tolerance_percent
                .map_or_else(|| "none".to_owned(), |before| format!("{}%", shown(before))),
            shown(tolerance(after))
        );
        found.push(("tolerance-widened", message));
    }
    found
}

fn waiver_changes(input: &BaseInput<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for waiver in input.now.waivers {
        let same = |before: &&Waiver| before.file == waiver.file && before.metric == waiver.metric;
        let place = Place::file(&waiver.file);
        match input.base.waivers.iter().find(same) {
            Some(before) => findings.extend(
                changed(input, before, waiver)
                    .into_iter()
                    .map(|finding| finding.at(place.clone())),
            ),
            None if waiver.is_live(input.at) => findings.push(added(waiver).at(place)),
            // Expired or incomplete waivers are findings of their own.
            None => {}
        }
    }
    findings
}

fn added(waiver: &Waiver) -> Finding {
    let limit = waiver.limit.map_or_else(
        || "any value".to_owned(),
        |limit| format!("values as far as {}", shown(limit)),
    );
    let message = format!(
        "a new waiver of `{}` allows {limit} until {}",
        waiver.metric,
        waiver.expires.as_deref().unwrap_or_default()
    );
    Finding::warning("waiver-added", message)
        .because(format!("`{}`: {}", waiver.owner, waiver.reason))
}

fn changed(input: &BaseInput<'_>, before: &Waiver, after: &Waiver) -> Vec<Finding> {
    let metric = &after.metric;
    let again = |finding: Finding| {
        finding
            .because("a waiver that is changed after it was agreed on has no end")
            .fix_command(
                "restore the file, and write a new waiver with a reason of its own",
                format!(
                    "{{tollgate}} ratchet waive {metric} --owner NAME --reason TEXT --expires DAY"
                ),
            )
    };
    let mut findings = Vec::new();
    if after.last_day() > before.last_day() {
        let day = |waiver: &Waiver| {
            waiver
                .expires
                .clone()
                .unwrap_or_else(|| "no day".to_owned())
        };
        let message = format!(
            "the waiver of `{metric}` was extended from {} to {}",
            day(before),
            day(after)
        );
        findings.push(again(Finding::error("waiver-extended", message)));
    }
    let floors = [input.now.floors, input.base.floors];
    let floor = floors.iter().find_map(|floors| floors.0.get(metric));
    let direction = floor.map_or(Direction::Down, |floor| floor.direction);
    let is_deeper = match (before.limit, after.limit) {
        (Some(before), Some(after)) => direction.is_worse(after, before),
        (Some(_), None) => true,
        (None, _) => false,
    };
    if is_deeper {
        let limit = |waiver: &Waiver| waiver.limit.map_or_else(|| "none".to_owned(), shown);
        let message = format!(
            "the limit of the waiver of `{metric}` was changed from {} to {}",
            limit(before),
            limit(after)
        );
        findings.push(again(Finding::error("waiver-deepened", message)));
    }
    findings
}

/// What `new` loosens compared with `old`, without waivers. `file` is the floors file.
#[must_use]
pub fn diff_floors(old: &Floors, new: &Floors, file: &str) -> Vec<Finding> {
    let version = |floors| Version {
        floors,
        waivers: &[],
    };
    compare_with_base(&BaseInput {
        base: version(old),
        now: version(new),
        text: &new.render(),
        file,
        at: Timestamp::EPOCH,
        waiver_days_max: 0,
    })
}

/// What one floor loosens, in words; empty when it loosens nothing.
pub(crate) fn loosened(metric: &str, before: &Floor, after: Option<&Floor>) -> Vec<String> {
    let found = loosenings(metric, before, after).into_iter();
    found.map(|(_, message)| message).collect()
}
