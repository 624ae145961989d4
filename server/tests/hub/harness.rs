//! Hubs and clients for the tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tollgate_models::Validate as _;
use tollgate_report::SystemClock;
use tollgate_server::{AdminKey, Hub, ServeSettings, Start};

/// Longer than anything here takes; a wait that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const ADMIN_KEY: &str = "tg_00000000000000000000000000000000000000000000000000000000000000aa";

/// A caller of one hub with one key.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub key: String,
    pub http: reqwest::Client,
}

impl Client {
    pub fn new(base: &str, key: &str) -> Self {
        // Another test may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            base: base.into(),
            key: key.into(),
            http,
        }
    }

    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.into(),
            ..self.clone()
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        if self.key.is_empty() {
            request
        } else {
            request.bearer_auth(&self.key)
        }
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        read(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.send(Method::POST, path, body).await
    }

    pub async fn post_named(&self, path: &str, name: &str, body: &Value) -> (u16, Value) {
        let request = self
            .request(Method::POST, path)
            .header("idempotency-key", name);
        read(request.json(body).send().await.unwrap()).await
    }

    /// Makes a key with a role.
    pub async fn new_key(&self, role: &str, client_type: &str) -> (String, Self) {
        let body = json!({"name": role, "role": role, "clientType": client_type});
        let (status, created) = self.post("/api/v1/tokens", body).await;
        assert_eq!(status, 201, "{created}");
        let id = created["token"]["id"].as_str().unwrap().to_owned();
        (id, self.with_key(created["key"].as_str().unwrap()))
    }

    pub async fn stream(&self) -> Stream {
        self.try_stream(&[]).await.expect("the stream opens")
    }

    /// Opens a stream, or returns the status of the refusal.
    pub async fn try_stream(&self, headers: &[(&'static str, &str)]) -> Result<Stream, u16> {
        let url = format!("{}/ws", self.base.replace("http", "ws"));
        self.stream_at(&url, headers).await
    }

    pub async fn stream_at(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Stream, u16> {
        let mut request = url.into_client_request().unwrap();
        if !self.key.is_empty() {
            let value = format!("Bearer {}", self.key).parse().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => {
                let mut stream = Stream { socket };
                assert_eq!(stream.next().await["type"], "welcome");
                Ok(stream)
            }
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    (
        status,
        serde_json::from_str(&text).unwrap_or(Value::String(text)),
    )
}

/// One event stream, after its welcome.
pub struct Stream {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Stream {
    pub async fn send(&mut self, kind: &str, payload: Value) {
        let text = json!({"type": kind, "payload": payload}).to_string();
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next message.
    pub async fn next(&mut self) -> Value {
        self.next_or_close().await.expect("a message, not a close")
    }

    pub async fn next_or_close(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next());
            match next.await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => {
                    check_message(&text);
                    return Ok(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Reads until the stream is closed; the code.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Err(frame) = self.next_or_close().await {
                return frame.map_or(0, |frame| frame.code.into());
            }
        }
    }

    pub async fn subscribe(&mut self, topics: &[&str]) -> Value {
        self.send("subscribe", json!({ "topics": topics })).await;
        let answer = self.next().await;
        assert_eq!(answer["type"], "subscribed", "{answer}");
        answer
    }
}

/// Every message of the hub is what the contract says.
fn check_message(text: &str) {
    macro_rules! check {
        ($($name:literal => $model:ident),*) => {{
            let message: Value = serde_json::from_str(text).unwrap();
            match message["type"].as_str().unwrap() {
                $($name => {
                    let message: tollgate_models::$model = serde_json::from_str(text).unwrap();
                    message.validate().unwrap();
                })*
                other => panic!("the contract has no message `{other}`"),
            }
        }};
    }
    check!(
        "welcome" => WelcomeMessage, "subscribed" => SubscribedMessage, "event" => EventMessage,
        "pong" => PongMessage, "snapshot" => SnapshotMessage, "warning" => WarningMessage,
        "error" => ErrorMessage
    );
}

/// A hub in this process, on a free port.
pub struct TestHub {
    pub hub: Hub,
    pub admin: Client,
}

/// A hub on a database, with changed settings.
pub async fn start_at(database: &Path, change: impl FnOnce(&mut ServeSettings)) -> TestHub {
    let mut settings = ServeSettings {
        listen: "127.0.0.1:0".parse().unwrap(),
        database: database.to_owned(),
        ..ServeSettings::default()
    };
    change(&mut settings);
    let start = Start {
        settings,
        admin_key: AdminKey::Given(ADMIN_KEY.into()),
        #[cfg(feature = "drill")]
        fault: None,
    };
    let hub = tollgate_server::start(start, Arc::new(SystemClock::new()))
        .await
        .unwrap();
    let admin = Client::new(&format!("http://{}", hub.address()), ADMIN_KEY);
    TestHub { hub, admin }
}

/// A folder for one test, and a database in it.
pub fn database() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    (folder, path)
}

/// A hub of its own for one test.
pub async fn start() -> (tempfile::TempDir, TestHub) {
    let (folder, path) = database();
    let hub = start_at(&path, |_| {}).await;
    (folder, hub)
}

pub fn project(id: &str) -> Value {
    json!({"id": id, "name": id})
}

pub fn run(revision: &str) -> Value {
    json!({
        "tier": "tier0", "revision": revision, "outcome": "pass", "reason": "all passed",
        "startedAt": "2026-11-21T02:30:00Z", "durationMs": 5, "targetMs": 45_000,
        "steps": [{"name": "format", "outcome": "pass", "durationMs": 5, "cached": false}],
    })
}
