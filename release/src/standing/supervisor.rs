//! The supervisor of a standing release: restarts what has ended, watches a new version, goes back
//! to the one before, rotates logs, and ends everything when asked.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::Instant;
use tollgate_canary::Weight;
use tollgate_canary::deploy::{Process, start as start_process, wait_ready};
use tollgate_canary::persist::{is_locked, lock};
use tollgate_canary::proxy::{ControlClient, SetVersion, SetWeight, VersionName, read_token};
use tollgate_gates::{Failure, Repository};

use super::handover::now;
use super::logs;
use super::watch::{Limits, Sample, Watch};
use crate::context::Context;
use crate::remembered::{GoBack, Home, Placed, ServedVersion, StandingRelease, Wanted, WentBack};
use crate::stage::{canary_folder, restart_proxy};

/// How often the processes are checked.
const TICK: Duration = Duration::from_millis(100);
/// A version that ends again and again is restarted after this time at most.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A version that ran for so long has started well.
const STEADY: Duration = Duration::from_secs(10);

/// Supervises the release of this repository's service until it is stopped.
pub async fn supervise(context: &Context<'_>) -> Result<(), Failure> {
    let home = Home::of(context);
    let Some(_lock) = home.supervise()? else {
        return Ok(());
    };
    let mut supervisor = Supervisor::new(context, home);
    loop {
        let Some(release) = supervisor.home.load()? else {
            return Ok(());
        };
        if release.wanted == Wanted::Stopped {
            return supervisor.end(&release).await;
        }
        // What can't be done now is tried again.
        if let Err(failure) = supervisor.tick(release).await {
            context.narrator.progress(&format!("{:#}", failure.error));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(TICK).await;
    }
}

struct Supervisor<'a> {
    context: &'a Context<'a>,
    home: Home,
    watch: Watch,
    /// Whose samples the watch has.
    watched: Option<Placed>,
    started: Option<Instant>,
    pause: Duration,
    begun: Instant,
    n_ticks: u64,
    /// What was started here and has not ended; an ended one is waited for.
    children: Vec<Process>,
}

impl<'a> Supervisor<'a> {
    fn new(context: &'a Context<'a>, home: Home) -> Self {
        Self {
            context,
            home,
            watch: Watch::default(),
            watched: None,
            started: None,
            pause: Duration::ZERO,
            begun: Instant::now(),
            n_ticks: 0,
            children: Vec::new(),
        }
    }

    fn repository(&self) -> &Repository {
        self.context.repository
    }

    fn control(&self, release: &StandingRelease) -> Result<ControlClient, Failure> {
        let token = read_token(&self.home.token_file()).context("cannot read the proxy's token")?;
        Ok(ControlClient::new(release.control, token))
    }

    async fn tick(&mut self, release: StandingRelease) -> Result<(), Failure> {
        self.n_ticks += 1;
        self.children.retain_mut(|child| child.ended().is_none());
        if !release.proxy.process.is_running() {
            return self.proxy(&release).await;
        }
        if !release.current.is_running() {
            return self.restart(release).await;
        }
        if let Some(wanted) = release.go_back.clone() {
            return self.go_back(release, wanted).await;
        }
        if self.n_ticks.is_multiple_of(5) {
            self.route(&release).await?;
            self.look(&release).await?;
        }
        if self.n_ticks.is_multiple_of(100) {
            for version in std::iter::once(&release.current).chain(&release.previous) {
                logs::rotate(&version.placed.logs, logs::SIZE_MAX)?;
            }
            logs::rotate(&release.proxy.logs, logs::SIZE_MAX)?;
        }
        Ok(())
    }

    /// The proxy again, at its addresses, with the current version as the stable one.
    async fn proxy(&mut self, release: &StandingRelease) -> Result<(), Failure> {
        let (addr, stable) = (release.proxy.addr, release.current.placed.addr);
        let started = restart_proxy(self.repository(), &self.home, release, stable).await?;
        let (placed, process) = started;
        self.children.push(process);
        self.say(&format!(
            "the proxy at {addr} had ended and was started again"
        ));
        self.home.edit(|release| release.proxy = placed)
    }

    /// The current version again, at its address. A version that is being watched is not restarted:
    /// the one before serves again.
    async fn restart(&mut self, release: StandingRelease) -> Result<(), Failure> {
        let how = log_tail(&release.current.placed);
        if self.is_watched(&release) {
            let wanted = GoBack {
                by: "the watch after the promotion".to_owned(),
                reason: format!("the promoted version ended by itself; its last lines: {how}"),
            };
            return self.go_back(release, wanted).await;
        }
        let was_steady = self.started.is_none_or(|at| at.elapsed() > STEADY);
        self.pause = match was_steady {
            true => Duration::ZERO,
            false => (self.pause * 2).clamp(Duration::from_millis(200), PAUSE_MAX),
        };
        tokio::time::sleep(self.pause).await;
        self.started = Some(Instant::now());
        let placed = self.place(&release.current).await?;
        self.say(&format!(
            "{} had ended and was started again",
            release.current.label
        ));
        self.home.edit(|now| {
            if now.current.placed == release.current.placed {
                now.current.placed = placed;
                now.current.n_restarts += 1;
                now.current.last_end = Some(how);
            }
        })
    }

    async fn place(&mut self, version: &ServedVersion) -> Result<Placed, Failure> {
        let within = self.repository().settings.canary.ready_within.0;
        let spec = version.spec(&self.home, within)?;
        let (mut process, _) = start_process(&spec).map_err(Failure::environment)?;
        let port = Some(version.placed.addr.port());
        let addr = wait_ready(&mut process, &spec, port)
            .await
            .map_err(Failure::environment)?;
        let id = process.id.clone();
        self.children.push(process);
        Ok(Placed {
            process: id,
            addr,
            logs: spec.log_folder,
        })
    }

    fn is_watched(&self, release: &StandingRelease) -> bool {
        let is_on = release
            .watch_until
            .is_some_and(|until| now(self.repository()) < until);
        is_on && release.previous.is_some()
    }

    /// The version before serves again: it runs, the record names it, and the proxy follows.
    async fn go_back(&mut self, release: StandingRelease, wanted: GoBack) -> Result<(), Failure> {
        let Some(mut previous) = release.previous.clone() else {
            return self.home.edit(|release| release.go_back = None);
        };
        if !previous.is_running() {
            previous.placed = self.place(&previous).await?;
        }
        let at = now(self.repository());
        let from = release.current.label.clone();
        self.home.edit(|now| {
            let left = std::mem::replace(&mut now.current, previous);
            now.previous = Some(left);
            now.watch_until = None;
            now.go_back = None;
            now.went_back = Some(WentBack {
                at,
                by: wanted.by.clone(),
                reason: wanted.reason.clone(),
                from: from.clone(),
            });
        })?;
        self.say(&format!(
            "{from} was taken back by {}: {}",
            wanted.by, wanted.reason
        ));
        if let Some(release) = self.home.load()? {
            self.route(&release).await?;
            crate::alerting::went_back(self.context, &release).await?;
        }
        Ok(())
    }

    /// Has the proxy send the traffic where the record wants it, and stops what is needed no longer.
    async fn route(&mut self, release: &StandingRelease) -> Result<(), Failure> {
        let control = self.control(release)?;
        let state = control.state().await.map_err(Failure::environment)?;
        let stable = state.versions.get(&VersionName::Stable).copied();
        let (addr, folder) = (
            release.current.placed.addr,
            canary_folder(self.repository()),
        );
        if stable != Some(addr) {
            if is_locked(&folder) {
                return Ok(());
            }
            let right = lock(&folder).map_err(Failure::environment)?;
            swap(&control, addr, right.epoch).await?;
        }
        let Some(previous) = release
            .previous
            .as_ref()
            .filter(|_| !self.is_watched(release))
        else {
            return Ok(());
        };
        if let Some(mut process) = previous.placed.process() {
            let plan = &self.repository().settings.canary;
            // A version that the proxy does not name has nothing to drain.
            let _ = control
                .drain(VersionName::Retired, plan.drain_within.0)
                .await;
            process.stop(plan.stop_within.0).await;
            self.say(&format!("{} is stopped", previous.label));
        }
        Ok(())
    }

    /// One check of the promoted version while it is watched.
    async fn look(&mut self, release: &StandingRelease) -> Result<(), Failure> {
        if !self.is_watched(release) || is_locked(&canary_folder(self.repository())) {
            return Ok(());
        }
        if self.watched.as_ref() != Some(&release.current.placed) {
            self.watched = Some(release.current.placed.clone());
            self.watch = Watch::default();
        }
        let counts = self.control(release)?.counts().await;
        let counts = counts.map_err(Failure::environment)?;
        let Some(seen) = counts.versions.get(&VersionName::Stable) else {
            return Ok(());
        };
        let sample = Sample {
            at_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            n: seen.finished,
            n_bad: seen.errors + seen.connect_failures + seen.broken + seen.timeouts,
            n_answered: seen.answered,
            n_over_critical: seen.over_critical,
        };
        let memory = release.current.placed.process.resident_bytes();
        let limits = limits(self.repository());
        if let Some(reason) = self.watch.add(sample, memory, &limits) {
            let wanted = GoBack {
                by: "the watch after the promotion".to_owned(),
                reason,
            };
            return self.go_back(release.clone(), wanted).await;
        }
        Ok(())
    }

    /// Ends all processes of the release. What it remembers stays for the next one.
    async fn end(&self, release: &StandingRelease) -> Result<(), Failure> {
        let within = self.repository().settings.canary.stop_within.0;
        let versions = std::iter::once(&release.current).chain(&release.previous);
        let placed = versions.map(|version| &version.placed);
        // No client is cut off by a version that ends before the proxy.
        for placed in std::iter::once(&release.proxy).chain(placed) {
            if let Some(mut process) = placed.process() {
                process.stop(within).await;
            }
        }
        self.say("stopped");
        Ok(())
    }

    fn say(&self, text: &str) {
        let at = now(self.repository());
        self.context.narrator.progress(&format!("{at} {text}"));
    }
}

fn limits(repository: &Repository) -> Limits {
    let plan = &repository.settings.canary;
    Limits {
        error_rate: plan.error_rate_critical.0,
        error_rate_for: plan.error_rate_for.0,
        latency_for: plan.latency_for.0,
        memory: plan.memory_critical.0,
    }
}

/// The version at `addr` gets everything, and then becomes the stable one: no request is lost.
async fn swap(
    control: &ControlClient,
    addr: std::net::SocketAddr,
    epoch: u64,
) -> Result<(), Failure> {
    let lease_ms = 60_000;
    let none = SetWeight {
        weight: Weight::NONE,
        epoch,
        lease_ms,
    };
    let all = SetWeight {
        weight: Weight::ALL,
        ..none.clone()
    };
    let canary = SetVersion {
        name: VersionName::Canary,
        addr: Some(addr),
        epoch,
    };
    let routed = async {
        if control.state().await?.versions.get(&VersionName::Canary) != Some(&addr) {
            control.set_weight(&none).await?;
            control.set_version(&canary).await?;
        }
        control.set_weight(&all).await?;
        control.promote(epoch).await
    };
    routed.await.map_err(Failure::environment)?;
    Ok(())
}

fn log_tail(placed: &Placed) -> String {
    let read = |name: &str| fs::read_to_string(placed.logs.join(name)).unwrap_or_default();
    let text = read("stderr.log") + &read("stdout.log");
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(5)..].join(" | ");
    match last.as_str() {
        "" => "none".to_owned(),
        text => tollgate_report::render::printable(text),
    }
}
