//! Contracts: `OpenAPI` and `AsyncAPI` documents, loaded with their places, resolved, linted and
//! compared.
//!
//! Layers, from the bottom: `source` (text to nodes with places; `json` and `yaml` fill it),
//! `grammar` (which object is where, so that a `$ref` counts only where the specification puts
//! one), `document` (files, references, findings), `resolve`, `views` (operations), `channels`
//! (channels and messages of `AsyncAPI` 2 and 3 as one view), `schema` (self-contained JSON Schema
//! 2020-12), and `pattern` (regular expressions of ECMA-262).

pub mod canonical;
pub mod channels;
pub mod grammar;
pub mod pattern;
pub mod remote;
pub mod source;
pub mod targets;
pub mod views;

mod contract;
mod files;
mod json;
mod json_plain;
mod kind;
mod load;
mod load_error;
mod locate;
mod names;
mod node;
mod numbers;
mod objects;
mod reference;
mod resolve;
mod schema;
mod source_error;
mod text;
mod yaml;
mod yaml_events;
mod yaml_scalars;

pub use channels::{AsyncOperation, Binding, Channel, ChannelParameter, Message, Server};
pub use contract::{Contract, Document};
pub use kind::{Kind, Viewpoint};
pub use load::{LoadSettings, load, load_with, parse_contract, parse_documents};
pub use load_error::LoadError;
pub use reference::Reference;
pub use resolve::Resolved;
pub use schema::is_nullable_alone;
pub use source::{Entry, Node, NodeValue, SourceError, Span, parse};
pub use views::{Located, Operation, Parameter};
