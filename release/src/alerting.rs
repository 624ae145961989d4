//! The alert of a canary that was not promoted: what broke, how badly, since when, what was done,
//! what to do; and the verdict over its delivery.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tollgate_alerts::channel::Console;
use tollgate_alerts::{
    Action, AlertEvent, Dispatcher, DispatcherError, EventState, Number, Settings, Setup, Severity,
};
use tollgate_canary::controller::{NoticeKind, Notification, WAITING};
use tollgate_canary::report::CanaryReport;
use tollgate_gates::{Failure, Repository};
use tollgate_models as models;
use tollgate_report::SystemClock;

use crate::context::Context;
use crate::remembered::StandingRelease;
use crate::stage::Stage;

/// Opens the dispatcher over the journal of this repository. Messages name commands of `program`.
pub async fn open(
    repository: &Repository,
    settings: Settings,
    console: Console,
    program: &str,
) -> Result<Dispatcher, Failure> {
    let setup = Setup {
        settings,
        root: repository.root.clone(),
        clock: Arc::new(SystemClock::new()),
        console,
        program: program.to_owned(),
    };
    Dispatcher::open(setup).await.map_err(|error| match error {
        DispatcherError::Journal(_) => Failure::environment(error)
            .hint("check that the disk is not full and that `.tollgate/` can be written"),
        _ => Failure::settings(error),
    })
}

/// How long messages may take to be delivered before the run ends.
const DELIVERY_WITHIN: Duration = Duration::from_secs(20);

/// Waits until every receiver has what it was sent.
pub async fn deliver(dispatcher: &Dispatcher) -> Result<(), Failure> {
    let deadline = tokio::time::Instant::now() + DELIVERY_WITHIN;
    loop {
        dispatcher
            .deliver_due()
            .await
            .context("cannot deliver alerts")?;
        let state = dispatcher.list();
        let is_pending = state
            .rows
            .values()
            .any(|row| row.status == tollgate_alerts::change::RowStatus::Pending);
        if !is_pending || tokio::time::Instant::now() >= deadline {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The alert's name for a notification of the controller.
fn name_of(notification: &Notification) -> String {
    notification.title.replace(' ', "-")
}

/// The alert that follows from a notification of the controller.
pub fn event(
    stage: &Stage,
    notification: &Notification,
    report: Option<&CanaryReport>,
) -> AlertEvent {
    let severity = match notification.kind {
        NoticeKind::Info => Severity::Info,
        NoticeKind::Warning => Severity::Warning,
        NoticeKind::Critical => Severity::Critical,
    };
    let since = report
        .and_then(|report| report.since)
        .unwrap_or(notification.at);
    let summary = match notification.kind {
        NoticeKind::Critical => format!("{} rolled back", stage.candidate_identity.label),
        _ if notification.title == WAITING => {
            format!("{} waits for approval", stage.candidate_identity.label)
        }
        _ => notification.title.clone(),
    };
    let mut event = AlertEvent::firing("canary", name_of(notification), severity, summary, since)
        .label("run", stage.run.clone());
    event.how_badly.clone_from(&notification.text);
    if let Some(report) = report {
        event.evidence = evidence(report);
        event.done = match &report.waiting {
            Some(_) => vec![format!(
                "the canary keeps {} of the traffic and is judged meanwhile; if it turns bad, it is rolled back",
                report.weight
            )],
            None => done(report),
        };
    }
    let run = &stage.run;
    if notification.title == WAITING {
        let approve = format!("{{tollgate}} canary approve {run} --reason TEXT");
        event.actions = vec![
            Action::command("Promote it", approve),
            Action::command("Take it back", format!("{{tollgate}} canary abort {run}")),
        ];
    }
    event.actions.extend([
        Action::command("See why", format!("{{tollgate}} canary status {run}")),
        Action::command(
            "Compute the verdict again",
            format!("{{tollgate}} canary replay .tollgate/canary/{run}/events.ndjson"),
        ),
        Action::command(
            "Read the candidate's log",
            format!("less .tollgate/canary/{run}/logs/candidate/stderr.log"),
        ),
        Action::link(
            "Watch it on the dashboard",
            format!("http://{}/", stage.hub.addr),
        ),
    ]);
    event
}

/// Notifies the receivers that a standing release went back to the version before.
pub async fn went_back(context: &Context<'_>, release: &StandingRelease) -> Result<(), Failure> {
    let Some(back) = &release.went_back else {
        return Ok(());
    };
    let settings = context.settings.alerts.clone();
    let console = context.narrator.console();
    let dispatcher = open(context, settings, console, context.program).await?;
    let summary = format!("{} taken back after its promotion", back.from);
    let severity = Severity::Critical;
    let mut event = AlertEvent::firing("canary", "release-taken-back", severity, summary, back.at)
        .label("service", release.service.clone());
    event.how_badly = format!("{} (by {})", back.reason, back.by);
    event.done = vec![format!(
        "all traffic is served by {} at http://{}/",
        release.current.label, release.proxy.addr
    )];
    let logs = release
        .previous
        .as_ref()
        .map(|version| version.placed.logs.join("stderr.log"));
    event.actions = vec![Action::command("See why", "{tollgate} release status")];
    event
        .actions
        .extend(logs.map(|log| Action::command("Read its log", format!("less {}", log.display()))));
    dispatcher
        .notify(event)
        .await
        .context("cannot keep the alert")?;
    deliver(&dispatcher).await?;
    dispatcher
        .shutdown()
        .await
        .context("cannot finish the delivery of alerts")?;
    Ok(())
}

fn evidence(report: &CanaryReport) -> Vec<Number> {
    let percent = |bad: u64, n: u64| {
        if n == 0 {
            0.0
        } else {
            100.0 * bad as f64 / n as f64
        }
    };
    let mut numbers = vec![
        Number::new(
            "canary error rate",
            percent(report.canary.n_bad, report.canary.n),
            "%",
        ),
        Number::new(
            "stable error rate",
            percent(report.stable.n_bad, report.stable.n),
            "%",
        ),
        Number::new("canary p95", report.canary.p95_ms, "ms"),
        Number::new("stable p95", report.stable.p95_ms, "ms"),
    ];
    for reading in &report.readings {
        let value = reading.log_e_value.min(690.0).exp();
        numbers.push(
            Number::new(
                format!("evidence from {}", reading.metric),
                value,
                "e-value",
            )
            .limit(reading.limit),
        );
    }
    if let Some(bytes) = report.memory_bytes {
        numbers.push(Number::new(
            "canary memory",
            (bytes / (1 << 20)) as f64,
            "MiB",
        ));
    }
    numbers.push(Number::new(
        "failed probes",
        f64::from(report.probes.1),
        "probes",
    ));
    numbers
}

fn done(report: &CanaryReport) -> Vec<String> {
    let mut done = Vec::new();
    if let Some(weight) = report.observed_weight {
        done.push(format!(
            "the canary's weight was set to {weight}, observed at the proxy"
        ));
    }
    if let Some(ms) = report.rollback_ms {
        done.push(format!(
            "from the first bad answer to weight 0: {:.1} s",
            ms as f64 / 1_000.0
        ));
    }
    done.push("all traffic is served by the stable version; the candidate is stopped".to_owned());
    done
}

/// The alert in the words of the hub's contract.
pub fn for_hub(event: &AlertEvent) -> models::ReportAlertRequest {
    let bounded = |text: &str, max: usize| text.chars().take(max).collect::<String>();
    models::ReportAlertRequest {
        fingerprint: event.fingerprint().0,
        component: event.component.clone(),
        severity: models::AlertSeverity::from(event.severity.word()),
        status: match event.state {
            EventState::Firing => models::AlertStatus::Firing,
            EventState::Resolved => models::AlertStatus::Resolved,
        },
        summary: bounded(&format!("{}: {}", event.summary, event.how_badly), 500),
        description: Some(bounded(&event.done.join("\n"), 4_000)),
        actions: Some(
            event
                .actions
                .iter()
                .filter_map(|action| action.command.as_ref())
                .map(|command| bounded(command, 500))
                .collect(),
        ),
        labels: Some(event.labels.clone()),
        at: event.since.to_string().into(),
    }
}
