//! Looks a step up before it runs: its keys, their cache entries, and the reasons for misses.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_report::{Digest, Outcome};

use crate::builtin::Builtin;
use crate::context::{Mode, Shared};
use crate::counts::Counts;
use crate::crates::{self, Crates};
use crate::environment;
use crate::key::{MANIFEST_VERSION, Manifest, digest_of_map};
use crate::plan::Step;
use crate::record::{How, StepReport};
use crate::store::Entry;
use crate::tools::Answer;

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
) -> Probe {
    let mut base = Manifest {
        version: MANIFEST_VERSION,
        step: step.name.clone(),
        command: step.command.clone(),
        input_globs: step.input_globs.clone(),
        needs: need_keys,
        env: environment::allowed(&shared.env, &step.env),
        ..Manifest::default()
    };
    base.env.extend(step.set.clone());
    let skip = step.skip.iter().map(|text| format!("--skip={text}"));
    base.command.extend(skip);
    if step.instrumented.is_some() {
        base.command.push("--instrumented".to_owned());
    }
    for argv in &step.tools {
        let name = argv.join(" ");
        match shared.tools.get(&name) {
            Some(Answer::Version(version)) => {
                base.tools.insert(name, version.clone());
            }
            Some(Answer::Missing { tool }) => {
                return Probe::Done(Box::new(missing_tool(step, tool)), Digest::of(""));
            }
            None => {}
        }
    }
    if step.command.iter().any(|word| word == "{tollgate}") {
        base.tools
            .insert("tollgate".to_owned(), shared.tollgate_digest().to_owned());
    }
    match &shared.crates {
        Some(crates) if step.per_crate => probe_crates(shared, step, crates, base),
        _ => probe_whole(shared, step, base),
    }
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
    let is_output = step.outputs.iter().any(|output| output == path);
    !is_output
        && step
            .inputs
            .as_ref()
            .is_none_or(|globs| globs.is_match(path))
}

fn probe_whole(shared: &Shared<'_>, step: &Step, mut manifest: Manifest) -> Probe {
    let inputs = shared
        .tree
        .entries
        .iter()
        .filter(|(path, _)| is_input(step, path));
    manifest.files = inputs
        .map(|(path, entry)| (path.clone(), entry.content.clone()))
        .collect();
    let key = manifest.key();
    if let Some(touched) = &shared.touched
        && !touched.iter().any(|path| is_input(step, path))
    {
        let why = "nothing that it reads was touched";
        let report = StepReport::new(&step.name, How::Skipped, Outcome::Pass, why);
        return Probe::Done(Box::new(report), key);
    }
    if shared.cx.mode != Mode::All
        && let Some(entry) = shared.store.get(&key, shared.cx.clock.now())
        && restore_outputs(shared, &entry)
    {
        return Probe::Done(Box::new(cached(shared, step, &[entry])), key);
    }
    let explanation = explain(shared, std::slice::from_ref(&manifest));
    Probe::Run(Box::new(Job {
        manifests: vec![manifest],
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

/// Puts kept outputs back where they differ. False when one cannot be: then the step runs.
fn restore_outputs(shared: &Shared<'_>, entry: &Entry) -> bool {
    entry.outputs.iter().all(|output| {
        let path = shared.cx.root.join(&output.path);
        let is_there = std::fs::read(&path).is_ok_and(|bytes| Digest::of(bytes) == output.content);
        is_there
            || shared
                .store
                .blob(&output.content)
                .is_some_and(|bytes| tollgate_report::write_atomic(&path, &bytes).is_ok())
    })
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

/// The files of a step, grouped by the crates that read them.
#[derive(Default)]
struct Sources<'a> {
    /// Files that any crate may read: those of no crate, and those of crates that are not source.
    common: BTreeMap<String, String>,
    /// Each crate's own files.
    own: BTreeMap<&'a str, BTreeMap<String, String>>,
}

fn sources<'a>(shared: &Shared<'_>, step: &Step, crates: &'a Crates) -> Sources<'a> {
    let owners = crates.owners();
    let mut sources = Sources::default();
    for name in crates.crates.keys() {
        sources.own.insert(name, BTreeMap::new());
    }
    for (path, entry) in &shared.tree.entries {
        let owner = owners.owner(path);
        let is_source =
            owner.is_some_and(|name| crates::is_own_source(path, &crates.crates[name].folder));
        let is_common = !is_source && (is_build_setting(path) || is_input(step, path));
        let files = match owner {
            _ if is_common => &mut sources.common,
            Some(name) => sources.own.entry(name).or_default(),
            None => continue,
        };
        files.insert(path.clone(), entry.content.clone());
    }
    sources
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

fn probe_crates(shared: &Shared<'_>, step: &Step, crates: &Crates, mut base: Manifest) -> Probe {
    let Sources { common, own } = sources(shared, step, crates);
    let digests: BTreeMap<&str, Digest> = own
        .iter()
        .map(|(name, files)| (*name, digest_of_map(files)))
        .collect();
    base.command
        .extend(step.exclude.iter().map(|name| format!("--exclude={name}")));
    let touched = touched_crates(shared, &common, crates);
    let mut job = CratesProbe::default();
    for (name, files) in &own {
        if step.exclude.contains(*name) {
            continue;
        }
        let mut manifest = base.clone();
        manifest.package = Some((*name).to_owned());
        manifest.files.clone_from(files);
        manifest.files.extend(common.clone());
        for need in crates.with_needs(name).iter().filter(|need| need != name) {
            manifest
                .needs
                .insert(format!("crate {need}"), digests[need.as_str()].to_string());
        }
        let is_untouched = touched
            .as_ref()
            .is_some_and(|touched| !touched.contains(*name));
        job.look_up(shared, manifest, is_untouched);
    }
    job.finish(shared, step)
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
        let is_gone = !shared.tree.entries.contains_key(path);
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
    fn look_up(&mut self, shared: &Shared<'_>, manifest: Manifest, is_untouched: bool) {
        let name = manifest.package.clone().unwrap_or_default();
        let key = manifest.key();
        self.keys.insert(name.clone(), key.to_string());
        if is_untouched {
            self.untouched.push(name);
            return;
        }
        let entry = match shared.cx.mode {
            Mode::All => None,
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

    fn finish(mut self, shared: &Shared<'_>, step: &Step) -> Probe {
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
        let why = explain(shared, &self.misses);
        let n_all = crates_run.len() + self.cached.len() + self.untouched.len();
        Probe::Run(Box::new(Job {
            explanation: format!("{why} ({} of {n_all} crates)", crates_run.len()),
            manifests: self.misses,
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
