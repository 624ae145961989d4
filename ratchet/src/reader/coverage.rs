//! Which lines ran, by file; what every coverage reader returns. It must not know any one format.

use std::collections::BTreeMap;

use crate::measure::Measurement;

/// Coverage of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// Hits by line; empty when the report only gives sums.
    pub hits: BTreeMap<u32, u64>,
    /// Lines that can run.
    pub n_lines: u64,
    /// Lines that ran.
    pub n_covered: u64,
}

impl FileCoverage {
    /// From hits by line.
    #[must_use]
    pub fn from_hits(hits: BTreeMap<u32, u64>) -> Self {
        let n_covered = hits.values().filter(|hits| **hits > 0).count() as u64;
        Self {
            n_lines: hits.len() as u64,
            n_covered,
            hits,
        }
    }

    fn add(&mut self, more: &Self) {
        if !self.hits.is_empty() && !more.hits.is_empty() {
            let mut hits = std::mem::take(&mut self.hits);
            for (line, n) in &more.hits {
                let sum = hits.entry(*line).or_default();
                *sum = sum.saturating_add(*n);
            }
            *self = Self::from_hits(hits);
        } else if (more.n_lines, more.n_covered) > (self.n_lines, self.n_covered) {
            // Sums can't be united by line; the fuller account of the file stands.
            *self = more.clone();
        }
    }
}

/// Coverage by file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Files as the report names them, with `/`.
    pub files: BTreeMap<String, FileCoverage>,
}

impl Coverage {
    /// Unites two reports: a line is covered when either says so.
    pub fn add(&mut self, more: &Self) {
        for (file, coverage) in &more.files {
            self.add_file(file, coverage);
        }
    }

    pub(super) fn add_file(&mut self, file: &str, coverage: &FileCoverage) {
        self.files
            .entry(file.replace('\\', "/"))
            .or_default()
            .add(coverage);
    }

    /// `coverage_percent_min`; absent when there is no line that can run.
    #[must_use]
    pub fn measurement(&self) -> Option<Measurement> {
        let n_lines: u64 = self.files.values().map(|file| file.n_lines).sum();
        let n_covered: u64 = self.files.values().map(|file| file.n_covered).sum();
        (n_lines > 0).then(|| {
            let percent = 100.0 * n_covered as f64 / n_lines as f64;
            let detail = format!("{n_covered} of {n_lines} lines");
            Measurement::new("coverage_percent_min", "%", percent, detail)
        })
    }
}
