//! Which requests are alike: the method, and the path with its variable parts replaced.

use http::Method;

/// A key such as `GET /orders/{}`. Numbers, ids of 16 and more characters and what contains digits
/// next to a dash are variable.
pub(super) fn key(method: &Method, path: &str) -> String {
    let mut key = String::with_capacity(path.len() + 8);
    key.push_str(method.as_str());
    key.push(' ');
    let path = path.split('?').next().unwrap_or_default();
    for segment in path.trim_start_matches('/').split('/') {
        key.push('/');
        key.push_str(if is_variable(segment) { "{}" } else { segment });
    }
    key
}

fn is_variable(segment: &str) -> bool {
    let has_digit = segment.bytes().any(|byte| byte.is_ascii_digit());
    let is_version = segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.len() < 3 && rest.bytes().all(|byte| byte.is_ascii_digit()));
    (has_digit && !is_version) || segment.len() > 32 || segment.contains('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_one_operation_have_one_key() {
        for (path, want) in [
            ("/orders/17?x=1", "GET /orders/{}"),
            (
                "/api/v1/orders/0b6f-11ee-8c90/lines",
                "GET /api/v1/orders/{}/lines",
            ),
            ("/", "GET /"),
            ("/items", "GET /items"),
            ("/items/a%20b", "GET /items/{}"),
        ] {
            assert_eq!(key(&Method::GET, path), want);
        }
    }
}
