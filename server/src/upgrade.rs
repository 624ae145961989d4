//! From a request to an event stream: origin, key or ticket, upgrade.

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Query, State, WebSocketUpgrade};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::Place;
use crate::api::{Api, Caller, bearer, unauthorized};
use crate::auth;
use crate::generated::api::{Authorize, operation};
use crate::generated::extract::Refusal;
use crate::live::{self, SessionContext, SessionLimits};
use crate::problem::Refused;

/// The operation's id in the contract.
const OPERATION: &str = "openEvents";
/// The largest message a client may send; a subscription to 100 topics fits.
const MESSAGE_SIZE_MAX: usize = 64 * 1024;
/// What each socket reads and writes at once. The default of 128 KiB would be most of a socket's
/// memory, and messages are small.
const BUFFER_SIZE: usize = 4 * 1024;

/// What opening a stream needs.
#[derive(Clone)]
pub struct Streams(Arc<StreamsParts>);

/// The parts of [`Streams`].
pub struct StreamsParts {
    /// The operations, for keys and tickets.
    pub api: Api,
    /// When the hub shuts down.
    pub stop: CancellationToken,
    /// Who joins the sessions.
    pub sessions: TaskTracker,
    /// The bounds of a session.
    pub limits: SessionLimits,
    /// Other origins than the hub's own.
    pub origins: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenQuery {
    #[serde(default)]
    ticket: Option<String>,
}

/// The route of the event stream.
pub fn router(parts: StreamsParts) -> Router {
    Router::new()
        .route("/ws", get(open))
        .with_state(Streams(Arc::new(parts)))
}

async fn open(
    State(streams): State<Streams>,
    Extension(place): Extension<Place>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match admit(&streams, &headers, &uri, upgrade).await {
        Ok((caller, upgrade)) => begin(&streams, place, caller, upgrade),
        Err(refusal) => refusal.into_response(),
    }
}

async fn admit(
    streams: &Streams,
    headers: &HeaderMap,
    uri: &Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<(Caller, WebSocketUpgrade), Refusal> {
    let StreamsParts {
        api, origins, stop, ..
    } = &*streams.0;
    check_origin(headers, origins)?;
    let query: Query<OpenQuery> = Query::try_from_uri(uri)
        .map_err(|error| Refused::new(400, "invalid-request", error.to_string()))?;
    let operation = operation(OPERATION).expect("the contract has the event stream");
    let caller = match (&query.ticket, bearer(headers)) {
        (Some(ticket), _) => {
            let now = api.clock.now();
            let taken = api.store.take_ticket(&auth::digest(ticket), now).await;
            let token = taken.map_err(Refused::from)?;
            if token.is_none() {
                return Err(unauthorized(
                    "this ticket was used or has expired; request a new one",
                ));
            }
            api.admit(token, operation)?
        }
        (None, _) => api.authorize(operation, headers).await?,
    };
    if stop.is_cancelled() {
        return Err(Refused::new(503, "shutting-down", "the hub is shutting down").into());
    }
    let upgrade =
        upgrade.map_err(|error| Refused::new(400, "not-a-websocket", error.body_text()))?;
    Ok((caller, upgrade))
}

/// A page of another origin must not read events with a ticket or key that it got hold of.
fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Refused> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // Clients that are not browsers send no origin.
    let Some(origin) = text(header::ORIGIN) else {
        return Ok(());
    };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_own = authority.is_some() && authority == text(header::HOST);
    if is_own || allowed.iter().any(|it| it == origin) {
        return Ok(());
    }
    let detail = format!(
        "pages of `{origin}` may not open event streams; add the origin to `origins` in the section [serve] of tollgate.toml"
    );
    Err(Refused::new(403, "foreign-origin", detail))
}

fn begin(streams: &Streams, place: Place, caller: Caller, upgrade: WebSocketUpgrade) -> Response {
    let parts = &*streams.0;
    let cx = SessionContext {
        store: Arc::clone(&parts.api.store),
        broadcaster: Arc::clone(&parts.api.broadcaster),
        clock: Arc::clone(&parts.api.clock),
        stop: parts.stop.clone(),
        limits: parts.limits,
        rate_limit: auth::message_rate(&caller.token.client_type),
        expires_at: caller.token.expires_at,
        token_id: caller.token.id,
    };
    // Counted from now on, so that a shutdown waits for a session that is about to begin.
    let tracked = parts.sessions.token();
    upgrade
        .read_buffer_size(BUFFER_SIZE)
        .write_buffer_size(BUFFER_SIZE)
        .max_message_size(MESSAGE_SIZE_MAX)
        .on_upgrade(move |socket| async move {
            live::serve(socket, cx).await;
            drop((tracked, place));
        })
}
