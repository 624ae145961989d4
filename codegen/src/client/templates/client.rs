//! A client of the contract's server: one method for each operation.
//!
//! A method takes a request and returns a [`Reply`] or an [`Error`]. Dropping its future cancels
//! the call. Calls of idempotent methods are retried as [`Retry`] describes; others never are.
#![allow(
    clippy::allow_attributes,
    clippy::doc_lazy_continuation,
    clippy::doc_markdown,
    clippy::large_enum_variant,
    clippy::result_large_err,
    clippy::too_many_arguments,
    clippy::too_many_lines,
    clippy::type_complexity,
    deprecated,
    dead_code,
    unreachable_patterns,
    unused_imports,
    reason = "the contract decides the names and shapes, not the author of the code"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The default limit for the body of a reply: 64 MiB. [`Client::with_body_size_max`] changes it.
pub const BODY_SIZE_MAX_BYTES: usize = 64 << 20;

/// A client of a server.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    credentials: BTreeMap<String, Credential>,
    headers: Vec<(String, String)>,
    retry: Retry,
    body_size_max_bytes: usize,
}

/// The credentials of the caller; `Debug` never shows them.
#[derive(Clone)]
pub enum Credential {
    /// The secret of an API key.
    Key(String),
    /// A token for `authorization: Bearer`.
    Bearer(String),
    /// User and password for `authorization: Basic`.
    Basic(String, String),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// How often and after what wait a call of an idempotent method is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many attempts are made in all; 1 means no retries.
    pub attempts_max: u32,
    /// The wait before the second call; it doubles with each further one, and varies by half.
    pub delay: Duration,
    /// The longest wait; a `retry-after` beyond it ends the call with the reply as it is.
    pub delay_max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts_max: 3, delay: Duration::from_millis(200), delay_max: Duration::from_secs(10) }
    }
}

/// The answer of the server.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply<T> {
    /// The status, 100 to 599.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: T,
}

impl<T> Reply<T> {
    /// A header as text; nothing when it is absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The target of a `link` header with this relation (RFC 8288), such as `next`.
    #[must_use]
    pub fn link(&self, relation: &str) -> Option<&str> {
        let links = self.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
        links.flat_map(|links| links.split(", ")).find_map(|link| {
            let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
            let mut relations = parameters.split(';').filter_map(|p| p.trim().strip_prefix("rel="));
            relations.any(|names| names.trim_matches('"').split(' ').any(|name| name == relation)).then_some(target)
        })
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Reply<U> {
        Reply { status: self.status, headers: self.headers, body: change(self.body) }
    }
}

/// Why a call has no good reply; `E` is what the contract declares for its bad ones.
#[derive(Debug)]
pub enum Error<E> {
    /// The request can't be written: a value does not fit its place.
    Request(String),
    /// The server did not answer.
    Transport(reqwest::Error),
    /// The server rejected the call with an answer that the contract declares.
    Refused(Reply<E>),
    /// The contract does not declare this status.
    Undeclared(Reply<Vec<u8>>),
    /// The body is not what the contract declares for the status.
    Decode(Reply<Vec<u8>>, serde_json::Error),
    /// The body is larger than this many bytes.
    TooLarge(usize),
}

impl<E> Error<E> {
    /// The status, when the server answered.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(reply) => Some(reply.status),
            Self::Undeclared(reply) | Self::Decode(reply, _) => Some(reply.status),
            Self::Transport(error) => error.status().map(|status| status.as_u16()),
            Self::Request(_) | Self::TooLarge(_) => None,
        }
    }
}

impl<E> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(why) => write!(f, "cannot write the request: {why}"),
            Self::Transport(_) => f.write_str("the server did not answer"),
            Self::Refused(reply) => write!(f, "the server answered {}", reply.status),
            Self::Undeclared(reply) => write!(f, "the server answered {}, which the contract does not declare", reply.status),
            Self::Decode(reply, _) => write!(f, "the body of the answer {} does not match the contract", reply.status),
            Self::TooLarge(limit) => write!(f, "the body of the answer has more than {limit} bytes"),
        }
    }
}

impl<E: fmt::Debug> std::error::Error for Error<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Decode(_, error) => Some(error),
            _ => None,
        }
    }
}

/// A file or other bytes as a part of a form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FilePart {
    /// The name of the file that is sent to the server; none when empty.
    pub file_name: String,
    /// The media type; `application/octet-stream` when empty.
    pub media: String,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Client {
    /// A client of the server at this address, such as `https://api.example.com/v1`.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        let base = base.into();
        // tls: a process has one provider of cryptography; the first to set it wins.
        Self {
            http: reqwest::Client::new(),
            base: base.trim_end_matches('/').to_owned(),
            credentials: BTreeMap::new(),
            headers: Vec::new(),
            retry: Retry::default(),
            body_size_max_bytes: BODY_SIZE_MAX_BYTES,
        }
    }

    /// The same client over another HTTP client: timeouts, proxies and pools are its own.
    #[must_use]
    pub fn with_http(mut self, http: reqwest::Client) -> Self {
        self.http = http;
        self
    }

    /// The same client with credentials for one of the contract's security schemes.
    #[must_use]
    pub fn with_credential(mut self, scheme: impl Into<String>, credential: Credential) -> Self {
        self.credentials.insert(scheme.into(), credential);
        self
    }

    /// The same client with a header on every call.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same client with other waits and numbers of attempts.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same client with another limit for the body of a reply, in bytes.
    #[must_use]
    pub fn with_body_size_max(mut self, limit: usize) -> Self {
        self.body_size_max_bytes = limit;
        self
    }

    fn call(&self, method: &'static str, path: &str) -> Call<'_> {
        Call { client: self, method, path: path.to_owned(), ..Call::empty(self) }
    }
}

/// How the value of a parameter becomes text (OpenAPI's `style` and `explode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Form(bool),
    Simple(bool),
    Label(bool),
    Matrix(bool),
    Delimited(&'static str),
    DeepObject,
    Json,
}

/// Where an API key is sent.
#[derive(Debug, Clone, Copy)]
enum Secret {
    Header(&'static str),
    Query(&'static str),
    Cookie(&'static str),
    Authorization,
}

/// One call before it is sent.
struct Call<'c> {
    client: &'c Client,
    method: &'static str,
    path: String,
    query: Vec<String>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    body: Option<(String, Vec<u8>)>,
    failure: Option<String>,
}

impl<'c> Call<'c> {
    fn empty(client: &'c Client) -> Self {
        Self { client, method: "GET", path: String::new(), query: Vec::new(), headers: client.headers.clone(), cookies: Vec::new(), body: None, failure: None }
    }

    fn value(&mut self, name: &str, value: &impl Serialize) -> Value {
        serde_json::to_value(value).unwrap_or_else(|error| {
            self.failure.get_or_insert(format!("`{name}`: {error}"));
            Value::Null
        })
    }

    fn path(mut self, name: &str, value: &impl Serialize, style: Style) -> Self {
        let value = self.value(name, value);
        let text = path_text(name, &value, style);
        // `.` and `..` would change the path, also when they are percent-encoded.
        if text.is_empty() || text == "." || text == ".." {
            self.failure.get_or_insert(format!("`{name}` is `{text}`, which is not allowed in a path"));
        }
        self.path = self.path.replace(&format!("{{{name}}}"), &text);
        self
    }

    fn query(mut self, name: &str, value: Option<&impl Serialize>, style: Style) -> Self {
        if let Some(value) = value {
            let value = self.value(name, value);
            self.query.extend(pairs(name, &value, style));
        }
        self
    }

    fn query_string(mut self, value: Option<&impl Serialize>) -> Self {
        if let Some(value) = value {
            match self.value("query", value) {
                Value::String(text) => self.query.push(text),
                value => self.query.extend(pairs("query", &value, Style::Form(true))),
            }
        }
        self
    }

    fn header(mut self, name: &str, value: Option<&impl Serialize>, style: Style) -> Self {
        if let Some(value) = value {
            let value = self.value(name, value);
            let is_exploded = style == Style::Simple(true);
            let text = if style == Style::Json { value.to_string() } else { joined(&value, ",", is_exploded, &plain) };
            self.headers.push((name.to_owned(), text));
        }
        self
    }

    fn cookie(mut self, name: &str, value: Option<&impl Serialize>, style: Style) -> Self {
        if let Some(value) = value {
            let value = self.value(name, value);
            self.cookies.extend(pairs(name, &value, style));
        }
        self
    }

    fn json(mut self, media: &str, body: Option<&impl Serialize>) -> Self {
        if let Some(body) = body {
            match serde_json::to_vec(body) {
                Ok(bytes) => self.body = Some((media.to_owned(), bytes)),
                Err(error) => {
                    self.failure.get_or_insert(format!("the body: {error}"));
                }
            }
        }
        self
    }

    fn form(mut self, body: Option<&impl Serialize>) -> Self {
        if let Some(body) = body {
            let value = self.value("body", body);
            let text = pairs("body", &value, Style::Form(true)).join("&");
            self.body = Some(("application/x-www-form-urlencoded".to_owned(), text.into_bytes()));
        }
        self
    }

    fn bytes(mut self, media: &str, body: Option<Vec<u8>>) -> Self {
        self.body = body.map(|bytes| (media.to_owned(), bytes));
        self
    }

    fn multipart(mut self, form: Option<Multipart>) -> Self {
        if let Some(form) = form {
            if let Some(failure) = &form.failure {
                self.failure.get_or_insert(failure.clone());
            }
            self.body = Some(form.finish());
        }
        self
    }

    fn accept(mut self, media: &str) -> Self {
        self.headers.push(("accept".to_owned(), media.to_owned()));
        self
    }

    /// Adds the first set of secrets that is complete in this client.
    fn secured(mut self, alternatives: &[&[(&str, Secret)]]) -> Self {
        let client = self.client;
        let has_all = |set: &&&[(&str, Secret)]| set.iter().all(|(scheme, _)| client.credentials.contains_key(*scheme));
        for (scheme, place) in alternatives.iter().find(has_all).copied().unwrap_or_default() {
            let text = match &client.credentials[*scheme] {
                Credential::Key(secret) => secret.clone(),
                Credential::Bearer(token) => format!("Bearer {token}"),
                Credential::Basic(user, password) => format!("Basic {}", base64(format!("{user}:{password}").as_bytes())),
            };
            match place {
                Secret::Header(name) => self.headers.push(((*name).to_owned(), text)),
                Secret::Query(name) => self.query.push(format!("{}={}", encode(name), encode(&text))),
                Secret::Cookie(name) => self.cookies.push(format!("{name}={}", encode(&text))),
                Secret::Authorization => self.headers.push(("authorization".to_owned(), text)),
            }
        }
        self
    }

    fn address(&self) -> String {
        let mut address = format!("{}{}", self.client.base, self.path);
        if !self.query.is_empty() {
            address.push(if self.path.contains('?') { '&' } else { '?' });
            address.push_str(&self.query.join("&"));
        }
        address
    }

    fn request<E>(&self) -> Result<reqwest::RequestBuilder, Error<E>> {
        if let Some(failure) = &self.failure {
            return Err(Error::Request(failure.clone()));
        }
        let method = reqwest::Method::from_bytes(self.method.as_bytes()).map_err(|error| Error::Request(error.to_string()))?;
        let mut request = self.client.http.request(method, self.address());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if !self.cookies.is_empty() {
            request = request.header("cookie", self.cookies.join("; "));
        }
        if let Some((media, bytes)) = &self.body {
            request = request.header("content-type", media).body(bytes.clone());
        }
        Ok(request)
    }

    /// Sends, and sends again where that is safe; the reply of the last attempt.
    async fn open<E>(&self) -> Result<reqwest::Response, Error<E>> {
        let is_idempotent = matches!(self.method, "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE" | "QUERY");
        let retry = self.client.retry;
        let mut attempt = 1;
        loop {
            let answer = self.request()?.send().await;
            let is_last = !is_idempotent || attempt >= retry.attempts_max;
            let wait = match &answer {
                Err(error) if error.is_builder() => None,
                Err(_) => Some(backoff(retry, attempt)),
                Ok(response) if matches!(response.status().as_u16(), 408 | 429 | 502 | 503 | 504) => {
                    let after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
                    let after = after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
                    Some(after.unwrap_or_else(|| backoff(retry, attempt)))
                }
                Ok(_) => None,
            };
            match wait.filter(|wait| !is_last && *wait <= retry.delay_max) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return answer.map_err(Error::Transport),
            }
            attempt += 1;
        }
    }

    async fn send<E>(&self) -> Result<Reply<Vec<u8>>, Error<E>> {
        let mut response = self.open().await?;
        let limit = self.client.body_size_max_bytes;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Error::Transport)? {
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLarge(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    async fn events<E>(&self) -> Result<Events, Error<E>> {
        let response = self.open().await?;
        let status = response.status().as_u16();
        if response.status().is_success() {
            return Ok(Events { response, buffer: Vec::new(), limit: self.client.body_size_max_bytes });
        }
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(Error::Transport)?.to_vec();
        Err(Error::Undeclared(Reply { status, headers, body }))
    }
}

/// Server-sent events, as they come.
#[derive(Debug)]
pub struct Events {
    response: reqwest::Response,
    buffer: Vec<u8>,
    limit: usize,
}

/// One server-sent event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type; `message` when the server names none.
    pub name: String,
    /// Its id; send it as `last-event-id` to resume the stream.
    pub id: Option<String>,
    /// Its data, lines joined.
    pub data: String,
}

impl Event {
    /// The data as JSON of a type.
    ///
    /// # Errors
    /// It does not fit.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.data)
    }
}

impl Events {
    /// The next event; nothing when the server has ended the stream.
    ///
    /// # Errors
    /// The connection broke, or one event is larger than the client's limit for bodies.
    pub async fn next(&mut self) -> Result<Option<Event>, Error<std::convert::Infallible>> {
        loop {
            if let Some(end) = block_end(&self.buffer) {
                let block: Vec<u8> = self.buffer.drain(..end).collect();
                match event(&String::from_utf8_lossy(&block)) {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            if self.buffer.len() > self.limit {
                return Err(Error::TooLarge(self.limit));
            }
            match self.response.chunk().await.map_err(Error::Transport)? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }
}

/// The end of the first block, including the empty line that ends it.
fn block_end(buffer: &[u8]) -> Option<usize> {
    let ends: [&[u8]; 3] = [b"\r\n\r\n", b"\n\n", b"\r\r"];
    let found = ends.iter().filter_map(|end| {
        let start = buffer.windows(end.len()).position(|window| window == *end)?;
        Some(start + end.len())
    });
    found.min()
}

fn event(block: &str) -> Option<Event> {
    let mut found = Event { name: "message".to_owned(), ..Event::default() };
    let mut data: Option<String> = None;
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field.trim_start_matches('\u{feff}') {
            "event" => found.name = value.to_owned(),
            "id" => found.id = Some(value.to_owned()),
            "data" => match &mut data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => data = Some(value.to_owned()),
            },
            _ => {}
        }
    }
    found.data = data?;
    Some(found)
}

/// A form with files (RFC 7578).
struct Multipart {
    boundary: String,
    body: Vec<u8>,
    failure: Option<String>,
}

impl Multipart {
    fn new() -> Self {
        Self { boundary: format!("part-{:016x}{:016x}", noise(), noise()), body: Vec::new(), failure: None }
    }

    fn part(mut self, name: &str, file_name: &str, media: &str, bytes: &[u8]) -> Self {
        let quoted = |text: &str| text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let mut head = format!("--{}\r\ncontent-disposition: form-data; name=\"{}\"", self.boundary, quoted(name));
        if !file_name.is_empty() {
            head.push_str(&format!("; filename=\"{}\"", quoted(file_name)));
        }
        if !media.is_empty() {
            head.push_str(&format!("\r\ncontent-type: {}", media.replace(['\r', '\n'], "")));
        }
        head.push_str("\r\n\r\n");
        self.body.extend_from_slice(head.as_bytes());
        self.body.extend_from_slice(bytes);
        self.body.extend_from_slice(b"\r\n");
        self
    }

    fn file(self, name: &str, file: Option<&FilePart>) -> Self {
        match file {
            Some(file) => {
                let media = if file.media.is_empty() { "application/octet-stream" } else { &file.media };
                self.part(name, &file.file_name, media, &file.bytes)
            }
            None => self,
        }
    }

    fn files(self, name: &str, files: &[FilePart]) -> Self {
        files.iter().fold(self, |form, file| form.file(name, Some(file)))
    }

    fn value(mut self, name: &str, value: Option<&impl Serialize>, media: &str) -> Self {
        let Some(value) = value else { return self };
        match serde_json::to_value(value) {
            Ok(Value::Array(items)) if media.is_empty() => {
                items.iter().fold(self, |form, item| form.part(name, "", "", plain(item).as_bytes()))
            }
            Ok(value @ (Value::Object(_) | Value::Array(_))) => {
                let media = if media.is_empty() { "application/json" } else { media };
                self.part(name, "", media, value.to_string().as_bytes())
            }
            Ok(value) => self.part(name, "", media, plain(&value).as_bytes()),
            Err(error) => {
                self.failure.get_or_insert(format!("`{name}`: {error}"));
                self
            }
        }
    }

    fn finish(mut self) -> (String, Vec<u8>) {
        self.body.extend_from_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        (format!("multipart/form-data; boundary={}", self.boundary), self.body)
    }
}

fn json_body<T: DeserializeOwned, E>(reply: Reply<Vec<u8>>) -> Result<Reply<T>, Error<E>> {
    match serde_json::from_slice(&reply.body) {
        Ok(body) => Ok(reply.map(|_| body)),
        Err(error) => Err(Error::Decode(reply, error)),
    }
}

fn text_body<E>(reply: Reply<Vec<u8>>) -> Result<Reply<String>, Error<E>> {
    Ok(reply.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

fn bytes_body<E>(reply: Reply<Vec<u8>>) -> Result<Reply<Vec<u8>>, Error<E>> {
    Ok(reply)
}

fn no_body<E>(reply: Reply<Vec<u8>>) -> Result<Reply<()>, Error<E>> {
    Ok(reply.map(drop))
}

/// Turns the body of a refusal into what the contract declares for it.
fn refused<T, E>(reply: Result<Reply<T>, Error<E>>, change: impl FnOnce(T) -> E) -> Error<E> {
    match reply {
        Ok(reply) => Error::Refused(reply.map(change)),
        Err(error) => error,
    }
}

/// The scalar without quotes; anything else as JSON text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn joined(value: &Value, separator: &str, is_exploded: bool, write: &dyn Fn(&Value) -> String) -> String {
    let parts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(write).collect(),
        Value::Object(object) => {
            let between = if is_exploded { "=" } else { separator };
            object.iter().map(|(key, value)| format!("{}{between}{}", write(&Value::from(key.as_str())), write(value))).collect()
        }
        other => vec![write(other)],
    };
    parts.join(separator)
}

fn path_text(name: &str, value: &Value, style: Style) -> String {
    let write = |value: &Value| encode(&plain(value));
    match style {
        Style::Label(is_exploded) => {
            format!(".{}", joined(value, if is_exploded { "." } else { "," }, is_exploded, &write))
        }
        Style::Matrix(true) if !matches!(value, Value::Object(_)) => {
            let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            items.iter().map(|item| format!(";{}={}", encode(name), write(item))).collect()
        }
        Style::Matrix(true) => format!(";{}", joined(value, ";", true, &write)),
        Style::Matrix(false) => format!(";{}={}", encode(name), joined(value, ",", false, &write)),
        Style::Json => encode(&value.to_string()),
        Style::Simple(is_exploded) => joined(value, ",", is_exploded, &write),
        _ => joined(value, ",", false, &write),
    }
}

/// The `name=value` pairs of a parameter in the query, a cookie or a form.
fn pairs(name: &str, value: &Value, style: Style) -> Vec<String> {
    let write = |value: &Value| encode(&plain(value));
    let pair = |name: &str, text: String| format!("{}={text}", encode(name));
    match (style, value) {
        (Style::Json, value) => vec![pair(name, encode(&value.to_string()))],
        (Style::DeepObject, Value::Object(object)) => object
            .iter()
            .flat_map(|(key, value)| pairs(&format!("{name}[{key}]"), value, Style::DeepObject))
            .collect(),
        (Style::Form(true) | Style::DeepObject, Value::Array(items)) => {
            items.iter().map(|item| pair(name, write(item))).collect()
        }
        (Style::Form(true), Value::Object(object)) => {
            object.iter().flat_map(|(key, value)| pairs(key, value, Style::Form(true))).collect()
        }
        (Style::Delimited(separator), Value::Array(_)) => vec![pair(name, joined(value, separator, false, &write))],
        (_, value) => vec![pair(name, joined(value, ",", false, &write))],
    }
}

/// The start of the next page: the value at a path in the page, where a list stands for its last
/// item. Nothing when it is absent, null or empty, or when the flag marks this page as the last
/// one.
fn page_value<T: DeserializeOwned>(page: &impl Serialize, path: &[&str], more: Option<&str>) -> Option<T> {
    let page = serde_json::to_value(page).ok()?;
    if more.is_some_and(|more| page.get(more) == Some(&Value::Bool(false))) {
        return None;
    }
    let mut value = &page;
    for name in path {
        if let Value::Array(items) = value {
            value = items.last()?;
        }
        value = value.get(name)?;
    }
    if value.is_null() || value.as_str() == Some("") {
        return None;
    }
    serde_json::from_value(value.clone()).ok()
}

/// A parameter in the query of a link's target.
fn link_value<T: DeserializeOwned>(target: &str, name: &str) -> Option<T> {
    let (_, query) = target.split_once('?')?;
    let query = query.split('#').next().unwrap_or(query);
    let (_, text) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| decode(key) == name)?;
    let text = decode(text);
    let as_text = serde_json::from_value(Value::from(text.as_str()));
    as_text.or_else(|_| serde_json::from_str(&text)).ok()
}

/// Text without its percent-encoding.
fn decode(text: &str) -> String {
    let mut bytes = text.as_bytes().iter();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next().copied() {
        let rest = bytes.as_slice();
        let digits = std::str::from_utf8(rest.get(..2).unwrap_or_default()).unwrap_or_default();
        match (byte, u8::from_str_radix(digits, 16)) {
            (b'%', Ok(decoded)) => {
                plain.push(decoded);
                bytes.nth(1);
            }
            (b'+', _) => plain.push(b' '),
            _ => plain.push(byte),
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().enumerate().fold(0_u32, |group, (index, byte)| group | u32::from(*byte) << (16 - 8 * index));
        for index in 0..4 {
            let digit = ALPHABET[(group >> (18 - 6 * index) & 63) as usize];
            text.push(if index > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

/// 64 bits that differ from call to call; the standard library seeds its hashers at random.
fn noise() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// Between half of the wait and all of it, doubled with each attempt.
fn backoff(retry: Retry, attempt: u32) -> Duration {
    let longest = retry.delay.saturating_mul(1 << (attempt - 1).min(16)).min(retry.delay_max);
    let share = (noise() >> 32) as u32;
    longest / 2 + longest.mul_f64(f64::from(share) / f64::from(u32::MAX)) / 2
}
