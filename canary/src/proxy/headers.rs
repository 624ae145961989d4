//! Header fields on their way through: what stays on its connection, what is added.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, DATE, EXPECT,
    FORWARDED, HOST, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, REFERER, SET_COOKIE, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE, VIA, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Fields of one connection, whether `Connection` names them or not (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    EXPECT,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// Fields that are meant for the other end. `Connection` cannot take them away: a client would
/// otherwise remove from its request what the service trusts.
const END_TO_END: [HeaderName; 12] = [
    AUTHORIZATION,
    CACHE_CONTROL,
    COOKIE,
    DATE,
    FORWARDED,
    HOST,
    ORIGIN,
    REFERER,
    SET_COOKIE,
    TRAILER,
    VIA,
    WWW_AUTHENTICATE,
];

/// Names the version that answered.
pub(super) const VERSION: HeaderName = HeaderName::from_static("x-tollgate-version");
/// Requests a version.
pub(super) const PIN: HeaderName = HeaderName::from_static("x-tollgate-pin");

/// The protocol to which a message wants to change. HTTP/2 is never reached by an upgrade
/// (RFC 9113, section 3.1).
pub(super) fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    if !words(headers, &CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade")) {
        return None;
    }
    let protocol = headers.get(UPGRADE)?;
    (!protocol.as_bytes().eq_ignore_ascii_case(b"h2c")).then(|| protocol.clone())
}

/// The words of a field whose value is a list.
pub(super) fn words<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> + use<'a> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn is_end_to_end(name: &HeaderName) -> bool {
    let name_text = name.as_str();
    END_TO_END.contains(name)
        || name_text.starts_with("content-")
        || name_text.starts_with("x-forwarded-")
        || name_text.starts_with("x-tollgate-")
}

/// Removes what belongs to one connection only; an upgrade is put back by the caller. Chunks
/// win over a length (RFC 9112, section 6.3).
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(TRANSFER_ENCODING) {
        headers.remove(CONTENT_LENGTH);
    }
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = words(headers, &CONNECTION)
            .filter_map(|word| word.parse().ok())
            .filter(|name| !is_end_to_end(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

pub(super) fn put_upgrade(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// Makes a client's request one for a version: origin form, forwarding headers, and HTTP/1.1, which
/// every service speaks. A gRPC call stays HTTP/2.
pub(super) fn rewrite_request<B>(request: &mut Request<B>, peer: SocketAddr, upstream: SocketAddr) {
    let takes_trailers =
        words(request.headers(), &TE).any(|word| word.eq_ignore_ascii_case("trailers"));
    strip_hop_by_hop(request.headers_mut());
    if takes_trailers {
        request
            .headers_mut()
            .insert(TE, HeaderValue::from_static("trailers"));
    }
    put_host(request, upstream);
    let via = via_of(request.version());
    if request.version() == Version::HTTP_2 {
        join_cookies(request.headers_mut());
    }
    if !is_grpc(request) {
        *request.version_mut() = Version::HTTP_11;
    }
    put_forwarding(request.headers_mut(), peer.ip(), via);
}

fn is_grpc<B>(request: &Request<B>) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    request.version() == Version::HTTP_2
        && content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// HTTP/2 may send the cookies one by one (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if cookies.len() < 2 {
        return;
    }
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// The authority of the target wins over `Host` (RFC 9112, section 3.2.2).
fn put_host<B>(request: &mut Request<B>, upstream: SocketAddr) {
    let authority = request.uri().authority().map(ToString::to_string);
    if authority.is_some() {
        let path = request.uri().path_and_query();
        *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), |path| path.clone().into());
    }
    let headers = request.headers_mut();
    if authority.is_none() && headers.contains_key(HOST) {
        return;
    }
    let host = authority.unwrap_or_else(|| upstream.to_string());
    if let Ok(host) = HeaderValue::from_str(&host) {
        headers.insert(HOST, host);
    }
}

fn via_of(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0 tollgate",
        Version::HTTP_2 => "2 tollgate",
        _ => "1.1 tollgate",
    }
}

/// Appends this hop to what earlier ones said.
fn put_forwarding(headers: &mut HeaderMap, peer: IpAddr, via: &'static str) {
    append(headers, VIA, via);
    append(headers, X_FORWARDED_FOR, &peer.to_string());
    if headers.contains_key(FORWARDED) {
        let node = match peer {
            IpAddr::V4(peer) => format!("for={peer};proto=http"),
            IpAddr::V6(peer) => format!("for=\"[{peer}]\";proto=http"),
        };
        append(headers, FORWARDED, &node);
    }
    if !headers.contains_key(X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !headers.contains_key(X_FORWARDED_HOST)
        && let Some(host) = headers.get(HOST).cloned()
    {
        headers.insert(X_FORWARDED_HOST, host);
    }
}

/// Several lines of a list are one line afterwards.
fn append(headers: &mut HeaderMap, name: HeaderName, last: &str) {
    let mut list = Vec::new();
    for value in headers.get_all(&name) {
        list.extend_from_slice(value.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(last.as_bytes());
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(list)) {
        headers.insert(name, value);
    }
}
