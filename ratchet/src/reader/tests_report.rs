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

    /// `test_count_min` (tests that ran), `flaky_test_count_max`, and `test_execution_time_max`
    /// when the report gives a time.
    #[must_use]
    pub fn measurements(&self) -> Vec<Measurement> {
        let n_skipped = self.count(TestOutcome::Skipped);
        let n_failed = self.count(TestOutcome::Failed);
        let n_ran = self.cases.len() - n_skipped;
        let flaky: Vec<&str> = self
            .cases
            .iter()
            .filter(|case| case.outcome == TestOutcome::Flaky)
            .map(|case| case.name.as_str())
            .collect();
        let detail = format!("{n_ran} ran, {n_failed} failed, {n_skipped} skipped");
        let flaky_detail = if flaky.is_empty() {
            "none failed and then passed".to_owned()
        } else {
            format!("failed and then passed: {}", flaky.join(", "))
        };
        let mut measurements = vec![
            Measurement::new("test_count_min", "count", n_ran as f64, detail),
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
}
