//! A service that answers with bytes as they are given and keeps what it was sent, behind a proxy.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tollgate_canary::proxy::{
    ControlClient, ProxyConfig, ProxyLimits, bind_proxy, create_token, read_token,
};

/// Answers by path; a service closes the connection after an answer that ends with `CLOSE`.
pub(super) type Answers = &'static [(&'static str, &'static str)];

pub(super) struct Place {
    pub(super) proxy: SocketAddr,
    pub(super) control: ControlClient,
    seen: Arc<Mutex<Vec<String>>>,
    shutdown: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Place {
    /// A proxy before a service that gives these answers.
    pub(super) async fn with(answers: Answers) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        Self::before(start(answers, seen.clone()).await, seen).await
    }

    /// A proxy before this service.
    pub(super) async fn before(stable: SocketAddr, seen: Arc<Mutex<Vec<String>>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        create_token(&token_file).unwrap();
        let proxy = bind_proxy(ProxyConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            control_listen: "127.0.0.1:0".parse().unwrap(),
            stable,
            canary: None,
            token_file: token_file.clone(),
            honours_pin: false,
            limits: ProxyLimits::default(),
        })
        .await
        .unwrap();
        let ready = proxy.ready_line();
        let shutdown = CancellationToken::new();
        tokio::spawn(proxy.serve(shutdown.clone()));
        Self {
            proxy: ready.address,
            control: ControlClient::new(ready.control, read_token(&token_file).unwrap()),
            seen,
            shutdown,
            _folder: folder,
        }
    }

    /// Whole requests as the service got them.
    pub(super) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    /// Sends bytes and reads until the proxy closes the connection.
    pub(super) async fn talk(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.proxy).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.unwrap();
        String::from_utf8(got).unwrap()
    }

    /// A request whose connection is closed after the answer.
    pub(super) async fn ask(&self, line: &str, fields: &str) -> String {
        self.talk(&format!(
            "{line}\r\nHost: shop.test\r\nConnection: close\r\n{fields}\r\n"
        ))
        .await
    }
}

/// Starts a service that gives these answers, and echoes what comes after an upgrade.
pub(super) async fn start(answers: Answers, seen: Arc<Mutex<Vec<String>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answers, seen.clone()));
        }
    });
    addr
}

pub(super) fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("no answer")
}

async fn serve(mut stream: TcpStream, answers: Answers, seen: Arc<Mutex<Vec<String>>>) {
    let mut kept = Vec::new();
    while let Some(request) = next_request(&mut stream, &mut kept).await {
        let target = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let is_head = request.starts_with("HEAD ");
        let is_tunnel = target == "/tunnel";
        seen.lock().unwrap().push(request);
        let given = answers.iter().find(|(path, _)| *path == target);
        let answer = match given {
            Some((_, answer)) => answer,
            None if is_tunnel => {
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
            }
            None if is_head => "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n",
            None => "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        };
        let bytes = answer.strip_suffix("CLOSE").unwrap_or(answer);
        if stream.write_all(bytes.as_bytes()).await.is_err() || bytes.len() < answer.len() {
            return;
        }
        if is_tunnel {
            let (mut from, mut to) = stream.split();
            // The client's end of the tunnel is its end.
            let _ = tokio::io::copy(&mut from, &mut to).await;
            return;
        }
    }
}

async fn next_request(stream: &mut TcpStream, kept: &mut Vec<u8>) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(kept).into_owned();
        if let Some(n) = end_of_request(&text) {
            kept.drain(..n);
            return Some(text[..n].to_owned());
        }
        if stream.read_buf(kept).await.ok()? == 0 {
            return None;
        }
    }
}

fn end_of_request(text: &str) -> Option<usize> {
    let head = text.find("\r\n\r\n")? + 4;
    let fields = text[..head].to_ascii_lowercase();
    if fields.contains("transfer-encoding: chunked") {
        let last = text[head - 2..].find("\r\n0\r\n")? + head - 2;
        return Some(last + 3 + text[last + 3..].find("\r\n\r\n")? + 4);
    }
    let length = fields.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
    let end = head + length.unwrap_or(0);
    (text.len() >= end).then_some(end)
}
