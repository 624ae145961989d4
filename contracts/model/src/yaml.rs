//! YAML text to nodes: the scalars of the YAML 1.2 core schema, aliases and merge keys within
//! bounds.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use tollgate_report::Finding;

use crate::node::{Entry, Node, NodeValue, Span};
use crate::objects::{note, object_of};
use crate::source_error::{ALIAS_NODES_MAX, DEPTH_MAX, NODES_MAX, SourceError};
use crate::yaml_events::{Event, Refused, Tag, lenient, strict};
use crate::yaml_scalars::scalar;

/// Reads the first document of a YAML text. What only libyaml accepts is read with a finding.
pub(crate) fn parse(
    file: &str,
    text: &str,
    findings: &mut Vec<Finding>,
) -> Result<Node, SourceError> {
    let refused = match build(file, strict(text), findings) {
        Ok(node) => return Ok(node),
        Err(Failed::Limit(error)) => return Err(error),
        Err(Failed::Syntax(refused)) => refused,
    };
    findings.clear();
    let Ok(node) = build(file, lenient(&mut text.as_bytes()), findings) else {
        findings.clear();
        let hint = hint_of(&refused.problem);
        return Err(SourceError::new(file, refused.span, refused.problem, hint));
    };
    note(findings, || {
        Finding::warning(
            "yaml-lenient",
            format!("this is YAML for libyaml only: {}", refused.problem),
        )
        .at(refused.span.place(file))
        .because("parsers that follow YAML 1.2 reject the file")
        .fix(hint_of(&refused.problem))
    });
    Ok(node)
}

/// Why no document was built.
enum Failed {
    /// The text is not YAML.
    Syntax(Refused),
    /// It is YAML that we do not support.
    Limit(SourceError),
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        Self::Limit(error)
    }
}

fn build<'t>(
    file: &str,
    events: impl Iterator<Item = Result<(Event<'t>, Span), Refused>>,
    findings: &mut Vec<Finding>,
) -> Result<Node, Failed> {
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
    for event in events {
        let (event, span) = event.map_err(Failed::Syntax)?;
        match event {
            Event::DocumentStart if builder.root.is_some() => {
                note(builder.findings, || second_document_finding(file, span));
                break;
            }
            Event::Alias(anchor) => builder.alias(anchor, span)?,
            Event::Scalar {
                text,
                is_plain,
                tag,
                anchor,
            } => builder.scalar(text, span, is_plain, tag, anchor)?,
            Event::SequenceStart(anchor) => builder.open(Frame::array(span, anchor), span)?,
            Event::MappingStart(anchor) => builder.open(Frame::object(span, anchor), span)?,
            Event::End => builder.close()?,
            Event::DocumentStart | Event::Other => {}
        }
    }
    let start = Span { line: 1, column: 1 };
    let empty = || SourceError::new(file, start, "the file is empty", "write a contract into it");
    Ok(builder.root.map(|built| built.node).ok_or_else(empty)?)
}

fn second_document_finding(file: &str, span: Span) -> Finding {
    Finding::error(
        "yaml-second-document",
        "a second document starts here; it is not read",
    )
    .at(span.place(file))
    .because("only the first document is read, because a contract is one document")
    .fix("write each document to a file of its own")
}

/// The fix for a problem that the scanner reports.
fn hint_of(problem: &str) -> &'static str {
    let hints = [
        ("tab", "indent with spaces"),
        (
            "mapping values are not allowed",
            "put the text in quotes, or correct the indentation",
        ),
        (
            "quoted scalar",
            "close the quotes, and indent the lines between them",
        ),
        ("quote", "close the quotes"),
        (
            "indentation",
            "indent the lines as deep as their neighbours, and deeper than their key",
        ),
        ("anchor", "define the anchor before it is used"),
        ("comment", "put a space before `#`"),
        ("valid YAML whitespace", "put a space after `:`"),
        (
            "escape",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        ("expected ','", "close the list or mapping"),
        ("flow", "close the list or mapping"),
        ("expected key", "indent the line as deep as its neighbours"),
        ("block end", "indent the line as deep as its neighbours"),
        ("start any token", "put the text in quotes"),
        ("unexpected character", "put the text in quotes"),
    ];
    let found = hints.iter().find(|(part, _)| problem.contains(part));
    found.map_or("correct the YAML in this place", |(_, hint)| hint)
}

/// A finished node with its number of nodes and its height.
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
        entries: Vec<Entry>,
        key: Option<(String, Span, bool)>,
        /// The values that `<<` names; they are joined when the mapping ends, so that its own keys
        /// win.
        merges: Vec<Node>,
    },
}

impl Frame {
    fn array(span: Span, anchor: usize) -> Self {
        Self::new(span, anchor, Body::Array(Vec::new()))
    }

    fn object(span: Span, anchor: usize) -> Self {
        let body = Body::Object {
            entries: Vec::new(),
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
                "a list or mapping is used as a key",
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
            format!("values are nested deeper than {DEPTH_MAX} levels"),
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
        text: Cow<'_, str>,
        span: Span,
        is_plain: bool,
        tag: Tag,
        anchor: usize,
    ) -> Result<(), SourceError> {
        if self.wants_key() {
            if anchor > 0 {
                let node = Node::new(span, NodeValue::String(text.clone().into_owned()));
                self.anchors.insert(anchor, Built::leaf(node));
            }
            let is_merge = is_plain && text == "<<";
            self.set_key(text.into_owned(), span, is_merge);
            return Ok(());
        }
        let built = Built::leaf(Node::new(span, scalar(text, is_plain, tag)));
        if anchor > 0 {
            self.anchors.insert(anchor, built.clone());
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
                "this alias is inside the value that it names",
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
                return Err(self.error(
                    span,
                    "this alias is not a string",
                    "write a plain text as key",
                ));
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
                entries, merges, ..
            } => {
                let entries = self.merge(entries, merges)?;
                object_of(entries, self.file, self.findings)
            }
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
    fn merge(&self, mut entries: Vec<Entry>, merges: Vec<Node>) -> Result<Vec<Entry>, SourceError> {
        if merges.is_empty() {
            return Ok(entries);
        }
        let mut keys: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        for source in merges {
            let span = source.span;
            let sources = match source.value {
                NodeValue::Array(items) => items,
                value => vec![Node::new(span, value)],
            };
            for source in sources {
                let NodeValue::Object(fields) = source.value else {
                    return Err(self.error(
                        span,
                        "`<<` refers to a value that is not a mapping",
                        "let it name a mapping",
                    ));
                };
                for entry in fields {
                    if keys.insert(entry.key.clone()) {
                        entries.push(entry);
                    }
                }
            }
        }
        Ok(entries)
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
                entries,
                key,
                merges,
            } => {
                let (key, key_span, is_merge) =
                    key.take().expect("a value of a mapping follows its key");
                if is_merge {
                    merges.push(built.node);
                } else {
                    entries.push(Entry {
                        key,
                        key_span,
                        node: built.node,
                    });
                }
            }
        }
        Ok(())
    }
}

impl Built {
    fn leaf(node: Node) -> Self {
        Self {
            node,
            n_nodes: 1,
            height: 1,
        }
    }

    /// A copy that is counted against [`ALIAS_NODES_MAX`]; nothing when the limit would be
    /// exceeded.
    fn clone_counted(&self, n_alias_nodes: &mut usize) -> Option<Self> {
        *n_alias_nodes = n_alias_nodes.saturating_add(self.n_nodes);
        (*n_alias_nodes <= ALIAS_NODES_MAX).then(|| self.clone())
    }
}
