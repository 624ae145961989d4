//! A small service for `fixtures/items.yaml` with defects that can be switched on, one at a time.
//! Without a defect it conforms to its contract.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The key that the service takes.
pub const KEY: &str = "items-key";
/// Where the service says how many requests it got; not counted itself.
pub const COUNT_PATH: &str = "/-/count";

/// Names of the defects, with what each does.
pub const DEFECTS: [(&str, &str); 27] = [
    ("wrong-status", "`POST /items` answers 200, not 201"),
    ("undeclared-status", "an unknown item is 410"),
    ("missing-field", "items have no `state`"),
    ("extra-field", "items have an `internalId`"),
    ("wrong-type", "`quantity` is a text"),
    (
        "wrong-enum-value",
        "`state` is `pending` where the quantity is over 500",
    ),
    ("null-not-allowed", "empty `tags` are null"),
    ("wrong-date-format", "`createdAt` is `21/11/2026 02:30`"),
    (
        "wrong-content-type",
        "`GET /items/{itemId}` answers JSON as `text/plain`",
    ),
    ("cut-body", "an item with a null `note` is cut JSON"),
    ("missing-header", "`POST /items` gives no `Location`"),
    ("wrong-error-format", "refusals are `{\"error\": …}`"),
    ("missing-auth", "`GET /items/{itemId}` needs no key"),
    ("ignored-auth", "any key is taken"),
    ("error-on-odd-input", "a name beyond ASCII is a 500"),
    ("error-on-odd-path", "an id with `%` or `'` is a 500"),
    (
        "leaked-stack-trace",
        "a body that is not JSON is answered with a stack trace",
    ),
    ("accepts-invalid-number", "a negative price is taken"),
    ("ignores-max-length", "a name of any length is taken"),
    ("accepts-missing-field", "a body without `name` is taken"),
    ("accepts-wrong-query", "`limit=abc` is taken"),
    (
        "pages-repeat",
        "each page begins with the last item of the page before",
    ),
    ("pages-skip", "each page but the first leaves out an item"),
    ("limit-ignored", "`limit` does nothing"),
    ("deleted-stays", "a deleted item can still be read"),
    ("created-missing", "a created item can't be read"),
    ("method-answered", "`PATCH /items/{itemId}` answers 200"),
];

/// What the service holds.
#[derive(Default)]
struct Store {
    defect: String,
    items: Mutex<Vec<Value>>,
    next: AtomicU64,
    n_requests: AtomicUsize,
}

/// The service with one defect, or none when the name is empty.
pub fn router(defect: &str) -> Router {
    let store = Store {
        defect: defect.to_owned(),
        ..Store::default()
    };
    Router::new().fallback(serve).with_state(Arc::new(store))
}

/// Serves on a free port of this machine; the address, and the task to stop.
///
/// # Errors
/// No port can be had.
pub async fn start(defect: &str) -> std::io::Result<(String, tokio::task::JoinHandle<()>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let router = router(defect);
    let task = tokio::spawn(async move {
        // It ends with the test or the command that started it.
        let _ = axum::serve(listener, router).await;
    });
    Ok((base, task))
}

async fn serve(State(store): State<Arc<Store>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if path == COUNT_PATH {
        return store
            .n_requests
            .load(Ordering::SeqCst)
            .to_string()
            .into_response();
    }
    store.n_requests.fetch_add(1, Ordering::SeqCst);
    let body = axum::body::to_bytes(body, 4 << 20)
        .await
        .unwrap_or_default();
    let call = Call {
        store: &store,
        method: parts.method,
        headers: parts.headers,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body,
    };
    match path.as_str() {
        "/health" => call.health(),
        "/items" => call.collection(),
        _ => match path
            .strip_prefix("/items/")
            .filter(|id| !id.is_empty() && !id.contains('/'))
        {
            Some(id) => call.item(&decode(id)),
            None => call.refuse(404, "there is no such path"),
        },
    }
}

struct Call<'a> {
    store: &'a Store,
    method: Method,
    headers: HeaderMap,
    query: String,
    body: Bytes,
}

fn answer(status: u16, media: &'static str, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (
        status,
        [(header::CONTENT_TYPE, HeaderValue::from_static(media))],
        body,
    )
        .into_response()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let code = std::str::from_utf8(&digits).ok();
                bytes.extend(code.and_then(|hex| u8::from_str_radix(hex, 16).ok()));
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Call<'_> {
    fn has(&self, defect: &str) -> bool {
        self.store.defect == defect
    }

    fn refuse(&self, status: u16, detail: &str) -> Response {
        if self.has("wrong-error-format") {
            return answer(
                status,
                "application/problem+json",
                json!({"error": detail}).to_string(),
            );
        }
        let body = json!({"title": "refused", "status": status, "detail": detail});
        answer(status, "application/problem+json", body.to_string())
    }

    fn not_allowed(&self, allow: &'static str) -> Response {
        let mut response = self.refuse(405, "this method is not for this path");
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static(allow));
        response
    }

    fn is_known(&self) -> bool {
        let given = self
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        match given {
            None => false,
            Some(_) if self.has("ignored-auth") => true,
            Some(text) => text == format!("Bearer {KEY}"),
        }
    }

    fn health(&self) -> Response {
        if self.method == Method::GET {
            answer(200, "application/json", json!({"status": "ok"}).to_string())
        } else {
            self.not_allowed("GET")
        }
    }

    fn collection(&self) -> Response {
        if self.method != Method::GET && self.method != Method::POST {
            return self.not_allowed("GET, POST");
        }
        if !self.is_known() {
            return self.refuse(401, "a key is needed");
        }
        if self.method == Method::GET {
            self.list()
        } else {
            self.create()
        }
    }

    fn list(&self) -> Response {
        let (mut limit, mut from, mut state) = (50_usize, 0_usize, None);
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value);
            let is_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            match key {
                "limit" => match value.parse::<usize>() {
                    Ok(n) if (1..=100).contains(&n) => limit = n,
                    _ if self.has("accepts-wrong-query") => {}
                    _ => return self.refuse(400, "limit is 1 to 100"),
                },
                "cursor" => match value.parse::<usize>() {
                    Ok(n) if is_digits && value.len() <= 9 => from = n,
                    _ => return self.refuse(400, "cursor is a number"),
                },
                "state" if is_state(&value) => state = Some(value),
                "state" => return self.refuse(400, "state is open, held or sold"),
                _ => {}
            }
        }
        if self.has("limit-ignored") {
            limit = 100;
        }
        let mut begin = from;
        if from > 0 && self.has("pages-repeat") {
            begin -= 1;
        }
        if from > 0 && self.has("pages-skip") {
            begin += 1;
        }
        let items = self
            .store
            .items
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let wanted: Vec<&Value> = items
            .iter()
            .filter(|item| state.as_ref().is_none_or(|state| item["state"] == **state))
            .collect();
        let page: Vec<Value> = wanted
            .iter()
            .skip(begin)
            .take(limit)
            .map(|item| self.shown(item))
            .collect();
        let mut body = json!({"items": page});
        if begin + limit < wanted.len() {
            body["nextCursor"] = (begin + limit).to_string().into();
        }
        answer(200, "application/json", body.to_string())
    }

    fn create(&self) -> Response {
        let new = match self.new_item() {
            Ok(new) => new,
            Err(refusal) => return *refusal,
        };
        let id = format!("i{}", self.store.next.fetch_add(1, Ordering::SeqCst) + 1);
        let item = whole(&id, new);
        let shown = self.shown(&item).to_string();
        if !self.has("created-missing") {
            self.store
                .items
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(item);
        }
        let status = if self.has("wrong-status") { 200 } else { 201 };
        let mut response = answer(status, "application/json", shown);
        if !self.has("missing-header") {
            let place = HeaderValue::from_str(&format!("/items/{id}"));
            if let Ok(place) = place {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static("location"), place);
            }
        }
        response
    }

    fn item(&self, id: &str) -> Response {
        let is_open = self.method == Method::GET && self.has("missing-auth");
        if self.method == Method::PATCH && self.has("method-answered") {
            return answer(200, "application/json", "{}".to_owned());
        }
        if ![Method::GET, Method::PUT, Method::DELETE].contains(&self.method) {
            return self.not_allowed("GET, PUT, DELETE");
        }
        if !is_open && !self.is_known() {
            return self.refuse(401, "a key is needed");
        }
        if id.chars().count() > 40 {
            return self.refuse(400, "an id has at most 40 characters");
        }
        if self.has("error-on-odd-path") && id.contains(['%', '\'']) {
            return self.refuse(500, "the query failed");
        }
        let mut items = self
            .store
            .items
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let at = items
            .iter()
            .position(|item| item["id"] == id && item["gone"] != true);
        let at = at.or_else(|| {
            items.iter().position(|item| {
                item["id"] == id && self.has("deleted-stays") && self.method == Method::GET
            })
        });
        let Some(at) = at else {
            drop(items);
            let status = if self.has("undeclared-status") {
                410
            } else {
                404
            };
            return self.refuse(status, "there is no such item");
        };
        if self.method == Method::DELETE {
            if self.has("deleted-stays") {
                items[at]["gone"] = true.into();
            } else {
                items.remove(at);
            }
            return StatusCode::NO_CONTENT.into_response();
        }
        if self.method == Method::PUT {
            match self.new_item() {
                Ok(new) => items[at] = whole(id, new),
                Err(refusal) => return *refusal,
            }
        }
        let text = self.shown(&items[at]).to_string();
        if self.has("cut-body") && items[at]["note"].is_null() && items[at].get("note").is_some() {
            return answer(
                200,
                "application/json",
                text.chars().take(text.chars().count() / 2).collect(),
            );
        }
        let is_plain = self.method == Method::GET && self.has("wrong-content-type");
        answer(
            200,
            if is_plain {
                "text/plain"
            } else {
                "application/json"
            },
            text,
        )
    }

    /// The item as it is sent, with the defects of its fields.
    fn shown(&self, item: &Value) -> Value {
        let mut item = item.clone();
        let Some(map) = item.as_object_mut() else {
            return item;
        };
        map.remove("gone");
        match self.store.defect.as_str() {
            "missing-field" => {
                map.remove("state");
            }
            "extra-field" => {
                map.insert("internalId".to_owned(), 7.into());
            }
            "wrong-type" => {
                let text = map["quantity"].to_string();
                map.insert("quantity".to_owned(), text.into());
            }
            "wrong-enum-value" if map["quantity"].as_f64().is_some_and(|n| n > 500.0) => {
                map.insert("state".to_owned(), "pending".into());
            }
            "null-not-allowed" if map["tags"] == json!([]) => {
                map.insert("tags".to_owned(), Value::Null);
            }
            "wrong-date-format" => {
                map.insert("createdAt".to_owned(), "21/11/2026 02:30".into());
            }
            _ => {}
        }
        item
    }

    /// The body as the contract says it, or the refusal.
    fn new_item(&self) -> Result<Map<String, Value>, Box<Response>> {
        let media = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        if !media.is_some_and(|media| media.starts_with("application/json")) {
            return Err(Box::new(self.refuse(415, "send JSON")));
        }
        let Ok(value) = serde_json::from_slice::<Value>(&self.body) else {
            if self.has("leaked-stack-trace") {
                let detail = "Traceback (most recent call last):\n  File \"/srv/items/app.py\", line 41, in create";
                return Err(Box::new(self.refuse(400, detail)));
            }
            return Err(Box::new(self.refuse(400, "the body is not JSON")));
        };
        match self.problem(&value) {
            Some((status, problem)) => Err(Box::new(self.refuse(status, problem))),
            None => Ok(value.as_object().cloned().unwrap_or_default()),
        }
    }

    fn problem(&self, value: &Value) -> Option<(u16, &'static str)> {
        let Some(map) = value.as_object() else {
            return Some((400, "the body is an object"));
        };
        let known = ["name", "price", "quantity", "state", "note", "tags"];
        if map.keys().any(|key| !known.contains(&key.as_str())) {
            return Some((400, "a field is unknown"));
        }
        let length = |value: &Value| value.as_str().map(|text| text.chars().count());
        let within =
            |n: Option<usize>, min: usize, max: usize| n.is_some_and(|n| n >= min && n <= max);
        match map.get("name") {
            None if self.has("accepts-missing-field") => {}
            Some(name) => {
                let max = if self.has("ignores-max-length") {
                    usize::MAX
                } else {
                    40
                };
                if !within(length(name), 1, max) {
                    return Some((400, "name has 1 to 40 characters"));
                }
                if self.has("error-on-odd-input")
                    && name.as_str().is_some_and(|name| !name.is_ascii())
                {
                    return Some((500, "the name could not be written"));
                }
            }
            None => return Some((400, "name is missing")),
        }
        let min = if self.has("accepts-invalid-number") {
            f64::MIN
        } else {
            0.0
        };
        if !map
            .get("price")
            .and_then(Value::as_f64)
            .is_some_and(|price| (min..=1_000_000.0).contains(&price))
        {
            return Some((400, "price is 0 to 1000000"));
        }
        let quantity = map.get("quantity").and_then(Value::as_f64);
        if !quantity.is_some_and(|n| n.fract() == 0.0 && (0.0..=1000.0).contains(&n)) {
            return Some((400, "quantity is 0 to 1000"));
        }
        if map
            .get("state")
            .is_some_and(|state| !state.as_str().is_some_and(is_state))
        {
            return Some((400, "state is open, held or sold"));
        }
        if map
            .get("note")
            .is_some_and(|note| !note.is_null() && !within(length(note), 0, 200))
        {
            return Some((400, "note has up to 200 characters"));
        }
        let tags_hold = |tags: &Value| {
            tags.as_array().is_some_and(|tags| {
                tags.len() <= 5 && tags.iter().all(|tag| within(length(tag), 0, 20))
            })
        };
        if map.get("tags").is_some_and(|tags| !tags_hold(tags)) {
            return Some((400, "there are up to 5 tags of up to 20 characters"));
        }
        None
    }
}

fn is_state(text: &str) -> bool {
    matches!(text, "open" | "held" | "sold")
}

fn whole(id: &str, mut new: Map<String, Value>) -> Value {
    new.insert("id".to_owned(), id.into());
    new.entry("name").or_insert_with(|| "none".into());
    new.entry("state").or_insert_with(|| "open".into());
    new.entry("tags").or_insert_with(|| json!([]));
    new.entry("createdAt")
        .or_insert_with(|| "2026-11-21T02:30:00Z".into());
    Value::Object(new)
}
