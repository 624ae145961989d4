//! What every request passes: time limit, counts, headers, and answers where there is no route.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use crate::generated::extract::Refusal;
use crate::problem::Refused;
use crate::telemetry::Telemetry;

/// Sent with every answer. The policy allows no inline script or style and no other host.
const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// What every request passes needs.
#[derive(Clone)]
pub struct Around {
    /// Counts of requests.
    pub telemetry: Arc<Telemetry>,
    /// How long a request may take in all.
    pub request_timeout: Duration,
    /// How the hub misbehaves, in a drill.
    #[cfg(feature = "drill")]
    pub fault: Option<crate::fault::Fault>,
}

/// Puts all of that around the routes.
pub fn around(routes: Router, around: Around) -> Router {
    routes
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(around, pass))
}

async fn pass(State(around): State<Around>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let is_api = request.uri().path().starts_with("/api/");
    let answered = timeout(around.request_timeout, answer(&around, request, next)).await;
    let mut response = answered.unwrap_or_else(|_| {
        let refusal: Refusal = Refused::new(
            408,
            "timeout",
            format!("the request took longer than {:?}", around.request_timeout),
        )
        .into();
        refusal.into_response()
    });
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_api {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let path = path.as_ref().map(MatchedPath::as_str);
    let status = response.status().as_u16();
    around
        .telemetry
        .count(&method, path, status, begun.elapsed());
    response
}

#[cfg(not(feature = "drill"))]
async fn answer(_around: &Around, request: Request, next: Next) -> Response {
    next.run(request).await
}

#[cfg(feature = "drill")]
async fn answer(around: &Around, request: Request, next: Next) -> Response {
    use crate::fault::Effect;

    let effect = around
        .fault
        .as_ref()
        .map_or(Effect::None, |fault| fault.effect(request.uri().path()));
    match effect {
        Effect::None => {}
        Effect::Delay(delay) => tokio::time::sleep(delay).await,
        Effect::Fail => {
            let refusal: Refusal =
                Refused::new(500, "internal", "a drill: this build fails on purpose").into();
            return refusal.into_response();
        }
        Effect::BreakContract => {
            let body = r#"{"status":7,"components":"a drill: this breaks the contract"}"#;
            return ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
    }
    next.run(request).await
}

async fn no_route(uri: Uri) -> Response {
    let refusal: Refusal = Refused::not_found("path", uri.path()).into();
    refusal.into_response()
}

async fn no_method(method: Method, uri: Uri) -> Response {
    let detail = format!("`{}` does not support {method}", uri.path());
    let refusal: Refusal = Refused::new(405, "method-not-allowed", detail).into();
    refusal.into_response()
}
