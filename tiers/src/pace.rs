//! How fast this machine was during a run, compared with the machine that the promises are about.
//! Pure: a replay computes the same judged time from the same record.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;

/// The most that a machine may count as slower than the reference machine.
const MACHINE_PERMILLE_MAX: u64 = 10_000;
/// The largest part of a run that may count as waiting for other work, in tenths of a percent.
/// It bounds what a wrong reading can hide to a factor of five.
const WAITED_PERMILLE_MAX: u64 = 800;
/// Two measurements on one quiet machine differ by up to a quarter, so a smaller slow-down of the
/// measurement at the end of a run is treated as noise.
const LOAD_NOISE_PERMILLE: u64 = 1_250;

/// The machine that target and critical times are meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reference {
    /// Time of the calibration's fixed work on that machine, in microseconds; `.tollgate/machine.json` holds this machine's. Default 14000.
    pub work_us: u64,
    /// Number of cores of that machine. Default 2.
    pub cores: u64,
}

impl Default for Reference {
    fn default() -> Self {
        Self {
            work_us: 14_000,
            cores: 2,
        }
    }
}

/// The machine's speed and its other load during one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// Time of the fixed work on this machine, in microseconds.
    pub work_us: u64,
    /// Cores of this machine that the run could use.
    pub cores: u64,
    /// The machine that the promises are about.
    pub reference: Reference,
    /// Time in which steps waited for a CPU that other work held or that was throttled, in ms.
    pub waited_ms: u64,
    /// How much slower all cores together were at the end of the run than on the same machine
    /// without other load, in thousandths. Measured only when the target time was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_permille: Option<u64>,
}

impl Pace {
    /// How many times slower this machine is than the reference machine, in thousandths.
    /// Never below 1000: on a faster machine the promise holds as it is.
    #[must_use]
    pub fn machine_permille(&self) -> u64 {
        let work = self.work_us.saturating_mul(1_000) / self.reference.work_us.max(1);
        let missing_cores = self.reference.cores.max(self.cores).saturating_mul(1_000);
        let cores = missing_cores / self.cores.max(1);
        (work.saturating_mul(cores) / 1_000).clamp(1_000, MACHINE_PERMILLE_MAX)
    }

    /// The time that the reference machine would have needed without other load.
    #[must_use]
    pub fn scaled(&self, warm: Duration, waited: Duration) -> Duration {
        let warm_ms = whole_ms(warm);
        let waited_max = warm_ms.saturating_mul(WAITED_PERMILLE_MAX) / 1_000;
        let without_waiting = warm_ms - whole_ms(waited).min(waited_max);
        let load = self.load_permille.unwrap_or(0);
        let with_load = if load >= LOAD_NOISE_PERMILLE {
            let floor = warm_ms - waited_max;
            (warm_ms.saturating_mul(1_000) / load).max(floor)
        } else {
            warm_ms
        };
        let alone_ms = without_waiting.min(with_load);
        Duration::from_millis(alone_ms.saturating_mul(1_000) / self.machine_permille())
    }

    /// What was taken into account, for people; none when nothing was.
    #[must_use]
    pub fn describe(&self) -> Option<String> {
        let mut parts = Vec::new();
        let machine = self.machine_permille();
        if machine > 1_000 {
            parts.push(format!(
                "this machine needs {} times as long as the reference machine",
                times(machine)
            ));
        }
        if self.waited_ms >= 1_000 {
            let waited = Span(Duration::from_secs(self.waited_ms / 1_000));
            parts.push(format!("steps waited {waited} for a CPU"));
        }
        if let Some(load) = self
            .load_permille
            .filter(|load| *load >= LOAD_NOISE_PERMILLE)
        {
            parts.push(format!("other load slowed it down {} times", times(load)));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

fn times(permille: u64) -> String {
    let tenths = (permille + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pace(work_us: u64, cores: u64) -> Pace {
        Pace {
            work_us,
            cores,
            reference: Reference {
                work_us: 10_000,
                cores: 2,
            },
            waited_ms: 0,
            load_permille: None,
        }
    }

    const WARM: Duration = Duration::from_secs(90);

    #[test]
    fn a_machine_at_a_third_of_the_speed_is_judged_by_a_third_of_its_time() {
        let third = pace(30_000, 2);
        assert_eq!(third.scaled(WARM, Duration::ZERO), WARM / 3);
        assert_eq!(pace(10_000, 1).scaled(WARM, Duration::ZERO), WARM / 2);
    }

    #[test]
    fn a_faster_machine_is_judged_by_its_own_time() {
        assert_eq!(pace(2_000, 64).scaled(WARM, Duration::ZERO), WARM);
    }

    #[test]
    fn waiting_for_other_work_is_not_judged_and_cannot_hide_more_than_a_factor_of_five() {
        let same = pace(10_000, 2);
        assert_eq!(same.scaled(WARM, WARM / 2), WARM / 2);
        assert_eq!(same.scaled(WARM, WARM * 3), WARM / 5);
    }

    #[test]
    fn a_small_slow_down_at_the_end_is_noise_and_a_large_one_counts() {
        let mut same = pace(10_000, 2);
        same.load_permille = Some(1_200);
        assert_eq!(same.scaled(WARM, Duration::ZERO), WARM);
        assert_eq!(same.describe(), None);
        same.load_permille = Some(3_000);
        assert_eq!(same.scaled(WARM, Duration::ZERO), WARM / 3);
        assert_eq!(
            same.describe().unwrap(),
            "other load slowed it down 3.0 times"
        );
    }

    proptest! {
        #[test]
        fn the_judged_time_is_never_longer_than_the_measured_one_and_grows_with_it(
            work_us in 0u64..200_000,
            cores in 0u64..256,
            warm_ms in 0u64..10_000_000,
            waited_ms in 0u64..20_000_000,
            load in proptest::option::of(0u64..50_000),
            more_ms in 0u64..100_000,
        ) {
            let pace = Pace { load_permille: load, ..pace(work_us, cores) };
            let waited = Duration::from_millis(waited_ms);
            let warm = Duration::from_millis(warm_ms);
            let judged = pace.scaled(warm, waited);
            prop_assert!(judged <= warm);
            let longer = pace.scaled(warm + Duration::from_millis(more_ms), waited);
            prop_assert!(longer >= judged);
        }
    }
}
