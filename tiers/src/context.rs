//! The options of a run, its progress events, and the state that its steps share.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tollgate_report::Clock;
use tollgate_report::atomic::WriteError;

use crate::cold::ColdMeter;
use crate::coverage::CoverageError;
use crate::crates::{Crates, CratesError};
use crate::files::{self, FilesError, Tree};
use crate::git::GitError;
use crate::load::LoadMeter;
use crate::machine::{self, Gauge, Machine};
use crate::pace::Pace;
use crate::plan::{Plan, Step};
use crate::record::{OverTime, StepReport};
use crate::settings::AlsoReads;
use crate::staged::{Staged, StagedError};
use crate::store::Store;
use crate::tools::Answer;
use crate::walk::Rules;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// What the cache does not have.
    #[default]
    Affected,
    /// Everything, whatever the cache has.
    All,
    /// Only what was touched since a git revision, and its dependents.
    Since(String),
}

/// Where and how a plan runs.
pub struct Context<'a> {
    /// The folder that is checked: the repository, or the snapshot of what is staged.
    pub root: PathBuf,
    /// The `.tollgate` folder.
    pub state_dir: PathBuf,
    /// The snapshot of what is staged, when it is checked in place of the tree.
    pub staged: Option<&'a Staged>,
    /// Id of this run; names the folder of its logs.
    pub run: String,
    /// Most steps at a time, from 1.
    pub jobs: usize,
    /// What to run.
    pub mode: Mode,
    /// The running executable; stands for `{tollgate}`.
    pub tollgate: PathBuf,
    /// The variables of this process, of which steps get those that they may have.
    pub variables: BTreeMap<String, String>,
    /// Variables for every step, such as `CARGO_TARGET_DIR` for a snapshot.
    pub env: BTreeMap<String, String>,
    /// Whether what was not measured fails: in CI, and when it is asked for.
    pub is_ci: bool,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The machine's speed and its other load.
    pub gauge: &'a dyn Gauge,
    /// What a run over its critical time leads to.
    pub over_time: OverTime,
    /// Set by the command line on Ctrl-C: all children are stopped and the run ends.
    pub interrupt: &'a AtomicBool,
    /// Told of progress, from several threads.
    pub on_event: &'a (dyn Fn(Event<'_>) + Sync),
}

/// How many times the critical time a step may take when time over budget is only reported.
const HANG_FACTOR: u32 = 10;

/// Progress of a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The files are known and steps begin.
    Planned {
        /// Number of steps.
        n_steps: usize,
    },
    /// A step's command starts.
    Started {
        /// The step.
        step: &'a str,
        /// Why it runs.
        explanation: &'a str,
    },
    /// A step ended, from the cache or not.
    Finished(&'a StepReport),
}

/// The tier could not be run.
#[derive(Debug, thiserror::Error)]
pub enum TierError {
    /// The files could not be listed or read.
    #[error("cannot read the files of the repository")]
    Files(#[from] FilesError),
    /// The workspace could not be read.
    #[error("cannot find the crates of the workspace")]
    Crates(#[from] CratesError),
    /// git did not report what was touched.
    #[error("cannot find out which files changed")]
    Since(#[from] GitError),
    /// A step's process or log failed.
    #[error("cannot run step `{step}`")]
    Step {
        /// The step.
        step: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What steps did to the snapshot could not be read, or not staged.
    #[error("cannot compare the snapshot with what is staged")]
    Staged(#[from] StagedError),
    /// Line coverage could not be collected.
    #[error("cannot collect line coverage")]
    Coverage(#[from] CoverageError),
    /// The cache could not be written.
    #[error("cannot write in `.tollgate`")]
    Write(#[from] WriteError),
}

/// What all steps of a run share.
pub(crate) struct Shared<'a> {
    pub cx: &'a Context<'a>,
    pub plan: &'a Plan,
    pub tree: Mutex<Arc<Tree>>,
    /// The files of a snapshot as they are staged.
    pub known_staged: Mutex<Arc<Tree>>,
    /// Which files count.
    pub rules: Rules,
    /// Set when a step may have changed files since the tree was read.
    pub is_stale: AtomicBool,
    /// What git reports and the date, for steps that read them.
    pub besides: BTreeMap<AlsoReads, String>,
    /// Why what reads packages is not cached: a manifest that leads out of the repository.
    pub outward: Option<String>,
    pub crates: Option<Crates>,
    pub touched: Option<BTreeSet<String>>,
    pub tools: BTreeMap<String, Answer>,
    pub store: Store,
    pub env: BTreeMap<String, String>,
    pub cold: ColdMeter,
    pub load: LoadMeter,
    pub run_folder: PathBuf,
    pub is_first_build: bool,
    pub started: Duration,
    pub tollgate_digest: OnceLock<String>,
    pub machine: OnceLock<Machine>,
}

impl Shared<'_> {
    /// Why passes of a step are not kept in this repository; none when they are.
    pub fn not_cached<'a>(&'a self, step: &'a Step) -> Option<&'a str> {
        let outward = || self.outward.as_deref().filter(|_| step.reads_packages);
        step.not_cached.as_deref().or_else(outward)
    }

    /// The files as they are now: read again when a step has run since.
    pub fn tree(&self) -> Result<Arc<Tree>, FilesError> {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_stale.swap(false, Ordering::Relaxed) {
            let now = self.cx.clock.now();
            *tree = Arc::new(tree.again(&self.rules, now)?);
        }
        Ok(Arc::clone(&tree))
    }

    /// The files of a snapshot as they are staged; one step compares at a time.
    pub fn known_staged(&self) -> MutexGuard<'_, Arc<Tree>> {
        let known = self.known_staged.lock();
        known.unwrap_or_else(PoisonError::into_inner)
    }

    pub fn now(&self) -> Duration {
        self.cx.clock.monotonic()
    }

    /// The time that the budget is judged on, up to now.
    pub fn judged(&self) -> Duration {
        let now = self.now();
        let warm = now
            .saturating_sub(self.started)
            .saturating_sub(self.cold.total(now));
        self.pace().scaled(warm, self.load.waited())
    }

    /// Whether the tier has to stop now: at its critical time, or, when time over budget is only
    /// reported, at a multiple of it that bounds a step which hangs.
    pub fn is_over(&self, judged: Duration, limit: Duration) -> bool {
        let factor = match self.cx.over_time {
            OverTime::Fails => 1,
            OverTime::Reported => HANG_FACTOR,
        };
        judged >= limit * factor
    }

    /// The machine's speed and the time lost to others so far. The first call may measure.
    pub fn pace(&self) -> Pace {
        let machine = self.machine.get_or_init(|| {
            let path = self.cx.state_dir.join("machine.json");
            machine::recorded(&path, self.cx.gauge, self.cx.clock.now())
        });
        Pace {
            work_us: machine.measured.work_us,
            cores: machine.cores,
            reference: self.plan.reference,
            waited_ms: as_ms(self.load.waited()),
            load_permille: None,
        }
    }

    /// Notes how busy the machine is; called while steps run.
    pub fn tick(&self) {
        let cores = self.machine.get().map_or(1, |machine| machine.cores);
        let is_judged = !self.cold.is_cold();
        let sample = || self.cx.gauge.load();
        self.load.tick(self.now(), cores, is_judged, sample);
    }

    /// The pace of the whole run, once it is over: none when nothing ran. Over the target time
    /// the machine is measured once more.
    pub fn final_pace(&self, warm: Duration) -> Option<Pace> {
        let machine = self.machine.get()?;
        let mut pace = self.pace();
        if pace.scaled(warm, self.load.waited()) > self.plan.target.0 {
            let now_ns = self.cx.gauge.round_now_ns(machine.cores);
            let quiet_ns = machine.measured.round_ns.max(1);
            pace.load_permille = Some(now_ns.saturating_mul(1_000) / quiet_ns);
        }
        Some(pace)
    }

    pub fn is_interrupted(&self) -> bool {
        self.cx.interrupt.load(Ordering::Relaxed)
    }

    /// A path as people see it: relative to the folder that holds `.tollgate`.
    pub fn shown(&self, path: &Path) -> String {
        let base = self.cx.state_dir.parent().unwrap_or(Path::new("/"));
        let path = path.strip_prefix(base).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    }

    /// The digest of the running executable; the path when it cannot be read.
    pub fn tollgate_digest(&self) -> &str {
        self.tollgate_digest.get_or_init(|| {
            executable_digest(self.cx).unwrap_or_else(|| self.cx.tollgate.display().to_string())
        })
    }
}

pub(crate) fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn executable_digest(cx: &Context<'_>) -> Option<String> {
    let memo_path = cx.state_dir.join("cache/executable");
    files::digest_of_one(&cx.tollgate, &memo_path, cx.clock.now()).ok()?
}
