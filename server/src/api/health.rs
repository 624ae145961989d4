//! Whether the hub lives, is ready, and how each component is.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tollgate_models as models;

use super::Api;
use crate::generated::api::{
    GetCompleteHealthRequest, GetCompleteHealthResponse, GetHealthRequest, GetHealthResponse,
    GetMetricsRequest, GetMetricsResponse, GetReadyRequest, GetReadyResponse, HealthApi,
};
use crate::problem::problem;
use crate::telemetry::Gauges;

/// How long a dependency may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How many events may wait to be handed out before that is a finding.
const EVENTS_BEHIND_MAX: i64 = 1_000;

impl HealthApi for Api {
    async fn get_health(&self, _request: GetHealthRequest) -> GetHealthResponse {
        GetHealthResponse::Ok(models::Health {
            status: models::HealthStatus::Ok,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extra: BTreeMap::new(),
        })
    }

    async fn get_ready(&self, _request: GetReadyRequest) -> GetReadyResponse {
        let database = self.check_database().await;
        if database.state != models::ComponentState::Ok {
            let cause = database
                .last_error
                .as_deref()
                .unwrap_or("it does not answer");
            let detail = format!("the database is not usable: {cause}");
            let mut problem = problem(503, "dependency-unavailable", detail);
            problem.dependency = Some(database.name);
            return GetReadyResponse::Problem(503, problem);
        }
        GetReadyResponse::Ok(models::Readiness {
            status: models::ReadinessStatus::Ok,
            dependencies: vec![database],
            extra: BTreeMap::new(),
        })
    }

    async fn get_complete_health(
        &self,
        _request: GetCompleteHealthRequest,
    ) -> GetCompleteHealthResponse {
        let now = self.clock.now();
        let components = vec![self.check_database().await, self.check_events().await];
        let states: Vec<_> = components.iter().map(|it| &it.state).collect();
        let status = if states.contains(&&models::ComponentState::Failing) {
            models::ComponentState::Failing
        } else if states.contains(&&models::ComponentState::Degraded) {
            models::ComponentState::Degraded
        } else {
            models::ComponentState::Ok
        };
        GetCompleteHealthResponse::Ok(models::CompleteHealth {
            status,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            version_label: self.version_label.clone(),
            started_at: self.started_at.to_string().into(),
            uptime_seconds: now.since(self.started_at).as_secs_f64(),
            components,
            extra: BTreeMap::new(),
        })
    }

    async fn get_metrics(&self, _request: GetMetricsRequest) -> GetMetricsResponse {
        let gauges = Gauges {
            version_label: self.version_label.clone().unwrap_or_default(),
            uptime_s: self.clock.now().since(self.started_at).as_secs_f64(),
            n_sessions: self.broadcaster.n_sessions(),
            n_slow: self.broadcaster.n_slow(),
            event_seq: self.broadcaster.position(),
            n_accepted: self.accept_counts.n_accepted.load(Ordering::Relaxed),
            n_turned_away: self.accept_counts.n_turned_away.load(Ordering::Relaxed),
        };
        GetMetricsResponse::Ok(self.telemetry.render(&gauges))
    }
}

impl Api {
    async fn check_database(&self) -> models::ComponentHealth {
        let begun = Instant::now();
        let error = match timeout(CHECK_TIMEOUT, self.store.check_readable()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(chain(&error)),
            Err(_) => Some(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        component(
            "database",
            error,
            begun,
            Some(format!("SQLite {}", self.store.sqlite_version())),
        )
    }

    async fn check_events(&self) -> models::ComponentHealth {
        let begun = Instant::now();
        let error = match timeout(CHECK_TIMEOUT, self.store.last_seq()).await {
            Ok(Ok(seq)) if seq - self.broadcaster.position() > EVENTS_BEHIND_MAX => {
                let n_behind = seq - self.broadcaster.position();
                Some(format!("{n_behind} events wait to be sent"))
            }
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(chain(&error)),
            Err(_) => Some(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        component("events", error, begun, None)
    }
}

fn component(
    name: &str,
    last_error: Option<String>,
    begun: Instant,
    version: Option<String>,
) -> models::ComponentHealth {
    models::ComponentHealth {
        name: name.to_owned(),
        state: match last_error {
            None => models::ComponentState::Ok,
            Some(_) => models::ComponentState::Failing,
        },
        latency_ms: Some(begun.elapsed().as_secs_f64() * 1_000.0),
        last_error,
        version,
        extra: BTreeMap::new(),
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
