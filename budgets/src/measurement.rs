//! Measurements and the JSON file that holds them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::json::message;
use tollgate_report::quantity::Span;

use crate::histogram::{HistogramError, LatencyHistogram};
use crate::limits::{Statistic, key_place};
use crate::slo::WindowCount;
use crate::unit::Unit;

/// Version of the form.
pub const MEASUREMENTS_VERSION: u32 = 1;

/// What was measured, in the unit of the measurement.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// Whole numbers in the unit of the measurement; ours are microseconds.
    Histogram(LatencyHistogram),
    /// Single values, sorted.
    Samples(Vec<f64>),
    /// Percentiles that another tool computed, by percentile text such as `p95`, of `n` values.
    Percentiles {
        /// Values by percentile.
        values: BTreeMap<String, f64>,
        /// How many values they were computed of.
        n: u64,
    },
    /// Events of a total, such as errors of requests.
    Events {
        /// How many events.
        events: u64,
        /// Of how many.
        total: u64,
    },
    /// Events of a total, and their counts in windows that end now.
    Windows {
        /// How many events of the whole period.
        events: u64,
        /// Of how many.
        total: u64,
        /// The counts by window.
        windows: BTreeMap<Span, WindowCount>,
    },
    /// One number.
    Value(f64),
}

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Id, such as `api.latency` or `operation.listRuns`.
    pub id: String,
    /// Unit of its values.
    pub unit: Unit,
    /// The values.
    pub data: Data,
}

/// The measurements file as written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasurementsFile {
    /// Form of the file: 1.
    pub version: u32,
    /// The measurements; an id may come more than once when each has a histogram: they are merged.
    pub measurements: Vec<MeasurementEntry>,
}

/// One measurement as written: exactly one of `histogram`, `samples`, `percentiles` with `count`,
/// `events` with `total`, or `value`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MeasurementEntry {
    /// Id, such as `api.latency`.
    pub id: String,
    /// Unit of the values; absent, a histogram is in `us` and events are in `%`.
    pub unit: Option<Unit>,
    /// HdrHistogram V2 in base64, of whole numbers in `unit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<String>,
    /// Single values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Vec<f64>>,
    /// Percentiles that another tool computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentiles: Option<BTreeMap<String, f64>>,
    /// How many values the percentiles were computed of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How many events, such as errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The events of windows that end now, by their length, for the burn rates of an objective, such
    /// as `{"1h": {"bad": 3, "total": 1000}}`; `events` and `total` are those of the period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<BTreeMap<Span, WindowCount>>,
    /// One number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// The measurements cannot be used. The text names the file and the line.
#[derive(Debug, thiserror::Error)]
pub enum MeasurementsError {
    /// The text is not of the form.
    #[error("cannot read the measurements in `{file}:{line}:{column}`: {message}")]
    Form {
        /// The file.
        file: String,
        /// Line from 1.
        line: usize,
        /// Column from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A histogram cannot be read.
    #[error(
        "cannot read the measurements in `{file}:{line}`: the histogram of `{id}` cannot be used"
    )]
    Histogram {
        /// The file.
        file: String,
        /// Line from 1.
        line: usize,
        /// The measurement.
        id: String,
        /// The cause.
        #[source]
        source: HistogramError,
    },
}

/// Reads a measurements file's text; `file` is its name in error texts.
pub fn parse_measurements(text: &str, file: &str) -> Result<Vec<Measurement>, MeasurementsError> {
    let form = |(line, column), message: String| MeasurementsError::Form {
        file: file.to_owned(),
        line,
        column,
        message,
    };
    let parsed: MeasurementsFile = serde_json::from_str(text).map_err(|error| {
        form(
            (error.line().max(1), error.column().max(1)),
            message(&error),
        )
    })?;
    if parsed.version != MEASUREMENTS_VERSION {
        let message = format!(
            "its version is `{}`, and only `{MEASUREMENTS_VERSION}` is supported",
            parsed.version
        );
        return Err(form(key_place(text, "version"), message));
    }
    let mut measurements: BTreeMap<String, Measurement> = BTreeMap::new();
    for entry in parsed.measurements {
        let id = entry.id.clone();
        let place = key_place(text, &id);
        let in_histogram = |source| MeasurementsError::Histogram {
            file: file.to_owned(),
            line: place.0,
            id: id.clone(),
            source,
        };
        let measurement = match &entry.histogram {
            Some(encoded) => {
                let histogram = LatencyHistogram::from_base64(encoded).map_err(in_histogram)?;
                one_form(&entry, Some(histogram)).map_err(|fault| form(place, fault))?
            }
            None => one_form(&entry, None).map_err(|fault| form(place, fault))?,
        };
        match measurements.get_mut(&id) {
            None => {
                measurements.insert(id, measurement);
            }
            Some(known) if known.unit == measurement.unit => {
                match (&mut known.data, &measurement.data) {
                    (Data::Histogram(known), Data::Histogram(more)) => {
                        known.merge(more).map_err(in_histogram)?
                    }
                    _ => {
                        return Err(form(
                            place,
                            format!("`{id}` is repeated, and only histograms are merged"),
                        ));
                    }
                }
            }
            Some(_) => return Err(form(place, format!("`{id}` is repeated in another unit"))),
        }
    }
    Ok(measurements.into_values().collect())
}

fn one_form(
    entry: &MeasurementEntry,
    histogram: Option<LatencyHistogram>,
) -> Result<Measurement, String> {
    let id = &entry.id;
    if id.is_empty() {
        return Err("a measurement has no `id`".to_owned());
    }
    let mut forms = Vec::new();
    forms.extend(histogram.map(Data::Histogram));
    if let Some(samples) = &entry.samples {
        let mut samples = samples.clone();
        samples.sort_by(f64::total_cmp);
        forms.push(Data::Samples(samples));
    }
    match (&entry.percentiles, entry.count) {
        (None, None) => {}
        (Some(values), Some(n)) => {
            for text in values.keys() {
                if !matches!(
                    Statistic::try_from(text.clone()),
                    Ok(Statistic::Percentile(_))
                ) {
                    return Err(format!(
                        "`{id}`: `{text}` is not a percentile such as `p95`"
                    ));
                }
            }
            let values = values.clone();
            forms.push(Data::Percentiles { values, n });
        }
        _ => {
            return Err(format!(
                "`{id}`: `percentiles` and `count` require each other"
            ));
        }
    }
    if entry.windows.is_some() && entry.events.is_none() {
        return Err(format!(
            "`{id}`: `windows` requires `events` and `total` of the period"
        ));
    }
    let windows = entry.windows.iter().flatten();
    if let Some((span, count)) = windows.into_iter().find(|(_, it)| it.bad > it.total) {
        return Err(format!(
            "`{id}`: in the window `{span}` there are {} bad events, more than the total of {}",
            count.bad, count.total
        ));
    }
    match (entry.events, entry.total) {
        (None, None) => {}
        (Some(events), Some(total)) if events <= total => {
            forms.push(match entry.windows.clone() {
                None => Data::Events { events, total },
                Some(windows) => Data::Windows {
                    events,
                    total,
                    windows,
                },
            });
        }
        (Some(events), Some(total)) => {
            return Err(format!(
                "`{id}`: there are {events} events, more than the total of {total}"
            ));
        }
        _ => return Err(format!("`{id}`: `events` and `total` require each other")),
    }
    forms.extend(entry.value.map(Data::Value));
    let unit = match (&forms[..], entry.unit) {
        ([Data::Histogram(_)], None) => Unit::Micros,
        ([Data::Events { .. } | Data::Windows { .. }], None) => Unit::Percent,
        (_, Some(unit)) => unit,
        (_, None) => return Err(format!("`{id}` has no `unit`")),
    };
    match <[Data; 1]>::try_from(forms) {
        Ok([data]) => Ok(Measurement {
            id: id.clone(),
            unit,
            data,
        }),
        Err(forms) => Err(format!(
            "`{id}` has {} of `histogram`, `samples`, `percentiles`, `events` and `value`; exactly one is required",
            forms.len()
        )),
    }
}
