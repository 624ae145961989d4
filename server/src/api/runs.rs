//! Tier runs: list, upload, read.

use std::collections::BTreeMap;

use tollgate_models as models;

use super::check::Checks;
use super::projects::open_project;
use super::{Api, Caller, Started, answer, newest_first, read_page};
use crate::generated::api::{
    GetRunRequest, GetRunResponse, ListRunsRequest, ListRunsResponse, RunsApi, UploadRunRequest,
    UploadRunResponse,
};
use crate::problem::Refused;
use crate::store::{NewRun, RunFilter, new_id, parse_document, render_document};

impl RunsApi for Api {
    async fn list_runs(&self, _caller: Caller, request: ListRunsRequest) -> ListRunsResponse {
        answer!(ListRunsResponse::Ok, self.runs(request).await)
    }

    async fn upload_run(&self, caller: Caller, request: UploadRunRequest) -> UploadRunResponse {
        answer!(
            UploadRunResponse::Created,
            self.upload(caller, request).await
        )
    }

    async fn get_run(&self, _caller: Caller, request: GetRunRequest) -> GetRunResponse {
        answer!(GetRunResponse::Ok, self.run(request).await)
    }
}

impl Api {
    async fn runs(&self, request: ListRunsRequest) -> Result<models::RunPage, Refused> {
        let page = newest_first(request.cursor, request.limit)?;
        self.project(&request.project_id).await?;
        let filter = RunFilter {
            tier: request.tier.map(|tier| tier.as_str().to_owned()),
            outcome: request.outcome.map(|outcome| outcome.as_str().to_owned()),
        };
        let page = self.store.runs(&request.project_id, &filter, &page).await?;
        let (items, next_cursor) = read_page("run", page)?;
        Ok(models::RunPage {
            items,
            next_cursor,
            extra: BTreeMap::new(),
        })
    }

    async fn run(&self, request: GetRunRequest) -> Result<models::Run, Refused> {
        let (project_id, id) = (request.project_id, request.run_id);
        let document = self.store.run(&project_id, &id).await?;
        let document = document.ok_or_else(|| Refused::not_found("run", &id))?;
        Ok(parse_document("run", &document)?)
    }

    async fn upload(
        &self,
        caller: Caller,
        request: UploadRunRequest,
    ) -> Result<models::Run, Refused> {
        let (project_id, body) = (request.project_id, request.body);
        let mut checks = Checks::default();
        let started_at = checks.time("/startedAt", &body.started_at);
        checks.finish()?;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "uploadRun", &project_id, &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(run) => return Ok(run),
        };
        open_project(&mut write, &project_id).await?;
        let run = models::Run {
            id: new_id(write.now()),
            project_id,
            uploaded_at: write.now().to_string().into(),
            tier: body.tier,
            revision: body.revision,
            branch: body.branch,
            outcome: body.outcome,
            reason: body.reason,
            started_at: started_at.into(),
            duration_ms: body.duration_ms,
            target_ms: body.target_ms,
            critical_ms: body.critical_ms,
            cold: body.cold,
            evidence_id: body.evidence_id,
            steps: body.steps,
            extra: BTreeMap::new(),
        };
        let row = NewRun {
            id: &run.id,
            project_id: &run.project_id,
            tier: run.tier.as_str(),
            outcome: run.outcome.as_str(),
            document: &render_document("run", &run)?,
        };
        write.insert_run(row).await?;
        let topic = format!("run.{}", run.id);
        write.event(&topic, "run.uploaded", &run).await?;
        write.commit(&run).await?;
        Ok(run)
    }
}
