//! The `[tiers]` section of `tollgate.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Day;
use tollgate_report::quantity::{Size, Span};

use crate::builtin::Builtin;
use crate::pace::Reference;

/// The `[tiers]` section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Pre-commit. Default budget: target 45 s, critical 90 s.
    pub tier0: TierSettings,
    /// Pull request. Default budget: target 3 min, critical 7.5 min.
    pub tier1: TierSettings,
    /// Nightly. Default budget: target 15 min, critical 45 min.
    pub tier2: TierSettings,
    /// Weekly. Default budget: target and critical 2 h.
    pub tier3: TierSettings,
    /// Most bytes that the cache under `.tollgate/cache` keeps; the least recently used go first. Default 1GiB.
    pub cache_size_max: Size,
    /// Names of tools or steps that may be missing under `CI=true`; the first lines of the report list those that are. Default none.
    pub may_be_missing: Vec<String>,
    /// What may be unmeasured under `CI=true` and `--strict`, and the last day of that: a step, or a tier without steps, such as `{ tier0 = "2027-01-31" }`. Default none.
    pub unmeasured: BTreeMap<String, Day>,
    /// Files and folders that git ignores and that `--staged` links into its snapshot, such as generated code. `node_modules` and virtual environments are linked without being named. Default none.
    pub staged_links: Vec<String>,
    /// What it means that processes which a step started still run after it: `report` lists them, `fail` also fails the step. They are not stopped. Default `report`.
    pub leaks: Leaks,
    /// Whether lint and tests share one instrumented build, from which `test` also writes line coverage to `.tollgate/coverage/lcov.info`. Default false: `cargo clippy` checks, and tests are built apart.
    pub coverage: bool,
    /// The machine that target and critical times are meant for: a slower machine is judged by the time that this one would have needed.
    pub reference: Reference,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tier0: TierSettings::default(),
            tier1: TierSettings::default(),
            tier2: TierSettings::default(),
            tier3: TierSettings::default(),
            cache_size_max: Size(1 << 30),
            may_be_missing: Vec::new(),
            unmeasured: BTreeMap::new(),
            staged_links: Vec::new(),
            leaks: Leaks::default(),
            coverage: false,
            reference: Reference::default(),
        }
    }
}

/// What it means that processes which a step started still run after it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Leaks {
    /// They are listed.
    #[default]
    Report,
    /// They are listed, and the step fails.
    Fail,
}

/// Which tier.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Before a commit.
    Tier0,
    /// On a pull request.
    Tier1,
    /// Every night.
    Tier2,
    /// Every week.
    Tier3,
}

impl Tier {
    /// The name as the command line and the settings write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tier0 => "tier0",
            Self::Tier1 => "tier1",
            Self::Tier2 => "tier2",
            Self::Tier3 => "tier3",
        }
    }

    /// Default target and critical times.
    #[must_use]
    pub fn default_budget(self) -> (Span, Span) {
        let (target_s, critical_s) = match self {
            Self::Tier0 => (45, 90),
            Self::Tier1 => (180, 450),
            Self::Tier2 => (900, 2700),
            Self::Tier3 => (7200, 7200),
        };
        (
            Span(Duration::from_secs(target_s)),
            Span(Duration::from_secs(critical_s)),
        )
    }
}

impl Settings {
    /// The settings of one tier.
    #[must_use]
    pub fn tier(&self, tier: Tier) -> &TierSettings {
        match tier {
            Tier::Tier0 => &self.tier0,
            Tier::Tier1 => &self.tier1,
            Tier::Tier2 => &self.tier2,
            Tier::Tier3 => &self.tier3,
        }
    }
}

/// One tier: its budget and its steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TierSettings {
    /// Time after which no optional work starts and the tier warns. Absent: the tier's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Span>,
    /// Time at which the tier fails. Absent: the tier's default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<Span>,
    /// The steps. Absent: what the repository holds decides (a Cargo workspace, `contracts/`, `package.json`, `pyproject.toml`, `Package.swift`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepSettings>>,
}

/// One step: a command or a built-in, and what it depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StepSettings {
    /// Name, unique in its tier: letters, digits, `-` and `_`. Absent: the built-in's name.
    pub name: String,
    /// The command as a list; `{tollgate}` is the running executable, `{packages}` the affected crates as `-p a -p b`, `{workspace}` all crates but the excluded, `{filter}` nextest's filter for the affected and for `skip`, `{skip}` the same `skip` for `cargo test`, `{junit}` nextest's options for a JUnit file.
    pub command: Vec<String>,
    /// A built-in instead of a command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub builtin: Option<Builtin>,
    /// Globs of the files that the step reads, relative to the root, whether git tracks or ignores them. Empty: every file but the caches of tools, so that any change runs it.
    pub inputs: Vec<String>,
    /// Files that the step writes, relative to the root: paths, folders or globs; kept in the cache and put back on a hit.
    pub outputs: Vec<String>,
    /// Names of the steps that must pass before.
    pub needs: Vec<String>,
    /// Environment variables that the step gets in addition to the usual ones, and whose values enter its key; `*` at the end stands for any rest.
    pub env: Vec<String>,
    /// Longest time the step may take, cold time apart. Absent: the tier's critical time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// Version commands whose output enters the key, such as `["node", "--version"]`.
    pub tools: Vec<Vec<String>>,
    /// Whether the step may be left out when the target time is over. Default false.
    pub optional: bool,
    /// Whether each Rust crate is cached apart. Absent: as the built-in does; a command never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_crate: Option<bool>,
    /// Rust packages that the step leaves out. Default none.
    pub exclude: Vec<String>,
    /// Tests whose name contains one of these texts are left out by the built-in `test`, such as `slow::` for modules named `slow`. Default none.
    pub skip: Vec<String>,
    /// Name of something that only one step may hold at a time, such as cargo's build lock. Absent: as the built-in does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// Tools that may be missing under `CI=true` for this step. Default none.
    pub may_be_missing: Vec<String>,
    /// Whether a pass is kept in the cache. Absent: true, but for built-ins that depend on the network, the clock, reports or the base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
    /// What the step reads besides files: `history` (git's HEAD, branches, tags and index) and `day` (today's date in UTC); they enter its key. Absent: both for a command without `inputs`, otherwise none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also_reads: Option<Vec<AlsoReads>>,
    /// Whether `--staged` stages what the step rewrites, such as a formatter, instead of failing with the diff. Such steps run first. Default false.
    pub stage_fixed: bool,
    /// Environment variables set for the step; they enter its key. Default none.
    pub set: BTreeMap<String, String>,
}

/// What a step reads besides files.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlsoReads {
    /// git's HEAD, branches, tags and index.
    History,
    /// Today's date in UTC.
    Day,
}
