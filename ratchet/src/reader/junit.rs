//! JUnit XML as nextest, pytest, surefire, gotestsum and vitest write it.
//!
//! Retries come in two forms: child elements (`flakyFailure`, `rerunFailure` of surefire and
//! nextest), and repeated test cases of one name (pytest-rerunfailures, which does not even mark
//! the failed attempts; gotestsum, which does).

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::error::{ReadError, quoted};
use super::input::{Input, Sample};
use super::tests_report::{TestCase, TestOutcome, Tests};
use super::xml;

/// Suites in suites are bounded, so that a hostile report cannot exhaust memory or stack.
const DEPTH_MAX: usize = 64;

struct Case {
    class: String,
    name: String,
    /// Names of the suites around it; all cases of one suite share the text.
    suite: Rc<str>,
    /// Whether repeated names of the suite are attempts at one test.
    repeats: Repeats,
    is_failed: bool,
    is_skipped: bool,
    has_failed_attempt: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Repeats {
    /// Tests that happen to share a name.
    #[default]
    OtherTests,
    /// Attempts, each marked as failed or not (gotestsum).
    Attempts,
    /// Attempts without marks; all but the last one failed (pytest-rerunfailures).
    UnmarkedAttempts,
}

struct Suite {
    /// Its name behind those of the suites around it.
    path: Rc<str>,
    repeats: Repeats,
    n_declared: Option<u64>,
    n_cases: u64,
    offset: usize,
}

/// The elements that matter within others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Suites,
    Suite,
    Case,
    Properties,
    Other,
}

impl Element {
    fn of(name: &str) -> Self {
        match name {
            "testsuites" => Self::Suites,
            "testsuite" => Self::Suite,
            "testcase" => Self::Case,
            "properties" => Self::Properties,
            _ => Self::Other,
        }
    }
}

#[derive(Default)]
struct State {
    /// Each with where it begins.
    elements: Vec<(Element, usize)>,
    suites: Vec<Suite>,
    cases: Vec<Case>,
    root_time_s: Option<f64>,
    suites_time_s: Option<f64>,
    cases_time_s: Option<f64>,
}

/// Recognises the element `testsuite` or `testsuites`.
pub(super) fn is_it(sample: &Sample<'_>) -> bool {
    sample.is_xml() && sample.head.contains("<testsuite")
}

pub(super) fn read(input: &Input<'_>) -> Result<Tests, ReadError> {
    let mut reader = Reader::from_str(input.text);
    let mut state = State::default();
    let mut has_root = false;
    loop {
        let offset = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| {
            let offset = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
            input.error_at(offset, "well-formed XML", error.to_string())
        })?;
        match event {
            Event::Start(start) => {
                open(input, &mut state, &start, offset, has_root)?;
                has_root = true;
            }
            Event::Empty(start) => {
                open(input, &mut state, &start, offset, has_root)?;
                has_root = true;
                close(input, &mut state)?;
            }
            Event::End(_) => close(input, &mut state)?,
            Event::Text(text) if state.elements.is_empty() && !text.trim().is_empty() => {
                return Err(input.error_at(offset, "an XML element", quoted(&text)));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if let Some((_, offset)) = state.elements.last() {
        let element = name_at(input.text, *offset);
        let found = format!("the end of the file inside `<{element}>`");
        return Err(input.error_at(input.text.len(), format!("`</{element}>`"), found));
    }
    if !has_root {
        return Err(input.error(1, "`<testsuites>` or `<testsuite>`", "no element"));
    }
    let time_s = state
        .root_time_s
        .or(state.suites_time_s)
        .or(state.cases_time_s);
    Ok(Tests {
        cases: unite_attempts(state.cases),
        time_s,
    })
}

/// The name of the element that begins at `offset`.
fn name_at(text: &str, offset: usize) -> &str {
    let text = text
        .get(offset..)
        .unwrap_or_default()
        .trim_start_matches('<');
    let end = text.find(|char: char| char.is_whitespace() || matches!(char, '>' | '/'));
    &text[..end.unwrap_or(text.len())]
}

fn open(
    input: &Input<'_>,
    state: &mut State,
    start: &BytesStart<'_>,
    offset: usize,
    has_root: bool,
) -> Result<(), ReadError> {
    let name = start.local_name();
    let name: &str = name.as_ref();
    let element = Element::of(name);
    let parent = state.elements.last().map(|(element, _)| *element);
    let is_root = matches!(element, Element::Suites | Element::Suite);
    if parent.is_none() && (has_root || !is_root) {
        let expected = "`<testsuites>` or `<testsuite>` as the one root";
        return Err(input.error_at(offset, expected, format!("`<{name}>`")));
    }
    if state.elements.len() >= DEPTH_MAX {
        let expected = format!("at most {DEPTH_MAX} elements within each other");
        return Err(input.error_at(offset, expected, "more"));
    }
    match (element, name) {
        (Element::Suites, _) => {
            let [text] = xml::attributes(input, start, ["time"], offset)?;
            state.root_time_s = time(input, text, offset)?;
        }
        (Element::Suite, _) => open_suite(input, state, start, offset)?,
        (Element::Case, _) => open_case(input, state, start, offset)?,
        (_, "property") if parent == Some(Element::Properties) => {
            let [name] = xml::attributes(input, start, ["name"], offset)?;
            let is_go = name.is_some_and(|name| name == "go.version");
            if let Some(suite) = state.suites.last_mut().filter(|_| is_go) {
                suite.repeats = Repeats::Attempts;
            }
        }
        (_, child) if parent == Some(Element::Case) => {
            if let Some(case) = state.cases.last_mut() {
                match child {
                    "failure" | "error" => case.is_failed = true,
                    "skipped" | "disabled" | "ignored" => case.is_skipped = true,
                    "flakyFailure" | "flakyError" => case.has_failed_attempt = true,
                    _ => {}
                }
            }
        }
        _ => {}
    }
    state.elements.push((element, offset));
    Ok(())
}

fn open_suite(
    input: &Input<'_>,
    state: &mut State,
    start: &BytesStart<'_>,
    offset: usize,
) -> Result<(), ReadError> {
    let names = ["name", "time", "tests"];
    let [name, text, n_declared] = xml::attributes(input, start, names, offset)?;
    let name = name.unwrap_or_default();
    let time_s = time(input, text, offset)?;
    // A suite's time holds that of the suites within it.
    if state.suites.is_empty() {
        state.suites_time_s = sum(state.suites_time_s, time_s);
    }
    let n_declared = match n_declared {
        Some(text) if !text.trim().is_empty() => Some(
            text.trim()
                .parse()
                .map_err(|_| input.error_at(offset, "a whole number in `tests`", quoted(&text)))?,
        ),
        _ => None,
    };
    let repeats = if name == "pytest" {
        Repeats::UnmarkedAttempts
    } else {
        Repeats::OtherTests
    };
    let path = match state.suites.last() {
        Some(outer) => format!("{} > {name}", outer.path),
        None => name.into_owned(),
    };
    state.suites.push(Suite {
        path: path.into(),
        repeats,
        n_declared,
        n_cases: 0,
        offset,
    });
    Ok(())
}

fn open_case(
    input: &Input<'_>,
    state: &mut State,
    start: &BytesStart<'_>,
    offset: usize,
) -> Result<(), ReadError> {
    let names = ["name", "classname", "time", "status"];
    let [name, class, text, status] = xml::attributes(input, start, names, offset)?;
    state.cases_time_s = sum(state.cases_time_s, time(input, text, offset)?);
    for suite in &mut state.suites {
        suite.n_cases += 1;
    }
    let is_disabled = matches!(status.as_deref(), Some("disabled" | "notrun" | "skipped"));
    let suite = state.suites.last();
    state.cases.push(Case {
        class: class.unwrap_or_default().into_owned(),
        name: name.unwrap_or_default().into_owned(),
        suite: suite.map_or_else(|| "".into(), |suite| Rc::clone(&suite.path)),
        repeats: suite.map(|suite| suite.repeats).unwrap_or_default(),
        is_skipped: is_disabled,
        is_failed: false,
        has_failed_attempt: false,
    });
    Ok(())
}

fn close(input: &Input<'_>, state: &mut State) -> Result<(), ReadError> {
    let is_suite = state
        .elements
        .pop()
        .is_some_and(|(element, _)| element == Element::Suite);
    if let Some(suite) = state.suites.pop_if(|_| is_suite)
        && let Some(n_declared) = suite.n_declared.filter(|n| *n > 0)
        && suite.n_cases == 0
    {
        let expected = format!("{n_declared} test cases, as in `tests`");
        return Err(input.error_at(suite.offset, expected, "none"));
    }
    Ok(())
}

fn sum(total: Option<f64>, more: Option<f64>) -> Option<f64> {
    match (total, more) {
        (Some(total), Some(more)) => Some(total + more),
        (total, more) => total.or(more),
    }
}

/// `time` in seconds; some writers group thousands by commas.
fn time(
    input: &Input<'_>,
    text: Option<Cow<'_, str>>,
    offset: usize,
) -> Result<Option<f64>, ReadError> {
    let Some(text) = text else {
        return Ok(None);
    };
    let plain = text.trim();
    let parsed = match plain.parse::<f64>() {
        Err(_) if plain.contains(',') => plain.replace(',', "").parse(),
        parsed => parsed,
    };
    match parsed {
        _ if plain.is_empty() => Ok(None),
        Ok(time_s) if time_s.is_finite() && time_s >= 0.0 => Ok(Some(time_s)),
        _ => Err(input.error_at(offset, "seconds in `time`", quoted(&text))),
    }
}

/// Makes one test of the attempts at it, in the order of their first appearance.
fn unite_attempts(cases: Vec<Case>) -> Vec<TestCase> {
    let mut united: Vec<TestCase> = Vec::with_capacity(cases.len());
    // Only where repeated names are attempts must the first one be found again.
    let mut place: HashMap<(Rc<str>, String, String), usize> = HashMap::new();
    for case in cases {
        let outcome = match &case {
            case if case.is_failed => TestOutcome::Failed,
            case if case.is_skipped => TestOutcome::Skipped,
            case if case.has_failed_attempt => TestOutcome::Flaky,
            _ => TestOutcome::Passed,
        };
        if case.repeats != Repeats::OtherTests {
            let key = (
                Rc::clone(&case.suite),
                case.class.clone(),
                case.name.clone(),
            );
            if let Some(idx) = place.get(&key) {
                let first = united[*idx].outcome;
                united[*idx].outcome = later_attempt(case.repeats, first, outcome);
                continue;
            }
            place.insert(key, united.len());
        }
        united.push(TestCase {
            suite: case.suite.as_ref().to_owned(),
            class: case.class,
            name: case.name,
            outcome,
        });
    }
    united
}

fn later_attempt(repeats: Repeats, before: TestOutcome, now: TestOutcome) -> TestOutcome {
    match (repeats, before, now) {
        // `error` at teardown after a pass: pytest writes two cases, and the test failed.
        (_, _, TestOutcome::Failed) => TestOutcome::Failed,
        (Repeats::Attempts, TestOutcome::Passed, TestOutcome::Passed) => TestOutcome::Passed,
        (_, before, TestOutcome::Skipped) => before,
        (_, _, TestOutcome::Passed | TestOutcome::Flaky) => TestOutcome::Flaky,
    }
}
