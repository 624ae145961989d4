//! A repository in a temporary folder, and a run of its tier 0 there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use tollgate_report::{Clock, ManualClock, SystemClock, Timestamp};
use tollgate_tiers::environment;
use tollgate_tiers::load::LoadSample;
use tollgate_tiers::machine::Measured;
use tollgate_tiers::pace::Reference;
use tollgate_tiers::plan::{Here, plan_with};
use tollgate_tiers::record::StepReport;
use tollgate_tiers::settings::Tier;
use tollgate_tiers::staged::Staged;
use tollgate_tiers::{Context, Event, Gauge, Mode, OverTime, Settings, TierReport, run};

pub struct Repository {
    pub folder: tempfile::TempDir,
    pub settings: String,
    /// Run tests by cargo-nextest.
    pub has_nextest: bool,
    /// The executable that stands for `{tollgate}`.
    pub tollgate: PathBuf,
    /// Variables in addition to those of this process; an empty value removes one.
    pub variables: BTreeMap<String, String>,
    n_runs: AtomicU32,
}

pub struct Options<'a> {
    pub mode: Mode,
    pub is_ci: bool,
    pub clock: &'a dyn Clock,
    pub gauge: &'a dyn Gauge,
    pub over_time: OverTime,
    pub interrupt: &'a AtomicBool,
    pub on_event: &'a (dyn Fn(Event<'_>) + Sync),
}

impl Repository {
    /// A repository with these files, committed, and these `[tiers]` settings.
    pub fn new(files: &[(&str, &str)], settings: &str) -> Self {
        let repository = Self {
            folder: tempfile::tempdir().unwrap(),
            settings: settings.to_owned(),
            has_nextest: false,
            tollgate: PathBuf::from("/bin/true"),
            variables: BTreeMap::new(),
            n_runs: AtomicU32::new(0),
        };
        for (path, text) in files {
            repository.write(path, text);
        }
        repository.write(".gitignore", "/.tollgate\n/target\n/state\n");
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["add", "-A"]);
        repository.git(&["commit", "-q", "-m", "start"]);
        repository
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(arguments)
            .current_dir(self.root())
            .env_remove("GIT_DIR")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_WORK_TREE")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// How often a step has run: steps under test append a line to `state/<name>`.
    pub fn n_ran(&self, name: &str) -> usize {
        let text = fs::read_to_string(self.root().join("state").join(name)).unwrap_or_default();
        text.lines().count()
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = environment::of_process();
        variables.extend(self.variables.clone());
        variables.retain(|_, value| !value.is_empty());
        variables
    }

    pub fn run(&self) -> TierReport {
        self.run_mode(Mode::Affected)
    }

    pub fn run_mode(&self, mode: Mode) -> TierReport {
        self.run_with(&Options {
            mode,
            is_ci: false,
            clock: &SystemClock::new(),
            gauge: &FixedGauge::default(),
            over_time: OverTime::Fails,
            interrupt: &AtomicBool::new(false),
            on_event: &|_| {},
        })
    }

    pub fn run_with(&self, options: &Options<'_>) -> TierReport {
        self.run_at(None, options)
    }

    /// The tier in a snapshot of this repository, or here.
    pub fn run_at(&self, staged: Option<&Staged>, options: &Options<'_>) -> TierReport {
        let settings: Settings = toml::from_str(&self.settings).unwrap();
        let here = Here {
            floors: "quality_ratchet.json",
            has_nextest: self.has_nextest,
        };
        let root = staged.map_or(self.root(), |staged| staged.root.as_path());
        let plan = plan_with(&settings, Tier::Tier0, root, here).unwrap();
        let n_run = self.n_runs.fetch_add(1, Ordering::Relaxed);
        let target = self.root().join("target").display().to_string();
        let context = Context {
            root: root.to_owned(),
            state_dir: self.root().join(".tollgate"),
            staged,
            run: format!("run{n_run}"),
            jobs: 4,
            mode: options.mode.clone(),
            tollgate: self.tollgate.clone(),
            variables: self.variables(),
            env: BTreeMap::from([("CARGO_TARGET_DIR".to_owned(), target)]),
            is_ci: options.is_ci,
            clock: options.clock,
            gauge: options.gauge,
            over_time: options.over_time,
            interrupt: options.interrupt,
            on_event: options.on_event,
        };
        run(&plan, &context).unwrap()
    }
}

pub fn step<'a>(report: &'a TierReport, name: &str) -> &'a StepReport {
    let found = report.record.steps.iter().find(|step| step.name == name);
    found.unwrap_or_else(|| panic!("no step `{name}` in {report:#?}"))
}

/// A machine `times` as slow as the reference machine, whose rounds take `load` times as long at
/// the end of a run, and which reports no totals.
pub struct FixedGauge {
    pub times: u64,
    pub load: u64,
}

impl Default for FixedGauge {
    fn default() -> Self {
        Self { times: 1, load: 1 }
    }
}

impl Gauge for FixedGauge {
    fn machine(&self, _folder: &Path) -> Measured {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let per_core = 2_usize.max(cores) / cores;
        Measured {
            work_us: Reference::default().work_us * self.times / u64::try_from(per_core).unwrap(),
            round_ns: 1_000,
        }
    }

    fn round_now_ns(&self, _cores: u64) -> u64 {
        1_000 * self.load
    }

    fn load(&self) -> Option<LoadSample> {
        None
    }
}

/// A clock that moves on when a given step starts.
pub struct JumpClock {
    clock: ManualClock,
    jumps: Mutex<BTreeMap<String, Duration>>,
}

impl JumpClock {
    pub fn new(jumps: &[(&str, u64)]) -> Self {
        let jumps = jumps
            .iter()
            .map(|(step, seconds)| ((*step).to_owned(), Duration::from_secs(*seconds)));
        Self {
            clock: ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000)),
            jumps: Mutex::new(jumps.collect()),
        }
    }

    pub fn on_event(&self, event: Event<'_>) {
        if let Event::Started { step, .. } = event
            && let Some(jump) = self.jumps.lock().unwrap().remove(step)
        {
            self.clock.advance(jump);
        }
    }

    pub fn clock(&self) -> &dyn Clock {
        &self.clock
    }
}
