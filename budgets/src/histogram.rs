//! Latency in an HDR histogram of three significant digits.
//!
//! The caller measures latency from the *intended* send time, so that coordinated omission hides
//! nothing.

use std::io::Cursor;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{
    Deserializer, Serializer, V2DeflateSerializeError, V2DeflateSerializer,
};

/// Significant decimal digits that are kept.
const DIGITS: u8 = 3;
/// The longest latency: an hour, in microseconds. Longer ones count as an hour.
const MICROS_MAX: u64 = 3_600_000_000;
/// Longest encoded histogram that is read, in bytes of base64.
const ENCODED_MAX: usize = 4 << 20;

/// Latencies in microseconds, from 1 µs to 1 h, to three significant digits; one that was read from
/// a file holds whatever its writer recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyHistogram {
    inner: Histogram<u64>,
}

/// A histogram cannot be read or merged.
#[derive(Debug, thiserror::Error)]
pub enum HistogramError {
    /// The text is not base64.
    #[error("the histogram is not base64")]
    Base64(#[from] base64::DecodeError),
    /// The bytes are not a histogram in HdrHistogram's V2 form.
    #[error("the histogram is not in the V2 form of HdrHistogram, plain or compressed: {0:?}")]
    Form(hdrhistogram::serialization::DeserializeError),
    /// The text is longer than any histogram of ours.
    #[error("the histogram has {n_bytes} bytes, and the limit is {ENCODED_MAX}")]
    TooLong {
        /// Length of the base64 text.
        n_bytes: usize,
    },
    /// Two histograms cannot be merged.
    #[error("two histograms cannot be merged: {0:?}")]
    Merge(hdrhistogram::AdditionError),
    /// The histogram cannot be written.
    #[error("the histogram cannot be encoded: {0:?}")]
    Encode(V2DeflateSerializeError),
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl LatencyHistogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        let inner = Histogram::new_with_bounds(1, MICROS_MAX, DIGITS);
        Self {
            inner: inner.expect("the bounds and digits are valid"),
        }
    }

    /// Adds one latency; below 1 µs it counts as 1 µs, above 1 h as 1 h.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(MICROS_MAX);
        self.inner.saturating_record(micros.max(1));
    }

    /// Adds all values of another histogram, such as another worker's.
    pub fn merge(&mut self, other: &Self) -> Result<(), HistogramError> {
        self.inner.auto(true);
        self.inner.add(&other.inner).map_err(HistogramError::Merge)
    }

    /// How many values it holds.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.inner.len()
    }

    /// The `rank`-th smallest value, from 1; the greatest beyond the last. It is
    /// the top of its bucket, so a latency is never shown shorter than it was. Absent when empty.
    #[must_use]
    pub fn at_rank(&self, rank: u64) -> Option<u64> {
        let mut n_seen: u64 = 0;
        let mut last = None;
        for bucket in self.inner.iter_recorded() {
            n_seen = n_seen.saturating_add(bucket.count_at_value());
            last = Some(bucket.value_iterated_to());
            if n_seen >= rank {
                break;
            }
        }
        last
    }

    /// HdrHistogram's compressed V2 form in base64.
    pub fn to_base64(&self) -> Result<String, HistogramError> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.inner, &mut bytes)
            .map_err(HistogramError::Encode)?;
        Ok(STANDARD.encode(bytes))
    }

    /// Reads HdrHistogram's V2 form, plain or compressed, in base64.
    pub fn from_base64(text: &str) -> Result<Self, HistogramError> {
        if text.len() > ENCODED_MAX {
            return Err(HistogramError::TooLong {
                n_bytes: text.len(),
            });
        }
        let bytes = STANDARD.decode(text.trim())?;
        let inner = Deserializer::new()
            .deserialize(&mut Cursor::new(bytes))
            .map_err(HistogramError::Form)?;
        Ok(Self { inner })
    }
}
