//! Cobertura XML as coverage.py, coverlet, gcovr, c8, PHPUnit and others write it.
//!
//! Lines stand twice, below their method and below their class: those of the class count. A class
//! that has only those of its methods is read by them.

use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::coverage::{Coverage, FileCoverage};
use super::error::{ReadError, quoted};
use super::input::{Input, Sample};
use super::xml;

/// Elements within each other are bounded, so that a hostile report cannot exhaust memory.
const DEPTH_MAX: usize = 64;

#[derive(Default)]
struct Class {
    file: String,
    lines: Vec<(u32, u64)>,
    of_methods: Vec<(u32, u64)>,
    branches: BTreeMap<u32, (u32, u32)>,
}

#[derive(Default)]
struct State {
    depth: usize,
    has_root: bool,
    in_methods: usize,
    class: Option<Class>,
    /// The depth of the class.
    class_depth: usize,
    /// Folders of the sources, and the depth of the one that is read.
    sources: Vec<String>,
    source_depth: usize,
}

/// Recognises the element `coverage` with `line-rate`, which Clover's does not have.
pub(super) fn is_it(sample: &Sample<'_>) -> bool {
    let has_root = sample.head.contains("<coverage");
    sample.is_xml() && has_root && sample.head.contains("line-rate")
}

pub(super) fn read(input: &Input<'_>) -> Result<Coverage, ReadError> {
    let mut reader = Reader::from_str(input.text);
    // Most text is the indentation of lines.
    reader.config_mut().trim_text(true);
    let mut coverage = Coverage::default();
    let mut state = State::default();
    loop {
        let offset = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let rest = input.text.as_bytes().get(offset..).unwrap_or_default();
        let offset = offset
            + rest
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
        let event = reader.read_event().map_err(|error| {
            let offset = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
            input.error_at(offset, "well-formed XML", error.to_string())
        })?;
        match event {
            Event::Start(start) => open(input, &mut state, &start, offset)?,
            Event::Empty(start) => {
                open(input, &mut state, &start, offset)?;
                close(&mut state, &mut coverage);
            }
            Event::End(_) => close(&mut state, &mut coverage),
            Event::Text(text) if state.source_depth > 0 => {
                state.sources.push(text.trim().to_owned());
            }
            Event::Text(text) if state.depth == 0 && !text.trim().is_empty() => {
                return Err(input.error_at(offset, "an XML element", quoted(&text)));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if state.depth > 0 {
        let found = "the end of the file inside `<coverage>`";
        return Err(input.error_at(input.text.len(), "`</coverage>`", found));
    }
    if coverage.files.is_empty() {
        return Err(input.error(1, "at least one `<class>` with a `filename`", "none"));
    }
    Ok(coverage)
}

fn open(
    input: &Input<'_>,
    state: &mut State,
    start: &BytesStart<'_>,
    offset: usize,
) -> Result<(), ReadError> {
    let name = start.local_name();
    let name: &str = name.as_ref();
    if state.depth == 0 && (state.has_root || name != "coverage") {
        let expected = "`<coverage>` as the one root";
        return Err(input.error_at(offset, expected, format!("`<{name}>`")));
    }
    if state.depth >= DEPTH_MAX {
        let expected = format!("at most {DEPTH_MAX} elements within each other");
        return Err(input.error_at(offset, expected, "more"));
    }
    state.has_root = true;
    state.depth += 1;
    match name {
        "class" => {
            let [file] = xml::attributes(input, start, ["filename"], offset)?;
            let file = file
                .filter(|file| !file.is_empty())
                .ok_or_else(|| input.error_at(offset, "`<class>` with a `filename`", "none"))?;
            state.class_depth = state.depth;
            state.class = Some(Class {
                file: file.into_owned(),
                ..Class::default()
            });
        }
        "source" => state.source_depth = state.depth,
        "methods" if state.class.is_some() => state.in_methods = state.depth,
        "line" => line(input, state, start, offset)?,
        _ => {}
    }
    Ok(())
}

fn line(
    input: &Input<'_>,
    state: &mut State,
    start: &BytesStart<'_>,
    offset: usize,
) -> Result<(), ReadError> {
    let Some(class) = &mut state.class else {
        return Err(input.error_at(offset, "`<line>` in a `<class>`", "one outside"));
    };
    let names = ["number", "hits", "condition-coverage"];
    let [number, hits, conditions] = xml::attributes(input, start, names, offset)?;
    let whole = |text: Option<std::borrow::Cow<'_, str>>, name: &str| {
        let text = text.unwrap_or_default();
        text.trim().parse::<u64>().map_err(|_| {
            input.error_at(offset, format!("a whole number in `{name}`"), quoted(&text))
        })
    };
    let wrong = || input.error_at(offset, "a line number of at most 32 bits", "more");
    let number = u32::try_from(whole(number, "number")?).map_err(|_| wrong())?;
    let hits = whole(hits, "hits")?;
    if state.in_methods > 0 {
        class.of_methods.push((number, hits));
        return Ok(());
    }
    class.lines.push((number, hits));
    if let Some(taken) = conditions.as_deref().and_then(taken) {
        class.branches.insert(number, taken);
    }
    Ok(())
}

/// How many branches were taken, of how many: `50% (1/2)`.
fn taken(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once('(')?;
    let (taken, all) = rest.trim_end().strip_suffix(')')?.split_once('/')?;
    let (taken, all) = (taken.trim().parse().ok()?, all.trim().parse().ok()?);
    (taken <= all).then_some((taken, all))
}

/// The name of a file below the one folder of sources. Of several folders any may be meant.
fn placed(sources: &[String], file: &str) -> String {
    let is_absolute = file.starts_with(['/', '\\']) || file.get(1..2) == Some(":");
    match sources {
        [folder] if !folder.is_empty() && !is_absolute => {
            format!("{}/{file}", folder.trim_end_matches(['/', '\\']))
        }
        _ => file.to_owned(),
    }
}

fn close(state: &mut State, coverage: &mut Coverage) {
    if state.in_methods == state.depth {
        state.in_methods = 0;
    }
    if state.source_depth == state.depth {
        state.source_depth = 0;
    }
    if state.class_depth == state.depth
        && let Some(class) = state.class.take()
    {
        let lines = if class.lines.is_empty() {
            class.of_methods
        } else {
            class.lines
        };
        let hits: super::Hits = lines.into_iter().collect();
        let file = FileCoverage {
            branches: class.branches,
            ..FileCoverage::from_hits(hits)
        };
        coverage.add_file(&placed(&state.sources, &class.file), file);
    }
    state.depth -= 1;
}
