//! A provider of traffic and a deployer that are not ours: a load balancer and a cluster in memory.
//! The example for whoever adds a real one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tollgate_canary::controller::Identity;
use tollgate_canary::deployer::{DeployFailed, Deployer, Instance, Pending, Usage};
use tollgate_canary::events::{ArmSample, ProcessId};
use tollgate_canary::traffic::{Answer, Change, Check, Observed, Traffic, TrafficError, Verified};
use tollgate_canary::version::VersionName;
use tollgate_canary::{CanaryContext, Event, Phase, Settings, Weight, run_canary};
use tollgate_report::{Clock, Digest, Timestamp};

const STABLE: &str = "10.0.0.1:80";
const CANARY: &str = "10.0.0.2:80";
const TICK: Duration = Duration::from_millis(200);

/// The time of tokio, which the tests pause.
struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.plus(self.monotonic())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A load balancer: ten requests between two observations, each tenth of a percent exact.
struct Balancer {
    table: Mutex<Table>,
}

struct Table {
    epoch: u64,
    weight: Weight,
    stable: SocketAddr,
    counts: [ArmSample; 2],
    is_canary_broken: bool,
}

impl Balancer {
    fn new(is_canary_broken: bool) -> Arc<Self> {
        let table = Mutex::new(Table {
            epoch: 0,
            weight: Weight::NONE,
            stable: STABLE.parse().unwrap(),
            counts: [ArmSample::default(); 2],
            is_canary_broken,
        });
        Arc::new(Self { table })
    }

    fn set(&self, change: &Change, epoch: u64) -> Result<(), TrafficError> {
        let mut table = self.table.lock().unwrap();
        if epoch < table.epoch {
            let detail = format!("epoch {} is in charge", table.epoch);
            return Err(TrafficError::Fenced(detail));
        }
        table.epoch = epoch;
        match change {
            Change::Weight { weight, .. } => table.weight = *weight,
            Change::Swap { canary } => {
                table.stable = canary.unwrap();
                table.weight = Weight::NONE;
            }
            Change::Canary { .. } | Change::Thresholds { .. } | Change::Lease { .. } => {}
        }
        Ok(())
    }
}

impl Traffic for Balancer {
    fn observe(&self) -> Answer<'_, Observed> {
        let mut table = self.table.lock().unwrap();
        for _ in 0..10 {
            let n = table.counts[0].n + table.counts[1].n;
            let is_canary = n % 10 < u64::from(table.weight.bp() / 1_000);
            let is_bad = is_canary && table.is_canary_broken;
            let arm = &mut table.counts[usize::from(is_canary)];
            arm.n += 1;
            arm.n_answered += 1;
            arm.n_bad += u64::from(is_bad);
            arm.p95_us = 2_000;
        }
        let observed = Observed {
            stable: table.counts[0],
            canary: table.counts[1],
            weight: table.weight,
            lease_expired_at: None,
            examples: BTreeMap::new(),
        };
        Box::pin(async { Ok(observed) })
    }

    fn set(&self, change: Change, epoch: u64) -> Answer<'_, ()> {
        let result = Self::set(self, &change, epoch);
        Box::pin(async { result })
    }

    fn verify(&self, check: Option<Check>) -> Answer<'_, Verified> {
        let table = self.table.lock().unwrap();
        let n_checked = check.map_or(0, |check| check.n_requests);
        let verified = Verified {
            weight: table.weight,
            stable: Some(table.stable),
            n_checked,
            n_canary: if table.weight == Weight::ALL {
                n_checked
            } else {
                0
            },
        };
        Box::pin(async { Ok(verified) })
    }

    fn drain(&self, _version: VersionName, _deadline: Duration) -> Answer<'_, u64> {
        Box::pin(async { Ok(0) })
    }
}

/// A cluster whose pods are ready at once.
#[derive(Default)]
struct Cluster {
    stopped: Arc<Mutex<Vec<u32>>>,
}

#[derive(Debug)]
struct Pod {
    id: ProcessId,
    stopped: Arc<Mutex<Vec<u32>>>,
}

impl Cluster {
    fn pod(&self, pid: u32) -> Box<dyn Instance> {
        let id = ProcessId {
            pid,
            start_ticks: None,
        };
        let stopped = self.stopped.clone();
        Box::new(Pod { id, stopped })
    }
}

impl Deployer for Cluster {
    fn start(&self) -> Result<Box<dyn Instance>, DeployFailed> {
        Ok(self.pod(2))
    }

    fn attach(&self, id: &ProcessId) -> Option<Box<dyn Instance>> {
        Some(self.pod(id.pid))
    }
}

impl Instance for Pod {
    fn id(&self) -> &ProcessId {
        &self.id
    }

    fn ready(&mut self) -> Pending<'_, Result<SocketAddr, DeployFailed>> {
        Box::pin(async { Ok(CANARY.parse().unwrap()) })
    }

    fn ended(&mut self) -> Option<String> {
        None
    }

    fn usage(&self) -> Option<Usage> {
        None
    }

    fn stop(&mut self, _within: Duration) -> Pending<'_, ()> {
        self.stopped.lock().unwrap().push(self.id.pid);
        Box::pin(async {})
    }
}

struct Ended {
    phase: Phase,
    stable: SocketAddr,
    stopped: Vec<u32>,
}

async fn run(folder: &Path, is_canary_broken: bool) -> Ended {
    let (balancer, cluster) = (Balancer::new(is_canary_broken), Cluster::default());
    let stopped = cluster.stopped.clone();
    let identity = |label: &str| Identity {
        label: label.to_owned(),
        digest: Digest::of(label),
    };
    let (inputs, inputs_out) = mpsc::channel(4);
    let (progress, _progress) = mpsc::unbounded_channel();
    let probed = Event::Probe {
        name: "health".to_owned(),
        is_fail: false,
        detail: String::new(),
    };
    inputs.send(probed).await.unwrap();
    let cx = CanaryContext {
        folder: folder.to_owned(),
        run: "run-1".to_owned(),
        plan: Settings::short().plan(),
        stable: identity("old"),
        candidate: identity("new"),
        stable_instance: Some(cluster.pod(1)),
        deployer: Arc::new(cluster),
        traffic: balancer.clone(),
        stable_process: None,
        gates: None,
        inputs: inputs_out,
        progress,
        clock: Arc::new(PausedClock(Instant::now())),
        tick: TICK,
    };
    let finished = run_canary(cx).await.unwrap();
    let stopped = stopped.lock().unwrap().clone();
    let stable = balancer.table.lock().unwrap().stable;
    Ended {
        phase: finished.report.phase,
        stable,
        stopped,
    }
}

#[tokio::test(start_paused = true)]
async fn any_provider_and_any_deployer_carry_a_run_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let good = run(&folder.path().join("good"), false).await;
    assert_eq!(good.phase, Phase::Succeeded);
    assert_eq!(good.stable, CANARY.parse().unwrap());
    assert_eq!(good.stopped, [1], "the old version");

    let bad = run(&folder.path().join("bad"), true).await;
    assert_eq!(bad.phase, Phase::RolledBack);
    assert_eq!(bad.stable, STABLE.parse().unwrap());
    assert_eq!(bad.stopped, [2], "the candidate");
}
