//! The events of a YAML text, from one of two readers. `saphyr-parser` follows YAML 1.2 and is
//! fast. `libyaml-safer` accepts what libyaml accepts, on which most other tools are built.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use libyaml_safer::EventData;
use saphyr_parser::{Event as SaphyrEvent, Parser, ScalarStyle};

use crate::node::Span;

/// The meaning of a tag for a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// There is no tag, or its meaning is unknown.
    None,
    /// It is text (`!!str`, `!`).
    Text,
    /// It is another type of the core schema (`!!int`).
    Core,
}

/// One event. An anchor is a number from 1; 0 is none.
#[derive(Clone, Debug)]
pub(crate) enum Event<'t> {
    DocumentStart,
    Alias(usize),
    Scalar {
        text: Cow<'t, str>,
        is_plain: bool,
        tag: Tag,
        anchor: usize,
    },
    SequenceStart(usize),
    MappingStart(usize),
    End,
    /// An event that builds no node.
    Other,
}

/// Where and why a text is not YAML.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) span: Span,
    pub(crate) problem: String,
}

type Next<'t> = Result<(Event<'t>, Span), Refused>;

/// The events by YAML 1.2.
pub(crate) fn strict(text: &str) -> impl Iterator<Item = Next<'_>> {
    Parser::new_from_str(text).map(|event| {
        let (event, span) = event.map_err(|error| Refused {
            span: span_of(error.marker().line(), error.marker().col()),
            problem: error.info().to_owned(),
        })?;
        let span = span_of(span.start.line(), span.start.col());
        let event = match event {
            SaphyrEvent::DocumentStart(_) => Event::DocumentStart,
            SaphyrEvent::Alias(anchor) => Event::Alias(anchor),
            SaphyrEvent::Scalar(text, style, anchor, tag) => Event::Scalar {
                text,
                is_plain: style == ScalarStyle::Plain,
                tag: tag.map_or(Tag::None, |tag| {
                    if tag.is_yaml_core_schema() {
                        tag_of(&tag.suffix)
                    } else if tag.handle.is_empty() && tag.suffix == "!" {
                        Tag::Text
                    } else {
                        Tag::None
                    }
                }),
                anchor,
            },
            SaphyrEvent::SequenceStart(anchor, _) => Event::SequenceStart(anchor),
            SaphyrEvent::MappingStart(anchor, _) => Event::MappingStart(anchor),
            SaphyrEvent::SequenceEnd | SaphyrEvent::MappingEnd => Event::End,
            SaphyrEvent::Nothing
            | SaphyrEvent::StreamStart
            | SaphyrEvent::StreamEnd
            | SaphyrEvent::DocumentEnd => Event::Other,
        };
        Ok((event, span))
    })
}

/// The events as libyaml reads them.
pub(crate) fn lenient<'t>(input: &'t mut &'t [u8]) -> impl Iterator<Item = Next<'t>> {
    let mut parser = libyaml_safer::Parser::new();
    parser.set_input_string(input);
    let mut anchors = Anchors::default();
    let mut is_done = false;
    let mut last = Span { line: 1, column: 1 };
    std::iter::from_fn(move || {
        if is_done {
            return None;
        }
        let event = match quietly(|| parser.parse()) {
            Some(Ok(event)) => event,
            // It gives up on some broken texts; such a text is not YAML to anybody.
            None => {
                is_done = true;
                let problem = "the text is broken behind this place".to_owned();
                return Some(Err(Refused {
                    span: last,
                    problem,
                }));
            }
            Some(Err(error)) => {
                is_done = true;
                let mark = error.problem_mark().unwrap_or_default();
                return Some(Err(Refused {
                    span: mark_span(mark),
                    problem: error.problem().to_owned(),
                }));
            }
        };
        let span = mark_span(event.start_mark);
        last = span;
        let event = match event.data {
            EventData::DocumentStart { .. } => Event::DocumentStart,
            EventData::Alias { anchor } => Event::Alias(anchors.named(&anchor)),
            EventData::Scalar {
                anchor,
                tag,
                value,
                style,
                ..
            } => Event::Scalar {
                text: Cow::Owned(value),
                is_plain: style == libyaml_safer::ScalarStyle::Plain,
                tag: tag.map_or(Tag::None, |tag| match tag.as_str() {
                    "!" => Tag::Text,
                    tag => tag
                        .strip_prefix("tag:yaml.org,2002:")
                        .map_or(Tag::None, tag_of),
                }),
                anchor: anchors.define(anchor),
            },
            EventData::SequenceStart { anchor, .. } => Event::SequenceStart(anchors.define(anchor)),
            EventData::MappingStart { anchor, .. } => Event::MappingStart(anchors.define(anchor)),
            EventData::SequenceEnd | EventData::MappingEnd => Event::End,
            EventData::StreamEnd => {
                is_done = true;
                Event::Other
            }
            EventData::StreamStart { .. } | EventData::DocumentEnd { .. } => Event::Other,
        };
        Some(Ok((event, span)))
    })
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The result of the work, or nothing when it panics. The panic is not reported.
fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                usual(info);
            }
        }));
    });
    IS_QUIET.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_QUIET.set(false);
    done.ok()
}

/// Numbers for the names of anchors; a name that is defined again gets a new one.
#[derive(Default)]
struct Anchors {
    by_name: HashMap<String, usize>,
    n_anchors: usize,
}

impl Anchors {
    fn define(&mut self, name: Option<String>) -> usize {
        let Some(name) = name else { return 0 };
        self.n_anchors += 1;
        self.by_name.insert(name, self.n_anchors);
        self.n_anchors
    }

    fn named(&self, name: &str) -> usize {
        self.by_name.get(name).copied().unwrap_or_default()
    }
}

fn tag_of(suffix: &str) -> Tag {
    match suffix {
        "str" | "binary" | "timestamp" => Tag::Text,
        "int" | "float" | "bool" | "null" => Tag::Core,
        _ => Tag::None,
    }
}

fn mark_span(mark: libyaml_safer::Mark) -> Span {
    let line = usize::try_from(mark.line).unwrap_or(usize::MAX - 1);
    span_of(
        line + 1,
        usize::try_from(mark.column).unwrap_or(usize::MAX - 1),
    )
}

fn span_of(line: usize, column_from_zero: usize) -> Span {
    Span {
        line: u32::try_from(line.max(1)).unwrap_or(u32::MAX),
        column: u32::try_from(column_from_zero + 1).unwrap_or(u32::MAX),
    }
}
