//! Alerts: list, report, acknowledge.

use std::collections::BTreeMap;

use tollgate_models as models;

use super::check::Checks;
use super::{Api, Caller, Started, answer, newest_first, read_page};
use crate::generated::api::{
    AcknowledgeAlertRequest, AcknowledgeAlertResponse, AlertsApi, ListAlertsRequest,
    ListAlertsResponse, ReportAlertRequest, ReportAlertResponse,
};
use crate::problem::Refused;
use crate::store::{AlertRow, Write, new_id, parse_document, render_document};

impl AlertsApi for Api {
    async fn list_alerts(&self, _caller: Caller, request: ListAlertsRequest) -> ListAlertsResponse {
        answer!(ListAlertsResponse::Ok, self.alerts(request).await)
    }

    async fn report_alert(
        &self,
        caller: Caller,
        request: ReportAlertRequest,
    ) -> ReportAlertResponse {
        match self.report_one(caller, request).await {
            Ok((true, alert)) => ReportAlertResponse::Created(alert),
            Ok((false, alert)) => ReportAlertResponse::Ok(alert),
            Err(refused) => {
                let (status, problem) = refused.into_problem();
                ReportAlertResponse::Problem(status, problem)
            }
        }
    }

    async fn acknowledge_alert(
        &self,
        caller: Caller,
        request: AcknowledgeAlertRequest,
    ) -> AcknowledgeAlertResponse {
        answer!(
            AcknowledgeAlertResponse::Ok,
            self.acknowledge(caller, request).await
        )
    }
}

impl Api {
    async fn alerts(&self, request: ListAlertsRequest) -> Result<models::AlertPage, Refused> {
        let page = newest_first(request.cursor, request.limit)?;
        let state = request.state.as_ref().map(models::AlertState::as_str);
        let page = self.store.alerts(state, &page).await?;
        let (items, next_cursor) = read_page("alert", page)?;
        Ok(models::AlertPage {
            items,
            next_cursor,
            extra: BTreeMap::new(),
        })
    }

    /// The alert, and whether it was opened now.
    async fn report_one(
        &self,
        caller: Caller,
        request: ReportAlertRequest,
    ) -> Result<(bool, models::Alert), Refused> {
        let mut body = request.body;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "reportAlert", "", &body);
        let mut checks = Checks::default();
        body.at = checks.time("/at", &body.at).into();
        checks.finish()?;
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(answer) => return Ok(answer),
        };
        let newest: Option<models::Alert> = match write.newest_alert(&body.fingerprint).await? {
            Some(document) => Some(parse_document("alert", &document)?),
            None => None,
        };
        let is_firing = body.status != models::AlertStatus::Resolved;
        let answer = match (newest, is_firing) {
            (Some(open), _) if open.state != models::AlertState::Resolved => {
                let alert = update(open, body);
                let kind = if is_firing {
                    "alert.updated"
                } else {
                    "alert.resolved"
                };
                put(&mut write, &alert, kind).await?;
                (false, alert)
            }
            (_, true) => {
                let alert = open(new_id(write.now()), body);
                put(&mut write, &alert, "alert.opened").await?;
                (true, alert)
            }
            // Resolving twice is the same as once.
            (Some(resolved), false) => (false, resolved),
            (None, false) => {
                let detail = format!(
                    "no alert with the fingerprint `{}` is open",
                    body.fingerprint
                );
                return Err(Refused::conflict("not-open", detail));
            }
        };
        write.commit(&answer).await?;
        Ok(answer)
    }

    async fn acknowledge(
        &self,
        caller: Caller,
        request: AcknowledgeAlertRequest,
    ) -> Result<models::Alert, Refused> {
        let (id, body) = (request.alert_id, request.body);
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "acknowledgeAlert", &id, &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(alert) => return Ok(alert),
        };
        let document = write.alert(&id).await?;
        let document = document.ok_or_else(|| Refused::not_found("alert", &id))?;
        let mut alert: models::Alert = parse_document("alert", &document)?;
        if alert.state == models::AlertState::Resolved {
            let detail = format!("alert `{id}` is resolved");
            return Err(Refused::conflict("already-resolved", detail));
        }
        if alert.state == models::AlertState::Firing {
            alert.state = models::AlertState::Acknowledged;
            alert.acknowledged_at = Some(write.now().to_string().into());
            alert.acknowledged_by = Some(caller.token.name);
            alert.note = body.note;
            put(&mut write, &alert, "alert.acknowledged").await?;
        }
        write.commit(&alert).await?;
        Ok(alert)
    }
}

fn open(id: String, report: models::ReportAlertRequest) -> models::Alert {
    models::Alert {
        id,
        fingerprint: report.fingerprint,
        component: report.component,
        severity: report.severity,
        state: models::AlertState::Firing,
        summary: report.summary,
        description: report.description,
        actions: report.actions.unwrap_or_default(),
        labels: report.labels.unwrap_or_default(),
        count: 1,
        first_at: report.at.clone(),
        last_at: report.at,
        acknowledged_at: None,
        acknowledged_by: None,
        note: None,
        extra: BTreeMap::new(),
    }
}

fn update(open: models::Alert, report: models::ReportAlertRequest) -> models::Alert {
    let state = if report.status == models::AlertStatus::Resolved {
        models::AlertState::Resolved
    } else {
        open.state
    };
    models::Alert {
        component: report.component,
        severity: report.severity,
        state,
        summary: report.summary,
        description: report.description.or(open.description),
        actions: report.actions.unwrap_or(open.actions),
        labels: report.labels.unwrap_or(open.labels),
        count: open.count + 1,
        last_at: report.at,
        ..open
    }
}

async fn put(write: &mut Write<'_>, alert: &models::Alert, kind: &str) -> Result<(), Refused> {
    let row = AlertRow {
        id: &alert.id,
        fingerprint: &alert.fingerprint,
        state: alert.state.as_str(),
        document: &render_document("alert", alert)?,
    };
    write.put_alert(row).await?;
    let topic = format!("alerts.{}", alert.severity.as_str());
    Ok(write.event(&topic, kind, alert).await?)
}
