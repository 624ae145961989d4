//! The `[ratchet]` section of `tollgate.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Day;
use tollgate_report::quantity::{Percent, Span};

use crate::metric::{Direction, Unit};

/// Settings of the ratchet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RatchetSettings {
    /// The committed floors. Default `quality_ratchet.json`.
    pub file: String,
    /// Folder of the waivers, one TOML file each. Default `ratchet/waivers`.
    pub waivers: String,
    /// Values of past runs on this machine. Default `.tollgate/ratchet-history.ndjson`.
    pub history: String,
    /// The git ref that carries the history to other checkouts. Default `refs/tollgate/history`.
    pub history_ref: String,
    /// The remote that `ratchet history push` and `fetch` use, and from which `ratchet check` fetches
    /// in a fresh checkout in CI. Empty: none. Default `origin`.
    pub history_remote: String,
    /// Report files to read, relative to the repository. `*`, `?` and `[…]` match within a folder,
    /// `**` any folders; each alternative of `{a,b}` must match a file. Default none: what a tier
    /// produces.
    pub reports: Vec<String>,
    /// How many files an entry of `reports` must match, such as `"shards/*/lcov.info" = 4`. Default:
    /// at least one.
    pub report_files: BTreeMap<String, usize>,
    /// Reports that were written longer ago than this do not count. Default none: any age.
    pub report_age_max: Option<Span>,
    /// What may be unmeasured under `CI=true` and `--strict`, and the last day of that: a metric or
    /// an entry of `reports`, such as `mutation_score_min = "2026-12-31"`. Default none.
    pub unmeasured: BTreeMap<String, Day>,
    /// Folders and files whose coverage is measured as a metric of its own, such as `src/parser`:
    /// `coverage_percent_min@src/parser`. A `*` names each folder, as in `packages/*`. Default none.
    pub scopes: Vec<String>,
    /// The least share of the lines of a change that tests must run. Default none: it is reported.
    pub patch_coverage_min: Option<Percent>,
    /// How far a value may be better than its floor, in percent of the floor, before that is a
    /// finding; `ratchet tighten` raises the floor. Default none: it is shown.
    pub floor_gap_max: Option<Percent>,
    /// The longest time from now to the end of a waiver, in days. Default 90.
    pub waiver_days_max: u32,
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
            history_ref: "refs/tollgate/history".to_owned(),
            history_remote: "origin".to_owned(),
            reports: Vec::new(),
            report_files: BTreeMap::new(),
            report_age_max: None,
            unmeasured: BTreeMap::new(),
            scopes: Vec::new(),
            patch_coverage_min: None,
            floor_gap_max: None,
            waiver_days_max: 90,
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
    /// The worst value that is accepted as the first floor. Default none: what is measured.
    #[serde(default)]
    pub floor: Option<f64>,
    /// How far a value may be worse than the floor; it replaces the tolerance in the floors file. A
    /// metric of your own with a tolerance is noisy: beyond it, only several runs fail. Default none.
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
    /// Recorded runs that are needed before a value beyond the tolerance counts as one spike. With
    /// fewer, such a metric is unmeasured. Default 5.
    pub runs_min: usize,
    /// Newest recorded runs that the worse runs are compared with. Default 30.
    pub window: usize,
    /// The probability of failing by noise alone, for each check of a metric. Default 0.001.
    pub p_max: f64,
}

impl Default for NoiseSettings {
    fn default() -> Self {
        Self {
            runs_min: 5,
            window: 30,
            p_max: 1e-3,
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
