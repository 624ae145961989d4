//! `llvm-cov export` JSON: the sums of lines for each file. Form: LLVM's `CoverageExporterJson.cpp`.

use serde::Deserialize;

use super::coverage::{Counted, Coverage, FileCoverage};
use super::error::{ReadError, quoted};
use super::input::{Input, Sample};
use super::json;

const TYPE: &str = "llvm.coverage.json.export";

#[derive(Deserialize)]
struct Export {
    #[serde(rename = "type")]
    kind: String,
    data: Vec<ExportData>,
}

#[derive(Deserialize)]
struct ExportData {
    files: Vec<ExportFile>,
}

#[derive(Deserialize)]
struct ExportFile {
    filename: String,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    lines: Lines,
}

#[derive(Deserialize)]
struct Lines {
    count: u64,
    covered: u64,
}

/// Recognises the `type`, which `llvm-cov` writes last.
pub(super) fn is_it(sample: &Sample<'_>) -> bool {
    let has_type = |part: &str| part.contains("\"llvm.coverage.json.export\"");
    sample.is_json() && (has_type(sample.head) || has_type(sample.tail))
}

pub(super) fn read(input: &Input<'_>) -> Result<Coverage, ReadError> {
    let export: Export = json::parse(input, "the JSON export of llvm-cov")?;
    if export.kind != TYPE {
        return Err(input.error(1, format!("`\"type\": \"{TYPE}\"`"), quoted(&export.kind)));
    }
    let mut coverage = Coverage::default();
    for file in export.data.iter().flat_map(|data| &data.files) {
        let Lines { count, covered } = file.summary.lines;
        if covered > count {
            let found = format!("{covered} of {count} in {}", quoted(&file.filename));
            return Err(input.error(1, "at most as many covered lines as lines", found));
        }
        let sums = FileCoverage {
            counted: Counted::Lines,
            n_lines: count,
            n_covered: covered,
            ..FileCoverage::default()
        };
        coverage.add_file(&file.filename, sums);
    }
    if coverage.files.is_empty() {
        return Err(input.error(1, "at least one file under `data`", "none"));
    }
    Ok(coverage)
}
