//! Contracts: `OpenAPI` and `AsyncAPI` documents, loaded with their places, resolved, linted and
//! compared.
//!
//! Layers, from the bottom: `source` (text to nodes with places; `json` and `yaml` fill it),
//! `grammar` (which object stands where, so that a `$ref` counts only where the specification
//! puts one), `document` (files, references, findings), `resolve`, `views` (operations),
//! `channels` (channels and messages of `AsyncAPI` 2 and 3 as one view), `schema` (self-contained JSON Schema 2020-12), and `pattern`
//! (regular expressions of ECMA-262).
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

pub mod canonical;
pub mod channels;
pub mod document;
mod files;
pub mod grammar;
mod locate;
pub mod pattern;
pub mod remote;
pub mod resolve;
mod schema;
pub mod targets;
pub mod views;

pub use channels::{
    AsyncOperation, Binding, Channel, ChannelParameter, Message, Server, Viewpoint,
};
pub use document::{
    Contract, Document, Kind, LoadError, LoadSettings, load, load_with, parse_contract,
    parse_documents,
};
pub use resolve::Resolved;
pub use schema::is_nullable_alone;
pub use source::{Entry, Node, NodeValue, SourceError, Span, parse};
pub use views::{Located, Operation, Parameter};
