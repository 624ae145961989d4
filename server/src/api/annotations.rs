//! Annotations of a project's timeline: list, create.

use std::collections::BTreeMap;

use tollgate_models as models;

use super::check::Checks;
use super::projects::open_project;
use super::{Api, Caller, Started, answer, newest_first, read_page};
use crate::generated::api::{
    AnnotationsApi, CreateAnnotationRequest, CreateAnnotationResponse, ListAnnotationsRequest,
    ListAnnotationsResponse,
};
use crate::problem::Refused;
use crate::store::{new_id, render_document};

impl AnnotationsApi for Api {
    async fn list_annotations(
        &self,
        _caller: Caller,
        request: ListAnnotationsRequest,
    ) -> ListAnnotationsResponse {
        answer!(ListAnnotationsResponse::Ok, self.annotations(request).await)
    }

    async fn create_annotation(
        &self,
        caller: Caller,
        request: CreateAnnotationRequest,
    ) -> CreateAnnotationResponse {
        answer!(
            CreateAnnotationResponse::Created,
            self.annotate(caller, request).await
        )
    }
}

impl Api {
    async fn annotations(
        &self,
        request: ListAnnotationsRequest,
    ) -> Result<models::AnnotationPage, Refused> {
        let project_id = &request.project_id;
        self.project(project_id).await?;
        let page = newest_first(request.cursor, request.limit)?;
        let kind = request.kind.as_deref();
        let page = self.store.annotations(project_id, kind, &page).await?;
        let (items, next_cursor) = read_page("annotation", page)?;
        Ok(models::AnnotationPage {
            items,
            next_cursor,
            extra: BTreeMap::new(),
        })
    }

    async fn annotate(
        &self,
        caller: Caller,
        request: CreateAnnotationRequest,
    ) -> Result<models::Annotation, Refused> {
        let (project_id, body) = (request.project_id, request.body);
        let (at, ended_at) = times(&body)?;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "createAnnotation", &project_id, &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(annotation) => return Ok(annotation),
        };
        open_project(&mut write, &project_id).await?;
        let annotation = models::Annotation {
            id: new_id(write.now()),
            project_id,
            kind: body.kind,
            text: body.text,
            at: at.into(),
            ended_at: ended_at.map(Into::into),
            revision: body.revision,
            author: caller.token.name.clone(),
            created_at: write.now().to_string().into(),
            extra: BTreeMap::new(),
        };
        let document = render_document("annotation", &annotation)?;
        write
            .insert_annotation(&annotation.project_id, &annotation.kind, &document)
            .await?;
        write.commit(&annotation).await?;
        Ok(annotation)
    }
}

/// The begin and the end as canonical texts, whose order is that of the times.
fn times(body: &models::CreateAnnotationRequest) -> Result<(String, Option<String>), Refused> {
    let mut checks = Checks::default();
    let at = checks.time("/at", &body.at);
    let ended_at = body
        .ended_at
        .as_ref()
        .map(|text| checks.time("/endedAt", text));
    if ended_at
        .as_ref()
        .is_some_and(|end| !end.is_empty() && *end < at)
    {
        checks.add("/endedAt", "is before `at`");
    }
    checks.finish()?;
    Ok((at, ended_at))
}
