//! One request with its meaning: the expected answer, and the requests that follow from it.

use serde_json::Value;
use tollgate_contracts_instance::Json;

use crate::pages::Pages;
use crate::request::Values;
use crate::resources::Resource;

/// The expected answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Success, or a conflict with the current state. `is_known`: all resources in the path exist.
    Valid { is_known: bool },
    /// A refusal.
    Invalid {
        /// Such as ``body `/name` `` or ``query `limit` ``.
        part: String,
        why: String,
        /// Where in the body.
        pointer: Option<String>,
    },
    /// 401 or 403.
    Refused(&'static str),
    /// 405.
    NoMethod,
    /// Anything but a failure of the service.
    Odd,
}

/// One request with its meaning.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) operation: usize,
    pub(crate) values: Values,
    pub(crate) intent: Intent,
    /// Another method than the operation's.
    pub(crate) method: Option<&'static str>,
    pub(crate) follow: Follow,
}

/// The reason for awaiting an answer.
#[derive(Clone, Debug)]
pub(crate) enum Follow {
    None,
    /// A stage in the life of one resource.
    Life(Box<Life>),
    Pages(Box<Pages>),
    /// A declared link.
    Link(String),
}

/// The life of one resource.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) stage: Stage,
    pub(crate) reader: Option<usize>,
    pub(crate) writer: Option<usize>,
    pub(crate) deleter: Option<usize>,
    pub(crate) thing: Option<Resource>,
    /// As it was last read.
    pub(crate) before: Option<Value>,
    pub(crate) put: Option<Json>,
}

/// The stage of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Create,
    Read,
    Put,
    ReadPut,
    PutAgain,
    ReadAgain,
    Delete,
    ReadAfter,
}
