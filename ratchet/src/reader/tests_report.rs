//! Which tests ran and how they ended: what every reader of tests returns.

use crate::measurement::Measurement;

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestOutcome {
    /// It passed at once.
    Passed,
    /// It did not run.
    Skipped,
    /// It failed first and passed on retry.
    Flaky,
    /// It failed, also on retry where there was one.
    Failed,
}

/// One test of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    /// Test suites around it, outermost first, joined by ` > `.
    pub suite: String,
    /// Class, module or binary; empty when the report gives none.
    pub class: String,
    /// Its name.
    pub name: String,
    /// How it ended.
    pub outcome: TestOutcome,
}

/// The tests of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tests {
    /// In the order of the report; a retried test is one.
    pub cases: Vec<TestCase>,
    /// Wall time in seconds when the report gives one, else the sum over suites or tests.
    pub time_s: Option<f64>,
}

impl Tests {
    /// Adds up two reports.
    pub fn add(&mut self, more: &Self) {
        self.cases.extend(more.cases.iter().cloned());
        self.time_s = match (self.time_s, more.time_s) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
    }

    /// How many tests ended so.
    #[must_use]
    pub fn count(&self, outcome: TestOutcome) -> usize {
        self.cases
            .iter()
            .filter(|case| case.outcome == outcome)
            .count()
    }

    /// `test_count_min` (tests that ran), `failed_test_count_max`, `skipped_test_count_max`,
    /// `flaky_test_count_max`, and `test_execution_time_max` when the report gives a time.
    #[must_use]
    pub fn measurements(&self) -> Vec<Measurement> {
        let n_skipped = self.count(TestOutcome::Skipped);
        let n_failed = self.count(TestOutcome::Failed);
        let n_ran = self.cases.len() - n_skipped;
        let flaky = self.names(TestOutcome::Flaky);
        let failed_detail = match self.names(TestOutcome::Failed) {
            failed if failed.is_empty() => format!("none of {n_ran} tests failed"),
            failed => format!("failed: {}", listed(&failed)),
        };
        let detail = format!("{n_ran} ran, {n_failed} failed, {n_skipped} skipped");
        let flaky_detail = if flaky.is_empty() {
            "none failed and then passed".to_owned()
        } else {
            format!("failed and then passed: {}", listed(&flaky))
        };
        let mut measurements = vec![
            Measurement::new("test_count_min", "count", n_ran as f64, detail.clone()),
            Measurement::new(
                "failed_test_count_max",
                "count",
                n_failed as f64,
                failed_detail,
            ),
            Measurement::new("skipped_test_count_max", "count", n_skipped as f64, detail),
            Measurement::new(
                "flaky_test_count_max",
                "count",
                flaky.len() as f64,
                flaky_detail,
            ),
        ];
        measurements.extend(self.time_s.map(|time_s| {
            let detail = format!("{n_ran} tests");
            Measurement::new("test_execution_time_max", "s", time_s, detail)
        }));
        measurements
    }
    fn names(&self, outcome: TestOutcome) -> Vec<&str> {
        self.cases
            .iter()
            .filter(|case| case.outcome == outcome)
            .map(|case| case.name.as_str())
            .collect()
    }
}

/// Most tests that a text names.
const NAMED_MAX: usize = 5;

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED_MAX).copied().collect::<Vec<_>>();
    match names.len().saturating_sub(NAMED_MAX) {
        0 => shown.join(", "),
        n_more => format!("{} and {n_more} more", shown.join(", ")),
    }
}
