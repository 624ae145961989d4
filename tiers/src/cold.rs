//! Cold time, which cargo spends downloading and compiling dependencies; read from cargo's output.
//! The tier's budget applies to the remaining time.

use std::sync::Mutex;
use std::time::Duration;

/// Time during which at least one step was cold; shared by all steps of a run.
#[derive(Debug, Default)]
pub struct ColdMeter {
    state: Mutex<MeterState>,
}

#[derive(Debug, Default)]
struct MeterState {
    n_active: usize,
    since: Duration,
    total: Duration,
}

impl ColdMeter {
    fn enter(&self, now: Duration) {
        let mut state = self
            .state
            .lock()
            .expect("no code panics while it holds this lock");
        if state.n_active == 0 {
            state.since = now;
        }
        state.n_active += 1;
    }

    fn leave(&self, now: Duration) {
        let mut state = self
            .state
            .lock()
            .expect("no code panics while it holds this lock");
        state.n_active -= 1;
        if state.n_active == 0 {
            let cold = now.saturating_sub(state.since);
            state.total += cold;
        }
    }

    /// Whether a step is cold now.
    #[must_use]
    pub fn is_cold(&self) -> bool {
        let state = self
            .state
            .lock()
            .expect("no code panics while it holds this lock");
        state.n_active > 0
    }

    /// Cold time up to `now`.
    #[must_use]
    pub fn total(&self, now: Duration) -> Duration {
        let state = self
            .state
            .lock()
            .expect("no code panics while it holds this lock");
        if state.n_active == 0 {
            state.total
        } else {
            state.total + now.saturating_sub(state.since)
        }
    }
}

/// Watches the lines of one step.
#[derive(Debug)]
pub struct ColdWatch<'a> {
    meter: &'a ColdMeter,
    since: Option<Duration>,
    total: Duration,
}

impl<'a> ColdWatch<'a> {
    /// Starts a watch. `is_first_build` means that no build folder exists yet, so that all time until
    /// cargo's `Finished` is cold.
    #[must_use]
    pub fn new(meter: &'a ColdMeter, is_first_build: bool, now: Duration) -> Self {
        let mut watch = Self {
            meter,
            since: None,
            total: Duration::ZERO,
        };
        if is_first_build {
            watch.start(now);
        }
        watch
    }

    /// Reads one line of output. Cold time starts at the first dependency and ends with the build,
    /// because changed dependencies also require compiling the workspace again.
    pub fn line(&mut self, line: &str, now: Duration) {
        match kind(line) {
            LineKind::Cold => self.start(now),
            LineKind::BuildEnd => self.stop(now),
            LineKind::Other => {}
        }
    }

    fn start(&mut self, now: Duration) {
        if self.since.is_none() {
            self.since = Some(now);
            self.meter.enter(now);
        }
    }

    fn stop(&mut self, now: Duration) {
        if let Some(since) = self.since.take() {
            self.total += now.saturating_sub(since);
            self.meter.leave(now);
        }
    }

    /// Cold time so far.
    #[must_use]
    pub fn total(&self, now: Duration) -> Duration {
        let open = self.since.map(|since| now.saturating_sub(since));
        self.total + open.unwrap_or_default()
    }

    /// Ends the watch and gives the step's cold time.
    #[must_use]
    pub fn finish(mut self, now: Duration) -> Duration {
        self.stop(now);
        self.total
    }
}

#[derive(Debug, PartialEq, Eq)]
enum LineKind {
    Cold,
    BuildEnd,
    Other,
}

/// Cargo names a workspace crate with its folder, `Compiling x v0.1.0 (/path)`, a dependency without.
fn kind(line: &str) -> LineKind {
    let line = line.trim_start();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "Compiling" | "Checking" => {
            let is_local = rest
                .split_once('(')
                .is_some_and(|(_, place)| place.contains(['/', '\\']) && !place.contains("://"));
            let is_crate = rest.split(' ').nth(1).is_some_and(|v| v.starts_with('v'));
            if is_crate && !is_local {
                LineKind::Cold
            } else {
                LineKind::Other
            }
        }
        "Downloading" | "Downloaded" | "Installing" => LineKind::Cold,
        "Finished" => LineKind::BuildEnd,
        _ => LineKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dependency_is_cold_and_a_workspace_crate_is_not() {
        assert_eq!(kind("   Compiling serde v1.0.228"), LineKind::Cold);
        assert_eq!(
            kind("    Checking x v0.1.0 (https://example.com/x#abc)"),
            LineKind::Cold
        );
        assert_eq!(kind(" Downloading crates ..."), LineKind::Cold);
        assert_eq!(
            kind("   Compiling own v0.1.0 (/home/me/own)"),
            LineKind::Other
        );
        assert_eq!(kind("Checking the weather"), LineKind::Other);
        assert_eq!(kind("    Finished `dev` profile"), LineKind::BuildEnd);
    }

    #[test]
    fn two_cold_steps_at_once_count_once() {
        let meter = ColdMeter::default();
        let at = Duration::from_secs;
        let mut first = ColdWatch::new(&meter, false, at(0));
        let mut second = ColdWatch::new(&meter, false, at(0));
        first.line("Compiling serde v1.0.228", at(10));
        second.line("Compiling serde v1.0.228", at(15));
        first.line("Finished `dev`", at(20));
        assert_eq!(meter.total(at(22)), at(12));
        assert_eq!(second.finish(at(30)), at(15));
        assert_eq!(first.finish(at(40)), at(10));
        assert_eq!(meter.total(at(50)), at(20));
    }
}
