//! Up or down: results in a row against thresholds. A pure function.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::result::{ProbeResult, State};
use crate::settings::Probe;

/// Whether a target is up.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Not enough results yet.
    #[default]
    Unknown,
    /// It answers as expected.
    Up,
    /// It failed often enough in a row.
    Down,
}

/// What is remembered of a probe from one result to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tracker {
    /// Whether the target is up.
    pub health: Health,
    /// Since when; absent while unknown.
    pub since: Option<Timestamp>,
    /// Fails in a row; errors in between neither count nor reset.
    pub n_failures: u32,
    /// Passes and degraded ones in a row.
    pub n_passes: u32,
    /// Errors in a row: how long we have not been able to look.
    pub n_errors: u32,
    /// State of the last result.
    pub last: Option<State>,
}

/// The tracker after one more result. An error changes neither health nor the counts of the
/// target. From unknown, `passes_before_up` passes lead up, `failures_before_down` fails down.
#[must_use]
pub fn track(tracker: &Tracker, result: &ProbeResult, probe: &Probe) -> Tracker {
    let mut next = Tracker {
        last: Some(result.state),
        ..tracker.clone()
    };
    match result.state {
        State::Error => {
            next.n_errors = next.n_errors.saturating_add(1);
            return next;
        }
        State::Pass | State::Degraded => {
            next.n_passes = next.n_passes.saturating_add(1);
            next.n_failures = 0;
        }
        State::Fail => {
            next.n_failures = next.n_failures.saturating_add(1);
            next.n_passes = 0;
        }
    }
    next.n_errors = 0;
    let health = if next.n_failures >= probe.failures_before_down.max(1) {
        Health::Down
    } else if next.n_passes >= probe.passes_before_up.max(1) {
        Health::Up
    } else {
        next.health
    };
    if health != next.health {
        next.health = health;
        next.since = Some(result.at);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::RESULT_VERSION;
    use crate::settings::{Check, HttpCheck, Kind};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn probe(passes_before_up: u32) -> Probe {
        let mut probe = Probe::new("p", Check::Http(Box::<HttpCheck>::default()));
        probe.passes_before_up = passes_before_up;
        probe
    }

    fn result(state: State, at: i64) -> ProbeResult {
        ProbeResult {
            version: RESULT_VERSION,
            name: "p".to_owned(),
            kind: Kind::Http,
            state,
            at: Timestamp::from_micros(at),
            duration_us: 1,
            phases_us: BTreeMap::new(),
            measurements: BTreeMap::new(),
            steps: Vec::new(),
            load: None,
            failure: None,
            attempts: Vec::new(),
        }
    }

    #[track_caller]
    fn check(letters: &str, passes_before_up: u32, want: Health, since: Option<i64>) {
        let probe = probe(passes_before_up);
        let mut tracker = Tracker::default();
        for (at, letter) in letters.chars().enumerate() {
            let state = match letter {
                'p' => State::Pass,
                'd' => State::Degraded,
                'f' => State::Fail,
                _ => State::Error,
            };
            tracker = track(&tracker, &result(state, at as i64), &probe);
        }
        assert_eq!(tracker.health, want, "{letters}");
        assert_eq!(
            tracker.since,
            since.map(Timestamp::from_micros),
            "{letters}"
        );
    }

    #[test]
    fn three_fails_in_a_row_bring_it_down_and_an_error_is_no_fail() {
        check("ff", 1, Health::Unknown, None);
        check("p", 1, Health::Up, Some(0));
        check("pffpff", 1, Health::Up, Some(0));
        check("pfff", 1, Health::Down, Some(3));
        check("peeeeee", 1, Health::Up, Some(0));
        check("pfeffp", 2, Health::Down, Some(4));
        check("pfffp", 2, Health::Down, Some(3));
        check("pfffpd", 2, Health::Up, Some(5));
    }

    proptest! {
        #[test]
        fn errors_alone_never_change_health(n in 0usize..50) {
            let probe = probe(1);
            let start = track(&Tracker::default(), &result(State::Pass, 0), &probe);
            let end = (0..n).fold(start.clone(), |t, at| track(&t, &result(State::Error, at as i64), &probe));
            prop_assert_eq!(end.health, start.health);
            prop_assert_eq!(end.since, start.since);
        }
    }
}
