//! State that the comparisons share: the two contracts, the changes so far, the pairs that were
//! already compared, and how direction decides whom a change breaks.

use rustc_hash::FxHashSet;
use tollgate_contracts_model::{Contract, Located, Node};
use tollgate_report::Place;

use crate::aliases;
use crate::change::{Change, Level, Witness};

/// Who writes the value: the client (request, received message) or the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Direction {
    /// The service reads it: narrowing breaks the writer.
    Request,
    /// The service writes it: widening breaks the reader.
    Response,
}

/// The words in codes for what the service reads and what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// `request` and `response` of an operation that clients call.
    Http,
    /// `received-message` and `sent-message`.
    Message,
    /// Of a webhook the service writes `webhook-request` and reads `webhook-response`.
    Webhook,
    /// Of a callback, `callback-request` and `callback-response`.
    Callback,
}

impl Words {
    /// Whether the service begins the exchange over HTTP.
    pub(crate) fn is_called(self) -> bool {
        matches!(self, Self::Webhook | Self::Callback)
    }

    /// Converts a code to these words. The code is given in those of HTTP, where the service reads
    /// requests.
    fn rename(self, code: String) -> String {
        let called = match self {
            Self::Http => return code,
            Self::Message => {
                return code
                    .replace("request-body", "received-message")
                    .replace("response-body", "sent-message")
                    .replace("request", "received-message")
                    .replace("response", "sent-message");
            }
            Self::Webhook => "webhook",
            Self::Callback => "callback",
        };
        let swapped = swap(&code);
        for side in ["request", "response"] {
            if swapped.contains(side) {
                return swapped.replacen(side, &format!("{called}-{side}"), 1);
            }
        }
        format!("{called}-{code}")
    }

    /// oasdiff's id for a code. oasdiff reads a webhook as an operation and does not support
    /// callbacks.
    fn alias(self, code: &str) -> Option<String> {
        match self {
            Self::Http => oasdiff_alias(code).map(str::to_owned),
            Self::Message | Self::Callback => None,
            Self::Webhook => Some(swap(code)).filter(|id| crate::rule(id).is_some()),
        }
    }
}

/// A code with its two directions swapped.
fn swap(code: &str) -> String {
    let pieces = code.split("request");
    let pieces: Vec<String> = pieces
        .map(|piece| piece.replace("response", "request"))
        .collect();
    pieces.join("response")
}

/// The effect of a change on the set of valid values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Fewer values are valid.
    Narrow,
    /// More values are valid.
    Widen,
    /// Some are no longer valid and others are new.
    Change,
    /// None of these.
    Neutral,
}

/// The position of a comparison.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) operation: Option<String>,
    pub(crate) direction: Direction,
    /// `request-body`, `request-parameter`, `response-body`, `response-header`.
    pub(crate) subject: &'static str,
    /// The words in codes for the two directions.
    pub(crate) words: Words,
    /// The pointer so far.
    pub(crate) path: String,
    /// False at the root of the schema, true below.
    pub(crate) is_nested: bool,
}

impl Scope {
    /// The scope one step below: a key or keyword.
    pub(crate) fn below(&self, step: &str) -> Self {
        Self {
            path: format!("{}{step}", self.path),
            is_nested: true,
            ..self.clone()
        }
    }

    /// The subject of codes here: `request-body` at the root, `request-property` below.
    pub(crate) fn subject(&self) -> &'static str {
        match (self.subject, self.is_nested) {
            ("request-body", true) => "request-property",
            ("request-parameter", true) => "request-parameter-property",
            ("response-header", true) => "response-header-property",
            ("request-header", true) => "request-header-property",
            ("response-body", true) => "response-property",
            (subject, _) => subject,
        }
    }
}

/// One change before its level is known.
pub(crate) struct Draft {
    pub(crate) code: String,
    pub(crate) effect: Effect,
    /// Set when the level that follows from the effect would be too high.
    pub(crate) level: Option<Level>,
    pub(crate) message: String,
    pub(crate) old: Option<Place>,
    pub(crate) new: Option<Place>,
}

impl Draft {
    /// A part without a level of its own: its effect decides.
    pub(crate) fn with_level(
        code: impl Into<String>,
        level: Level,
        message: impl Into<String>,
        (old, new): (Option<Place>, Option<Place>),
    ) -> Self {
        Self {
            code: code.into(),
            effect: Effect::Neutral,
            level: Some(level),
            message: message.into(),
            old,
            new,
        }
    }
}

/// A pair of nodes by address, with the direction in which they were compared.
pub(crate) type Pair = (usize, usize, Direction);

/// A change with the pair of schemas at which it is.
pub(crate) struct Found<'a> {
    pub(crate) change: Change,
    pub(crate) direction: Direction,
    pub(crate) schemas: Option<(Located<'a>, Located<'a>)>,
}

/// Compares two schemas and everything below them; the number is their depth.
pub(crate) type CompareSchemas =
    for<'w, 's, 'a> fn(&'w mut Walk<'a>, &'s Scope, Located<'a>, Located<'a>, usize);

pub(crate) struct Walk<'a> {
    pub(crate) old: &'a Contract,
    pub(crate) new: &'a Contract,
    pub(crate) changes: Vec<Found<'a>>,
    /// The current pair of schemas.
    pub(crate) current: Option<(Located<'a>, Located<'a>)>,
    /// Pairs below the current root.
    pub(crate) seen: FxHashSet<Pair>,
    /// Pairs that were compared in full without a change.
    pub(crate) clean: FxHashSet<Pair>,
    /// The comparison of two schemas, which `schema` gives.
    compare_schemas: CompareSchemas,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        old: &'a Contract,
        new: &'a Contract,
        compare_schemas: CompareSchemas,
    ) -> Self {
        Self {
            old,
            new,
            changes: Vec::new(),
            current: None,
            seen: FxHashSet::default(),
            clean: FxHashSet::default(),
            compare_schemas,
        }
    }

    /// Compares two schemas that are below others; `depth` is how deep.
    pub(crate) fn step(&mut self, scope: &Scope, old: Located<'a>, new: Located<'a>, depth: usize) {
        (self.compare_schemas)(self, scope, old, new, depth);
    }

    /// Whether two schemas mean the same, because a separate comparison finds nothing.
    pub(crate) fn is_same(
        &mut self,
        scope: &Scope,
        old: Located<'a>,
        new: Located<'a>,
        depth: usize,
    ) -> bool {
        let kept = std::mem::take(&mut self.changes);
        let seen = self.seen.clone();
        self.step(scope, old, new, depth + 1);
        let is_same = self.changes.is_empty();
        self.changes = kept;
        if !is_same {
            self.seen = seen;
        }
        is_same
    }

    pub(crate) fn push(&mut self, scope: &Scope, draft: Draft) {
        let level = draft
            .level
            .unwrap_or_else(|| level_of(scope.direction, draft.effect));
        let alias = scope.words.alias(&draft.code);
        let code = scope.words.rename(draft.code);
        let change = Change {
            level,
            code,
            operation: scope.operation.clone(),
            path: scope.path.clone(),
            operations: scope.operation.iter().cloned().collect(),
            alias_oasdiff: alias,
            place_old: draft.old,
            place_new: draft.new,
            message: draft.message,
            breaks: (level != Level::Info).then(|| victim(scope).to_owned()),
            witness: Witness::NotAsked,
        };
        self.changes.push(Found {
            change,
            direction: scope.direction,
            schemas: self.current,
        });
    }

    pub(crate) fn kind_changed(&mut self) {
        let scope = Scope {
            operation: None,
            direction: Direction::Request,
            subject: "request-body",
            words: Words::Http,
            path: String::new(),
            is_nested: false,
        };
        let draft = Draft {
            code: "contract-kind-changed".to_owned(),
            effect: Effect::Change,
            level: None,
            message: "one contract is OpenAPI and the other AsyncAPI".to_owned(),
            old: Some(self.old.root().place(&self.old.entry)),
            new: Some(self.new.root().place(&self.new.entry)),
        };
        self.push(&scope, draft);
    }
}

fn level_of(direction: Direction, effect: Effect) -> Level {
    match (direction, effect) {
        (_, Effect::Change)
        | (Direction::Request, Effect::Narrow)
        | (Direction::Response, Effect::Widen) => Level::Breaking,
        _ => Level::Info,
    }
}

fn victim(scope: &Scope) -> &'static str {
    match (scope.direction, scope.words) {
        (Direction::Request, Words::Http) => "a client that sends what the old contract allows",
        (Direction::Response, Words::Http) => {
            "a client that relies on what the old contract promises"
        }
        (Direction::Request, Words::Message) => "a peer that sends what the old contract allows",
        (Direction::Response, Words::Message) => {
            "a peer that relies on what the old contract promises"
        }
        (Direction::Request, Words::Webhook | Words::Callback) => {
            "a client that answers what the old contract allows"
        }
        (Direction::Response, Words::Webhook | Words::Callback) => {
            "a client that is called and relies on what the old contract promises"
        }
    }
}

pub(crate) fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// oasdiff's id of a rule, when oasdiff has it; our codes are the same words then.
#[must_use]
pub fn oasdiff_alias(code: &str) -> Option<&str> {
    if code == "contract-kind-changed" || code == "request-parameter-style-changed" {
        return None;
    }
    // The longest subject comes first: `request-parameter` begins `request-parameter-property`.
    for (subject, actions) in aliases::SCHEMA_RULES {
        let action = code
            .strip_prefix(subject)
            .and_then(|rest| rest.strip_prefix('-'));
        if let Some(action) = action
            && aliases::SCHEMA_ACTIONS.contains(&action)
        {
            return actions.contains(&action).then_some(code);
        }
    }
    Some(code)
}

/// Where a node is.
pub(crate) fn place(at: Located<'_>) -> Place {
    at.node.place(at.file)
}
