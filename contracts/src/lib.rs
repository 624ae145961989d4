//! Contracts: `OpenAPI` and `AsyncAPI` documents, loaded with their places, resolved, linted and
//! compared.
//!
//! Layers, from the bottom: `source` (text to nodes with places; `json` and `yaml` fill it),
//! `grammar` (which object stands where, so that a `$ref` counts only where the specification
//! puts one), `document` (files, references, findings), `resolve`, `views` (operations),
//! `channels` (channels and messages of `AsyncAPI` 2 and 3 as one view), `schema` (self-contained JSON Schema 2020-12), then `lint`, `diff` and `bless`.
//! This crate must not know tokio, a socket, or a network address that it would follow.

pub mod source;

mod fields;
mod json;
mod json_plain;
mod node;
mod text;
mod yaml;
mod yaml_events;
mod yaml_scalars;

mod canonical;
pub mod channels;
pub mod document;
mod files;
pub mod grammar;
mod locate;
pub mod remote;
pub mod resolve;
mod schema;
mod targets;
pub mod views;

pub mod conform;
pub mod diff;
pub mod instance;

pub mod bless;
pub mod lint;

pub use bless::check_blessed;
pub use channels::{
    AsyncOperation, Binding, Channel, ChannelParameter, Message, Server, Viewpoint,
};
pub use diff::{
    Bump, Change, Day, DiffSettings, Level, PeerFinding, Stability, Witness, WitnessShare, diff,
    diff_json, diff_with, peer_counts, peer_findings, suggest_bump, witness_share,
};
pub use document::{
    Contract, Document, Kind, LoadError, LoadSettings, load, load_with, parse_contract,
    parse_documents,
};
pub use lint::{LintSettings, RuleLevel, Ruleset, lint, lint_with, load_ruleset, rule_codes};
pub use resolve::Resolved;
pub use schema::is_nullable_alone;
pub use source::{Entry, Node, NodeValue, SourceError, Span, parse};
pub use views::{Located, Operation, Parameter};
