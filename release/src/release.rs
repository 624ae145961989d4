//! One canary from start (or from where a dead controller left it) to its end: live traffic,
//! probes, the controller, the alert, the dashboard. Used by `ship` and by `canary`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tollgate_alerts::{AlertEvent, Dispatcher};
use tollgate_canary::Phase;
use tollgate_canary::controller::{Candidate, NoticeKind, WAITING};
use tollgate_canary::deploy::{Process, ProcessDeployer};
use tollgate_canary::events::Event;
use tollgate_canary::proxy::{ControlClient, ProxyTraffic};
use tollgate_canary::report::CanaryReport;
use tollgate_canary::settings::Plan;
use tollgate_canary::shell::{
    CanaryContext, CanaryError, Finished, Gates, Progress, resume_canary, run_canary,
};
use tollgate_probes::schedule::Pace;
use tollgate_probes::{ProbeResult, Scheduler, State as ProbeState, Traffic, TrafficCounts};
use tollgate_report::quantity::Span;
use tollgate_report::{Clock, SystemClock};

use tollgate_budgets::BudgetSettings;
use tollgate_gates::schemas::ContractSchemas;
use tollgate_gates::traffic::TrafficSummary;
use tollgate_gates::{Failure, contracts, probe};

use crate::alerting;
use crate::context::Context;
use crate::evidence::LiveTraffic;
use crate::hub::{Feed, Shown};
use crate::queries;
use crate::runs;
use crate::show;
use crate::stage::{Stage, canary_folder};
use crate::standing::{RecordedTraffic, Standing};

/// How often the proxy's counts are read.
const TICK: Duration = Duration::from_millis(200);
/// Live traffic continues for this long after a rollback, to show that the stable version serves. Before
/// a promotion it ends, because its gate has to pass first.
const AFTERGLOW: Duration = Duration::from_millis(1_500);

/// Whether a run begins or is taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    Start,
    Resume,
    /// Taken over to be ended: all traffic back to the stable version.
    Abort {
        by: String,
    },
}

/// What a release is run with.
pub struct Release<'a> {
    pub stage: &'a Stage,
    pub plan: Plan,
    pub probe_every: Option<Span>,
    pub feed: Option<&'a Feed>,
    pub dispatcher: &'a Dispatcher,
    pub begin: Begin,
}

/// The result of a release.
#[derive(Debug)]
pub struct Released {
    pub report: CanaryReport,
    pub events_path: PathBuf,
    pub traffic: Option<TrafficCounts>,
    /// What became of the live traffic, as the gates before the promotion saw it.
    pub summary: Option<TrafficSummary>,
    /// Seconds since the start and the canary's observed share in percent.
    pub weights: Vec<(f64, f64)>,
    /// The canary's share that the proxy itself reports at the end.
    pub weight_at_end: Option<f64>,
    /// Whether an alert was raised, and when.
    pub has_alerted: bool,
}

/// Runs the canary of a stage to its end.
pub async fn release(context: &Context<'_>, release: Release<'_>) -> Result<Released, Failure> {
    let stage = release.stage;
    let key = stage.key(context)?;
    let control = stage.control_client(context)?;
    let traffic = start_traffic(context, stage, &key)?;
    let traffic = traffic.map(|traffic| {
        LiveTraffic::new(
            traffic,
            control.clone(),
            stage.fault.is_some(),
            budgets(context),
        )
    });
    let (inputs, input_receiver) = mpsc::channel::<Event>(256);
    let (progress, mut progress_receiver) = mpsc::unbounded_channel::<Progress>();
    let (results, mut result_receiver) = mpsc::channel::<ProbeResult>(64);
    let probing = tokio::spawn(watch_candidate(
        probes(context, release.probe_every)?,
        candidate_context(context, &key)?,
        candidate_addr(context, &stage.run),
        results,
    ));
    let gates = traffic.clone();
    let reporting = gates
        .clone()
        .map(|live| tokio::spawn(live.report(inputs.clone())));
    let querying = queries::start(&context.settings, stage.is_ship, &inputs);
    let cx = CanaryContext {
        folder: canary_folder(context),
        run: stage.run.clone(),
        plan: release.plan.clone(),
        stable: stage.stable_identity.clone(),
        candidate: stage.candidate_identity.clone(),
        deployer: Arc::new(ProcessDeployer::new(stage.candidate_spec(context)?)),
        stable_instance: stage
            .stable
            .process()
            .filter(|_| stage.is_ship)
            .map(Process::instance),
        traffic: split(context, stage, &control)?,
        gates: gates.map(|gates| gates as Arc<dyn Gates>),
        stable_process: Some(stage.stable.process.clone()),
        inputs: input_receiver,
        progress,
        clock: Arc::new(SystemClock::new()),
        tick: TICK,
    };
    if let Begin::Abort { by } = &release.begin {
        let reason = "asked on the command line after the controller was gone".to_owned();
        // The channel is new and has room.
        let _ = inputs.try_send(Event::AbortRequested {
            by: by.clone(),
            reason,
        });
    }
    let is_new = release.begin == Begin::Start;
    let canary = async move {
        if is_new {
            run_canary(cx).await
        } else {
            resume_canary(cx).await
        }
    };
    let mut canary = std::pin::pin!(canary);
    let mut watch = Watch::new(context, &release);
    let finished = loop {
        // A lost branch leaves its message in its channel; the canary goes on where it was.
        tokio::select! {
            biased;
            Some(progress) = progress_receiver.recv() => watch.progress(progress).await?,
            Some(result) = result_receiver.recv() => watch.probe(result, &inputs).await,
            _ = tokio::signal::ctrl_c() => {
                context.narrator.progress("interrupted: taking the canary's traffic away");
                let abort = Event::AbortRequested { by: "the terminal".into(), reason: "interrupted by Ctrl-C".into() };
                // A full channel means that the controller is busy; Ctrl-C can be repeated.
                let _ = inputs.try_send(abort);
            }
            finished = &mut canary => break finished,
        }
    };
    probing.abort();
    querying.abort();
    if let Some(reporting) = reporting {
        reporting.abort();
    }
    let finished = finished.map_err(canary_failure);
    let finished = match finished {
        Ok(finished) => finished,
        Err(failure) => {
            if let Some(traffic) = traffic {
                traffic.close().await;
            }
            return Err(failure);
        }
    };
    while let Ok(progress) = progress_receiver.try_recv() {
        watch.progress(progress).await?;
    }
    end(watch, finished, traffic, &control).await
}

async fn end(
    mut watch: Watch<'_>,
    finished: Finished,
    traffic: Option<Arc<LiveTraffic>>,
    control: &ControlClient,
) -> Result<Released, Failure> {
    watch
        .progress(Progress::Status(Box::new(finished.report.clone())))
        .await?;
    watch.context.narrator.end();
    let closed = match traffic {
        Some(traffic) => {
            if finished.report.phase != Phase::Succeeded {
                tokio::time::sleep(AFTERGLOW).await;
            }
            traffic.close().await
        }
        None => None,
    };
    let (traffic, summary) = closed.map(|closed| (closed.counts, closed.summary)).unzip();
    let weight_at_end = control.state().await.ok().map(|state| state.weight.share());
    if let Some(mut serving) = finished.serving.filter(|_| watch.release.stage.is_ship) {
        // The promoted version served to the end of the traffic; the stage is cleared by the caller.
        serving.stop(Duration::from_secs(5)).await;
    }
    Ok(Released {
        report: finished.report,
        events_path: finished.events_path,
        traffic,
        summary,
        weights: watch.weights,
        weight_at_end,
        has_alerted: watch.has_alerted,
    })
}

/// The proxy; a promotion that stays is recorded before the proxy swaps.
fn split(
    context: &Context<'_>,
    stage: &Stage,
    control: &ControlClient,
) -> Result<Arc<dyn tollgate_canary::traffic::Traffic>, Failure> {
    let traffic = ProxyTraffic::new(control.clone());
    if stage.is_ship {
        return Ok(Arc::new(traffic));
    }
    let standing = Standing::new(context, stage)?;
    Ok(Arc::new(RecordedTraffic::new(traffic, move || {
        standing
            .promote(SystemClock::new().now())
            .map_err(|failure| format!("{:#}", failure.error))
    })))
}

fn canary_failure(error: CanaryError) -> Failure {
    let failure = Failure::environment(error);
    failure.hint("`{tollgate} canary status` shows the state of the run; `{tollgate} canary resume` continues it, `{tollgate} canary abort` ends it")
}

/// The promises that live traffic is judged by, if the repository has any.
fn budgets(context: &Context<'_>) -> Option<(String, BudgetSettings)> {
    let settings = context.settings.budgets.clone();
    let text = std::fs::read_to_string(context.root.join(&settings.file)).ok()?;
    Some((text, settings))
}

fn start_traffic(
    context: &Context<'_>,
    stage: &Stage,
    key: &str,
) -> Result<Option<Traffic>, Failure> {
    let settings = &context.settings.ship.traffic;
    if settings.requests.is_empty() {
        context.narrator.progress("no live traffic: [ship.traffic] has no requests, so the canary is judged by the service's own traffic");
        return Ok(None);
    }
    let probe_context = probe::probe_context(context, &format!("http://{}", stage.proxy.addr))?;
    let key = key.to_owned();
    let probe_context = probe_context.with_secrets(move |name| (name == KEY).then(|| key.clone()));
    let traffic =
        Traffic::start(settings.clone(), secrets(), Arc::new(probe_context)).map_err(|cause| {
            Failure::settings(anyhow::anyhow!(
                "cannot start the live traffic of [ship.traffic]: {}: expected {}, got {}",
                cause.what,
                cause.expected,
                cause.got
            ))
        })?;
    Ok(Some(traffic))
}

/// The name under which probes and traffic find the service's key, as `{key}`.
const KEY: &str = "TOLLGATE_SERVICE_KEY";

fn secrets() -> BTreeMap<String, String> {
    BTreeMap::from([("key".to_owned(), KEY.to_owned())])
}

fn probes(
    context: &Context<'_>,
    every: Option<Span>,
) -> Result<Vec<tollgate_probes::Probe>, Failure> {
    if context.settings.probes.is_empty() {
        return Ok(Vec::new());
    }
    let mut probes = probe::chosen(context, &[])?;
    for probe in &mut probes {
        probe.secret_env.extend(secrets());
        if let Some(every) = every {
            probe.every = every;
            probe.timeout = probe.timeout.min(Span(Duration::from_secs(5)));
        }
    }
    Ok(probes)
}

type MakeContext = Box<dyn Fn(&str) -> tollgate_probes::Context + Send>;

/// Makes the probes' context once the candidate's address is known.
fn candidate_context(context: &Context<'_>, key: &str) -> Result<MakeContext, Failure> {
    let schemas = Arc::new(ContractSchemas(contracts::load_all(context)?));
    let key = key.to_owned();
    Ok(Box::new(move |base| {
        let key = key.clone();
        let schemas: Arc<dyn tollgate_probes::SchemaSource> = schemas.clone();
        tollgate_probes::Context::new(base)
            .with_schemas(schemas)
            .with_secrets(move |name| (name == KEY).then(|| key.clone()))
    }))
}

/// Waits until the run's record has the address of its candidate. The proxy may still have that of
/// an earlier one.
fn candidate_addr(context: &Context<'_>, run: &str) -> impl Future<Output = SocketAddr> + 'static {
    let (state_dir, run) = (context.state_dir.clone(), run.to_owned());
    async move {
        loop {
            if let Ok(state) = runs::load_state(&state_dir, &run)
                && let Candidate::Ready { addr, .. } = state.candidate
            {
                return addr;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Waits for the candidate's address, then probes it until it is dropped.
async fn watch_candidate(
    probes: Vec<tollgate_probes::Probe>,
    make_context: MakeContext,
    addr: impl Future<Output = SocketAddr>,
    results: mpsc::Sender<ProbeResult>,
) {
    let addr = addr.await;
    let probe_context = Arc::new(make_context(&format!("http://{addr}")));
    let pace = Pace {
        seed: 0,
        concurrency: probe::CONCURRENCY,
    };
    let scheduler = Scheduler::start(probes, probe_context, pace, results.clone());
    results.closed().await;
    scheduler.stop().await;
}

/// What is done with news: shown, sent to the dashboard, turned into an alert.
struct Watch<'a> {
    context: &'a Context<'a>,
    release: &'a Release<'a>,
    weights: Vec<(f64, f64)>,
    has_alerted: bool,
    last: Option<CanaryReport>,
    /// The alert that a person is waited for, until that is over.
    waiting: Option<AlertEvent>,
    n_states: i64,
}

impl<'a> Watch<'a> {
    fn new(context: &'a Context<'a>, release: &'a Release<'a>) -> Self {
        context.narrator.begin("canary");
        Self {
            context,
            release,
            weights: Vec::new(),
            has_alerted: false,
            last: None,
            waiting: None,
            n_states: 0,
        }
    }

    async fn progress(&mut self, progress: Progress) -> Result<(), Failure> {
        match progress {
            Progress::Record(record) => {
                let cause = record
                    .cause
                    .map(|cause| format!(" [{cause}]"))
                    .unwrap_or_default();
                self.context.narrator.progress(&format!(
                    "  {} {} {}{cause}: {}",
                    record.at, record.phase, record.weight, record.reason
                ));
            }
            Progress::Notification(notification) => {
                if notification.kind != NoticeKind::Info {
                    let event =
                        alerting::event(self.release.stage, &notification, self.last.as_ref());
                    if notification.title == WAITING {
                        self.waiting = Some(event.clone());
                    }
                    self.send(event).await?;
                    self.has_alerted = true;
                }
            }
            Progress::Status(report) => self.status(*report).await?,
        }
        Ok(())
    }

    async fn send(&self, event: AlertEvent) -> Result<(), Failure> {
        if let Some(feed) = self.release.feed {
            feed.show(Shown::Alert(Box::new(alerting::for_hub(&event))));
        }
        let dispatcher = self.release.dispatcher;
        dispatcher
            .notify(event)
            .await
            .context("cannot keep the alert")?;
        Ok(())
    }

    async fn status(&mut self, report: CanaryReport) -> Result<(), Failure> {
        if report.waiting.is_none()
            && let Some(waiting) = self.waiting.take()
        {
            self.send(waiting.resolved()).await?;
        }
        if let Some(weight) = report.observed_weight {
            let seconds = self.context.clock.monotonic().as_secs_f64();
            let percent = weight.share() * 100.0;
            if self.weights.last().is_none_or(|last| {
                (last.1 - percent).abs() > f64::EPSILON || seconds - last.0 > 1.0
            }) {
                self.weights.push((seconds, percent));
            }
        }
        self.context.narrator.status(&show::status_line(&report));
        let is_news = self.last.as_ref().is_none_or(|last| {
            last.phase != report.phase || last.observed_weight != report.observed_weight
        });
        self.n_states += 1;
        // The dashboard gets every change at once, and otherwise a state a second.
        if let (Some(feed), Some(id)) = (self.release.feed, &self.release.stage.deployment)
            && (is_news || self.n_states % 5 == 0)
        {
            let state = show::deployment_state(&report, self.n_states);
            feed.show(Shown::Deployment {
                id: id.clone(),
                state: Box::new(state),
            });
        }
        self.last = Some(report);
        Ok(())
    }

    async fn probe(&mut self, result: ProbeResult, inputs: &mpsc::Sender<Event>) {
        if let Some(feed) = self.release.feed {
            feed.show(Shown::Probes(show::probe_report(&result)));
        }
        let cause = result.failure.as_ref();
        let detail = cause.map(|cause| {
            format!(
                "{}: expected {}, got {}",
                cause.what, cause.expected, cause.got
            )
        });
        // The probe could not measure: that is never the candidate's fault, and never a pass.
        if result.state == ProbeState::Error {
            self.context.narrator.progress(&format!(
                "  probe `{}` could not measure: {}",
                result.name,
                detail.unwrap_or_default()
            ));
            return;
        }
        let event = Event::Probe {
            name: result.name.clone(),
            is_fail: result.state == ProbeState::Fail,
            detail: detail.unwrap_or_default(),
        };
        // A closed channel means that the canary is over.
        let _ = inputs.send(event).await;
    }
}
