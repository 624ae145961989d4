//! Talks to a hub: sends runs, metrics, deployments, probe results and alerts, in order.
//!
//! The hub shows what happens; no decision waits for it. What it refuses or misses is counted and
//! said at the end. The types are generated from the hub's contract.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, Method};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tollgate_models as models;
use tollgate_report::program::spell;

/// The longest a call to the hub may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Messages that wait for the hub at most; further ones are counted as missed.
const QUEUE_MAX: usize = 2_000;

/// A hub's address and key.
#[derive(Clone)]
pub struct HubClient {
    http: Client,
    base: String,
    key: String,
    /// What people type to call the program; texts for the hub name it.
    program: &'static str,
}

impl std::fmt::Debug for HubClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubClient")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl HubClient {
    pub fn new(base: &str, key: &str, program: &'static str) -> anyhow::Result<Self> {
        let http = Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .context("cannot create an HTTP client")?;
        Ok(Self {
            http,
            base: base.trim_end_matches('/').to_owned(),
            key: key.to_owned(),
            program,
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Value> {
        let body = serde_json::to_string(body).context("cannot write a message to the hub")?;
        let request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .bearer_auth(&self.key)
            .header("content-type", "application/json")
            .body(spell(&body, self.program).into_owned());
        let response = request
            .send()
            .await
            .with_context(|| format!("cannot send {method} {path} to the hub"))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .with_context(|| format!("cannot read the hub's answer to {method} {path}"))?;
        if !status.is_success() {
            bail!("{method} {path}: the hub answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Creates the project, or finds that it is there.
    pub async fn create_project(&self, id: &str, name: &str) -> anyhow::Result<()> {
        let request = models::CreateProjectRequest {
            id: id.into(),
            name: name.into(),
            description: None,
            repository: None,
        };
        match self.send(Method::POST, "/api/v1/projects", &request).await {
            Err(error) if error.to_string().contains("409") => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Creates a deployment and returns its id.
    pub async fn create_deployment(
        &self,
        request: &models::CreateDeploymentRequest,
    ) -> anyhow::Result<String> {
        let created = self
            .send(Method::POST, "/api/v1/deployments", request)
            .await?;
        let id = created
            .get("id")
            .and_then(Value::as_str)
            .context("cannot find the `id` of the deployment in the hub's answer")?;
        Ok(id.to_owned())
    }
}

/// Something to show.
#[derive(Debug)]
pub enum Shown {
    Run {
        project: String,
        run: Box<models::UploadRunRequest>,
    },
    Metrics {
        project: String,
        metrics: models::ReportMetricsRequest,
    },
    Deployment {
        id: String,
        state: Box<models::UpdateDeploymentRequest>,
    },
    Probes(models::ReportProbesRequest),
    Alert(Box<models::ReportAlertRequest>),
}

/// Sends what is shown in the background, in order; joined by [`Feed::finish`].
#[derive(Debug)]
pub struct Feed {
    sender: mpsc::Sender<Shown>,
    task: JoinHandle<Vec<String>>,
    n_missed: std::sync::atomic::AtomicU64,
}

impl Feed {
    pub fn start(client: HubClient) -> Self {
        let (sender, mut receiver) = mpsc::channel::<Shown>(QUEUE_MAX);
        let task = tokio::spawn(async move {
            let mut failures = Vec::new();
            while let Some(shown) = receiver.recv().await {
                if let Err(error) = deliver(&client, &shown).await {
                    failures.push(format!("{error:#}"));
                }
            }
            failures
        });
        Self {
            sender,
            task,
            n_missed: std::sync::atomic::AtomicU64::new(0),
        }
    }

    /// Queues something; when the hub is too slow it is counted as missed.
    pub fn show(&self, shown: Shown) {
        if self.sender.try_send(shown).is_err() {
            self.n_missed
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    /// Waits until everything is sent, and returns what could not be sent.
    pub async fn finish(self) -> Vec<String> {
        drop(self.sender);
        let mut failures = self
            .task
            .await
            .unwrap_or_else(|error| vec![format!("the feed of the hub ended early: {error}")]);
        let n_missed = self.n_missed.into_inner();
        if n_missed > 0 {
            failures.push(format!("{n_missed} messages found the hub's queue full"));
        }
        failures
    }
}

async fn deliver(client: &HubClient, shown: &Shown) -> anyhow::Result<()> {
    let sent = match shown {
        Shown::Run { project, run } => {
            client
                .send(
                    Method::POST,
                    &format!("/api/v1/projects/{project}/runs"),
                    run,
                )
                .await
        }
        Shown::Metrics { project, metrics } => {
            client
                .send(
                    Method::POST,
                    &format!("/api/v1/projects/{project}/metrics"),
                    metrics,
                )
                .await
        }
        Shown::Deployment { id, state } => {
            client
                .send(Method::PUT, &format!("/api/v1/deployments/{id}"), state)
                .await
        }
        Shown::Probes(probes) => client.send(Method::POST, "/api/v1/probes", probes).await,
        Shown::Alert(alert) => client.send(Method::POST, "/api/v1/alerts", alert).await,
    };
    sent.map(|_| ())
}
