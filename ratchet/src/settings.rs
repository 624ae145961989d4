//! The `[ratchet]` section of `tollgate.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Percent;

use crate::metric::{Direction, Unit};

/// Settings of the ratchet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RatchetSettings {
    /// The committed floors. Default `quality_ratchet.json`.
    pub file: String,
    /// Folder of the waivers, one TOML file each. Default `ratchet/waivers`.
    pub waivers: String,
    /// Recorded values of past runs. Default `.tollgate/ratchet-history.ndjson`.
    pub history: String,
    /// Report files to read, relative to the repository. Default none: what a tier produces.
    pub reports: Vec<String>,
    /// The user's own metrics by id; an id that is built in replaces the built-in one. Default none.
    pub metrics: BTreeMap<String, UserMetric>,
    /// When a noisy metric may fail.
    pub noise: NoiseSettings,
    /// When a noisy floor may be tightened.
    pub tighten: TightenSettings,
}

impl Default for RatchetSettings {
    fn default() -> Self {
        Self {
            file: "quality_ratchet.json".to_owned(),
            waivers: "ratchet/waivers".to_owned(),
            history: ".tollgate/ratchet-history.ndjson".to_owned(),
            reports: Vec::new(),
            metrics: BTreeMap::new(),
            noise: NoiseSettings::default(),
            tighten: TightenSettings::default(),
        }
    }
}

/// One metric of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserMetric {
    /// Unit of its values, such as `ms`, `MB` or `count`. Required.
    pub unit: Unit,
    /// `up` when more is better, `down` when less is better, `zero` when it stays 0. Required.
    pub direction: Direction,
    /// The floor before anything was measured. Default none.
    #[serde(default)]
    pub floor: Option<f64>,
    /// Set for noisy metrics: how far a value may be worse than the floor. Default none: exact.
    #[serde(default)]
    pub tolerance: Option<Percent>,
    /// Program and arguments that print `{"value": NUMBER}`. Default none: measured elsewhere.
    #[serde(default)]
    pub command: Vec<String>,
}

/// When a noisy metric may fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NoiseSettings {
    /// Recorded runs that are needed before a noisy metric may fail. Default 5.
    pub runs_min: usize,
    /// Newest recorded runs that the spread is taken from. Default 30.
    pub window: usize,
    /// Spreads (1.4826 · MAD) by which a value must be worse than the floor to fail. Default 4.
    pub spreads: f64,
}

impl Default for NoiseSettings {
    fn default() -> Self {
        Self {
            runs_min: 5,
            window: 30,
            spreads: 4.0,
        }
    }
}

/// When a noisy floor may be tightened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TightenSettings {
    /// Newest runs that must show the better level. Default 10.
    pub runs: usize,
    /// Runs before those that they are compared with, at most. Default 30.
    pub window: usize,
    /// The one-sided Mann–Whitney p value that must not be reached. Default 0.001.
    pub p_max: f64,
    /// The least shift of the median. Default 1.5%.
    pub shift_min: Percent,
}

impl Default for TightenSettings {
    fn default() -> Self {
        Self {
            runs: 10,
            window: 30,
            p_max: 1e-3,
            shift_min: Percent(0.015),
        }
    }
}
