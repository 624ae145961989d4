//! The operations of the contract: one trait for each tag, one request and response for each
//! operation, and the router that parses a request, checks it, and calls the trait.
#![allow(
    clippy::allow_attributes,
    clippy::cast_precision_loss,
    clippy::doc_lazy_continuation,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    clippy::result_large_err,
    clippy::too_many_lines,
    clippy::wildcard_imports,
    dead_code,
    unused_imports,
    reason = "the contract decides the names and shapes, not the author of the code"
)]

use std::future::Future;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use models_crate as models;
use models_crate::support::{self, Path, Validate};

use super::extract::{self, Form, Input, Place, Refusal, Scalar};

/// The properties of an operation that do not depend on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationInfo {
    /// Its `operationId`.
    pub id: &'static str,
    /// Upper case.
    pub method: &'static str,
    /// With `{name}` for parameters.
    pub path: &'static str,
    /// Its first tag.
    pub tag: &'static str,
    /// The permission that the caller needs (`x-permission`); nothing when everybody may call it.
    pub permission: Option<&'static str>,
    /// Its latency budget class (`x-budget`).
    pub budget: Option<&'static str>,
    /// The largest body that is accepted.
    pub body_size_max_bytes: usize,
    /// Whether it upgrades to a WebSocket; such operations are not routed here.
    pub is_websocket: bool,
    /// The statuses it declares.
    pub statuses: &'static [u16],
}

/// Decides who may call an operation; the generated code calls it before it reads a request.
pub trait Authorize: Clone + Send + Sync + 'static {
    /// The authenticated caller.
    type Caller: Send;

    /// Decides whether the sender of these headers may call an operation that has a permission.
    fn authorize(
        &self,
        operation: &'static OperationInfo,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Self::Caller, Refusal>> + Send;

    /// Called with each refusal of the generated code before it is sent, to change or log it.
    fn refuse(&self, operation: &'static OperationInfo, refusal: Refusal) -> Refusal {
        let _ = operation;
        refusal
    }
}

/// The operation with an id.
#[must_use]
pub fn operation(id: &str) -> Option<&'static OperationInfo> {
    OPERATIONS.iter().find(|operation| operation.id == id)
}

fn finish<A: Authorize>(
    api: &A,
    operation: &'static OperationInfo,
    result: Result<Response, Refusal>,
) -> Response {
    match result {
        Ok(response) => response,
        Err(refusal) => api.refuse(operation, refusal).into_response(),
    }
}
