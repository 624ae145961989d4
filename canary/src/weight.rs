//! The canary's share of the traffic, exact.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Percent;

/// A share of the traffic in basis points: 0 is none, 10 000 is all. Stored as a whole number, so
/// that a record read back is the same to the last bit.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(try_from = "u32", into = "u32")]
pub struct Weight(u32);

/// The number was above 10 000.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a weight: expected basis points from 0 to 10000")]
pub struct WeightError(u32);

impl Weight {
    /// No traffic.
    pub const NONE: Self = Self(0);
    /// All traffic.
    pub const ALL: Self = Self(10_000);

    /// From basis points; more than 10 000 counts as all.
    #[must_use]
    pub fn from_bp(bp: u32) -> Self {
        Self(bp.min(10_000))
    }

    /// The nearest whole basis point to a percentage.
    #[must_use]
    pub fn from_percent(percent: Percent) -> Self {
        Self(crate::numbers::round_u32(percent.0 * 10_000.0).min(10_000))
    }

    /// Basis points, 0 to 10 000.
    #[must_use]
    pub fn bp(self) -> u32 {
        self.0
    }

    /// The share from 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl TryFrom<u32> for Weight {
    type Error = WeightError;

    fn try_from(bp: u32) -> Result<Self, Self::Error> {
        if bp <= 10_000 {
            Ok(Self(bp))
        } else {
            Err(WeightError(bp))
        }
    }
}

impl From<Weight> for u32 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(100) {
            write!(f, "{}%", self.0 / 100)
        } else {
            write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
        }
    }
}
