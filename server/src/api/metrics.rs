//! Ratchet metrics: list, report.

use std::collections::BTreeMap;

use tollgate_models as models;

use super::check::Checks;
use super::projects::open_project;
use super::{Api, Caller, Started, answer, newest_first, page_request, read_page};
use crate::generated::api::{
    ListMetricsRequest, ListMetricsResponse, MetricsApi, ReportMetricsRequest,
    ReportMetricsResponse,
};
use crate::problem::Refused;
use crate::store::{new_id, render_document};

impl MetricsApi for Api {
    async fn list_metrics(
        &self,
        _caller: Caller,
        request: ListMetricsRequest,
    ) -> ListMetricsResponse {
        answer!(ListMetricsResponse::Ok, self.metrics(request).await)
    }

    async fn report_metrics(
        &self,
        caller: Caller,
        request: ReportMetricsRequest,
    ) -> ReportMetricsResponse {
        answer!(
            ReportMetricsResponse::Created,
            self.report(caller, request).await
        )
    }
}

impl Api {
    async fn metrics(&self, request: ListMetricsRequest) -> Result<models::MetricPage, Refused> {
        let project_id = &request.project_id;
        self.project(project_id).await?;
        let metric = request.metric.as_deref();
        let page = if request.latest.unwrap_or(false) {
            let page = page_request(request.cursor, request.limit);
            self.store.latest_metrics(project_id, metric, &page).await?
        } else {
            let page = newest_first(request.cursor, request.limit)?;
            self.store.metrics(project_id, metric, &page).await?
        };
        let (items, next_cursor) = read_page("metric", page)?;
        Ok(metric_page(items, next_cursor))
    }

    async fn report(
        &self,
        caller: Caller,
        request: ReportMetricsRequest,
    ) -> Result<models::MetricPage, Refused> {
        let (project_id, body) = (request.project_id, request.body);
        let mut checks = Checks::default();
        let times: Vec<String> = body
            .metrics
            .iter()
            .enumerate()
            .map(|(idx, report)| checks.time(&format!("/metrics/{idx}/at"), &report.at))
            .collect();
        checks.finish()?;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "reportMetrics", &project_id, &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(page) => return Ok(page),
        };
        open_project(&mut write, &project_id).await?;
        let mut items = Vec::with_capacity(body.metrics.len());
        for (report, at) in body.metrics.into_iter().zip(times) {
            let metric = models::Metric {
                id: new_id(write.now()),
                project_id: project_id.clone(),
                metric: report.metric,
                value: report.value,
                unit: report.unit,
                floor: report.floor,
                direction: report.direction,
                at: at.into(),
                revision: report.revision,
                extra: BTreeMap::new(),
            };
            let document = render_document("metric", &metric)?;
            write
                .insert_metric(&project_id, &metric.metric, &document)
                .await?;
            let topic = format!("metric.{project_id}");
            write.event(&topic, "metric.reported", &metric).await?;
            items.push(metric);
        }
        let page = metric_page(items, None);
        write.commit(&page).await?;
        Ok(page)
    }
}

fn metric_page(items: Vec<models::Metric>, next_cursor: Option<String>) -> models::MetricPage {
    models::MetricPage {
        items,
        next_cursor,
        extra: BTreeMap::new(),
    }
}
