//! From reports to measured values of metrics.

use crate::measurement::Measurement;
use crate::reader::{Coverage, Lints, Mutants, Report, Tests};

/// The reports of a run together: line hits are united by file; tests, mutants and lints are added
/// up. What no report contains is absent, never zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Together {
    /// Which lines ran.
    pub coverage: Option<Coverage>,
    /// Which tests ran.
    pub tests: Option<Tests>,
    /// Which mutants were found.
    pub mutants: Option<Mutants>,
    /// Which lints were reported.
    pub lints: Option<Lints>,
}

impl Together {
    /// Puts reports together.
    #[must_use]
    pub fn of(reports: &[Report]) -> Self {
        let mut together = Self::default();
        for report in reports {
            match report {
                Report::Coverage(more) => together.coverage.get_or_insert_default().add(more),
                Report::Tests(more) => together.tests.get_or_insert_default().add(more),
                Report::Mutants(more) => together.mutants.get_or_insert_default().add(more),
                Report::Lints(more) => together.lints.get_or_insert_default().add(more),
            }
        }
        together
    }

    /// The measurements, sorted by metric; a metric that nothing measured is absent, never zero.
    #[must_use]
    pub fn measurements(&self) -> Vec<Measurement> {
        let mut measurements = Vec::new();
        measurements.extend(self.coverage.as_ref().and_then(Coverage::measurement));
        measurements.extend(self.tests.iter().flat_map(Tests::measurements));
        measurements.extend(self.mutants.as_ref().and_then(Mutants::measurement));
        measurements.extend(self.lints.as_ref().map(Lints::measurement));
        measurements.sort_by(|left, right| left.metric.cmp(&right.metric));
        measurements
    }

    /// The coverage of folders and files, sorted by scope; one without a line that can run is absent.
    #[must_use]
    pub fn measurements_in<'s>(
        &self,
        scopes: impl IntoIterator<Item = &'s str>,
    ) -> Vec<Measurement> {
        let coverage = self.coverage.iter();
        let scopes: std::collections::BTreeSet<&str> = scopes.into_iter().collect();
        coverage
            .flat_map(|coverage| {
                scopes
                    .iter()
                    .filter_map(|scope| coverage.measurement_in(scope))
            })
            .collect()
    }

    /// Metrics that a report is about and does not measure, with the reason.
    #[must_use]
    pub fn unmeasured(&self) -> Vec<(String, String)> {
        let mutants = self.mutants.as_ref().and_then(Mutants::unmeasured);
        let coverage = self.coverage.as_ref();
        let is_empty = coverage.is_some_and(|coverage| coverage.measurement().is_none());
        let coverage = is_empty.then(|| "the reports contain no line that can run".to_owned());
        [
            ("coverage_percent_min", coverage),
            ("mutation_score_min", mutants),
        ]
        .into_iter()
        .filter_map(|(metric, why)| Some((metric.to_owned(), why?)))
        .collect()
    }
}

/// The measurements of these reports together, as [`Together`] unites them.
#[must_use]
pub fn measure(reports: &[Report]) -> Vec<Measurement> {
    Together::of(reports).measurements()
}
