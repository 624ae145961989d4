//! Which lines ran, by file: what every coverage reader returns.

use std::collections::BTreeMap;

use super::hits::Hits;
use crate::catalogue::SCOPE_MARK;
use crate::measurement::Measurement;

/// What a report counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counted {
    /// Lines of source.
    #[default]
    Lines,
    /// Statements.
    Statements,
}

/// Coverage of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileCoverage {
    /// Hits by line; empty when the report only gives sums.
    pub hits: Hits,
    /// Branches by line: how many were taken, of how many. Empty when the report has none.
    pub branches: BTreeMap<u32, (u32, u32)>,
    /// What the two sums count.
    pub counted: Counted,
    /// Lines or statements that can run.
    pub n_lines: u64,
    /// Lines or statements that ran.
    pub n_covered: u64,
}

impl FileCoverage {
    /// From hits by line.
    #[must_use]
    pub fn from_hits(hits: impl Into<Hits>) -> Self {
        let hits = hits.into();
        let n_covered = hits.iter().filter(|(_, hits)| *hits > 0).count() as u64;
        Self {
            counted: Counted::Lines,
            n_lines: hits.len() as u64,
            n_covered,
            hits,
            branches: BTreeMap::new(),
        }
    }

    fn add(&mut self, more: Self) {
        let mut branches = std::mem::take(&mut self.branches);
        for (line, (n_taken, n)) in &more.branches {
            // Which branches were taken is not known: at least as many as on either side.
            let known = branches.entry(*line).or_default();
            *known = (known.0.max(*n_taken), known.1.max(*n));
        }
        if !self.hits.is_empty() && !more.hits.is_empty() {
            let both: Hits = self.hits.iter().chain(more.hits.iter()).collect();
            *self = Self::from_hits(both);
        } else if (more.n_lines, more.n_covered) > (self.n_lines, self.n_covered) {
            // Sums can't be united by line: the larger ones count.
            *self = more;
        }
        self.branches = branches;
    }
}

/// Coverage by file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Files as the report names them, with `/`.
    pub files: BTreeMap<String, FileCoverage>,
}

impl Coverage {
    /// Unites two reports: a line is covered when it is in either.
    pub fn add(&mut self, more: &Self) {
        for (file, coverage) in &more.files {
            self.add_file(file, coverage.clone());
        }
    }

    pub(super) fn add_file(&mut self, file: &str, coverage: FileCoverage) {
        self.files
            .entry(file.replace('\\', "/"))
            .or_default()
            .add(coverage);
    }

    /// The same coverage under other names of its files; those that become one are united.
    #[must_use]
    pub fn renamed(self, name: impl Fn(&str) -> String) -> Self {
        let mut renamed = Self::default();
        for (file, coverage) in self.files {
            renamed.add_file(&name(&file), coverage);
        }
        renamed
    }

    /// `coverage_percent_min`; absent when there is no line that can run.
    #[must_use]
    pub fn measurement(&self) -> Option<Measurement> {
        measurement("coverage_percent_min", self.files.values())
    }

    /// `coverage_percent_min@SCOPE`: that of one file, or of all files in one folder.
    #[must_use]
    pub fn measurement_in(&self, scope: &str) -> Option<Measurement> {
        let is_in = |file: &str| {
            let rest = file.strip_prefix(scope.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let files = self.files.iter().filter(|(file, _)| is_in(file));
        let id = format!("coverage_percent_min{SCOPE_MARK}{scope}");
        measurement(&id, files.map(|(_, file)| file))
    }
}

fn measurement<'f>(
    id: &str,
    files: impl Iterator<Item = &'f FileCoverage> + Clone,
) -> Option<Measurement> {
    let n_lines: u64 = files.clone().map(|file| file.n_lines).sum();
    let n_covered: u64 = files.clone().map(|file| file.n_covered).sum();
    (n_lines > 0).then(|| {
        let percent = 100.0 * n_covered as f64 / n_lines as f64;
        // A file without lines counts nothing.
        let counting = files.filter(|file| file.n_lines > 0);
        let is_by = |counted| counting.clone().all(|file| file.counted == counted);
        let unit = match (is_by(Counted::Lines), is_by(Counted::Statements)) {
            (true, _) => "lines",
            (_, true) => "statements",
            _ => "lines and statements",
        };
        let detail = format!("{n_covered} of {n_lines} {unit}");
        Measurement::new(id, "%", percent, detail)
    })
}
