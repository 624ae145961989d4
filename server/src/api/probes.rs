//! Probes: list, report.

use std::collections::BTreeMap;

use tollgate_models as models;
use tollgate_report::Timestamp;

use super::check::Checks;
use super::{Api, Caller, Started, answer, page_request, read_page};
use crate::generated::api::{
    ListProbesRequest, ListProbesResponse, ProbesApi, ReportProbesRequest, ReportProbesResponse,
};
use crate::problem::Refused;
use crate::store::{NewSample, Write, parse_document, render_document};

/// How many samples of a probe are shown.
const N_RECENT: i64 = 40;

impl ProbesApi for Api {
    async fn list_probes(&self, _caller: Caller, request: ListProbesRequest) -> ListProbesResponse {
        answer!(ListProbesResponse::Ok, self.probes(request).await)
    }

    async fn report_probes(
        &self,
        caller: Caller,
        request: ReportProbesRequest,
    ) -> ReportProbesResponse {
        answer!(
            ReportProbesResponse::Created,
            self.report_samples(caller, request).await
        )
    }
}

impl Api {
    async fn probes(&self, request: ListProbesRequest) -> Result<models::ProbePage, Refused> {
        let page = page_request(request.cursor, request.limit);
        let state = request.state.as_ref().map(models::ProbeState::as_str);
        let page = self.store.probes(state, &page).await?;
        let (items, next_cursor) = read_page("probe", page)?;
        Ok(probe_page(items, next_cursor))
    }

    async fn report_samples(
        &self,
        caller: Caller,
        request: ReportProbesRequest,
    ) -> Result<models::ProbePage, Refused> {
        let body = request.body;
        let mut checks = Checks::default();
        for (idx, report) in body.samples.iter().enumerate() {
            checks.time(&format!("/samples/{idx}/at"), &report.at);
        }
        checks.finish()?;
        let key = request.idempotency_key.as_ref();
        let name = caller.idempotency(key, "reportProbes", "", &body);
        let mut write = match self.begin(name).await? {
            Started::New(write) => write,
            Started::Done(page) => return Ok(page),
        };
        let mut by_id: BTreeMap<String, Vec<models::ProbeReport>> = BTreeMap::new();
        for report in body.samples {
            by_id
                .entry(report.probe_id.clone())
                .or_default()
                .push(report);
        }
        let mut items = Vec::with_capacity(by_id.len());
        for (id, reports) in by_id {
            let probe = keep(&mut write, &id, reports).await?;
            let topic = format!("probe.{id}");
            write.event(&topic, "probe.reported", &probe).await?;
            items.push(probe);
        }
        let page = probe_page(items, None);
        write.commit(&page).await?;
        Ok(page)
    }
}

/// Keeps the samples of one probe; the probe as it is then.
async fn keep(
    write: &mut Write<'_>,
    id: &str,
    reports: Vec<models::ProbeReport>,
) -> Result<models::Probe, Refused> {
    let mut probe: Option<models::Probe> = match write.probe(id).await? {
        Some(document) => Some(parse_document("probe", &document)?),
        None => None,
    };
    for report in reports {
        let next = advance(probe, &report);
        if next.recent.is_empty() {
            // The samples of a new probe refer to it, so it is there first.
            write
                .put_probe(id, next.state.as_str(), &render_document("probe", &next)?)
                .await?;
        }
        let at = checked_time(&report.at);
        let sample = models::ProbeSample {
            at: at.to_string().into(),
            state: report.state,
            latency_ms: report.latency_ms,
            message: report.message,
            extra: BTreeMap::new(),
        };
        let row = NewSample {
            probe_id: id,
            at,
            state: sample.state.as_str(),
            document: &render_document("sample", &sample)?,
        };
        write.insert_sample(row).await?;
        probe = Some(next);
    }
    let mut probe = probe.expect("a probe has at least one report");
    let history = write.history(id, N_RECENT).await?;
    let recent: Result<_, _> = history
        .recent
        .iter()
        .map(|text| parse_document("sample", text))
        .collect();
    probe.recent = recent?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "at most some thousand samples are kept"
    )]
    let uptime = 100.0 * history.n_up as f64 / history.n_kept.max(1) as f64;
    probe.uptime_percent = uptime;
    let document = render_document("probe", &probe)?;
    write.put_probe(id, probe.state.as_str(), &document).await?;
    Ok(probe)
}

/// The probe after a report; without its samples when it is new.
fn advance(before: Option<models::Probe>, report: &models::ProbeReport) -> models::Probe {
    let at = models::formats::DateTime::from(checked_time(&report.at).to_string());
    let n_failed = i64::from(report.state == models::ProbeState::Fail);
    let (since, failures_in_row, recent) = match before {
        Some(before) => {
            let is_same = before.state == report.state;
            let since = if is_same { before.since } else { at };
            let in_row = (before.failures_in_row + n_failed) * n_failed;
            (since, in_row, before.recent)
        }
        None => (at, n_failed, Vec::new()),
    };
    models::Probe {
        id: report.probe_id.clone(),
        kind: report.kind.clone(),
        target: report.target.clone(),
        state: report.state.clone(),
        since,
        failures_in_row,
        uptime_percent: 0.0,
        recent,
        extra: BTreeMap::new(),
    }
}

fn checked_time(text: &str) -> Timestamp {
    text.parse().expect("times were checked before the write")
}

fn probe_page(items: Vec<models::Probe>, next_cursor: Option<String>) -> models::ProbePage {
    models::ProbePage {
        items,
        next_cursor,
        extra: BTreeMap::new(),
    }
}
