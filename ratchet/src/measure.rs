//! From reports to measured values of metrics.

use crate::measurement::Measurement;
use crate::reader::{Coverage, Lints, Mutants, Report, Tests};

/// The measurements of these reports together: line hits are united by file; tests, mutants and
/// lints are added up. A metric that no report measured is absent, never zero.
#[must_use]
pub fn measure(reports: &[Report]) -> Vec<Measurement> {
    let mut coverage: Option<Coverage> = None;
    let mut tests: Option<Tests> = None;
    let mut mutants: Option<Mutants> = None;
    let mut lints: Option<Lints> = None;
    for report in reports {
        match report {
            Report::Coverage(more) => coverage.get_or_insert_default().add(more),
            Report::Tests(more) => tests.get_or_insert_default().add(more),
            Report::Mutants(more) => mutants.get_or_insert_default().add(more),
            Report::Lints(more) => lints.get_or_insert_default().add(more),
        }
    }
    let mut measurements = Vec::new();
    measurements.extend(coverage.and_then(|coverage| coverage.measurement()));
    measurements.extend(tests.iter().flat_map(Tests::measurements));
    measurements.extend(mutants.and_then(|mutants| mutants.measurement()));
    measurements.extend(lints.map(|lints| lints.measurement()));
    measurements.sort_by(|left, right| left.metric.cmp(&right.metric));
    measurements
}
