//! The operations of the contract: each file implements the generated trait of one tag.

mod alerts;
mod annotations;
mod check;
mod deployments;
mod events;
mod health;
mod metrics;
mod probes;
mod projects;
mod runs;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tollgate_report::{Clock, Timestamp};

use crate::accept::AcceptCounts;
use crate::auth::{self, Role};
use crate::generated::api::{Authorize, OperationInfo};
use crate::generated::extract::Refusal;
use crate::live::Broadcaster;
use crate::problem::Refused;
use crate::store::{Begun, Idempotency, Page, PageRequest, Store, TokenRow, Write, parse_document};
use crate::telemetry::Telemetry;

/// What every operation needs.
#[derive(Clone)]
pub struct Api(Arc<ApiParts>);

/// The parts of [`Api`].
pub struct ApiParts {
    /// The database.
    pub store: Arc<Store>,
    /// Where events go.
    pub broadcaster: Arc<Broadcaster>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The hub's own numbers.
    pub telemetry: Arc<Telemetry>,
    /// Counts of connections.
    pub accept_counts: Arc<AcceptCounts>,
    /// The label its starter gave this version.
    pub version_label: Option<String>,
    /// How long a one-time ticket lives.
    pub ticket_lifetime: Duration,
    /// When the hub started.
    pub started_at: Timestamp,
}

/// The caller of an operation.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key's row.
    pub token: TokenRow,
}

impl std::ops::Deref for Api {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0
    }
}

impl Authorize for Api {
    type Caller = Caller;

    async fn authorize(
        &self,
        operation: &'static OperationInfo,
        headers: &HeaderMap,
    ) -> Result<Caller, Refusal> {
        let Some(key) = bearer(headers) else {
            return Err(unauthorized(
                "send an API key as `Authorization: Bearer tg_…`",
            ));
        };
        let found = self.store.token_by_digest(&auth::digest(key)).await;
        let token = found.map_err(Refused::from)?;
        self.admit(token, operation)
    }
}

impl Api {
    /// The operations over these parts.
    #[must_use]
    pub fn new(parts: ApiParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Whether a key may call an operation now.
    ///
    /// # Errors
    /// 401 when it is not known or has ended, 403 when its role does not permit the operation.
    #[expect(
        clippy::result_large_err,
        reason = "the generated trait requires this type"
    )]
    pub fn admit(
        &self,
        token: Option<TokenRow>,
        operation: &OperationInfo,
    ) -> Result<Caller, Refusal> {
        let Some(token) = token.filter(|token| token.is_live(self.clock.now())) else {
            return Err(unauthorized(
                "this key does not exist, has expired, or was revoked",
            ));
        };
        let permission = operation.permission.unwrap_or(auth::PUBLIC);
        let is_permitted =
            permission == auth::PUBLIC || Role::from_word(&token.role).permits(permission);
        if !is_permitted {
            let detail = format!("role `{}` does not include `{permission}`", token.role);
            return Err(Refused::new(403, "forbidden", detail).into());
        }
        Ok(Caller { token })
    }

    /// Begins a write, or answers what it answered before.
    async fn begin<T: DeserializeOwned>(
        &self,
        idempotency: Option<Idempotency>,
    ) -> Result<Started<'_, T>, Refused> {
        match self.store.begin(idempotency, self.clock.now()).await? {
            Begun::New(write) => Ok(Started::New(write)),
            Begun::Done(answer) => Ok(Started::Done(answer)),
            Begun::Taken => Err(Refused::conflict(
                "idempotency-key-taken",
                "this `Idempotency-Key` was used for another request, or for one whose answer is \
                 shown only once; choose a new one",
            )),
        }
    }
}

/// A write that begins, or that was done before.
enum Started<'s, T> {
    New(Write<'s>),
    Done(T),
}

impl Caller {
    /// The name of a write: the caller's key for it, and what it is meant to do.
    fn idempotency(
        &self,
        key: Option<&String>,
        operation: &str,
        target: &str,
        body: &impl Serialize,
    ) -> Option<Idempotency> {
        let body = || serde_json::to_string(body).expect("requests were read from JSON");
        key.map(|key| Idempotency {
            token_id: self.token.id.clone(),
            key: key.clone(),
            request: format!("{operation} {target} {}", body()),
        })
    }
}

/// The key of an `Authorization: Bearer` header.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| key.trim())
        .filter(|key| !key.is_empty())
}

/// The refusal of a request without a good key.
#[must_use]
pub fn unauthorized(detail: &str) -> Refusal {
    let refusal: Refusal = Refused::new(401, "unauthorized", detail).into();
    refusal.header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"tollgate\""),
    )
}

/// The page that a request wants.
fn page_request(cursor: Option<String>, limit: Option<i32>) -> PageRequest {
    PageRequest {
        cursor,
        limit: limit.map(i64::from),
    }
}

/// The page of a newest-first list that a request wants.
fn newest_first(cursor: Option<String>, limit: Option<i32>) -> Result<PageRequest, Refused> {
    let request = page_request(cursor, limit);
    if request.before().is_none() {
        return Err(check::one_error(
            "/query/cursor",
            "is not the `nextCursor` of a page of this list",
        ));
    }
    Ok(request)
}

/// The documents of a page as resources.
fn read_page<T: DeserializeOwned>(
    what: &'static str,
    page: Page<String>,
) -> Result<(Vec<T>, Option<String>), Refused> {
    let items: Result<Vec<T>, _> = page
        .items
        .iter()
        .map(|text| parse_document(what, text))
        .collect();
    Ok((items?, page.next_cursor))
}

/// Turns a result into one of an operation's answers.
macro_rules! answer {
    ($response:ident :: $variant:ident, $result:expr) => {
        match $result {
            Ok(body) => $response::$variant(body),
            Err(refused) => {
                let (status, problem) = refused.into_problem();
                $response::Problem(status, problem)
            }
        }
    };
}
use answer;
