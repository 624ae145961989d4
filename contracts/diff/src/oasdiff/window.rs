//! How long something deprecated must be kept, by its stability.

use tollgate_contracts_model::Node;
use tollgate_report::Day;

use crate::settings::{DiffSettings, Stability};

/// How long something deprecated must be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) today: Option<Day>,
    pub(super) days: u32,
}

impl Window {
    /// The window of an operation; none when its stability is unknown.
    pub(super) fn of(operation: &Node, settings: &DiffSettings) -> Option<Self> {
        let days = match stability(operation.get("x-stability-level"))? {
            Stability::Draft | Stability::Alpha => 0,
            Stability::Beta => settings.deprecation_days_beta,
            Stability::Stable => settings.deprecation_days_stable,
        };
        let today = settings.today;
        Some(Self { today, days })
    }

    /// Whether a sunset comes earlier than the window allows.
    pub(super) fn is_too_small(self, sunset: Day) -> bool {
        let Some(today) = self.today else {
            return false;
        };
        sunset.days_since(today) < i64::from(self.days)
    }
}

/// The stability level that a node declares: stable when it declares none, none when it declares an
/// unknown level.
pub(super) fn stability(node: Option<&Node>) -> Option<Stability> {
    match node.filter(|node| !node.is_null()) {
        None => Some(Stability::Stable),
        Some(node) => node.as_str().and_then(Stability::of),
    }
}
