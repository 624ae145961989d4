//! From a canary to a standing release: the record of a promotion, and the release that the next
//! canary is compared with.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use tollgate_canary::controller::Candidate;
use tollgate_canary::proxy::{ControlClient, read_token};
use tollgate_gates::{Failure, Repository};
use tollgate_report::{Clock, Digest, Timestamp};

use crate::detached::start_supervisor;
use crate::remembered::{Home, Placed, ServedVersion, StandingRelease, Wanted};
use crate::runs;
use crate::stage::Stage;

/// How long the release may take to serve again.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// What is needed to record the promotion of one run.
#[derive(Debug, Clone)]
pub struct Standing {
    home: Home,
    stage: Stage,
    state_dir: PathBuf,
    root: PathBuf,
    settings: PathBuf,
    service: String,
    version: ServedVersion,
    stable: ServedVersion,
    watch: Duration,
    program: PathBuf,
}

impl Standing {
    pub fn new(repository: &Repository, stage: &Stage) -> Result<Self, Failure> {
        let home = Home::of(repository);
        let settings = repository.settings_file.as_deref().unwrap_or_default();
        Ok(Self {
            stage: stage.clone(),
            state_dir: repository.state_dir.clone(),
            root: repository.root.clone(),
            settings: repository.root.join(settings),
            service: repository.settings.service.name.clone(),
            version: version(repository, &home, stage, "candidate"),
            stable: version(repository, &home, stage, "stable"),
            watch: repository.settings.canary.watch.0,
            program: repository.executable()?,
            home,
        })
    }

    /// Records that the candidate serves from now on, and starts its supervisor. May be repeated.
    pub fn promote(&self, now: Timestamp) -> Result<(), Failure> {
        let state = runs::load_state(&self.state_dir, &self.stage.run)?;
        let Candidate::Ready { process, addr } = state.candidate else {
            return Err(Failure::environment(anyhow::anyhow!(
                "cannot record the promotion of `{}`: its candidate does not run",
                self.stage.run
            )));
        };
        if self.settings.is_file() {
            fs::copy(&self.settings, self.home.settings_file())
                .context("cannot keep the settings of the release")?;
        }
        let mut current = self.version.clone();
        current.placed.process = process;
        current.placed.addr = addr;
        current.promoted_at = now;
        self.home.update(|before| {
            let done = before
                .as_ref()
                .is_some_and(|release| release.current.run == current.run);
            if done {
                return before;
            }
            let previous = match before {
                Some(release) if release.wanted == Wanted::Running => release.current,
                _ => self.stable.clone(),
            };
            Some(StandingRelease {
                version: 1,
                service: self.service.clone(),
                wanted: Wanted::Running,
                proxy: self.stage.proxy.clone(),
                control: self.stage.control,
                current,
                previous: Some(previous),
                watch_until: Some(now.plus(self.watch)),
                go_back: None,
                went_back: None,
            })
        })?;
        start_supervisor(&self.program, &self.root, &self.home)
    }
}

/// A version of this run as the record keeps it. Its process is that of the stable version until
/// the candidate's is known.
fn version(repository: &Repository, home: &Home, stage: &Stage, which: &str) -> ServedVersion {
    let service = &repository.settings.service;
    let is_candidate = which == "candidate";
    let (identity, program) = if is_candidate {
        (&stage.candidate_identity, &stage.candidate)
    } else {
        (&stage.stable_identity, &stage.stable_program)
    };
    let database = home.database(&service.name).display().to_string();
    let fill = |text: &String| {
        text.replace("{database}", &database)
            .replace("{version}", which)
    };
    let logs = if is_candidate {
        stage.folder(repository).join("logs/candidate")
    } else {
        stage.stable.logs.clone()
    };
    ServedVersion {
        label: format!("{}@{}", service.name, identity.digest.short()),
        digest: identity.digest.clone(),
        revision: stage.revision.clone(),
        run: is_candidate.then(|| stage.run.clone()),
        evidence: None,
        promoted_at: stage.started_at,
        program: program.clone(),
        args: service.args.iter().map(fill).collect(),
        key_env: service.key_env.clone(),
        ready: service.ready.clone(),
        placed: Placed {
            logs,
            ..stage.stable.clone()
        },
        n_restarts: 0,
        last_end: None,
    }
}

/// Copies a program to where a later build or edit does not change it, and returns what is to be
/// started: the copy, or a script where it is, since it may read the files next to it.
pub fn take_binary(home: &Home, binary: &Path) -> Result<PathBuf, Failure> {
    let read = || format!("cannot read `{}`", binary.display());
    let content = fs::read(binary).with_context(read)?;
    let is_script = content.starts_with(b"#!");
    let digest = Digest::of(content);
    let copy = home.copy_of(binary, &digest);
    let folder = copy.parent().unwrap_or(&copy);
    if !copy.is_file() {
        let fresh = folder.join(format!(".{}", std::process::id()));
        fs::create_dir_all(folder)
            .and_then(|()| fs::copy(binary, &fresh))
            .and_then(|_| fs::rename(&fresh, &copy))
            .with_context(|| {
                format!("cannot copy `{}` to `{}`", binary.display(), copy.display())
            })?;
    }
    match is_script {
        true => Ok(fs::canonicalize(binary).with_context(read)?),
        false => Ok(copy),
    }
}

/// The evidence of the run that promoted the current version.
pub fn keep_evidence(home: &Home, run: &str, evidence: &str) -> Result<(), Failure> {
    home.edit(|release| {
        if release.current.run.as_deref() == Some(run) {
            release.current.evidence = Some(evidence.to_owned());
        }
    })
}

/// The run was recorded as promoted and ended otherwise: the version before is the current one.
pub fn forget_promotion(home: &Home, run: &str) -> Result<(), Failure> {
    home.update(|release| {
        let mut release = release?;
        if release.current.run.as_deref() != Some(run) {
            return Some(release);
        }
        // A stable version that no canary promoted was started for this run only.
        let previous = release.previous.take()?;
        previous.run.as_ref()?;
        release.current = previous;
        release.watch_until = None;
        Some(release)
    })
}

/// The standing release, serving: one that was stopped, or whose processes are gone, is started.
pub async fn ensure(repository: &Repository) -> Result<Option<StandingRelease>, Failure> {
    let home = Home::of(repository);
    let Some(_) = home.load()? else {
        return Ok(None);
    };
    home.edit(|release| {
        release.wanted = Wanted::Running;
        // The next release begins: what was promoted before has passed its watch.
        release.watch_until = None;
    })?;
    start_supervisor(&repository.executable()?, &repository.root, &home)?;
    let deadline = tokio::time::Instant::now() + READY_WITHIN;
    loop {
        if let Some(release) = home.load()?
            && serves(&home, &release).await
        {
            return Ok(Some(release));
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Failure::environment(anyhow::anyhow!(
                "the standing release of `{}` does not serve within {} s",
                repository.settings.service.name,
                READY_WITHIN.as_secs()
            ))
            .hint("`{tollgate} release status` shows why; `{tollgate} release stop` ends it"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Starts the supervisor, if it is gone.
pub fn revive(repository: &Repository, home: &Home) -> Result<(), Failure> {
    start_supervisor(&repository.executable()?, &repository.root, home)
}

/// Whether the current version runs and the proxy sends it the traffic.
pub(super) async fn serves(home: &Home, release: &StandingRelease) -> bool {
    let Ok(token) = read_token(&home.token_file()) else {
        return false;
    };
    let control = ControlClient::new(release.control, token);
    let state = control.state().await;
    let to = state.ok().and_then(|state| {
        let stable = tollgate_canary::version::VersionName::Stable;
        state.versions.get(&stable).copied()
    });
    release.current.is_running() && to == Some(release.current.placed.addr)
}

/// The time of the system.
pub(super) fn now(repository: &Repository) -> Timestamp {
    Clock::now(&repository.clock)
}
