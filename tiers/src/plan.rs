//! Makes a plan from the settings and the repository: validated steps in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};
use tollgate_report::Day;
use tollgate_report::quantity::{Size, Span};
use tollgate_report::suggest::nearest;

use crate::builtin::Builtin;
use crate::fill::fill;
use crate::outputs::Outputs;
use crate::pace::Reference;
use crate::settings::{AlsoReads, Leaks, Settings, StepSettings, Tier};
use crate::{defaults, graph, tools};

/// A checked tier, ready to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which tier.
    pub tier: Tier,
    /// Time after which no optional work starts.
    pub target: Span,
    /// Time at which the tier fails.
    pub critical: Span,
    /// The steps in the order of the settings; names are unique and needs exist.
    pub steps: Vec<Step>,
    /// The machine that target and critical are meant for.
    pub reference: Reference,
    /// Names of tools or steps that may be missing under `CI=true`.
    pub may_be_missing: BTreeSet<String>,
    /// Steps, or this tier, that may be unmeasured in CI, and the last day of that.
    pub unmeasured: BTreeMap<String, Day>,
    /// What processes that a step leaves running lead to.
    pub leaks: Leaks,
    /// Most bytes the cache keeps.
    pub cache_size_max: Size,
    /// What the plan had to decide by itself, such as `cargo test` for want of cargo-nextest.
    pub notes: Vec<String>,
}

/// A checked step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Unique name.
    pub name: String,
    /// The command; placeholders are not yet replaced.
    pub command: Vec<String>,
    /// Which files it reads; none means every file.
    pub inputs: Option<GlobSet>,
    /// The globs as written; part of the key.
    pub input_globs: Vec<String>,
    /// What it writes, relative to the root.
    pub outputs: Outputs,
    /// Steps that must pass before.
    pub needs: Vec<String>,
    /// Patterns of allowed environment variables.
    pub env: Vec<String>,
    /// Variables set for the step.
    pub set: BTreeMap<String, String>,
    /// Longest warm time.
    pub timeout: Duration,
    /// Version commands.
    pub tools: Vec<Vec<String>>,
    /// Whether the step is left out after the target time.
    pub optional: bool,
    /// Whether crates are cached apart.
    pub per_crate: bool,
    /// Packages left out.
    pub exclude: BTreeSet<String>,
    /// Texts in the names of tests that are left out.
    pub skip: Vec<String>,
    /// The part it takes in the one instrumented build; none when it takes none.
    pub instrumented: Option<Builtin>,
    /// What only one step may hold at a time.
    pub lock: Option<String>,
    /// Why its passes are not kept; none when they are.
    pub not_cached: Option<String>,
    /// Whether it reads what manifests name, so that its passes are not kept where they lead out of
    /// the repository.
    pub reads_packages: bool,
    /// What it reads besides files.
    pub also_reads: BTreeSet<AlsoReads>,
    /// Whether what it rewrites in a snapshot is staged.
    pub stage_fixed: bool,
}

/// The settings of a tier cannot become a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A step has neither command nor built-in, or both.
    #[error(
        "step `{step}` of `tiers.{tier}` is not valid: {problem}\n\nhint: correct `[[tiers.{tier}.steps]]` in `tollgate.toml`"
    )]
    Step {
        /// The tier.
        tier: &'static str,
        /// The step's name, or its position when it has none.
        step: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Two steps share a name.
    #[error(
        "two steps of `tiers.{tier}` are named `{step}`\n\nhint: give each step in `[[tiers.{tier}.steps]]` of `tollgate.toml` its own `name`"
    )]
    DuplicateName {
        /// The tier.
        tier: &'static str,
        /// The shared name.
        step: String,
    },
    /// A step needs a step that does not exist.
    #[error("step `{step}` of `tiers.{tier}` needs `{need}`, which is not a step of this tier{}", did_you_mean(.suggestion.as_deref()))]
    UnknownNeed {
        /// The tier.
        tier: &'static str,
        /// The step.
        step: String,
        /// What it needs.
        need: String,
        /// The nearest name that exists.
        suggestion: Option<String>,
    },
    /// Steps need each other in a circle.
    #[error("steps of `tiers.{tier}` need each other in a circle: {}\n\nhint: remove one of these `needs` from `tollgate.toml`", .cycle.join(" -> "))]
    Cycle {
        /// The tier.
        tier: &'static str,
        /// The names, first and last the same.
        cycle: Vec<String>,
    },
    /// A glob cannot be read.
    #[error("cannot read a glob of step `{step}`")]
    Glob {
        /// The step.
        step: String,
        /// What is wrong with the glob.
        #[source]
        source: globset::Error,
    },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| {
        format!("\n\nhint: did you mean `{name}`?")
    })
}

/// Makes the plan of one tier for the repository at `root`.
///
/// # Errors
/// When a step is not well formed, names are not unique, a need is unknown or needs form a circle.
///
/// `floors` is the path of the committed floors.
pub fn plan(settings: &Settings, tier: Tier, root: &Path, floors: &str) -> Result<Plan, PlanError> {
    let here = Here {
        floors,
        has_nextest: tools::is_on_path("cargo-nextest"),
    };
    plan_with(settings, tier, root, here)
}

/// What a plan depends on besides the settings and the files at the root.
#[derive(Debug, Clone, Copy)]
pub struct Here<'a> {
    /// The path of the committed floors, relative to the root.
    pub floors: &'a str,
    /// Whether cargo-nextest is installed.
    pub has_nextest: bool,
}

/// [`plan`] with what it depends on given.
pub fn plan_with(
    settings: &Settings,
    tier: Tier,
    root: &Path,
    here: Here<'_>,
) -> Result<Plan, PlanError> {
    let tier_settings = settings.tier(tier);
    let (target, critical) = tier.default_budget();
    let critical = tier_settings.critical.unwrap_or(critical);
    let target = tier_settings.target.unwrap_or(target).min(critical);
    let step_settings = tier_settings
        .steps
        .clone()
        .unwrap_or_else(|| defaults::steps(root, tier, here.floors));
    let has_nextest = here.has_nextest;
    let mut plan = Plan {
        tier,
        target,
        critical,
        steps: Vec::new(),
        reference: settings.reference,
        may_be_missing: settings.may_be_missing.iter().cloned().collect(),
        unmeasured: settings.unmeasured.clone(),
        leaks: settings.leaks,
        cache_size_max: settings.cache_size_max,
        notes: Vec::new(),
    };
    for (idx, step) in step_settings.into_iter().enumerate() {
        plan.may_be_missing
            .extend(step.may_be_missing.iter().cloned());
        if step.builtin == Some(Builtin::Test) && !has_nextest {
            plan.notes
                .push("cargo-nextest is not installed, so tests run by `cargo test`".to_owned());
        }
        let is_workspace = root.join("Cargo.toml").is_file();
        let world = World {
            has_nextest,
            is_workspace,
            is_instrumented: settings.coverage && is_workspace,
        };
        plan.steps
            .push(checked_step(tier, idx, step, critical, world)?);
    }
    check_graph(tier, &plan.steps)?;
    Ok(plan)
}

/// What a step's form depends on besides its settings.
#[derive(Clone, Copy)]
struct World {
    has_nextest: bool,
    is_workspace: bool,
    is_instrumented: bool,
}

fn checked_step(
    tier: Tier,
    idx: usize,
    step: StepSettings,
    critical: Span,
    world: World,
) -> Result<Step, PlanError> {
    let label = if step.name.is_empty() {
        format!("number {}", idx + 1)
    } else {
        step.name.clone()
    };
    let fail = |problem: &str| PlanError::Step {
        tier: tier.word(),
        step: label.clone(),
        problem: problem.to_owned(),
    };
    let step = match (step.builtin, step.command.is_empty()) {
        (Some(_), false) => return Err(fail("it has both a `command` and a `builtin`")),
        (None, true) => return Err(fail("it has neither a `command` nor a `builtin`")),
        (Some(builtin), true) => fill(builtin, step, world.has_nextest, world.is_instrumented),
        (None, false) => step,
    };
    if step.name.is_empty() {
        return Err(fail("it has no `name`"));
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !step.name.chars().all(is_word) {
        return Err(fail("its name may hold letters, digits, `-` and `_` only"));
    }
    let per_crate = step.per_crate.unwrap_or(false) && world.is_workspace;
    if step.per_crate == Some(true) && !names_crates(&step.command) {
        return Err(fail(
            "`per_crate` needs `{packages}` or `{workspace}` in its command",
        ));
    }
    let inputs = glob_set(&step)?;
    let outputs = Outputs::new(&step.outputs).map_err(|source| PlanError::Glob {
        step: step.name.clone(),
        source,
    })?;
    let not_cached = not_cached(&step);
    let is_open = step.builtin.is_none() && step.inputs.is_empty();
    let builds = matches!(step.builtin, Some(Builtin::Test | Builtin::Lint));
    let reads_packages = step.cache != Some(true) && (is_open || builds);
    let also_reads = step.also_reads.unwrap_or_else(|| match is_open {
        true => vec![AlsoReads::History, AlsoReads::Day],
        false => Vec::new(),
    });
    Ok(Step {
        inputs,
        input_globs: step.inputs,
        name: step.name,
        command: step.command,
        outputs,
        needs: step.needs,
        env: step.env,
        set: step.set,
        timeout: step.timeout.unwrap_or(critical).0,
        tools: step.tools,
        optional: step.optional,
        per_crate,
        exclude: step.exclude.into_iter().collect(),
        skip: step.skip,
        instrumented: step
            .builtin
            .filter(|builtin| world.is_instrumented && builtin.is_instrumented()),
        lock: step.lock,
        not_cached,
        reads_packages,
        also_reads: also_reads.into_iter().collect(),
        stage_fixed: step.stage_fixed,
    })
}

/// Why the passes of a step are not kept. Our own commands are judged by what they do, also when
/// the settings write them as a command.
fn not_cached(step: &StepSettings) -> Option<String> {
    match (step.cache, step.builtin) {
        (Some(true), _) => return None,
        (Some(false), _) => return Some("`cache = false` in the settings".to_owned()),
        (None, Some(builtin)) => return builtin.not_cached().map(str::to_owned),
        (None, None) => {}
    }
    let mut words = step.command.iter().map(String::as_str);
    if words.next() != Some("{tollgate}") {
        return None;
    }
    match (words.next(), words.next()) {
        (Some("codegen" | "setup"), _) | (Some("contract"), Some("lint")) => None,
        _ => Some("it depends on more than files".to_owned()),
    }
}

fn names_crates(command: &[String]) -> bool {
    command
        .iter()
        .any(|word| word == "{packages}" || word == "{workspace}")
}

fn glob_set(step: &StepSettings) -> Result<Option<GlobSet>, PlanError> {
    if step.inputs.is_empty() {
        return Ok(None);
    }
    let fail = |source| PlanError::Glob {
        step: step.name.clone(),
        source,
    };
    let mut builder = GlobSetBuilder::new();
    for glob in &step.inputs {
        builder.add(Glob::new(glob).map_err(fail)?);
    }
    builder.build().map(Some).map_err(fail)
}

fn check_graph(tier: Tier, steps: &[Step]) -> Result<(), PlanError> {
    let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for step in steps {
        if needs
            .insert(step.name.clone(), step.needs.clone())
            .is_some()
        {
            return Err(PlanError::DuplicateName {
                tier: tier.word(),
                step: step.name.clone(),
            });
        }
    }
    for step in steps {
        if let Some(need) = step.needs.iter().find(|need| !needs.contains_key(*need)) {
            let suggestion = nearest(need, needs.keys().map(String::as_str));
            return Err(PlanError::UnknownNeed {
                tier: tier.word(),
                step: step.name.clone(),
                need: need.clone(),
                suggestion: suggestion.map(str::to_owned),
            });
        }
    }
    match graph::find_cycle(&needs) {
        None => Ok(()),
        Some(cycle) => Err(PlanError::Cycle {
            tier: tier.word(),
            cycle,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    #[track_caller]
    fn check(toml: &str) -> Result<Plan, PlanError> {
        let settings: Settings = toml::from_str(toml).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let here = Here {
            floors: "quality_ratchet.json",
            has_nextest: true,
        };
        plan_with(&settings, Tier::Tier0, folder.path(), here)
    }

    #[test]
    fn a_plan_error_names_the_step_and_what_to_do() {
        let error = check("[[tier0.steps]]\nname='a'\ncommand=['true']\nneeds=['bild']\n[[tier0.steps]]\nname='build'\ncommand=['true']").unwrap_err();
        assert_snapshot!(error, @r"
        step `a` of `tiers.tier0` needs `bild`, which is not a step of this tier

        hint: did you mean `build`?
        ");
        let error = check("[[tier0.steps]]\nname='a'\ncommand=['true']\nneeds=['b']\n[[tier0.steps]]\nname='b'\ncommand=['true']\nneeds=['a']").unwrap_err();
        assert_snapshot!(error, @r"
        steps of `tiers.tier0` need each other in a circle: a -> b -> a

        hint: remove one of these `needs` from `tollgate.toml`
        ");
        let error =
            check("[[tier0.steps]]\nbuiltin='fmt'\n[[tier0.steps]]\nname='fmt'\ncommand=['true']")
                .unwrap_err();
        assert!(matches!(error, PlanError::DuplicateName { .. }));
        let error = check("[[tier0.steps]]\nname='a'").unwrap_err();
        assert!(matches!(error, PlanError::Step { .. }));
        let error = check("[[tier0.steps]]\nname='../x'\ncommand=['true']").unwrap_err();
        assert!(matches!(error, PlanError::Step { .. }));
    }

    #[test]
    fn without_settings_a_tier_has_its_default_budget() {
        let plan = check("").unwrap();
        assert_eq!(
            (plan.target.to_string(), plan.critical.to_string()),
            ("45s".into(), "1m30s".into())
        );
    }

    #[test]
    fn what_depends_on_more_than_files_is_not_cached_unless_the_settings_cache_it() {
        let not_cached = |step: &str| {
            let plan = check(&format!("[[tier0.steps]]\nname='a'\n{step}")).unwrap();
            plan.steps[0].not_cached.is_some()
        };
        assert!(not_cached("builtin='ratchet'"));
        assert!(not_cached("command=['{tollgate}', 'ratchet', 'check']"));
        assert!(not_cached("command=['true']\ncache=false"));
        assert!(!not_cached("builtin='ratchet'\ncache=true"));
        assert!(!not_cached("builtin='contract'"));
        assert!(!not_cached("command=['true']"));
    }

    #[test]
    fn settings_survive_a_round_trip() {
        let settings: Settings = toml::from_str(
            "[tier0]\ntarget='30s'\n[[tier0.steps]]\nbuiltin='test'\nexclude=['slow']",
        )
        .unwrap();
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings);
        assert!(toml::from_str::<Settings>("teir0 = {}").is_err());
    }
}
