//! Projects: list, create, read, change, archive.

use std::collections::BTreeMap;

use tollgate_models as models;

use super::check::Checks;
use super::{Api, Caller, Started, answer, page_request, read_page};
use crate::generated::api::{
    ArchiveProjectRequest, ArchiveProjectResponse, CreateProjectRequest, CreateProjectResponse,
    GetProjectRequest, GetProjectResponse, ListProjectsRequest, ListProjectsResponse, ProjectsApi,
    UpdateProjectRequest, UpdateProjectResponse,
};
use crate::problem::Refused;
use crate::store::{Write, parse_document, render_document};

impl ProjectsApi for Api {
    async fn list_projects(
        &self,
        _caller: Caller,
        request: ListProjectsRequest,
    ) -> ListProjectsResponse {
        answer!(ListProjectsResponse::Ok, self.projects(request).await)
    }

    async fn create_project(
        &self,
        caller: Caller,
        request: CreateProjectRequest,
    ) -> CreateProjectResponse {
        answer!(
            CreateProjectResponse::Created,
            self.create(caller, request).await
        )
    }

    async fn get_project(&self, _caller: Caller, request: GetProjectRequest) -> GetProjectResponse {
        answer!(
            GetProjectResponse::Ok,
            self.project(&request.project_id).await
        )
    }

    async fn archive_project(
        &self,
        caller: Caller,
        request: ArchiveProjectRequest,
    ) -> ArchiveProjectResponse {
        match self.archive(caller, request).await {
            Ok(()) => ArchiveProjectResponse::NoContent,
            Err(refused) => {
                let (status, problem) = refused.into_problem();
                ArchiveProjectResponse::Problem(status, problem)
            }
        }
    }

    async fn update_project(
        &self,
        caller: Caller,
        request: UpdateProjectRequest,
    ) -> UpdateProjectResponse {
        answer!(
            UpdateProjectResponse::Ok,
            self.update(caller, request).await
        )
    }
}

impl Api {
    async fn projects(&self, request: ListProjectsRequest) -> Result<models::ProjectPage, Refused> {
        let page = page_request(request.cursor, request.limit);
        let with_archived = request.archived.unwrap_or(false);
        let page = self.store.projects(with_archived, &page).await?;
        let (items, next_cursor) = read_page("project", page)?;
        Ok(models::ProjectPage {
            items,
            next_cursor,
            extra: BTreeMap::new(),
        })
    }

    /// A project that may be archived.
    pub(super) async fn project(&self, id: &str) -> Result<models::Project, Refused> {
        let document = self.store.project(id).await?;
        let document = document.ok_or_else(|| Refused::not_found("project", id))?;
        Ok(parse_document("project", &document)?)
    }

    async fn create(
        &self,
        caller: Caller,
        request: CreateProjectRequest,
    ) -> Result<models::Project, Refused> {
        let body = request.body;
        let mut checks = Checks::default();
        checks.id("/id", &body.id);
        if let Some(repository) = &body.repository {
            checks.uri("/repository", repository);
        }
        checks.finish()?;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "createProject", "", &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(project) => return Ok(project),
        };
        if write.project(&body.id).await?.is_some() {
            let detail = format!("the project `{}` exists already", body.id);
            return Err(Refused::conflict("exists", detail));
        }
        let now = write.now().to_string();
        let project = models::Project {
            id: body.id,
            name: body.name,
            description: body.description,
            repository: body.repository.map(String::from),
            archived: false,
            created_at: now.clone().into(),
            updated_at: now.into(),
            extra: BTreeMap::new(),
        };
        put(&mut write, &project, "project.created").await?;
        write.commit(&project).await?;
        Ok(project)
    }

    async fn update(
        &self,
        caller: Caller,
        request: UpdateProjectRequest,
    ) -> Result<models::Project, Refused> {
        let (id, body) = (request.project_id, request.body);
        if let Some(repository) = &body.repository {
            let mut checks = Checks::default();
            checks.uri("/repository", repository);
            checks.finish()?;
        }
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "updateProject", &id, &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(project) => return Ok(project),
        };
        let mut project = open_project(&mut write, &id).await?;
        project.name = body.name.unwrap_or(project.name);
        project.description = body.description.or(project.description);
        project.repository = body.repository.map(String::from).or(project.repository);
        project.updated_at = write.now().to_string().into();
        put(&mut write, &project, "project.updated").await?;
        write.commit(&project).await?;
        Ok(project)
    }

    async fn archive(&self, caller: Caller, request: ArchiveProjectRequest) -> Result<(), Refused> {
        let id = request.project_id;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "archiveProject", &id, &());
        let mut write = match self.begin::<()>(name).await? {
            Started::New(write) => write,
            Started::Done(()) => return Ok(()),
        };
        let found = write.project(&id).await?;
        let Some((document, is_archived)) = found else {
            return Err(Refused::not_found("project", &id));
        };
        if !is_archived {
            let mut project: models::Project = parse_document("project", &document)?;
            project.archived = true;
            project.updated_at = write.now().to_string().into();
            put(&mut write, &project, "project.archived").await?;
        }
        Ok(write.commit(&()).await?)
    }
}

/// A project that takes new evidence.
pub(super) async fn open_project(
    write: &mut Write<'_>,
    id: &str,
) -> Result<models::Project, Refused> {
    match write.project(id).await? {
        None => Err(Refused::not_found("project", id)),
        Some((_, true)) => {
            let detail = format!("project `{id}` is archived and accepts no new evidence");
            Err(Refused::conflict("archived", detail))
        }
        Some((document, false)) => Ok(parse_document("project", &document)?),
    }
}

async fn put(write: &mut Write<'_>, project: &models::Project, kind: &str) -> Result<(), Refused> {
    let document = render_document("project", project)?;
    write
        .put_project(&project.id, project.archived, &document)
        .await?;
    let topic = format!("project.{}", project.id);
    Ok(write.event(&topic, kind, project).await?)
}
