//! Time in which steps waited for a CPU because of other work: read from the system once a second
//! while steps run.
//!
//! The rule: of an interval in which some task waited for a CPU, the part that the run's own CPU
//! time does not explain was taken by others (or by a limit on the CPU). A run that keeps every
//! core busy by itself waits only for itself, so nothing is subtracted.

use std::fs;
use std::sync::Mutex;
use std::time::Duration;

use tollgate_process as process_table;

/// How often the system is read. A read of 500 processes takes some 5 ms.
const EVERY: Duration = Duration::from_secs(1);

/// Totals since an unnamed start; only differences mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadSample {
    /// CPU time of this process and all that it started.
    pub used: Duration,
    /// Time in which at least one task waited for a CPU.
    pub stalled: Duration,
}

/// Time lost to others between two samples that lie `elapsed` apart.
#[must_use]
pub fn waited_between(
    before: LoadSample,
    after: LoadSample,
    elapsed: Duration,
    cores: u64,
) -> Duration {
    // Less CPU time than before means that a process left the family, so nothing is known.
    let Some(used) = after.used.checked_sub(before.used) else {
        return Duration::ZERO;
    };
    let stalled = after.stalled.saturating_sub(before.stalled).min(elapsed);
    let cores = u32::try_from(cores.max(1)).unwrap_or(u32::MAX);
    stalled.saturating_sub(used / cores)
}

/// Sums up over a run; shared by the threads that follow steps.
#[derive(Debug, Default)]
pub(crate) struct LoadMeter {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: Option<(Duration, LoadSample)>,
    waited: Duration,
}

impl LoadMeter {
    /// Takes a sample when the last one is old enough. Time that is not judged anyway does not count.
    pub fn tick(
        &self,
        now: Duration,
        cores: u64,
        is_judged: bool,
        sample: impl FnOnce() -> Option<LoadSample>,
    ) {
        let Ok(mut state) = self.state.try_lock() else {
            return;
        };
        let is_recent = |(at, _): &(Duration, LoadSample)| now.saturating_sub(*at) < EVERY;
        if state.last.as_ref().is_some_and(is_recent) {
            return;
        }
        let Some(sample) = sample() else { return };
        if let Some((at, before)) = state.last
            && is_judged
        {
            let elapsed = now.saturating_sub(at);
            state.waited += waited_between(before, sample, elapsed, cores);
        }
        state.last = Some((now, sample));
    }

    /// Time lost to others so far.
    pub fn waited(&self) -> Duration {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
            .waited
    }
}

/// Reads the totals of this system; none where it does not count them.
#[must_use]
pub fn sample_of_system() -> Option<LoadSample> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let throttled = throttled(&groups);
    let pressure = fs::read_to_string("/proc/pressure/cpu").ok();
    let pressure = pressure.as_deref().and_then(parse_pressure);
    if pressure.is_none() && throttled.is_none() {
        return None;
    }
    Some(LoadSample {
        used: used_by_family(std::process::id()),
        stalled: pressure.unwrap_or_default() + throttled.unwrap_or_default(),
    })
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=175692050`, the total in microseconds.
fn parse_pressure(text: &str) -> Option<Duration> {
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let total = some
        .split(' ')
        .find_map(|word| word.strip_prefix("total="))?;
    Some(Duration::from_micros(total.parse().ok()?))
}

/// Time for which a limit kept this process's control group, or one above it, from its CPUs.
fn throttled(groups: &str) -> Option<Duration> {
    let mut longest = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let base = if controllers.is_empty() {
            "/sys/fs/cgroup".to_owned()
        } else if controllers.split(',').any(|name| name == "cpu") {
            format!("/sys/fs/cgroup/{controllers}")
        } else {
            continue;
        };
        let above = std::path::Path::new(path.trim_start_matches('/')).ancestors();
        for group in above {
            let path = std::path::Path::new(&base).join(group).join("cpu.stat");
            let text = fs::read_to_string(path).unwrap_or_default();
            longest = longest.max(parse_throttled(&text));
        }
    }
    longest
}

/// `throttled_usec 12` of version 2, `throttled_time 12000` in nanoseconds of version 1.
fn parse_throttled(text: &str) -> Option<Duration> {
    text.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_usec", n) => Some(Duration::from_micros(n.parse().ok()?)),
        ("throttled_time", n) => Some(Duration::from_nanos(n.parse().ok()?)),
        _ => None,
    })
}

/// CPU time of a process and all that it started.
fn used_by_family(root: u32) -> Duration {
    let table = process_table::table().unwrap_or_default();
    let family = process_table::descendants(&table, root);
    table
        .iter()
        .filter(|entry| family.contains(&entry.pid))
        .map(|entry| entry.used)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(used_ms: u64, stalled_ms: u64) -> LoadSample {
        LoadSample {
            used: Duration::from_millis(used_ms),
            stalled: Duration::from_millis(stalled_ms),
        }
    }

    #[track_caller]
    fn check(after: LoadSample, want_ms: u64) {
        let waited = waited_between(sample(0, 0), after, Duration::from_secs(1), 2);
        assert_eq!(waited, Duration::from_millis(want_ms));
    }

    #[test]
    fn a_run_that_fills_two_cores_by_itself_waits_for_nobody() {
        check(sample(2_000, 1_000), 0);
    }

    #[test]
    fn two_busy_loops_of_others_take_half_of_two_cores() {
        check(sample(1_000, 1_000), 500);
    }

    #[test]
    fn a_limit_to_a_third_of_two_cores_takes_two_thirds() {
        // Both cores' throttled times add up to more than the interval.
        check(sample(666, 1_333), 667);
    }

    #[test]
    fn sleeping_and_waiting_for_disks_is_the_runs_own_time() {
        check(sample(100, 40), 0);
    }

    #[test]
    fn what_the_system_writes_is_read() {
        let pressure = "some avg10=27.47 avg60=36.67 avg300=24.74 total=175692050\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(
            parse_pressure(pressure),
            Some(Duration::from_micros(175_692_050))
        );
        let two = Some(Duration::from_millis(2));
        assert_eq!(
            parse_throttled("nr_throttled 23\nthrottled_usec 2000\n"),
            two
        );
        assert_eq!(
            parse_throttled("nr_periods 23\nthrottled_time 2000000\n"),
            two
        );
    }

    #[test]
    fn samples_closer_than_a_second_are_not_taken() {
        let meter = LoadMeter::default();
        let at = Duration::from_millis;
        meter.tick(at(0), 2, true, || Some(sample(0, 0)));
        meter.tick(at(500), 2, true, || panic!("too early"));
        meter.tick(at(1_000), 2, true, || Some(sample(1_000, 1_000)));
        assert_eq!(meter.waited(), at(500));
        meter.tick(at(2_000), 2, false, || Some(sample(1_000, 2_000)));
        assert_eq!(meter.waited(), at(500), "cold time is subtracted already");
    }
}
