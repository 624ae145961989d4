//! Looks a step up before it runs: its keys, their cache entries, and the reasons for misses.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_report::unchecked::ALLOWED_ENV;
use tollgate_report::{Digest, Outcome};

use crate::builtin::Builtin;
use crate::context::{Mode, Shared, TierError};
use crate::counts::Counts;
use crate::crates::{self, Crates};
use crate::environment;
use crate::files::Tree;
use crate::key::{MANIFEST_VERSION, Manifest, digest_of_map};
use crate::outputs;
use crate::plan::Step;
use crate::record::{How, StepReport};
use crate::settings::{AlsoReads, Leaks};
use crate::store::Entry;
use crate::tools::{self, Answer};

/// What is to be done about a step.
pub(crate) enum Probe {
    /// Nothing: here is its report, and its key when it passed.
    Done(Box<StepReport>, Digest),
    /// Run it.
    Run(Box<Job>),
}

/// A step that has to run.
pub(crate) struct Job {
    /// What each result is kept under.
    pub manifests: Vec<Manifest>,
    /// The files that it reads, as they were when it was looked up.
    pub inputs: Inputs,
    /// The key that dependents see.
    pub key: Digest,
    /// Why it runs.
    pub explanation: String,
    /// Crates to run, and all crates of the step; both empty for a step that is cached whole.
    pub crates_run: Vec<String>,
    /// Crates whose result is in the cache.
    pub crates_cached: Vec<String>,
    /// Tests counted in the cached crates.
    pub counts_cached: Option<Counts>,
    /// What cached crates could not check.
    pub not_checked_cached: BTreeSet<String>,
    /// Profiles of the cached crates' tests.
    pub profiles_cached: Vec<Digest>,
    /// Whether crates were left out without a look-up, so that the coverage cannot be complete.
    pub is_partial: bool,
}

/// Looks a step up. `need_keys` holds the keys of the steps it needs.
pub(crate) fn probe(
    shared: &Shared<'_>,
    step: &Step,
    need_keys: BTreeMap<String, String>,
) -> Result<Probe, TierError> {
    let mut base = match base(shared, step) {
        Ok(base) => base,
        Err(tool) => {
            let report = missing_tool(step, &tool);
            return Ok(Probe::Done(Box::new(report), Digest::of("")));
        }
    };
    base.needs.extend(need_keys);
    let tree = shared.tree()?;
    let inputs = Inputs::of(shared, step, &tree);
    Ok(match &shared.crates {
        Some(crates) if step.per_crate => probe_crates(shared, step, crates, base, inputs),
        _ => probe_whole(shared, step, base, inputs),
    })
}

/// The manifest of a step without the files and the needed steps; or the tool that is missing.
pub(crate) fn base(shared: &Shared<'_>, step: &Step) -> Result<Manifest, String> {
    let mut base = Manifest {
        version: MANIFEST_VERSION,
        step: step.name.clone(),
        command: step.command.clone(),
        input_globs: step.input_globs.clone(),
        env: environment::in_key(&shared.env, &step.env),
        ..Manifest::default()
    };
    let set = step.set.iter();
    let set = set.map(|(name, value)| (name.clone(), environment::in_key_value(value)));
    base.env.extend(set);
    let allowed: Vec<&str> = shared
        .plan
        .may_be_missing
        .iter()
        .map(String::as_str)
        .collect();
    if !allowed.is_empty() {
        let allowed = environment::in_key_value(&allowed.join(","));
        base.env.insert(ALLOWED_ENV.to_owned(), allowed);
    }
    let skip = step.skip.iter().map(|text| format!("--skip={text}"));
    base.command.extend(skip);
    if shared.plan.leaks == Leaks::Fail {
        base.command.push("--without-leaks".to_owned());
    }
    if step.instrumented.is_some() {
        base.command.push("--instrumented".to_owned());
    }
    for argv in &step.tools {
        let name = argv.join(" ");
        match shared.tools.get(&name) {
            Some(Answer::Version(version)) => {
                base.tools.insert(name, version.clone());
            }
            Some(Answer::Missing { tool }) => return Err(tool.clone()),
            None => {}
        }
    }
    if step.command.iter().any(|word| word == "{tollgate}") {
        base.tools
            .insert("tollgate".to_owned(), shared.tollgate_digest().to_owned());
    }
    if let Some((name, identity)) = program(shared, step) {
        base.tools.insert(name, identity);
    }
    for what in &step.also_reads {
        let word = match what {
            AlsoReads::History => "history",
            AlsoReads::Day => "day",
        };
        if let Some(value) = shared.besides.get(what) {
            base.needs.insert(word.to_owned(), value.clone());
        }
    }
    Ok(base)
}

/// The program that the step starts, by the metadata of its file. One inside the repository is
/// among the files.
fn program(shared: &Shared<'_>, step: &Step) -> Option<(String, String)> {
    let name = step.command.first().filter(|word| *word != "{tollgate}")?;
    let folders = environment::local_tools(&shared.cx.root);
    let path = tools::find_in(&folders, name)?;
    let is_ours = path.starts_with(&shared.cx.root);
    (!is_ours).then(|| (format!("program {name}"), tools::file_identity(&path)))
}

/// The files that a step reads, by path with their content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inputs {
    /// Of a step that is cached whole: all. Of a step by crates: files that any crate may read.
    common: BTreeMap<String, String>,
    /// Each crate's own files.
    own: BTreeMap<String, BTreeMap<String, String>>,
}

impl Inputs {
    pub fn of(shared: &Shared<'_>, step: &Step, tree: &Tree) -> Self {
        let mut inputs = match &shared.crates {
            Some(crates) if step.per_crate => by_crate(step, crates, tree),
            _ => Self {
                common: tree
                    .entries
                    .iter()
                    .filter(|(path, _)| is_input(step, path))
                    .map(|(path, entry)| (path.clone(), entry.content()))
                    .collect(),
                own: BTreeMap::new(),
            },
        };
        inputs.common.extend(needed_outputs(shared, step, tree));
        inputs
    }

    /// The first path whose content differs.
    pub fn first_difference(&self, other: &Self) -> Option<String> {
        let flat = |inputs: &Self| -> BTreeMap<String, String> {
            let own = inputs.own.values().flatten();
            let all = inputs.common.iter().chain(own);
            all.map(|(path, content)| (path.clone(), content.clone()))
                .collect()
        };
        let (ours, theirs) = (flat(self), flat(other));
        let mut paths = ours.keys().chain(theirs.keys());
        paths
            .find(|path| ours.get(*path) != theirs.get(*path))
            .cloned()
    }
}

/// What the steps that are needed have written, wherever it is.
fn needed_outputs(shared: &Shared<'_>, step: &Step, tree: &Tree) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open: Vec<&str> = step.needs.iter().map(String::as_str).collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        let need = shared.plan.steps.iter().find(|step| step.name == name);
        let Some(need) = need.filter(|_| seen.insert(name)) else {
            continue;
        };
        open.extend(need.needs.iter().map(String::as_str));
        // What is not there has been reported by the step that should have written it.
        for path in need.outputs.find(&shared.cx.root).unwrap_or_default() {
            if step.outputs.holds(&path) {
                continue;
            }
            let content = match tree.entries.get(&path) {
                Some(entry) => entry.content(),
                None => std::fs::read(shared.cx.root.join(&path))
                    .map_or_else(|_| String::new(), |bytes| Digest::of(bytes).to_string()),
            };
            found.insert(path, content);
        }
    }
    found
}

/// The report of a step whose tool is not installed.
pub(crate) fn missing_tool(step: &Step, tool: &str) -> StepReport {
    let why = format!("`{tool}` is missing");
    let mut report = StepReport::new(&step.name, How::Skipped, Outcome::NotChecked, why.clone());
    report.cause = Some(why);
    report.hint = Some(crate::builtin::install_hint(tool));
    report.missing = Some(tool.to_owned());
    report.optional = step.optional;
    report
}

fn is_input(step: &Step, path: &str) -> bool {
    !step.outputs.holds(path)
        && step
            .inputs
            .as_ref()
            .is_none_or(|globs| globs.is_match(path))
}

fn probe_whole(shared: &Shared<'_>, step: &Step, mut manifest: Manifest, inputs: Inputs) -> Probe {
    manifest.files.clone_from(&inputs.common);
    let key = manifest.key();
    let explanation = match shared.not_cached(step) {
        Some(why) => format!("not cached: {why}"),
        None => {
            if let Some(report) = untouched(shared, step) {
                return Probe::Done(Box::new(report), key);
            }
            if shared.cx.mode != Mode::All
                && let Some(entry) = shared.store.get(&key, shared.cx.clock.now())
                && outputs::restore(&shared.cx.root, &shared.store, &entry.outputs)
            {
                return Probe::Done(Box::new(cached(shared, step, &[entry])), key);
            }
            explain(shared, std::slice::from_ref(&manifest))
        }
    };
    Probe::Run(Box::new(Job {
        manifests: vec![manifest],
        inputs,
        key,
        explanation,
        crates_run: Vec::new(),
        crates_cached: Vec::new(),
        counts_cached: None,
        not_checked_cached: BTreeSet::new(),
        profiles_cached: Vec::new(),
        is_partial: false,
    }))
}

/// The report of a step that reads nothing of what was touched since the revision of the run.
fn untouched(shared: &Shared<'_>, step: &Step) -> Option<StepReport> {
    let touched = shared.touched.as_ref()?;
    let is_touched = touched.iter().any(|path| is_input(step, path));
    let why = "nothing that it reads was touched";
    (!is_touched).then(|| StepReport::new(&step.name, How::Skipped, Outcome::Pass, why))
}

fn explain(shared: &Shared<'_>, manifests: &[Manifest]) -> String {
    if shared.cx.mode == Mode::All {
        return "asked to run without the cache".to_owned();
    }
    let reasons: Vec<String> = manifests
        .iter()
        .map(|manifest| shared.store.explain_miss(manifest))
        .collect();
    // A changed file says more than the crate that was reached through it.
    let best = reasons
        .iter()
        .find(|reason| !reason.starts_with("`crate "))
        .or(reasons.first());
    best.cloned().unwrap_or_default()
}

fn cached(shared: &Shared<'_>, step: &Step, entries: &[Entry]) -> StepReport {
    let mut report = StepReport::new(
        &step.name,
        How::Cached,
        Outcome::Pass,
        "nothing that it depends on changed",
    );
    report.optional = step.optional;
    let mut not_checked = BTreeSet::new();
    for entry in entries {
        not_checked.extend(entry.not_checked.iter().cloned());
        report.counts = sum(report.counts, entry.counts);
    }
    report.not_checked = not_checked.into_iter().collect();
    if let Some(last) = entries.iter().max_by_key(|entry| entry.at) {
        let path = shared.store.blob_path(&last.log);
        report.log = Some(shared.shown(&path));
    }
    report
}

pub(crate) fn sum(left: Option<Counts>, right: Option<Counts>) -> Option<Counts> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.plus(right)),
        (left, right) => left.or(right),
    }
}

/// What the coverage report of a whole step is kept under.
pub(crate) fn coverage_manifest(step: &Step, key: &Digest) -> Manifest {
    Manifest {
        version: MANIFEST_VERSION,
        step: format!("{}-coverage", step.name),
        needs: BTreeMap::from([(step.name.clone(), key.to_string())]),
        ..Manifest::default()
    }
}

/// Puts the coverage report of these results back. True also when they have none, for want of a tool.
fn restore_coverage(shared: &Shared<'_>, step: &Step, key: &Digest) -> bool {
    let key = coverage_manifest(step, key).key();
    let Some(entry) = shared.store.get(&key, shared.cx.clock.now()) else {
        return false;
    };
    entry.outputs.iter().all(|output| {
        let path = shared.cx.state_dir.join(&output.path);
        shared
            .store
            .blob(&output.content)
            .is_some_and(|bytes| tollgate_report::write_atomic(&path, &bytes).is_ok())
    })
}

fn by_crate(step: &Step, crates: &Crates, tree: &Tree) -> Inputs {
    let owners = crates.owners();
    let mut common = BTreeMap::new();
    let mut own: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for name in crates.crates.keys() {
        own.insert(name, BTreeMap::new());
    }
    for (path, entry) in &tree.entries {
        let owner = owners.owner(path);
        let is_source =
            owner.is_some_and(|name| crates::is_own_source(path, &crates.crates[name].folder));
        let is_common = !is_source && (is_build_setting(path) || is_input(step, path));
        let files = match owner {
            _ if is_common => &mut common,
            _ if step.outputs.holds(path) => continue,
            Some(name) => own.entry(name).or_default(),
            None => continue,
        };
        files.insert(path.clone(), entry.content());
    }
    let own = own.into_iter();
    Inputs {
        common,
        own: own.map(|(name, files)| (name.to_owned(), files)).collect(),
    }
}

/// Files that steer every cargo build and lint, whatever the globs say.
fn is_build_setting(path: &str) -> bool {
    const NAMES: [&str; 8] = [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain",
        "rust-toolchain.toml",
        "clippy.toml",
        ".clippy.toml",
        ".config/nextest.toml",
        "build.rs",
    ];
    NAMES.contains(&path) || path.starts_with(".cargo/")
}

fn probe_crates(
    shared: &Shared<'_>,
    step: &Step,
    crates: &Crates,
    mut base: Manifest,
    inputs: Inputs,
) -> Probe {
    let digests: BTreeMap<&str, Digest> = inputs
        .own
        .iter()
        .map(|(name, files)| (name.as_str(), digest_of_map(files)))
        .collect();
    base.command
        .extend(step.exclude.iter().map(|name| format!("--exclude={name}")));
    let touched = touched_crates(shared, &inputs.common, crates);
    let mut job = CratesProbe::default();
    for (name, files) in &inputs.own {
        if step.exclude.contains(name) {
            continue;
        }
        let mut manifest = base.clone();
        manifest.package = Some(name.clone());
        manifest.files.clone_from(files);
        manifest.files.extend(inputs.common.clone());
        for need in crates.with_needs(name).iter().filter(|need| *need != name) {
            manifest
                .needs
                .insert(format!("crate {need}"), digests[need.as_str()].to_string());
        }
        let is_untouched = shared.not_cached(step).is_none()
            && touched
                .as_ref()
                .is_some_and(|touched| !touched.contains(name));
        let is_kept = shared.not_cached(step).is_none();
        job.look_up(shared, manifest, is_untouched, is_kept);
    }
    job.finish(shared, step, inputs)
}

fn touched_crates(
    shared: &Shared<'_>,
    common: &BTreeMap<String, String>,
    crates: &Crates,
) -> Option<BTreeSet<String>> {
    let touched = shared.touched.as_ref()?;
    let owners = crates.owners();
    // A common file may be read by any crate; a deleted one is unknown, so it counts too.
    let is_for_all = |path: &String| {
        let is_gone = !shared.cx.root.join(path).exists();
        common.contains_key(path) || is_gone && owners.owner(path).is_none()
    };
    if touched.iter().any(is_for_all) {
        return None;
    }
    let owners = touched.iter().filter_map(|path| owners.owner(path));
    Some(crates.with_dependents(owners.map(str::to_owned).collect()))
}

#[derive(Default)]
struct CratesProbe {
    keys: BTreeMap<String, String>,
    entries: Vec<Entry>,
    cached: Vec<String>,
    untouched: Vec<String>,
    misses: Vec<Manifest>,
    hits: Vec<Manifest>,
}

impl CratesProbe {
    fn look_up(
        &mut self,
        shared: &Shared<'_>,
        manifest: Manifest,
        is_untouched: bool,
        is_kept: bool,
    ) {
        let name = manifest.package.clone().unwrap_or_default();
        let key = manifest.key();
        self.keys.insert(name.clone(), key.to_string());
        if is_untouched {
            self.untouched.push(name);
            return;
        }
        let entry = match shared.cx.mode {
            Mode::All => None,
            _ if !is_kept => None,
            _ => shared.store.get(&key, shared.cx.clock.now()),
        };
        match entry {
            Some(entry) => {
                self.entries.push(entry);
                self.cached.push(name);
                self.hits.push(manifest);
            }
            None => self.misses.push(manifest),
        }
    }

    fn finish(mut self, shared: &Shared<'_>, step: &Step, inputs: Inputs) -> Probe {
        let key = digest_of_map(&self.keys);
        let covers = step.instrumented == Some(Builtin::Test) && self.untouched.is_empty();
        if covers && self.misses.is_empty() && !restore_coverage(shared, step, &key) {
            // Without its coverage report the tests have to run again.
            self.misses = std::mem::take(&mut self.hits);
            self.entries.clear();
            self.cached.clear();
        }
        if self.misses.is_empty() {
            let mut report = cached(shared, step, &self.entries);
            if self.cached.is_empty() {
                report.how = How::Skipped;
                report.explanation = "no crate of it was touched".to_owned();
            }
            report.crates_cached = self.cached;
            return Probe::Done(Box::new(report), key);
        }
        let report = cached(shared, step, &self.entries);
        let crates_run: Vec<String> = self
            .misses
            .iter()
            .filter_map(|manifest| manifest.package.clone())
            .collect();
        let why = match shared.not_cached(step) {
            Some(why) => format!("not cached: {why}"),
            None => explain(shared, &self.misses),
        };
        let n_all = crates_run.len() + self.cached.len() + self.untouched.len();
        Probe::Run(Box::new(Job {
            explanation: format!("{why} ({} of {n_all} crates)", crates_run.len()),
            manifests: self.misses,
            inputs,
            key,
            crates_run,
            crates_cached: [self.cached, self.untouched.clone()].concat(),
            counts_cached: report.counts,
            not_checked_cached: report.not_checked.into_iter().collect(),
            profiles_cached: self
                .entries
                .iter()
                .filter_map(|entry| entry.profile.clone())
                .collect(),
            is_partial: !self.untouched.is_empty(),
        }))
    }
}
