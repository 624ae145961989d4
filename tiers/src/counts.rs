//! Test counts, closing lines and the excerpt that matters, read from a runner's output.
//! Pure text in, values out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tests of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Tests that ran.
    pub run: u64,
    /// Tests that passed, flaky ones included.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that failed and passed on a retry.
    pub flaky: u64,
    /// Tests that were left out.
    pub skipped: u64,
}

impl Counts {
    /// The sum of two.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            run: self.run + other.run,
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            flaky: self.flaky + other.flaky,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// The counts in nextest's `Summary` line or libtest's `test result:` lines; none without either.
#[must_use]
pub fn parse(log: &str) -> Option<Counts> {
    let summary = log
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("Summary ["));
    if let Some(summary) = summary {
        return parse_nextest(summary);
    }
    let lines = log
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("test result: "));
    lines
        .map(parse_libtest)
        .fold(None, |sum, one| Some(sum.unwrap_or_default().plus(one)))
}

/// `Summary [ 0.01s] 3 tests run: 2 passed (1 slow, 1 flaky), 1 failed, 1 timed out, 4 skipped`.
fn parse_nextest(summary: &str) -> Option<Counts> {
    let rest = summary.split_once(']')?.1;
    let (run, rest) = rest.split_once(" run:")?;
    let run = run.trim().split([' ', '/']).next()?.parse().ok()?;
    let mut counts = Counts {
        run,
        ..Counts::default()
    };
    for (number, word) in numbers_with_words(rest) {
        match word {
            "passed" => counts.passed += number,
            "failed" | "timed" | "exec" => counts.failed += number,
            "flaky" => counts.flaky += number,
            "skipped" => counts.skipped += number,
            _ => {}
        }
    }
    Some(counts)
}

/// `ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s`.
fn parse_libtest(line: &str) -> Counts {
    let mut counts = Counts::default();
    for (number, word) in numbers_with_words(line) {
        match word {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" | "filtered" => counts.skipped += number,
            _ => {}
        }
    }
    counts.run = counts.passed + counts.failed;
    counts
}

fn numbers_with_words(text: &str) -> Vec<(u64, &str)> {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words
        .windows(2)
        .filter_map(|pair| Some((pair[0].parse().ok()?, pair[1])))
        .collect()
}

/// Tests by package, from nextest's status lines (`PASS [ 0.01s] (1/9) package::binary test`).
/// libtest does not name the package, so its output gives none.
#[must_use]
pub fn by_package(log: &str) -> BTreeMap<String, Counts> {
    let mut packages: BTreeMap<String, Counts> = BTreeMap::new();
    for line in log.lines().map(str::trim_start) {
        if line.starts_with("Summary [") {
            // Failures are listed again below the summary.
            break;
        }
        let Some((status, rest)) = line.split_once(" [") else {
            continue;
        };
        let is_pass = status == "PASS";
        let is_flaky =
            status.starts_with("FLAKY") || status.starts_with("TRY") && status.ends_with("PASS");
        let is_fail = matches!(status, "FAIL" | "TIMEOUT" | "SIGABRT" | "SIGSEGV" | "ABORT");
        let Some((_, rest)) = rest.split_once(']') else {
            continue;
        };
        let binary = rest.split_whitespace().find(|word| !is_progress(word));
        let Some(package) = binary.and_then(|binary| binary.split("::").next()) else {
            continue;
        };
        if is_pass || is_flaky || is_fail {
            let counts = packages.entry(package.to_owned()).or_default();
            counts.run += 1;
            counts.passed += u64::from(!is_fail);
            counts.failed += u64::from(is_fail);
            counts.flaky += u64::from(is_flaky);
        }
    }
    packages
}

fn is_progress(word: &str) -> bool {
    word.starts_with('(') || word.ends_with(')')
}

/// The runner's closing summary: nextest's from `Summary` on, or libtest's `test result:` lines.
/// At most 12 lines.
#[must_use]
pub fn closing_lines(log: &str) -> Vec<String> {
    const N_LINES_MAX: usize = 12;
    let lines: Vec<&str> = log.lines().collect();
    let summary = lines
        .iter()
        .rposition(|line| line.trim_start().starts_with("Summary ["));
    let kept: Vec<&str> = match summary {
        Some(idx) => lines[idx..].to_vec(),
        None => lines
            .into_iter()
            .filter(|line| line.starts_with("test result: "))
            .collect(),
    };
    let n_skipped = kept.len().saturating_sub(N_LINES_MAX);
    let kept = if summary.is_some() {
        &kept[..kept.len() - n_skipped]
    } else {
        &kept[n_skipped..]
    };
    kept.iter().map(|line| line.trim().to_owned()).collect()
}

/// Text without ANSI escape sequences, which some tools write whatever the terminal is.
#[must_use]
pub fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            // CSI: parameters up to a final letter.
            Some('[') => while characters.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
            // A character-set choice has one more character.
            Some('(' | ')') => drop(characters.next()),
            _ => {}
        }
    }
    plain
}

/// The lines of a failed step that most likely tell the cause: from the first error on, or the
/// last ones. At most 40 lines.
#[must_use]
pub fn excerpt(log: &str) -> Vec<String> {
    const N_LINES_MAX: usize = 40;
    let lines: Vec<&str> = log.lines().collect();
    let is_error = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("error")
            || line.starts_with("warning: ")
            || line.starts_with("FAIL [")
            || line.contains("panicked at")
            || line.starts_with("Diff in ")
    };
    let start = lines
        .iter()
        .position(is_error)
        .unwrap_or(lines.len().saturating_sub(N_LINES_MAX));
    lines[start..]
        .iter()
        .take(N_LINES_MAX)
        .map(|line| (*line).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(run: u64, passed: u64, failed: u64, flaky: u64, skipped: u64) -> Counts {
        Counts {
            run,
            passed,
            failed,
            flaky,
            skipped,
        }
    }

    #[test]
    fn counts_are_read_from_both_runners() {
        let nextest = "     Summary [   0.021s] 12 tests run: 10 passed (1 slow, 1 flaky), 2 failed, 3 skipped\n";
        assert_eq!(parse(nextest), Some(counts(12, 10, 2, 1, 3)));
        let nextest = "     Summary [   1.0s] 3/12 tests run: 2 passed, 1 timed out, 0 skipped\n";
        assert_eq!(parse(nextest), Some(counts(3, 2, 1, 0, 0)));
        let libtest = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s\n\
                       test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        assert_eq!(parse(libtest), Some(counts(5, 4, 1, 0, 3)));
        assert_eq!(parse("hello"), None);
    }

    #[test]
    fn a_test_is_counted_for_its_package() {
        let log = "        PASS [   0.004s] (1/3) tollgate-report finding::tests::a\n\
                   \x20       PASS [   0.004s] tollgate-tiers::staged it_works\n\
                   \x20       FAIL [   0.004s] (3/3) tollgate-tiers::staged it_breaks\n\
                   \x20    Summary [   0.021s] 3 tests run: 2 passed, 1 failed, 0 skipped\n\
                   \x20       FAIL [   0.004s] (3/3) tollgate-tiers::staged it_breaks\n";
        let packages = by_package(log);
        assert_eq!(packages["tollgate-report"], counts(1, 1, 0, 0, 0));
        assert_eq!(packages["tollgate-tiers"], counts(2, 1, 1, 0, 0));
        assert_eq!(closing_lines(log).len(), 2);
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_escapes("\u{1b}[1;32m+x\u{1b}(B\u{1b}[m\n"), "+x\n");
        assert_eq!(without_escapes("plain\u{1b}"), "plain");
    }

    #[test]
    fn an_excerpt_starts_at_the_first_error() {
        assert_eq!(excerpt("building\nerror: no\nwhy\n"), ["error: no", "why"]);
        assert_eq!(excerpt("a\nb\n"), ["a", "b"]);
    }
}
