//! Patch coverage: which of the lines that a change adds or edits ran.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_report::{Finding, Place, Severity};

use crate::metric::shown;
use crate::reader::{Coverage, FileCoverage};

/// Most lines that are findings of their own.
const LINES_MAX: usize = 50;

/// The lines of a change that can run, and those of them that did not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// Lines of the change that can run.
    pub n_lines: usize,
    /// Those that did not run, by file.
    pub uncovered: BTreeMap<String, Vec<u32>>,
    /// Branches of lines that ran, and those of them that were taken.
    #[serde(default)]
    pub branches: (usize, usize),
    /// Lines that ran and left a branch out, by file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub half_covered: BTreeMap<String, Vec<u32>>,
}

impl Patch {
    /// The lines of `diff`, as `git diff --unified=0` writes it, that the reports know. A file
    /// without lines in the reports counts nothing.
    #[must_use]
    pub fn of(diff: &str, coverage: &Coverage) -> Self {
        let mut patch = Self::default();
        for (file, lines) in changed(diff) {
            let Some(coverage) = coverage.files.get(&file) else {
                continue;
            };
            let hits = lines
                .iter()
                .filter_map(|line| Some((*line, coverage.hits.get(*line)?)));
            let hits: Vec<(u32, u64)> = hits.collect();
            patch.n_lines += hits.len();
            let uncovered = hits.iter().filter(|(_, hits)| *hits == 0);
            let uncovered: Vec<u32> = uncovered.map(|(line, _)| *line).collect();
            patch.add_branches(&file, coverage, &hits);
            if !uncovered.is_empty() {
                patch.uncovered.insert(file, uncovered);
            }
        }
        patch
    }

    /// Counts the branches of lines that ran; a line that did not run is listed already.
    fn add_branches(&mut self, file: &str, coverage: &FileCoverage, hits: &[(u32, u64)]) {
        let ran = hits.iter().filter(|(_, hits)| *hits > 0);
        for (line, _) in ran {
            let Some((n_taken, n)) = coverage.branches.get(line) else {
                continue;
            };
            self.branches.0 += *n as usize;
            self.branches.1 += *n_taken as usize;
            if n_taken < n {
                let lines = self.half_covered.entry(file.to_owned()).or_default();
                lines.push(*line);
            }
        }
    }

    /// The share of its lines that ran, in percent; absent when none can run.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let n_covered = self.n_lines - self.n_uncovered();
        (self.n_lines > 0).then(|| 100.0 * n_covered as f64 / self.n_lines as f64)
    }

    /// How many of its lines ran, in words.
    #[must_use]
    pub fn summary(&self) -> String {
        let lines = format!(
            "{} of {} changed lines ran ({}%)",
            self.n_lines - self.n_uncovered(),
            self.n_lines,
            shown(self.percent().unwrap_or(100.0))
        );
        match self.branches {
            (0, _) => lines,
            (n, n_taken) => format!("{lines}, and {n_taken} of {n} branches in them"),
        }
    }

    fn n_uncovered(&self) -> usize {
        self.uncovered.values().map(Vec::len).sum()
    }

    /// `patch-coverage`, an error, when fewer lines ran than `least` percent; `patch-uncovered` for
    /// each line that did not run.
    #[must_use]
    pub fn findings(&self, least: Option<f64>) -> Vec<Finding> {
        let Some(percent) = self.percent() else {
            return Vec::new();
        };
        let text = self.summary();
        let broken = least.filter(|least| percent < *least);
        let total = match broken {
            Some(least) => Finding::error("patch-coverage", text)
                .because(format!(
                    "`patch_coverage_min` in the section [ratchet] of tollgate.toml is {}%",
                    shown(least)
                ))
                .fix("test the lines that the findings `patch-uncovered` name"),
            None => Finding::info("patch-coverage", text),
        };
        let severity = if broken.is_some() {
            Severity::Warning
        } else {
            Severity::Info
        };
        let lines = self
            .uncovered
            .iter()
            .flat_map(|(file, lines)| lines.iter().map(move |line| (file, *line)));
        let lines = lines.take(LINES_MAX).map(|(file, line)| {
            Finding::new(
                severity,
                "patch-uncovered",
                "no test runs this changed line",
            )
            .at(Place::at(file.as_str(), line, 0))
        });
        let halves = self.half_covered.iter();
        let halves = halves.flat_map(|(file, lines)| lines.iter().map(move |line| (file, *line)));
        let halves = halves.take(LINES_MAX).map(|(file, line)| {
            let message = "the tests do not take every branch of this changed line";
            Finding::new(Severity::Info, "patch-branches", message).at(Place::at(
                file.as_str(),
                line,
                0,
            ))
        });
        std::iter::once(total).chain(lines).chain(halves).collect()
    }
}

/// The lines that a diff adds, by file.
fn changed(diff: &str) -> BTreeMap<String, Vec<u32>> {
    let mut files: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut file = None;
    // Lines of content that a hunk still has, so that content is not read as a header.
    let mut n_left = 0u32;
    for line in diff.lines() {
        if n_left > 0 && line.starts_with(['+', '-']) {
            n_left -= 1;
        } else if let Some(name) = line.strip_prefix("+++ ") {
            file = name
                .strip_prefix("b/")
                .map(|name| name.trim_end().to_owned());
        } else if let Some(hunk) = line.strip_prefix("@@ -")
            && let Some((removed, (start, n_added))) = ranges(hunk)
        {
            n_left = removed + n_added;
            if let Some(file) = &file {
                let lines = files.entry(file.clone()).or_default();
                lines.extend(start..start.saturating_add(n_added));
            }
        }
    }
    files
}

/// How many lines a hunk removes, and which it adds: `4,2 +4,3 @@`.
fn ranges(hunk: &str) -> Option<(u32, (u32, u32))> {
    let mut words = hunk.split(' ');
    let range = |text: &str| -> Option<(u32, u32)> {
        match text.split_once(',') {
            Some((start, n)) => Some((start.parse().ok()?, n.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let removed = range(words.next()?)?.1;
    Some((removed, range(words.next()?.strip_prefix('+')?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/src/a.rs b/src/a.rs\n--- a/src/a.rs\n+++ b/src/a.rs\n@@ -4,2 +4,3 @@ fn f\n-x\n-+++ b/other\n+a\n++++ b/third\n+c\n@@ -9 +10 @@\n-x\n+y\n@@ -12,2 +12,0 @@\n-x\n-y\n--- a/gone.rs\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";

    #[test]
    fn the_changed_lines_that_can_run_are_counted_and_named() {
        assert_eq!(
            changed(DIFF),
            BTreeMap::from([("src/a.rs".to_owned(), vec![4, 5, 6, 10])])
        );
        let hits = BTreeMap::from([(1, 0), (4, 1), (5, 0), (10, 3)]);
        let mut coverage = Coverage::default();
        let branches = BTreeMap::from([(4, (1, 2)), (5, (0, 2)), (10, (2, 2)), (1, (0, 2))]);
        let file = FileCoverage {
            branches,
            ..FileCoverage::from_hits(hits)
        };
        coverage.files.insert("src/a.rs".to_owned(), file);
        let patch = Patch::of(DIFF, &coverage);
        assert_eq!((patch.n_lines, patch.n_uncovered()), (3, 1));
        let found = patch.findings(Some(80.0));
        assert_eq!(found[0].severity, Severity::Error);
        assert_eq!(
            found[0].message,
            "2 of 3 changed lines ran (66.6667%), and 3 of 4 branches in them"
        );
        assert_eq!(found[2].code, "patch-branches");
        let place = found[1].place.as_ref().expect("a line has a place");
        assert_eq!(place.to_string(), "src/a.rs:5");
        assert_eq!(
            patch.half_covered,
            BTreeMap::from([("src/a.rs".to_owned(), vec![4])])
        );
        assert_eq!(patch.findings(Some(60.0))[0].severity, Severity::Info);
        assert_eq!(Patch::of("", &coverage).findings(Some(80.0)), []);
    }
}
