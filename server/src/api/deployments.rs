//! Canary releases: list, begin, read, replace the state.

use std::collections::BTreeMap;

use tollgate_models as models;

use super::check::Checks;
use super::{Api, Caller, Started, answer, newest_first, read_page};
use crate::generated::api::{
    CreateDeploymentRequest, CreateDeploymentResponse, DeploymentsApi, GetDeploymentRequest,
    GetDeploymentResponse, ListDeploymentsRequest, ListDeploymentsResponse,
    UpdateDeploymentRequest, UpdateDeploymentResponse,
};
use crate::problem::Refused;
use crate::store::{DeploymentRow, Write, new_id, parse_document, render_document};

impl DeploymentsApi for Api {
    async fn list_deployments(
        &self,
        _caller: Caller,
        request: ListDeploymentsRequest,
    ) -> ListDeploymentsResponse {
        answer!(ListDeploymentsResponse::Ok, self.deployments(request).await)
    }

    async fn create_deployment(
        &self,
        caller: Caller,
        request: CreateDeploymentRequest,
    ) -> CreateDeploymentResponse {
        answer!(
            CreateDeploymentResponse::Created,
            self.begin_release(caller, request).await
        )
    }

    async fn get_deployment(
        &self,
        _caller: Caller,
        request: GetDeploymentRequest,
    ) -> GetDeploymentResponse {
        answer!(
            GetDeploymentResponse::Ok,
            self.deployment(&request.deployment_id).await
        )
    }

    async fn update_deployment(
        &self,
        caller: Caller,
        request: UpdateDeploymentRequest,
    ) -> UpdateDeploymentResponse {
        answer!(
            UpdateDeploymentResponse::Ok,
            self.replace_state(caller, request).await
        )
    }
}

impl Api {
    async fn deployments(
        &self,
        request: ListDeploymentsRequest,
    ) -> Result<models::DeploymentPage, Refused> {
        let page = newest_first(request.cursor, request.limit)?;
        let phase = request.phase.as_ref().map(models::Phase::as_str);
        let page = self.store.deployments(phase, &page).await?;
        let (items, next_cursor) = read_page("deployment", page)?;
        Ok(models::DeploymentPage {
            items,
            next_cursor,
            extra: BTreeMap::new(),
        })
    }

    async fn deployment(&self, id: &str) -> Result<models::Deployment, Refused> {
        let document = self.store.deployment(id).await?;
        let document = document.ok_or_else(|| Refused::not_found("deployment", id))?;
        Ok(parse_document("deployment", &document)?)
    }

    async fn begin_release(
        &self,
        caller: Caller,
        request: CreateDeploymentRequest,
    ) -> Result<models::Deployment, Refused> {
        let body = request.body;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "createDeployment", "", &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(deployment) => return Ok(deployment),
        };
        let now = write.now().to_string();
        let deployment = models::Deployment {
            id: new_id(write.now()),
            project_id: body.project_id,
            service: body.service,
            baseline_version: body.baseline_version,
            candidate_version: body.candidate_version,
            plan: body.plan,
            revision: 0,
            phase: models::Phase::Pending,
            weights: models::Weights {
                baseline: 100.0,
                canary: 0.0,
            },
            arms: models::Arms {
                baseline: no_requests(),
                canary: no_requests(),
            },
            evidence: Vec::new(),
            verdict: None,
            reason: "no decision has been made yet".to_owned(),
            timeline: vec![models::TimelineEntry {
                at: now.clone().into(),
                phase: models::Phase::Pending,
                message: "the release begins".to_owned(),
            }],
            created_at: now.clone().into(),
            updated_at: now.into(),
            extra: BTreeMap::new(),
        };
        put(&mut write, &deployment, "deployment.created").await?;
        write.commit(&deployment).await?;
        Ok(deployment)
    }

    async fn replace_state(
        &self,
        caller: Caller,
        request: UpdateDeploymentRequest,
    ) -> Result<models::Deployment, Refused> {
        let (id, body) = (request.deployment_id, request.body);
        let timeline = check_timeline(&body.timeline)?;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "updateDeployment", &id, &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(deployment) => return Ok(deployment),
        };
        let Some((document, stored)) = write.deployment(&id).await? else {
            return Err(Refused::not_found("deployment", &id));
        };
        let revision = body.revision.unwrap_or(stored.saturating_add(1));
        if revision < stored {
            let detail = format!("state {revision} is older than the stored state {stored}");
            return Err(Refused::conflict("older-state", detail));
        }
        let mut deployment: models::Deployment = parse_document("deployment", &document)?;
        deployment.revision = revision;
        deployment.phase = body.phase;
        deployment.weights = body.weights;
        deployment.arms = body.arms;
        deployment.evidence = body.evidence;
        deployment.verdict = body.verdict;
        deployment.reason = body.reason;
        deployment.timeline = timeline;
        deployment.updated_at = write.now().to_string().into();
        put(&mut write, &deployment, "deployment.updated").await?;
        write.commit(&deployment).await?;
        Ok(deployment)
    }
}

fn no_requests() -> models::Arm {
    models::Arm {
        requests: 0,
        errors: 0,
        latency_p95_ms: None,
        memory_bytes: None,
    }
}

fn check_timeline(
    entries: &[models::TimelineEntry],
) -> Result<Vec<models::TimelineEntry>, Refused> {
    let mut checks = Checks::default();
    let checked = entries
        .iter()
        .enumerate()
        .map(|(idx, entry)| models::TimelineEntry {
            at: checks
                .time(&format!("/timeline/{idx}/at"), &entry.at)
                .into(),
            ..entry.clone()
        })
        .collect();
    checks.finish()?;
    Ok(checked)
}

async fn put(
    write: &mut Write<'_>,
    deployment: &models::Deployment,
    kind: &str,
) -> Result<(), Refused> {
    let row = DeploymentRow {
        id: &deployment.id,
        phase: deployment.phase.as_str(),
        revision: deployment.revision,
        document: &render_document("deployment", deployment)?,
    };
    write.put_deployment(row).await?;
    let topic = format!("deployment.{}", deployment.id);
    Ok(write.event(&topic, kind, deployment).await?)
}
