//! LCOV trace files: `SF`, `DA`, `LF`, `LH`, `end_of_record`; other records are passed over.
//! Form: man page geninfo(1), section "Files".

use std::collections::BTreeMap;

use super::coverage::{Coverage, FileCoverage};
use super::error::{ReadError, quoted};
use super::hits::Hits;
use super::input::{Input, Sample};

/// Tags of geninfo(1) that do not describe lines.
const PASSED_OVER: [&str; 13] = [
    "TN", "VER", "FN", "FNL", "FNA", "FNDA", "FNF", "FNH", "BA", "BRF", "BRH", "MCDC", "MCF",
];

#[derive(Default)]
struct Section {
    file: String,
    hits: Vec<(u32, u64)>,
    branches: BTreeMap<u32, (u32, u32)>,
    n_lines: Option<u64>,
    n_covered: Option<u64>,
}

/// Recognises its first record or the usual names of the file.
pub(super) fn is_it(sample: &Sample<'_>) -> bool {
    let has_name = sample.name.ends_with(".lcov") || sample.name.ends_with("lcov.info");
    let has_tag = ["TN:", "SF:"]
        .iter()
        .any(|tag| sample.head.starts_with(tag));
    !sample.is_xml() && !sample.is_json() && (has_tag || has_name)
}

pub(super) fn read(input: &Input<'_>) -> Result<Coverage, ReadError> {
    let mut coverage = Coverage::default();
    let mut section: Option<Section> = None;
    let mut n_lines = 0;
    for (line_idx, line) in input.text.lines().enumerate() {
        n_lines = line_idx + 1;
        if let Some(open) = &mut section
            && let Some(hits) = plain_hits(line.as_bytes())
        {
            open.hits.push(hits);
            continue;
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "end_of_record" {
            let Some(done) = section.take() else {
                return Err(input.error(n_lines, "`SF:` before `end_of_record`", quoted(line)));
            };
            finish(input, n_lines, done, &mut coverage)?;
            continue;
        }
        read_record(input, n_lines, line, &mut section)?;
    }
    if let Some(open) = section {
        let found = format!(
            "the end of the file inside the section of {}",
            quoted(&open.file)
        );
        return Err(input.error(n_lines, "`end_of_record`", found));
    }
    if coverage.files.is_empty() {
        return Err(input.error(
            n_lines,
            "at least one section that begins with `SF:`",
            "none",
        ));
    }
    Ok(coverage)
}

fn read_record(
    input: &Input<'_>,
    line_number: usize,
    line: &str,
    section: &mut Option<Section>,
) -> Result<(), ReadError> {
    let Some((tag, value)) = line.split_once(':') else {
        return Err(input.error(line_number, "a record `TAG:value`", quoted(line)));
    };
    match (tag, section.as_mut()) {
        ("SF", None) if !value.is_empty() => {
            *section = Some(Section {
                file: value.to_owned(),
                ..Section::default()
            });
        }
        ("SF", None) => return Err(input.error(line_number, "a file name after `SF:`", "nothing")),
        ("SF", Some(open)) => {
            let found = format!("another `SF:` in the section of {}", quoted(&open.file));
            return Err(input.error(line_number, "`end_of_record`", found));
        }
        ("DA", Some(open)) => {
            let (line, n) = read_hits(value).ok_or_else(|| {
                input.error(
                    line_number,
                    "`DA:line,hits` with two whole numbers",
                    quoted(line),
                )
            })?;
            open.hits.push((line, n));
        }
        ("BRDA", Some(open)) => branch(open, value),
        ("LF" | "LH", Some(open)) => {
            let count = value.trim().parse().map_err(|_| {
                input.error(
                    line_number,
                    format!("`{tag}:` with a whole number"),
                    quoted(line),
                )
            })?;
            if tag == "LF" {
                open.n_lines = Some(count);
            } else {
                open.n_covered = Some(count);
            }
        }
        ("DA" | "LF" | "LH", None) => {
            let expected = format!("`SF:` before `{tag}:`");
            return Err(input.error(line_number, expected, quoted(line)));
        }
        (tag, _) if PASSED_OVER.contains(&tag) || matches!(tag, "MCH" | "BRDA") => {}
        _ => return Err(input.error(line_number, "a record of LCOV", quoted(line))),
    }
    Ok(())
}

/// `DA:line,hits` of digits only, which is nearly every line of a report.
fn plain_hits(line: &[u8]) -> Option<(u32, u64)> {
    let rest = line.strip_prefix(b"DA:")?;
    let comma = rest.iter().position(|byte| *byte == b',')?;
    let line = u32::try_from(digits(&rest[..comma])?).ok()?;
    Some((line, digits(&rest[comma + 1..])?))
}

/// A number of at most 18 digits, so that it can't overflow.
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0, |sum, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit < 10).then_some(sum * 10 + u64::from(digit))
    })
}

/// `line,block,branch,taken`: a branch of a line that never ran is `-`.
fn branch(open: &mut Section, value: &str) {
    let line = value
        .split(',')
        .next()
        .and_then(|it| it.trim().parse().ok());
    let taken = value.rsplit(',').next().map(str::trim);
    if let (Some(line), Some(taken)) = (line, taken) {
        let (n_taken, n) = open.branches.entry(line).or_default();
        *n += 1;
        *n_taken += u32::from(!matches!(taken, "-" | "0"));
    }
}

/// `line,hits` or `line,hits,checksum`. Some tools write a negative or fractional number of hits,
/// which geninfo(1) does not allow: those are rejected.
fn read_hits(value: &str) -> Option<(u32, u64)> {
    let mut parts = value.split(',');
    let line = parts.next()?.trim().parse().ok()?;
    let hits = parts.next()?.trim().parse().ok()?;
    Some((line, hits))
}

fn finish(
    input: &Input<'_>,
    line_number: usize,
    section: Section,
    coverage: &mut Coverage,
) -> Result<(), ReadError> {
    let file = if !section.hits.is_empty() {
        FileCoverage {
            branches: section.branches,
            ..FileCoverage::from_hits(section.hits.into_iter().collect::<Hits>())
        }
    } else {
        match (section.n_lines, section.n_covered) {
            (Some(n_lines), Some(n_covered)) if n_covered <= n_lines => FileCoverage {
                n_lines,
                n_covered,
                ..FileCoverage::default()
            },
            (Some(n_lines), Some(n_covered)) => {
                let found = format!("`LH:{n_covered}` above `LF:{n_lines}`");
                return Err(input.error(line_number, "`LH` of at most `LF`", found));
            }
            // A file without a line that can run, such as one of type declarations only.
            _ => FileCoverage::default(),
        }
    };
    coverage.add_file(&section.file, file);
    Ok(())
}
