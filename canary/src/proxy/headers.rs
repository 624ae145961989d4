//! Hop-by-hop and forwarding headers (RFC 9110, section 7.6).

use std::net::SocketAddr;

use http::header::{CONNECTION, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version};

const HOP_BY_HOP: [HeaderName; 5] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    http::header::TRAILER,
];

/// Names the version that answered.
pub(super) const VERSION: HeaderName = HeaderName::from_static("x-tollgate-version");
/// Requests a version.
pub(super) const PIN: HeaderName = HeaderName::from_static("x-tollgate-pin");

/// The protocol a request wants to change to.
pub(super) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let is_asked = headers.get_all(CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|text| {
            text.split(',')
                .any(|word| word.trim().eq_ignore_ascii_case("upgrade"))
        })
    });
    is_asked.then(|| headers.get(UPGRADE).cloned()).flatten()
}

/// Removes what belongs to one connection only; an upgrade is put back by the caller.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .filter_map(|word| word.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
    for name in [CONNECTION, TE, TRANSFER_ENCODING, UPGRADE, EXPECT] {
        headers.remove(name);
    }
}

pub(super) fn put_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Makes a client's request one for a version: origin form, HTTP/1.1, forwarding headers.
pub(super) fn rewrite_request<B>(request: &mut Request<B>, peer: SocketAddr, upstream: SocketAddr) {
    let authority = request.uri().authority().map(ToString::to_string);
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    *request.version_mut() = Version::HTTP_11;
    let headers = request.headers_mut();
    strip_hop_by_hop(headers);
    if !headers.contains_key(HOST) {
        let host = authority.unwrap_or_else(|| upstream.to_string());
        if let Ok(host) = HeaderValue::from_str(&host) {
            headers.insert(HOST, host);
        }
    }
    let before = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(|text| format!("{text}, "))
        .collect::<String>();
    if let Ok(value) = HeaderValue::from_str(&format!("{before}{}", peer.ip())) {
        headers.insert("x-forwarded-for", value);
    }
    if !headers.contains_key("x-forwarded-proto") {
        headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    }
    if !headers.contains_key("x-forwarded-host")
        && let Some(host) = headers.get(HOST).cloned()
    {
        headers.insert("x-forwarded-host", host);
    }
}
