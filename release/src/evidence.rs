//! The evidence of a release besides the proxy's counts: its live traffic, and the gates that judge
//! it before the promotion.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tollgate_budgets::BudgetSettings;
use tollgate_budgets::measurement::{MeasurementEntry, MeasurementsFile};
use tollgate_canary::deployer::Pending;
use tollgate_canary::events::{Event, GateVerdict, TrafficArm};
use tollgate_canary::fault::Fault;
use tollgate_canary::proxy::{ControlClient, Counts, VersionCounts, VersionName};
use tollgate_canary::shell::Gates;
use tollgate_gates::budget;
use tollgate_gates::traffic::{self, ArmSummary, TrafficSummary};
use tollgate_probes::{Traffic, TrafficCounts};
use tollgate_report::{Clock, Outcome, SystemClock, Verdict};

/// How often the controller hears of the live traffic.
const TICK: Duration = Duration::from_millis(250);

/// The live traffic of a release until its end.
pub(crate) struct LiveTraffic {
    running: Mutex<Option<Traffic>>,
    closed: Mutex<Option<Closed>>,
    control: ControlClient,
    has_fault: bool,
    /// The text of the promises, and the settings about them.
    budgets: Option<(String, BudgetSettings)>,
}

/// The live traffic after its end.
#[derive(Debug, Clone)]
pub(crate) struct Closed {
    pub(crate) counts: TrafficCounts,
    pub(crate) summary: TrafficSummary,
}

impl LiveTraffic {
    pub(crate) fn new(
        traffic: Traffic,
        control: ControlClient,
        has_fault: bool,
        budgets: Option<(String, BudgetSettings)>,
    ) -> Arc<Self> {
        Arc::new(Self {
            running: Mutex::new(Some(traffic)),
            closed: Mutex::new(None),
            control,
            has_fault,
            budgets,
        })
    }

    fn snapshot(&self) -> Option<TrafficCounts> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.as_ref().map(Traffic::snapshot)
    }

    /// Sends what the traffic has seen to the controller until either of them ends.
    pub(crate) async fn report(self: Arc<Self>, inputs: mpsc::Sender<Event>) {
        while let Some(counts) = self.snapshot() {
            let arm = |name: VersionName| {
                let tally = counts.by_version.get(name.word());
                tally.map_or_else(TrafficArm::default, |tally| TrafficArm {
                    n: tally.n,
                    n_bad: tally.n_bad,
                })
            };
            let event = Event::Traffic {
                stable: arm(VersionName::Stable),
                canary: arm(VersionName::Canary),
            };
            if inputs.send(event).await.is_err() {
                return;
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Ends the traffic, waits for what is in flight, and returns what became of all. The same again
    /// when it has ended before.
    pub(crate) async fn close(&self) -> Option<Closed> {
        let taken = self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(traffic) = taken {
            let counts = traffic.stop().await;
            let proxy = self.control.counts().await.ok();
            let summary = summary(&counts, proxy.as_ref(), self.has_fault);
            let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            *closed = Some(Closed { counts, summary });
        }
        let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        closed.clone()
    }

    fn budget_verdict(&self, counts: &TrafficCounts) -> Option<Verdict> {
        let (budgets, settings) = self.budgets.clone()?;
        let now = SystemClock::new().now();
        let verdict = budget::judge_measured(budgets, measurements(counts), &settings, now);
        Some(verdict.unwrap_or_else(|failure| {
            let reason = format!("the budgets cannot be judged: {:#}", failure.error);
            Verdict::new(Outcome::Fail, reason)
        }))
    }
}

impl Gates for LiveTraffic {
    fn judge(&self) -> Pending<'_, Vec<GateVerdict>> {
        Box::pin(async {
            let Some(closed) = self.close().await else {
                return Vec::new();
            };
            let budget = self.budget_verdict(&closed.counts);
            let verdicts = [
                Some(("traffic", traffic::judge(&closed.summary))),
                budget
                    .filter(|_| !self.has_fault)
                    .map(|verdict| ("budget", verdict)),
            ];
            verdicts.into_iter().flatten().map(gate_verdict).collect()
        })
    }
}

fn gate_verdict((gate, verdict): (&str, Verdict)) -> GateVerdict {
    GateVerdict {
        gate: gate.to_owned(),
        // What nothing measured cannot hold a release up: the analysis needs data of its own.
        has_passed: verdict.outcome != Outcome::Fail,
        reason: verdict.reason,
    }
}

/// What the live traffic measured, in the form of a measurements file.
pub(crate) fn measurements(counts: &TrafficCounts) -> String {
    let latency = &counts.latency;
    let ms = |us: u64| us as f64 / 1_000.0;
    let percentiles = [
        ("p50", ms(latency.p50_us)),
        ("p95", ms(latency.p95_us)),
        ("p99", ms(latency.p99_us)),
    ];
    let file = MeasurementsFile {
        version: 1,
        measurements: vec![MeasurementEntry {
            id: "api.latency".to_owned(),
            unit: Some(tollgate_budgets::Unit::Millis),
            percentiles: Some(
                percentiles
                    .map(|(name, value)| (name.to_owned(), value))
                    .into(),
            ),
            count: Some(latency.n),
            ..MeasurementEntry::default()
        }],
    };
    serde_json::to_string_pretty(&file).expect("measurements are JSON")
}

/// Every request of the live traffic, accounted for.
fn summary(counts: &TrafficCounts, proxy: Option<&Counts>, has_fault: bool) -> TrafficSummary {
    let arm = |name: VersionName| {
        let tally = counts
            .by_version
            .get(name.word())
            .copied()
            .unwrap_or_default();
        let version = proxy.and_then(|proxy| proxy.versions.get(&name));
        ArmSummary {
            n: tally.n,
            n_bad: tally.n_bad,
            n_unanswered: version.map_or(0, unanswered),
        }
    };
    let by_version = proxy.map(|proxy| {
        let versions = proxy.versions.iter();
        versions
            .map(|(name, version)| (name.to_string(), version.answered))
            .collect::<BTreeMap<_, _>>()
    });
    let server_errors = counts
        .http_error
        .iter()
        .filter(|(status, _)| **status >= 500);
    TrafficSummary {
        sent: counts.n_sent,
        ok: counts.n_ok,
        errors: counts.n_http_error(),
        server_errors: server_errors.map(|(_, n)| n).sum(),
        lost: counts.n_lost(),
        p50_ms: counts.latency.p50_us as f64 / 1_000.0,
        p95_ms: counts.latency.p95_us as f64 / 1_000.0,
        by_version: by_version.unwrap_or_default().into_iter().collect(),
        stable: arm(VersionName::Stable),
        canary: arm(VersionName::Canary),
        has_fault,
        first_lost: counts
            .first_lost
            .iter()
            .map(|lost| format!("{} {} {}: {}", lost.at, lost.name, lost.kind, lost.what))
            .collect(),
    }
}

/// Requests that this version did not answer whole.
fn unanswered(version: &VersionCounts) -> u64 {
    let faults = [
        Fault::GaveUp,
        Fault::Refused,
        Fault::Reset,
        Fault::Cut,
        Fault::Tunnels,
    ];
    let n: u64 = faults.iter().map(|fault| version.faults.of(*fault)).sum();
    n + version.timeouts
}
