//! HTTP probes at connection level: one request, its phases, and what is expected of the answer. No
//! request is repeated: a silent retry would hide a loss.

pub(crate) mod client;
pub(crate) mod dial;
pub(crate) mod error;
pub(crate) mod expect;

use std::collections::BTreeMap;
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use ::http::{HeaderName, HeaderValue, Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use tokio::time::Instant;

use crate::attempt::RunCheck;
use crate::context::{Context, Encode, Vars};
use crate::result::{Cause, Observation};
use crate::settings::HttpCheck;

use client::{Connection, Reply};
use dial::Target;

/// How we name ourselves to a target.
const AGENT: &str = concat!("tollgate-probes/", env!("CARGO_PKG_VERSION"));

/// A request with its variables filled in.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) target: Target,
    pub(crate) request: Request<Full<Bytes>>,
    /// For causes: method and path as settings write them, so that no secret is in it.
    pub(crate) label: String,
}
impl RunCheck for HttpCheck {
    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        _timeout: Duration,
    ) -> Result<(), Cause> {
        run(self, cx, vars, seen).await
    }
}

/// Runs one request: send, judge, capture. Redirects are followed only as far as settings say.
pub(crate) async fn run(
    check: &HttpCheck,
    cx: &Context,
    vars: &mut Vars,
    seen: &mut Observation,
) -> Result<(), Cause> {
    let mut prepared = prepare(check, cx, vars)?;
    let mut n_redirects = 0;
    loop {
        let reply = exchange(&prepared, check, cx, seen).await?;
        match redirect_of(&reply) {
            Some(location) if n_redirects < check.redirects_max => {
                n_redirects += 1;
                prepared = redirected(&prepared, &reply, location)?;
            }
            _ => {
                seen.measurements
                    .insert("status".to_owned(), f64::from(reply.status.as_u16()));
                seen.measurements
                    .insert("body_bytes".to_owned(), reply.body.len() as f64);
                expect::judge(check, &prepared.label, &reply, cx, vars)?;
                return capture(check, &prepared.label, &reply, vars);
            }
        }
    }
}

async fn exchange(
    prepared: &Prepared,
    check: &HttpCheck,
    cx: &Context,
    seen: &mut Observation,
) -> Result<Reply, Cause> {
    let label = &prepared.label;
    let mut connection = Connection::open(&prepared.target, cx.tls(), &mut |name, took| {
        seen.phase(name, took)
    })
    .await
    .map_err(|error| error.to_cause(label))?;
    let started = Instant::now();
    let head = connection.send(prepared.request.clone()).await;
    let head = head.map_err(|error| error.to_cause(label))?;
    seen.phase("first_byte", started.elapsed());
    let started = Instant::now();
    let reply = client::read(head, check.body_size_max.0).await;
    let reply = reply.map_err(|error| error.to_cause(label))?;
    seen.phase("body", started.elapsed());
    Ok(reply)
}

/// Fills in the variables of a request.
pub(crate) fn prepare(check: &HttpCheck, cx: &Context, vars: &Vars) -> Result<Prepared, Cause> {
    let url = url_of(&check.path, cx, vars)?;
    let target = Target::parse(&url)?;
    let label = format!("`{} {}`", check.method, check.path);
    let invalid = |error: ::http::Error| {
        Cause::prober(
            "settings",
            label.clone(),
            "a valid request",
            error.to_string(),
        )
    };
    let (body, is_json) = match (&check.body, &check.json) {
        (Some(text), _) => (vars.expand(text, Encode::Plain)?, false),
        (None, Some(json)) => (vars.expand_json(json)?.to_string(), true),
        (None, None) => (String::new(), false),
    };
    let mut request = Request::builder()
        .method(check.method.as_str())
        .uri(&target.path_and_query)
        .header(HOST, &target.authority)
        .header(USER_AGENT, AGENT)
        .body(Full::new(Bytes::from(body)))
        .map_err(invalid)?;
    if is_json {
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in expand_headers(&check.headers, vars)? {
        request.headers_mut().insert(name, value);
    }
    Ok(Prepared {
        target,
        request,
        label,
    })
}

/// The whole URL of a path: after the base URL, unless it is whole already.
pub(crate) fn url_of(path: &str, cx: &Context, vars: &Vars) -> Result<String, Cause> {
    let path = path.strip_prefix("{base}").unwrap_or(path);
    let path = vars.expand(path, Encode::Url)?;
    if path.starts_with("http://") || path.starts_with("https://") {
        return Ok(path);
    }
    let slash = if path.is_empty() || path.starts_with(['/', '?']) {
        ""
    } else {
        "/"
    };
    Ok(format!("{}{slash}{path}", cx.base_url()))
}

/// Headers with their variables filled in. A value never appears in the cause of a refusal.
pub(crate) fn expand_headers(
    headers: &BTreeMap<String, String>,
    vars: &Vars,
) -> Result<Vec<(HeaderName, HeaderValue)>, Cause> {
    let mut expanded = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let value = vars.expand(value, Encode::Plain)?;
        let refused = || {
            let what = format!("header `{name}`");
            Cause::prober(
                "settings",
                what,
                "a valid name and value",
                "a character that is not allowed",
            )
        };
        let header_name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let value = HeaderValue::from_str(&value).map_err(|_| refused())?;
        expanded.push((header_name, value));
    }
    Ok(expanded)
}

fn redirect_of(reply: &Reply) -> Option<String> {
    if !reply.status.is_redirection() {
        return None;
    }
    reply
        .headers
        .get(LOCATION)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

/// The request that follows a redirect: 307 and 308 keep method and body (RFC 9110, 15.4.8), all
/// else becomes GET. Credentials don't go to another origin.
fn redirected(prepared: &Prepared, reply: &Reply, location: String) -> Result<Prepared, Cause> {
    let from = &prepared.target;
    let url = if location.starts_with('/') {
        format!("{}://{}{location}", from.scheme(), from.authority)
    } else {
        location
    };
    let target = Target::parse(&url).map_err(|_| {
        Cause::target(
            "redirect",
            format!("location of {}", prepared.label),
            "a path or a URL",
            "something else",
        )
    })?;
    let mut request = prepared.request.clone();
    if !matches!(
        reply.status,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    ) {
        *request.method_mut() = ::http::Method::GET;
        *request.body_mut() = Full::default();
        request.headers_mut().remove(CONTENT_TYPE);
    }
    if (target.scheme(), &target.authority) != (from.scheme(), &from.authority) {
        let kept = [HOST, USER_AGENT, ::http::header::ACCEPT, CONTENT_TYPE];
        let dropped: Vec<HeaderName> = request
            .headers()
            .keys()
            .filter(|name| !kept.contains(name))
            .cloned()
            .collect();
        for name in dropped {
            request.headers_mut().remove(name);
        }
    }
    *request.uri_mut() = target
        .path_and_query
        .parse()
        .expect("a parsed target has a valid path");
    let host =
        HeaderValue::from_str(&target.authority).expect("a parsed authority is a valid header");
    request.headers_mut().insert(HOST, host);
    Ok(Prepared {
        target,
        request,
        label: prepared.label.clone(),
    })
}

fn capture(check: &HttpCheck, label: &str, reply: &Reply, vars: &mut Vars) -> Result<(), Cause> {
    for (name, capture) in &check.capture {
        let (place, value) = match (&capture.pointer, &capture.header) {
            (Some(pointer), _) => (format!("`{pointer}` in the body"), reply.text_at(pointer)),
            (None, Some(header)) => {
                let value = reply.headers.get(header.as_str());
                let value = value
                    .and_then(|value| value.to_str().ok())
                    .map(str::to_owned);
                (format!("header `{header}`"), value)
            }
            (None, None) => {
                let what = format!("capture `{name}` of {label}");
                return Err(Cause::prober(
                    "settings",
                    what,
                    "`pointer` or `header`",
                    "neither",
                ));
            }
        };
        let value = value.ok_or_else(|| {
            Cause::target(
                "capture",
                format!("capture `{name}` of {label}"),
                place,
                "it is not there",
            )
        })?;
        vars.set(name, value, capture.secret);
    }
    Ok(())
}
