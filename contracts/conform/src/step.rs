//! One request with its meaning: what its answer must be like, and what follows from it.

use serde_json::Value;
use tollgate_contracts_instance::Json;

use crate::pages::Pages;
use crate::request::Values;
use crate::resources::Resource;

/// What an answer must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Success, or a conflict with what is there. `is_known`: all things in the path exist.
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

/// What an answer is awaited for.
#[derive(Clone, Debug)]
pub(crate) enum Follow {
    None,
    /// A stage in the life of one thing.
    Life(Box<Life>),
    Pages(Box<Pages>),
    /// A declared link.
    Link(String),
}

/// The life of one thing.
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

/// Where a life is.
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
