//! The hub's own numbers as Prometheus text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Method;

/// Upper bounds of the duration histogram, in milliseconds: the endpoint classes of
/// `budgets/performance_sla.json` and their neighbours.
const BOUNDS_MS: [u64; 11] = [1, 2, 5, 10, 25, 50, 100, 200, 400, 800, 5_000];
/// Where requests are counted that no operation is for.
const NO_OPERATION: &str = "none";

#[derive(Debug, Default)]
struct OperationCounts {
    /// Requests by the first digit of their status, 1 to 5.
    by_class: [AtomicU64; 5],
    buckets: [AtomicU64; BOUNDS_MS.len() + 1],
    total_us: AtomicU64,
}

/// Counts of requests by operation.
#[derive(Debug)]
pub struct Telemetry {
    /// Path, then method, then index into `counts`; few entries, looked up by every request.
    indexes: BTreeMap<&'static str, Vec<(Method, usize)>>,
    names: Vec<&'static str>,
    counts: Vec<OperationCounts>,
}

/// Numbers that are read when the metrics are.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// The label its starter gave this version.
    pub version_label: String,
    /// Seconds since the start.
    pub uptime_s: f64,
    /// Open event streams.
    pub n_sessions: usize,
    /// Event streams closed for being too slow.
    pub n_slow: u64,
    /// The last event handed out.
    pub event_seq: i64,
    /// Connections accepted.
    pub n_accepted: u64,
    /// Connections that were rejected.
    pub n_turned_away: u64,
}

impl Telemetry {
    /// Counts for these operations: id, method, path as the contract writes it.
    #[must_use]
    pub fn new(operations: &[(&'static str, Method, &'static str)]) -> Self {
        let mut indexes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut names = vec![NO_OPERATION];
        for (id, method, path) in operations {
            indexes
                .entry(*path)
                .or_default()
                .push((method.clone(), names.len()));
            names.push(*id);
        }
        let counts = names.iter().map(|_| OperationCounts::default()).collect();
        Self {
            indexes,
            names,
            counts,
        }
    }

    /// Counts one request. `path` is the matched route; none when no route matched.
    pub fn count(&self, method: &Method, path: Option<&str>, status: u16, duration: Duration) {
        let operations = path.and_then(|path| self.indexes.get(path));
        let found = operations.and_then(|all| all.iter().find(|(it, _)| it == method));
        let counts = &self.counts[found.map_or(0, |(_, idx)| *idx)];
        let class_idx = usize::from(status / 100).clamp(1, 5) - 1;
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket_idx = BOUNDS_MS
            .iter()
            .position(|bound| us <= bound * 1_000)
            .unwrap_or(BOUNDS_MS.len());
        counts.by_class[class_idx].fetch_add(1, Ordering::Relaxed);
        counts.buckets[bucket_idx].fetch_add(1, Ordering::Relaxed);
        counts.total_us.fetch_add(us, Ordering::Relaxed);
    }

    /// All numbers in Prometheus text format 0.0.4; operations without a request are left out.
    #[must_use]
    pub fn render(&self, gauges: &Gauges) -> String {
        let mut text = String::with_capacity(8 * 1024);
        render_gauges(&mut text, gauges);
        head(
            &mut text,
            "tollgate_http_requests_total",
            "counter",
            "Requests answered",
        );
        self.each(|name, counts| {
            for (class_idx, n) in counts.by_class.iter().enumerate() {
                let n = n.load(Ordering::Relaxed);
                if n > 0 {
                    let status = format!("{}xx", class_idx + 1);
                    line(
                        &mut text,
                        "tollgate_http_requests_total",
                        &format!("{{operation=\"{name}\",status=\"{status}\"}}"),
                        n,
                    );
                }
            }
        });
        let histogram = "tollgate_http_request_duration_seconds";
        head(
            &mut text,
            histogram,
            "histogram",
            "Time from the head of a request to its answer",
        );
        self.each(|name, counts| render_histogram(&mut text, histogram, name, counts));
        text
    }

    fn each(&self, mut show: impl FnMut(&str, &OperationCounts)) {
        for (name, counts) in self.names.iter().zip(&self.counts) {
            if counts
                .by_class
                .iter()
                .any(|n| n.load(Ordering::Relaxed) > 0)
            {
                show(name, counts);
            }
        }
    }
}

fn render_histogram(text: &mut String, name: &str, operation: &str, counts: &OperationCounts) {
    let mut n_upto = 0;
    for (idx, bucket) in counts.buckets.iter().enumerate() {
        n_upto += bucket.load(Ordering::Relaxed);
        let bound = match BOUNDS_MS.get(idx) {
            #[expect(clippy::cast_precision_loss, reason = "the bounds are small")]
            Some(ms) => format!("{}", *ms as f64 / 1_000.0),
            None => "+Inf".to_owned(),
        };
        let labels = format!("{{operation=\"{operation}\",le=\"{bound}\"}}");
        line(text, &format!("{name}_bucket"), &labels, n_upto);
    }
    let labels = format!("{{operation=\"{operation}\"}}");
    let total = Duration::from_micros(counts.total_us.load(Ordering::Relaxed));
    line(text, &format!("{name}_sum"), &labels, total.as_secs_f64());
    line(text, &format!("{name}_count"), &labels, n_upto);
}

fn render_gauges(text: &mut String, gauges: &Gauges) {
    head(
        text,
        "tollgate_build_info",
        "gauge",
        "The version, with the label its starter gave it",
    );
    let labels = format!(
        "{{version=\"{}\",label=\"{}\"}}",
        env!("CARGO_PKG_VERSION"),
        escape(&gauges.version_label)
    );
    line(text, "tollgate_build_info", &labels, 1);
    if let Some(n_bytes) = resident_memory_bytes() {
        head(
            text,
            "process_resident_memory_bytes",
            "gauge",
            "Resident memory in bytes",
        );
        line(text, "process_resident_memory_bytes", "", n_bytes);
    }
    let mut show = |name: &str, kind: &str, help: &str, value: String| {
        head(text, name, kind, help);
        line(text, name, "", value);
    };
    let n = |value: u64| value.to_string();
    show(
        "tollgate_uptime_seconds",
        "gauge",
        "Seconds since the start",
        format!("{:.3}", gauges.uptime_s),
    );
    show(
        "tollgate_ws_connections",
        "gauge",
        "Open event streams",
        gauges.n_sessions.to_string(),
    );
    show(
        "tollgate_ws_slow_closed_total",
        "counter",
        "Event streams closed for being too slow",
        n(gauges.n_slow),
    );
    show(
        "tollgate_event_seq",
        "gauge",
        "The last event handed out",
        gauges.event_seq.to_string(),
    );
    show(
        "tollgate_connections_total",
        "counter",
        "Connections accepted",
        n(gauges.n_accepted),
    );
    show(
        "tollgate_connections_refused_total",
        "counter",
        "Connections rejected because too many were open",
        n(gauges.n_turned_away),
    );
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}").expect("a String takes all");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    writeln!(text, "{name}{labels} {value}").expect("a String takes all");
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// The resident memory of this process; none where the system does not say.
#[must_use]
pub fn resident_memory_bytes() -> Option<u64> {
    // Second field of statm: resident pages (proc(5)). Pages are 4 KiB on the machines we run on
    // unless the kernel was built otherwise; `VmRSS` says kB and is exact, so it is read instead.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_operation_and_strangers_under_none() {
        let telemetry = Telemetry::new(&[("getRun", Method::GET, "/runs/{id}")]);
        telemetry.count(
            &Method::GET,
            Some("/runs/{id}"),
            200,
            Duration::from_millis(3),
        );
        telemetry.count(&Method::GET, None, 404, Duration::from_millis(1));
        let text = telemetry.render(&Gauges {
            version_label: "a\"b".into(),
            ..Gauges::default()
        });
        for want in [
            "tollgate_http_requests_total{operation=\"getRun\",status=\"2xx\"} 1\n",
            "tollgate_http_requests_total{operation=\"none\",status=\"4xx\"} 1\n",
            "duration_seconds_bucket{operation=\"getRun\",le=\"0.002\"} 0\n",
            "duration_seconds_bucket{operation=\"getRun\",le=\"0.005\"} 1\n",
            "duration_seconds_bucket{operation=\"getRun\",le=\"+Inf\"} 1\n",
            "label=\"a\\\"b\"} 1\n",
        ] {
            assert!(text.contains(want), "{want} is not in:\n{text}");
        }
    }
}
