//! Rejected requests as problem documents (RFC 9457) with stable types.

use std::collections::BTreeMap;
use std::error::Error;

use axum::http::StatusCode;
use tollgate_models::{FieldError, Problem};

use crate::generated::extract::Refusal;
use crate::store::StoreError;

/// The reason for which an operation rejects a request.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The caller has to change the request; the document describes how.
    #[error("{}", .0.detail.as_deref().unwrap_or(&.0.title))]
    Problem(Box<Problem>),
    /// The database failed.
    #[error("the request cannot be served")]
    Store(#[from] StoreError),
}

impl Refused {
    /// A problem with a stable name.
    #[must_use]
    pub fn new(status: u16, name: &str, detail: impl Into<String>) -> Self {
        Self::Problem(Box::new(problem(status, name, detail.into())))
    }

    /// The item does not exist.
    #[must_use]
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, "not-found", format!("there is no {what} `{id}`"))
    }

    /// It exists, was used for another request, or is newer.
    #[must_use]
    pub fn conflict(name: &str, detail: impl Into<String>) -> Self {
        Self::new(409, name, detail)
    }

    /// Some fields are not valid.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors.first().map_or_else(
            || "the request is not valid".to_owned(),
            |first| format!("`{}`: {}", first.path, first.message),
        );
        let mut problem = problem(400, "invalid-request", detail);
        problem.errors = Some(errors);
        Self::Problem(Box::new(problem))
    }

    /// The status and the document. A failure is logged here, once, under its `instance`.
    #[must_use]
    pub fn into_problem(self) -> (u16, Problem) {
        let problem = match self {
            Self::Problem(problem) => *problem,
            Self::Store(error) => internal(&error),
        };
        (u16::try_from(problem.status).unwrap_or(500), problem)
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let (status, problem) = refused.into_problem();
        Self::new(status, &problem)
    }
}

/// A problem document.
#[must_use]
pub fn problem(status: u16, name: &str, detail: String) -> Problem {
    let title = StatusCode::from_u16(status)
        .ok()
        .and_then(|code| code.canonical_reason())
        .unwrap_or("Refused");
    Problem {
        r#type: format!("/problems/{name}").into(),
        title: title.to_owned(),
        status: i32::from(status),
        detail: Some(detail),
        instance: None,
        dependency: None,
        errors: None,
        extra: BTreeMap::new(),
    }
}

/// The problem of a failure of the hub; its cause is logged and not sent to the caller.
fn internal(error: &(dyn Error + 'static)) -> Problem {
    let instance = format!("urn:tollgate:{:016x}", rand::random::<u64>());
    tracing::error!(problem.instance = instance, error, "request failed");
    let detail = "the hub failed; its log contains the cause under this instance".to_owned();
    let mut problem = problem(500, "internal", detail);
    problem.instance = Some(instance);
    problem
}
