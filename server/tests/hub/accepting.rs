//! Connections: time limits and bounds.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tollgate_report::quantity::Span;

use crate::harness::{PATIENCE, database, start_at};

#[tokio::test]
async fn a_half_sent_head_is_closed_in_time_and_others_are_served() {
    let (_folder, path) = database();
    let limit = Duration::from_millis(300);
    let hub = start_at(&path, |settings| settings.header_read_timeout = Span(limit)).await;
    let begun = Instant::now();
    let mut slow = TcpStream::connect(hub.hub.address()).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n")
        .await
        .unwrap();
    assert_eq!(hub.admin.get("/health").await.0, 200);
    let mut rest = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert!(begun.elapsed() >= limit && begun.elapsed() < PATIENCE);
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test]
async fn a_connection_too_many_is_turned_away() {
    let (_folder, path) = database();
    let hub = start_at(&path, |settings| settings.connections_max = 2).await;
    let held = [hub.admin.stream().await, hub.admin.stream().await];
    let mut more = TcpStream::connect(hub.hub.address()).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, more.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 503"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    drop(held);
}
