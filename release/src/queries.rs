//! Queries to a Prometheus server as evidence of a canary. A server that does not answer is missing
//! data: never a pass, and never a fault of the candidate.

use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Client, Url};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tollgate_canary::events::Event;
use tollgate_canary::settings::QuerySettings;
use tollgate_gates::settings::Settings;

/// The longest a query may take.
const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_MAX: usize = 1 << 20;

/// Makes the queries of the settings until the canary is over.
pub(crate) fn start(
    settings: &Settings,
    is_ship: bool,
    inputs: &mpsc::Sender<Event>,
) -> JoinHandle<()> {
    let canary = if is_ship {
        &settings.ship.canary
    } else {
        &settings.canary
    };
    let (queries, inputs) = (canary.queries.clone(), inputs.clone());
    // Aborted by the caller; the set ends its tasks with it.
    tokio::spawn(async move {
        let mut tasks = JoinSet::new();
        for query in queries {
            tasks.spawn(repeat(query, inputs.clone()));
        }
        while tasks.join_next().await.is_some() {}
    })
}

async fn repeat(query: QuerySettings, inputs: mpsc::Sender<Event>) {
    let mut interval = tokio::time::interval(query.every.0.max(Duration::from_millis(200)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let (is_over, detail) = match values(&query).await {
            Ok(values) => judge(&query, &values),
            Err(error) => (None, format!("{error:#}")),
        };
        let name = query.name.clone();
        let event = Event::Query {
            name,
            is_over,
            detail,
        };
        if inputs.send(event).await.is_err() {
            return;
        }
    }
}

/// Whether a value is over its limit, and the worst one in words. No series is missing data.
fn judge(query: &QuerySettings, values: &[f64]) -> (Option<bool>, String) {
    let over = |value: f64| {
        query.max.is_some_and(|max| value > max) || query.min.is_some_and(|min| value < min)
    };
    let known: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    let worst = known.iter().copied().find(|value| over(*value));
    let Some(value) = worst.or(known.first().copied()) else {
        return (None, "the query gave no value".to_owned());
    };
    let limit = match (query.min, query.max) {
        (Some(min), Some(max)) => format!("{min} to {max} is allowed"),
        (Some(min), None) => format!("at least {min} is required"),
        (_, max) => format!("at most {} is allowed", max.unwrap_or(f64::INFINITY)),
    };
    (Some(over(value)), format!("value {value}, {limit}"))
}

async fn values(query: &QuerySettings) -> anyhow::Result<Vec<f64>> {
    let client = Client::builder()
        .timeout(TIMEOUT)
        .build()
        .context("cannot create an HTTP client")?;
    let url = format!("{}/api/v1/query", query.url.trim_end_matches('/'));
    let address = Url::parse_with_params(&url, [("query", &query.query)])
        .with_context(|| format!("cannot read the address `{url}`"))?;
    let response = client
        .get(address)
        .send()
        .await
        .with_context(|| format!("cannot reach `{url}`"))?;
    let status = response.status();
    let text = response
        .text()
        .await
        .with_context(|| format!("cannot read the answer of `{url}`"))?;
    if !status.is_success() || text.len() > ANSWER_MAX {
        bail!("`{url}` answered {status}");
    }
    parse(&text)
}

/// The values of an instant query (Prometheus, HTTP API, "Expression query result formats").
fn parse(text: &str) -> anyhow::Result<Vec<f64>> {
    let answer: Value = serde_json::from_str(text).context("cannot read the answer as JSON")?;
    let data = answer.get("data").context("the answer has no `data`")?;
    let result = data
        .get("result")
        .context("the answer has no `data.result`")?;
    let samples: Vec<&Value> = match data.get("resultType").and_then(Value::as_str) {
        Some("scalar") => vec![result],
        Some("vector") => result
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|series| series.get("value"))
            .collect(),
        other => bail!("`resultType` is {other:?}: an instant vector or a scalar is needed"),
    };
    let value = |sample: &Value| sample.get(1)?.as_str()?.parse::<f64>().ok();
    Ok(samples.into_iter().filter_map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(max: f64) -> QuerySettings {
        serde_json::from_value(serde_json::json!({
            "name": "errors", "url": "http://x", "query": "up", "max": max,
        }))
        .unwrap()
    }

    #[test]
    fn the_worst_series_is_judged_and_no_series_is_missing_data() {
        let vector = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{},"value":[1,"0.1"]},{"metric":{},"value":[1,"7"]},{"metric":{},"value":[1,"NaN"]}]}}"#;
        let values = parse(vector).unwrap();
        assert_eq!(judge(&query(1.0), &values).0, Some(true));
        assert_eq!(judge(&query(9.0), &values).0, Some(false));
        assert_eq!(judge(&query(1.0), &[f64::NAN]).0, None);
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}"#;
        assert_eq!(parse(scalar).unwrap(), [3.0]);
    }
}
