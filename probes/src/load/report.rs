//! The result of a load run, as a record.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::micros::micros;
use crate::settings::LoadCheck;

/// Version of [`LoadReport`].
pub const LOAD_VERSION: u32 = 1;

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// At a constant rate, whatever the target does.
    Open,
    /// As soon as a connection is free.
    Closed,
}

/// Percentiles of latency in microseconds; all 0 when nothing was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Percentiles {
    /// How many latencies.
    pub n: u64,
    /// Smallest.
    pub min_us: u64,
    /// Arithmetic mean, rounded.
    pub mean_us: u64,
    /// Median.
    pub p50_us: u64,
    /// 90%.
    pub p90_us: u64,
    /// 95%.
    pub p95_us: u64,
    /// 99%.
    pub p99_us: u64,
    /// 99.9%.
    pub p999_us: u64,
    /// Largest.
    pub max_us: u64,
}

/// What a load run found. `planned = sent + never_sent` in the open model, and
/// `sent = ok + bad status + errors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadReport {
    /// Form of this record, see `LOAD_VERSION`.
    pub version: u32,
    /// When requests were sent.
    pub model: Model,
    /// Requests per second that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Connections, which bound the requests in flight.
    pub connections: u32,
    /// From the first send to the last answer, in microseconds.
    pub duration_us: u64,
    /// Requests meant to be sent; in the closed model, those sent.
    pub n_planned: u64,
    /// Requests sent.
    pub n_sent: u64,
    /// Answers with an allowed status.
    pub n_ok: u64,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests without a whole answer, by kind: `connect`, `reset`, `incomplete`, `timeout`, …
    pub errors: BTreeMap<String, u64>,
    /// Requests sent more than 10 ms after their time because all connections were busy.
    pub n_late: u64,
    /// The latest sending after its time, in microseconds.
    pub send_lag_max_us: u64,
    /// Requests never sent because all connections were busy to the end.
    pub n_never_sent: u64,
    /// How often a kept connection had been closed and a new one was opened before sending.
    pub n_reconnects: u64,
    /// Latency of all whole answers, and of timeouts up to the moment they were given up.
    pub latency: Percentiles,
    /// The same as an HDR histogram (V2, deflated, base64; microseconds, 3 digits).
    pub histogram: String,
}

impl LoadReport {
    /// Share of the planned requests that were not answered with an allowed status; 0 of 0 is 0.
    #[must_use]
    pub fn error_rate(&self) -> f64 {
        if self.n_planned == 0 {
            return 0.0;
        }
        (self.n_planned - self.n_ok.min(self.n_planned)) as f64 / self.n_planned as f64
    }

    /// Whole answers per second.
    #[must_use]
    pub fn requests_per_second(&self) -> f64 {
        let n_answers: u64 = self.by_status.values().sum();
        n_answers as f64 / (self.duration_us.max(1) as f64 / 1e6)
    }

    /// The histogram of latencies in microseconds; none when the record was damaged.
    #[must_use]
    pub fn decode_histogram(&self) -> Option<Histogram<u64>> {
        let bytes = STANDARD.decode(&self.histogram).ok()?;
        Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
    }
}

/// An empty histogram: 1 µs to 1 h, 3 significant digits.
pub(crate) fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("the bounds are valid")
}

/// Records a latency; what is out of bounds counts as the bound.
pub(crate) fn record(histogram: &mut Histogram<u64>, latency: Duration) {
    histogram.saturating_record(micros(latency).max(1));
}

/// The percentiles of a histogram.
pub(crate) fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    if histogram.is_empty() {
        return Percentiles::default();
    }
    Percentiles {
        n: histogram.len(),
        min_us: histogram.min(),
        mean_us: histogram.mean().round() as u64,
        p50_us: histogram.value_at_quantile(0.5),
        p90_us: histogram.value_at_quantile(0.9),
        p95_us: histogram.value_at_quantile(0.95),
        p99_us: histogram.value_at_quantile(0.99),
        p999_us: histogram.value_at_quantile(0.999),
        max_us: histogram.max(),
    }
}

/// The counts of one worker.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) n_sent: u64,
    n_ok: u64,
    by_status: BTreeMap<u16, u64>,
    errors: BTreeMap<&'static str, u64>,
    pub(crate) n_late: u64,
    pub(crate) send_lag_max: Duration,
    pub(crate) n_reconnects: u64,
    histogram: Histogram<u64>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            n_sent: 0,
            n_ok: 0,
            by_status: BTreeMap::new(),
            errors: BTreeMap::new(),
            n_late: 0,
            send_lag_max: Duration::ZERO,
            n_reconnects: 0,
            histogram: new_histogram(),
        }
    }

    pub(crate) fn answered(&mut self, status: u16, is_ok: bool, latency: Duration) {
        *self.by_status.entry(status).or_default() += 1;
        self.n_ok += u64::from(is_ok);
        record(&mut self.histogram, latency);
    }

    /// A timeout took at least this long; other errors do not show the latency and would only
    /// make it look better.
    pub(crate) fn failed(&mut self, kind: &'static str, latency: Duration) {
        *self.errors.entry(kind).or_default() += 1;
        if kind == "timeout" {
            record(&mut self.histogram, latency);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.n_sent += other.n_sent;
        self.n_ok += other.n_ok;
        for (status, n) in other.by_status {
            *self.by_status.entry(status).or_default() += n;
        }
        for (kind, n) in other.errors {
            *self.errors.entry(kind).or_default() += n;
        }
        self.n_late += other.n_late;
        self.send_lag_max = self.send_lag_max.max(other.send_lag_max);
        self.n_reconnects += other.n_reconnects;
        self.histogram
            .add(&other.histogram)
            .expect("all histograms have the same bounds");
    }

    pub(crate) fn into_report(
        self,
        check: &LoadCheck,
        n_planned: Option<u64>,
        duration: Duration,
    ) -> LoadReport {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.histogram, &mut bytes)
            .expect("a histogram is written to memory");
        let n_planned = n_planned.unwrap_or(self.n_sent);
        LoadReport {
            version: LOAD_VERSION,
            model: if check.rate.is_some() {
                Model::Open
            } else {
                Model::Closed
            },
            rate: check.rate,
            connections: check.connections,
            duration_us: micros(duration),
            n_planned,
            n_sent: self.n_sent,
            n_ok: self.n_ok,
            by_status: self.by_status,
            errors: self
                .errors
                .into_iter()
                .map(|(kind, n)| (kind.to_owned(), n))
                .collect(),
            n_late: self.n_late,
            send_lag_max_us: micros(self.send_lag_max),
            n_never_sent: n_planned.saturating_sub(self.n_sent),
            n_reconnects: self.n_reconnects,
            latency: percentiles(&self.histogram),
            histogram: STANDARD.encode(bytes),
        }
    }
}
