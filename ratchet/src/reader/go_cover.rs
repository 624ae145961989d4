//! Profiles of `go test -coverprofile`. Form: `golang.org/x/tools/cover`, `ParseProfiles`.
//!
//! Go counts statements in blocks, and so does this reader, so that the percentage is that of
//! `go tool cover -func`. A profile that was cut between two lines cannot be recognised as such.

use std::collections::BTreeMap;

use super::coverage::{Counted, Coverage, FileCoverage};
use super::error::{ReadError, quoted};
use super::input::{Input, Sample};

/// How each block is counted: whether it ran, or how often.
const MODES: [&str; 3] = ["set", "count", "atomic"];

/// Line and column of the start and of the end of a block.
type Place = [u32; 4];

/// A block of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    n_statements: u64,
    has_run: bool,
}

/// Recognises the first line.
pub(super) fn is_it(sample: &Sample<'_>) -> bool {
    sample.head.starts_with("mode: ")
}

pub(super) fn read(input: &Input<'_>) -> Result<Coverage, ReadError> {
    let mut lines = (1..).zip(input.text.lines());
    let first = lines.next().map_or("", |(_, line)| line);
    let mode = first.strip_prefix("mode: ").map(str::trim);
    if !mode.is_some_and(|mode| MODES.contains(&mode)) {
        let expected = "`mode: set`, `mode: count` or `mode: atomic`";
        return Err(input.error(1, expected, quoted(first)));
    }
    let mut files: BTreeMap<&str, BTreeMap<Place, Block>> = BTreeMap::new();
    let mut last = 1;
    for (number, line) in lines {
        last = number;
        // Profiles that were put together repeat the first line.
        if line.trim().is_empty() || line.starts_with("mode: ") {
            continue;
        }
        let Some((file, place, block)) = read_block(line) else {
            let expected = "`file:line.column,line.column statements count`";
            return Err(input.error(number, expected, quoted(line)));
        };
        let known = files.entry(file).or_default().entry(place).or_insert(block);
        if known.n_statements != block.n_statements {
            let expected = format!(
                "{} statements as in an earlier line for this block",
                known.n_statements
            );
            return Err(input.error(number, expected, quoted(line)));
        }
        // The same block comes once for each package whose tests run it.
        known.has_run |= block.has_run;
    }
    if !input.text.ends_with('\n') {
        let found = "the end of the file; the profile was cut short";
        return Err(input.error(last, "the end of the line", found));
    }
    let mut coverage = Coverage::default();
    for (file, blocks) in &files {
        let sums = FileCoverage {
            counted: Counted::Statements,
            n_lines: n_statements(blocks.values()),
            n_covered: n_statements(blocks.values().filter(|block| block.has_run)),
            ..FileCoverage::default()
        };
        coverage.add_file(file, sums);
    }
    Ok(coverage)
}

fn n_statements<'a>(blocks: impl Iterator<Item = &'a Block>) -> u64 {
    blocks.fold(0, |sum, block| sum.saturating_add(block.n_statements))
}

/// `file:line.column,line.column statements count`; the file may contain colons.
fn read_block(line: &str) -> Option<(&str, Place, Block)> {
    let (file, rest) = line.rsplit_once(':')?;
    let mut words = rest.split(' ');
    let (start, end) = words.next()?.split_once(',')?;
    let n_statements: u64 = words.next()?.parse().ok()?;
    let n_runs: u64 = words.next()?.trim_end().parse().ok()?;
    if file.is_empty() || words.next().is_some() {
        return None;
    }
    let point = |text: &str| -> Option<(u32, u32)> {
        let (line, column) = text.split_once('.')?;
        Some((line.parse().ok()?, column.parse().ok()?))
    };
    let ((first_line, first_column), (last_line, last_column)) = (point(start)?, point(end)?);
    let block = Block {
        n_statements,
        has_run: n_runs > 0,
    };
    let place = [first_line, first_column, last_line, last_column];
    Some((file, place, block))
}
