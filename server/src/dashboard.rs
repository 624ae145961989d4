//! The dashboard's files, embedded in the binary.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tollgate_report::Digest;

/// A file: its path, media type and content.
type Asset = (&'static str, &'static str, &'static str);

const ASSETS: [Asset; 8] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("../dashboard/index.html"),
    ),
    (
        "/dashboard/app.css",
        "text/css; charset=utf-8",
        include_str!("../dashboard/app.css"),
    ),
    (
        "/dashboard/icon.svg",
        "image/svg+xml",
        include_str!("../dashboard/icon.svg"),
    ),
    (
        "/dashboard/main.js",
        JS,
        include_str!("../dashboard/main.js"),
    ),
    (
        "/dashboard/live.js",
        JS,
        include_str!("../dashboard/live.js"),
    ),
    (
        "/dashboard/model.js",
        JS,
        include_str!("../dashboard/model.js"),
    ),
    (
        "/dashboard/view.js",
        JS,
        include_str!("../dashboard/view.js"),
    ),
    ("/dashboard/dom.js", JS, include_str!("../dashboard/dom.js")),
];
const JS: &str = "text/javascript; charset=utf-8";

/// Routes for every file. Browsers ask again each time and get 304 while nothing has changed.
pub fn router() -> Router {
    ASSETS.into_iter().fold(Router::new(), |router, asset| {
        let etag = format!("\"{}\"", Digest::of(asset.2).short());
        let serve = move |headers: HeaderMap| {
            let response = respond(asset, &etag, &headers);
            async move { response }
        };
        router.route(asset.0, get(serve))
    })
}

fn respond((_, media, content): Asset, etag: &str, headers: &HeaderMap) -> Response {
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_nothing_inline_no_other_host_and_is_small() {
        for (path, _, content) in ASSETS {
            for bad in [
                "style=",
                "<style",
                "javascript:",
                "onclick=",
                "innerHTML",
                "eval(",
            ] {
                assert!(!content.contains(bad), "{path} holds `{bad}`");
            }
            let n_hosts = content.matches("://").count();
            let n_namespaces = content.matches("http://www.w3.org/2000/svg").count();
            let n_own = content.matches("${scheme}://${location.host}").count();
            assert_eq!(n_hosts, n_namespaces + n_own, "{path} names another host");
        }
        let n_bytes: usize = ASSETS.iter().map(|(_, _, content)| content.len()).sum();
        assert!(n_bytes <= 60_000, "{n_bytes} bytes before compression");
    }
}
