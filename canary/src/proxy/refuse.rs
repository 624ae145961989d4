//! Requests that are answered here and reach no version, and answers that no client gets.

use http::header::{CONNECTION, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};

use super::headers::words;
use super::tracked::OutBody;

/// Why a request is answered here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    title: &'static str,
}

const fn bad(title: &'static str) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        title,
    }
}

/// The answer to a request that cannot be forwarded as it is; `None` for all others.
pub(super) fn refuse<B>(request: &Request<B>) -> Option<Response<OutBody>> {
    let refusal = check_method(request)
        .and_then(|()| check_target(request))
        .and_then(|()| check_host(request))
        .and_then(|()| check_coding(request.headers()))
        .err()?;
    let document = serde_json::json!({
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status.as_u16(),
    });
    let body = Full::new(document.to_string().into());
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if request.version() != Version::HTTP_2 {
        // What follows may be part of the refused request.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Some(response)
}

/// A reverse proxy opens no tunnels to elsewhere (RFC 9110, section 9.3.6).
fn check_method<B>(request: &Request<B>) -> Result<(), Refusal> {
    if *request.method() == Method::CONNECT {
        return Err(Refusal {
            status: StatusCode::NOT_IMPLEMENTED,
            title: "CONNECT is not supported: this is a reverse proxy",
        });
    }
    Ok(())
}

/// An authority alone is for CONNECT, and `*` for OPTIONS (RFC 9112, section 3.2).
fn check_target<B>(request: &Request<B>) -> Result<(), Refusal> {
    let target = request.uri();
    let is_authority = target.authority().is_some() && target.scheme().is_none();
    let is_asterisk = target.path() == "*" && *request.method() != Method::OPTIONS;
    if is_authority || is_asterisk {
        return Err(bad("the target of this request is not a path"));
    }
    Ok(())
}

/// One `Host`, and a valid one (RFC 9112, section 3.2).
fn check_host<B>(request: &Request<B>) -> Result<(), Refusal> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let first = hosts.next();
    if hosts.next().is_some() {
        return Err(bad(
            "a request has one Host header, and this one has several",
        ));
    }
    match first {
        Some(host) if !is_host(host) => Err(bad("the Host header is not a host with a port")),
        None if request.version() == Version::HTTP_11 => {
            Err(bad("a request of HTTP/1.1 needs a Host header"))
        }
        _ => Ok(()),
    }
}

/// An empty host is allowed: the target may have no authority.
fn is_host(value: &HeaderValue) -> bool {
    let is_allowed = |byte: &u8| {
        byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(byte) || !byte.is_ascii()
    };
    value.as_bytes().iter().all(is_allowed)
}

/// Codings other than chunks would be lost here (RFC 9112, section 6.1).
fn check_coding(headers: &HeaderMap) -> Result<(), Refusal> {
    if is_chunks_or_none(headers) {
        return Ok(());
    }
    Err(Refusal {
        status: StatusCode::NOT_IMPLEMENTED,
        title: "the only transfer coding that is supported is `chunked`",
    })
}

/// Whether no transfer coding but `chunked` is applied, once.
pub(super) fn is_chunks_or_none(headers: &HeaderMap) -> bool {
    if !headers.contains_key(TRANSFER_ENCODING) {
        return true;
    }
    let mut codings = words(headers, &TRANSFER_ENCODING);
    codings
        .next()
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
        && codings.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(lines: &[(&'static str, &'static str)]) -> u16 {
        let mut request = Request::new(());
        for (name, value) in lines {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_static(value));
        }
        refuse(&request).map_or(0, |response| response.status().as_u16())
    }

    #[test]
    fn one_valid_host_is_needed() {
        assert_eq!(status(&[]), 400);
        assert_eq!(status(&[("host", "a"), ("host", "a")]), 400);
        for host in ["a b", "a/b", "user@a", "a,b"] {
            assert_eq!(status(&[("host", host)]), 400, "{host}");
        }
        for host in ["", "a.test:80", "[::1]:80", "xn--bcher-kva"] {
            assert_eq!(status(&[("host", host)]), 0, "{host}");
        }
    }

    #[test]
    fn the_only_coding_is_chunked_once() {
        for coding in ["gzip, chunked", "chunked, chunked", "xchunked", "identity"] {
            let lines = [("host", "a"), ("transfer-encoding", coding)];
            assert_eq!(status(&lines), 501, "{coding}");
        }
        assert_eq!(
            status(&[("host", "a"), ("transfer-encoding", "Chunked")]),
            0
        );
    }
}
