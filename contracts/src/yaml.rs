//! YAML text to nodes: the events of `saphyr-parser`, the scalars of the YAML 1.2 core schema,
//! aliases and merge keys within bounds. It must not know what a contract is.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use tollgate_report::Finding;

use crate::json;
use crate::source::{
    ALIAS_NODES_MAX, DEPTH_MAX, Entry, NODES_MAX, Node, NodeValue, ObjectBuilder, SourceError, Span,
};

/// Reads the first document of a YAML text; a second one is an error.
pub(crate) fn parse(
    file: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Result<Node, SourceError> {
    let mut builder = Builder {
        file,
        findings,
        stack: Vec::new(),
        anchors: HashMap::new(),
        open_anchors: Vec::new(),
        n_nodes: 0,
        n_alias_nodes: 0,
        root: None,
    };
    let mut n_documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| scan_error(file, &error))?;
        let span = span_of(span.start.line(), span.start.col());
        match event {
            Event::DocumentStart(_) => {
                n_documents += 1;
                if n_documents > 1 {
                    return Err(builder.error(
                        span,
                        "a second document starts here",
                        "keep one document a file",
                    ));
                }
            }
            Event::Alias(anchor) => builder.alias(anchor, span)?,
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                builder.scalar(Node::new(span, value), &text, anchor, style)?;
            }
            Event::SequenceStart(anchor, _) => builder.open(Frame::array(span, anchor), span)?,
            Event::MappingStart(anchor, _) => builder.open(Frame::object(span, anchor), span)?,
            Event::SequenceEnd | Event::MappingEnd => builder.close()?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    builder.root.map(|built| built.node).ok_or_else(|| {
        SourceError::new(
            file,
            Span { line: 1, column: 1 },
            "the file is empty",
            "write a contract into it",
        )
    })
}

fn scan_error(file: &str, error: &ScanError) -> SourceError {
    let marker = error.marker();
    SourceError::new(
        file,
        span_of(marker.line(), marker.col()),
        error.info(),
        "mend the YAML here",
    )
}

fn span_of(line: usize, column_from_zero: usize) -> Span {
    Span {
        line: u32::try_from(line.max(1)).unwrap_or(u32::MAX),
        column: u32::try_from(column_from_zero + 1).unwrap_or(u32::MAX),
    }
}

/// A finished node with how many nodes it has and how high it stands.
#[derive(Clone)]
struct Built {
    node: Node,
    n_nodes: usize,
    height: usize,
}

/// A sequence or mapping that is still open.
struct Frame {
    span: Span,
    anchor: usize,
    n_nodes: usize,
    height: usize,
    body: Body,
}

enum Body {
    Array(Vec<Node>),
    Object {
        builder: ObjectBuilder,
        key: Option<(String, Span, bool)>,
        /// What `<<` names; joined when the mapping ends, so that its own keys win.
        merges: Vec<Node>,
    },
}

impl Frame {
    fn array(span: Span, anchor: usize) -> Self {
        Self::new(span, anchor, Body::Array(Vec::new()))
    }

    fn object(span: Span, anchor: usize) -> Self {
        let body = Body::Object {
            builder: ObjectBuilder::new(),
            key: None,
            merges: Vec::new(),
        };
        Self::new(span, anchor, body)
    }

    fn new(span: Span, anchor: usize, body: Body) -> Self {
        Self {
            span,
            anchor,
            n_nodes: 1,
            height: 1,
            body,
        }
    }
}

struct Builder<'a> {
    file: &'a str,
    findings: &'a mut Vec<Finding>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Built>,
    open_anchors: Vec<usize>,
    n_nodes: usize,
    n_alias_nodes: usize,
    root: Option<Built>,
}

impl Builder<'_> {
    fn error(&self, span: Span, problem: impl Into<String>, hint: &str) -> SourceError {
        SourceError::new(self.file, span, problem, hint)
    }

    fn open(&mut self, frame: Frame, span: Span) -> Result<(), SourceError> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(self.too_deep(span));
        }
        if self.wants_key() {
            return Err(self.error(
                span,
                "a list or mapping stands where a key should be",
                "write a plain text as key",
            ));
        }
        if frame.anchor > 0 {
            self.open_anchors.push(frame.anchor);
        }
        self.stack.push(frame);
        Ok(())
    }

    fn too_deep(&self, span: Span) -> SourceError {
        self.error(
            span,
            format!("values stand in each other deeper than {DEPTH_MAX} levels"),
            "make the document flatter",
        )
    }

    fn wants_key(&self) -> bool {
        matches!(
            self.stack.last().map(|frame| &frame.body),
            Some(Body::Object { key: None, .. })
        )
    }

    fn scalar(
        &mut self,
        node: Node,
        text: &str,
        anchor: usize,
        style: ScalarStyle,
    ) -> Result<(), SourceError> {
        let span = node.span;
        let built = Built {
            node,
            n_nodes: 1,
            height: 1,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, built.clone());
        }
        if self.wants_key() {
            let is_merge = text == "<<" && style == ScalarStyle::Plain;
            self.set_key(text.to_owned(), span, is_merge);
            return Ok(());
        }
        self.put(built)
    }

    fn set_key(&mut self, text: String, span: Span, is_merge: bool) {
        if let Some(Frame {
            body: Body::Object { key, .. },
            ..
        }) = self.stack.last_mut()
        {
            *key = Some((text, span, is_merge));
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), SourceError> {
        if self.open_anchors.contains(&anchor) {
            return Err(self.error(
                span,
                "this alias stands inside what it names",
                "use `$ref` for recursion",
            ));
        }
        let Some(built) = self.anchors.get(&anchor) else {
            return Err(self.error(span, "this alias names nothing", "define its anchor first"));
        };
        let mut built = built
            .clone_counted(&mut self.n_alias_nodes)
            .ok_or_else(|| {
                SourceError::new(
                    self.file,
                    span,
                    format!("aliases grow the document by more than {ALIAS_NODES_MAX} values"),
                    "write the values out or use `$ref`",
                )
            })?;
        built.node.span = span;
        if self.wants_key() {
            let Some(text) = built.node.scalar_text().map(str::to_owned) else {
                return Err(self.error(span, "this alias is no text", "write a plain text as key"));
            };
            self.set_key(text, span, false);
            return Ok(());
        }
        self.put(built)
    }

    fn close(&mut self) -> Result<(), SourceError> {
        let frame = self.stack.pop().expect("an end follows its start");
        let value = match frame.body {
            Body::Array(items) => NodeValue::Array(items),
            Body::Object {
                builder, merges, ..
            } => NodeValue::Object(self.merge(builder, merges)?),
        };
        let built = Built {
            node: Node::new(frame.span, value),
            n_nodes: frame.n_nodes,
            height: frame.height,
        };
        if frame.anchor > 0 {
            self.open_anchors.pop();
            let copy = built
                .clone_counted(&mut self.n_alias_nodes)
                .ok_or_else(|| {
                    SourceError::new(
                        self.file,
                        frame.span,
                        format!("anchors hold more than {ALIAS_NODES_MAX} values"),
                        "write fewer or smaller anchors",
                    )
                })?;
            self.anchors.insert(frame.anchor, copy);
        }
        self.put(built)
    }

    /// Adds what `<<` names behind the own keys; an own key and an earlier source win.
    fn merge(
        &mut self,
        mut builder: ObjectBuilder,
        merges: Vec<Node>,
    ) -> Result<Vec<Entry>, SourceError> {
        for source in merges {
            let span = source.span;
            let sources = match source.value {
                NodeValue::Array(items) => items,
                value => vec![Node::new(span, value)],
            };
            for source in sources {
                let NodeValue::Object(entries) = source.value else {
                    return Err(self.error(
                        span,
                        "`<<` names something that is no mapping",
                        "let it name a mapping",
                    ));
                };
                for entry in entries {
                    if !builder.contains(&entry.key) {
                        builder.push(entry, self.file, self.findings);
                    }
                }
            }
        }
        Ok(builder.finish())
    }

    /// Puts a finished node into the open frame, or makes it the root.
    fn put(&mut self, built: Built) -> Result<(), SourceError> {
        self.n_nodes += 1;
        if self.n_nodes + self.n_alias_nodes > NODES_MAX {
            return Err(self.error(
                built.node.span,
                format!("the document has more than {NODES_MAX} values"),
                "split it",
            ));
        }
        if self.stack.len() + built.height > DEPTH_MAX + 1 {
            return Err(self.too_deep(built.node.span));
        }
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(built);
            return Ok(());
        };
        frame.n_nodes += built.n_nodes;
        frame.height = frame.height.max(built.height + 1);
        match &mut frame.body {
            Body::Array(items) => items.push(built.node),
            Body::Object {
                builder,
                key,
                merges,
            } => {
                let (key, key_span, is_merge) =
                    key.take().expect("a value of a mapping follows its key");
                if is_merge {
                    merges.push(built.node);
                } else {
                    let entry = Entry {
                        key,
                        key_span,
                        node: built.node,
                    };
                    builder.push(entry, self.file, self.findings);
                }
            }
        }
        Ok(())
    }
}

impl Built {
    /// A copy that is counted against [`ALIAS_NODES_MAX`]; nothing when it would go beyond.
    fn clone_counted(&self, n_alias_nodes: &mut usize) -> Option<Self> {
        *n_alias_nodes = n_alias_nodes.saturating_add(self.n_nodes);
        (*n_alias_nodes <= ALIAS_NODES_MAX).then(|| self.clone())
    }
}

/// A scalar by the core schema (YAML 1.2.2, section 10.3.2); only plain ones can be anything but
/// text. What JSON can't hold (`.inf`, `.nan`) stays text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> NodeValue {
    let is_text_by_tag = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    let is_tagged_otherwise = tag.is_some_and(|tag| tag.is_yaml_core_schema() && !is_text_by_tag);
    if is_text_by_tag || (style != ScalarStyle::Plain && !is_tagged_otherwise) {
        return NodeValue::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        _ => match number(text) {
            Some(number) => NodeValue::Number(number),
            None => NodeValue::String(text.to_owned()),
        },
    }
}

/// A number of the core schema in the syntax of JSON.
fn number(text: &str) -> Option<String> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.')) {
        return None;
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return u128::from_str_radix(octal, 8).ok().map(|n| n.to_string());
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return u128::from_str_radix(hex, 16).ok().map(|n| n.to_string());
    }
    if json::is_number(text) {
        return Some(text.to_owned());
    }
    let (sign, rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) if first == b'-' => ("-", rest),
        Some(rest) => ("", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        trimmed => trimmed,
    };
    let fraction = if fraction.is_empty() {
        String::new()
    } else {
        format!(".{fraction}")
    };
    let normal = format!("{sign}{whole}{fraction}{exponent}");
    json::is_number(&normal).then_some(normal)
}
