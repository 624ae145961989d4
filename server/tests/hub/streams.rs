//! Event streams: topics, order, resume, bounds.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tollgate_report::quantity::{Size, Span};

use crate::harness::{Client, Stream, database, project, run, start, start_at};

const RUNS: &str = "/api/v1/projects/one/runs";

async fn upload(client: &Client, revision: &str) {
    assert_eq!(client.post(RUNS, run(revision)).await.0, 201);
}

async fn next_revision(stream: &mut Stream) -> (i64, String) {
    let event = stream.next().await;
    assert_eq!(event["type"], "event", "{event}");
    let revision = event["payload"]["data"]["revision"].as_str().unwrap();
    (event["seq"].as_i64().unwrap(), revision.to_owned())
}

#[tokio::test]
async fn a_client_gets_the_events_of_its_topics_and_no_others() {
    let (_folder, hub) = start().await;
    let mut stream = hub.admin.stream().await;
    stream.subscribe(&["run.*"]).await;
    hub.admin.post("/api/v1/projects", project("one")).await;
    upload(&hub.admin, "a").await;
    let event = stream.next().await;
    assert_eq!(
        (&event["type"], &event["payload"]["kind"]),
        (&json!("event"), &json!("run.uploaded"))
    );
    assert_eq!(event["payload"]["data"]["revision"], "a");
    assert!(event["topic"].as_str().unwrap().starts_with("run."));
    stream
        .send("unsubscribe", json!({"topics": ["run.*"]}))
        .await;
    assert_eq!(stream.next().await["payload"]["topics"], json!([]));
    upload(&hub.admin, "b").await;
    stream.send("ping", json!({"nonce": "n"})).await;
    let pong = stream.next().await;
    assert_eq!(
        (&pong["type"], &pong["payload"]["nonce"]),
        (&json!("pong"), &json!("n"))
    );
}

#[tokio::test]
async fn what_is_not_understood_is_answered_with_an_error() {
    let (_folder, hub) = start().await;
    let mut stream = hub.admin.stream().await;
    let cases = [
        ("fly", json!({}), "not-understood"),
        ("subscribe", json!({"topics": ["a b"]}), "topic"),
        ("subscribe", json!({"subjects": []}), "not-understood"),
        ("ack", json!({"seq": 99}), "ack-ahead"),
    ];
    for (kind, payload, code) in cases {
        stream.send(kind, payload).await;
        let answer = stream.next().await;
        assert_eq!(
            (&answer["type"], &answer["payload"]["code"]),
            (&json!("error"), &json!(code)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let (_folder, hub) = start().await;
    hub.admin.post("/api/v1/projects", project("one")).await;
    let mut stream = hub.admin.stream().await;
    let epoch = stream.subscribe(&["run.*"]).await["epoch"].clone();
    upload(&hub.admin, "r0").await;
    let (since, _) = next_revision(&mut stream).await;
    drop(stream);
    for n in 1..=20 {
        upload(&hub.admin, &format!("r{n}")).await;
    }
    let mut stream = hub.admin.stream().await;
    let uploads = async {
        for n in 21..=40 {
            upload(&hub.admin, &format!("r{n}")).await;
        }
    };
    let reads = async {
        stream
            .send(
                "resume",
                json!({"epoch": epoch, "since": since, "topics": ["run.*"]}),
            )
            .await;
        assert_eq!(stream.next().await["payload"]["recovered"], true);
        let mut got = Vec::new();
        while got.len() < 40 {
            got.push(next_revision(&mut stream).await);
        }
        got
    };
    let ((), got) = tokio::join!(uploads, reads);
    assert!(
        got.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "in order: {got:?}"
    );
    let revisions: Vec<String> = got.into_iter().map(|(_, revision)| revision).collect();
    let want: Vec<String> = (1..=40).map(|n| format!("r{n}")).collect();
    assert_eq!(revisions, want);
}

#[tokio::test]
async fn a_client_moves_between_two_hubs_on_one_database_without_a_gap() {
    let (_folder, path) = database();
    let left = start_at(&path, |_| {}).await;
    let right = start_at(&path, |_| {}).await;
    left.admin.post("/api/v1/projects", project("one")).await;
    let mut stream = left.admin.stream().await;
    let mut at = stream.subscribe(&["run.*"]).await;
    let epoch = at["epoch"].clone();
    let mut revisions = Vec::new();
    for (round, reader) in [&right, &left, &right, &left].into_iter().enumerate() {
        for n in 0..5 {
            let writer = if n % 2 == 0 { &left } else { &right };
            upload(&writer.admin, &format!("{round}.{n}")).await;
        }
        for _ in 0..3 {
            at = stream.next().await;
            revisions.push(
                at["payload"]["data"]["revision"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        stream = reader.admin.stream().await;
        stream
            .send(
                "resume",
                json!({"epoch": epoch, "since": at["seq"], "topics": ["run.*"]}),
            )
            .await;
        assert_eq!(stream.next().await["payload"]["recovered"], true);
        for _ in 0..2 {
            at = stream.next().await;
            revisions.push(
                at["payload"]["data"]["revision"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
    }
    let want: Vec<String> = (0..4)
        .flat_map(|round| (0..5).map(move |n| format!("{round}.{n}")))
        .collect();
    assert_eq!(revisions, want);
}

#[tokio::test]
async fn a_client_of_another_count_gets_a_snapshot() {
    let (_folder, hub) = start().await;
    hub.admin.post("/api/v1/projects", project("one")).await;
    upload(&hub.admin, "a").await;
    let mut stream = hub.admin.stream().await;
    stream
        .send("resume", json!({"epoch": "", "since": 0, "topics": ["*"]}))
        .await;
    let subscribed = stream.next().await;
    assert_eq!(subscribed["payload"]["recovered"], false);
    let snapshot = stream.next().await;
    assert_eq!(snapshot["type"], "snapshot");
    assert_eq!(snapshot["payload"]["state"]["runs"][0]["revision"], "a");
    assert_eq!(snapshot["payload"]["state"]["projects"][0]["id"], "one");
    upload(&hub.admin, "b").await;
    let (seq, revision) = next_revision(&mut stream).await;
    assert_eq!(
        (revision.as_str(), seq),
        ("b", snapshot["seq"].as_i64().unwrap() + 1)
    );
}

#[tokio::test]
async fn more_than_a_thousand_missed_events_are_a_snapshot() {
    let (_folder, hub) = start().await;
    hub.admin.post("/api/v1/projects", project("one")).await;
    let mut watch = hub.admin.stream().await;
    let epoch = watch.subscribe(&["*"]).await["epoch"].clone();
    let value = json!({"metric": "m", "value": 1, "unit": "x", "direction": "up", "at": "2026-11-21T02:30:00Z"});
    let report = json!({"metrics": vec![value; 500]});
    for _ in 0..2 {
        assert_eq!(
            hub.admin
                .post("/api/v1/projects/one/metrics", report.clone())
                .await
                .0,
            201
        );
    }
    // All events are handed out before anybody comes back.
    while watch.next().await["seq"] != 1_001 {}
    let recovered = async |since: i64| {
        let mut stream = hub.admin.stream().await;
        stream
            .send(
                "resume",
                json!({"epoch": epoch, "since": since, "topics": ["*"]}),
            )
            .await;
        stream.next().await["payload"]["recovered"].clone()
    };
    // 1 event for the project and 1,000 for the values.
    assert_eq!(
        [recovered(0).await, recovered(1).await],
        [json!(false), json!(true)]
    );
}

#[tokio::test]
async fn a_slow_client_is_closed_and_the_others_go_on() {
    let (_folder, path) = database();
    let hub = start_at(&path, |settings| settings.queue_max = Size(64 * 1024)).await;
    hub.admin.post("/api/v1/projects", project("one")).await;
    let mut slow = hub.admin.stream().await;
    slow.subscribe(&["run.*"]).await;
    let mut fast = hub.admin.stream().await;
    fast.subscribe(&["run.*"]).await;
    let mut large = run("large");
    large["reason"] = json!("x".repeat(2_000));
    large["steps"] = json!(vec![
        json!({"name": "s", "outcome": "pass", "durationMs": 1, "cached": false, "cause": "y".repeat(2_000)});
        400
    ]);
    // Far more than both sockets' buffers hold.
    for _ in 0..24 {
        assert_eq!(hub.admin.post(RUNS, large.clone()).await.0, 201);
        assert_eq!(fast.next().await["payload"]["kind"], "run.uploaded");
    }
    let (_, text) = hub.admin.get("/metrics").await;
    assert!(
        text.as_str()
            .unwrap()
            .contains("tollgate_ws_slow_closed_total 1\n"),
        "{text}"
    );
    fast.send("ping", json!({})).await;
    assert_eq!(fast.next().await["type"], "pong");
    drop(slow);
}

#[tokio::test]
async fn a_client_that_talks_too_fast_is_warned_and_then_closed() {
    let (_folder, hub) = start().await;
    let (_, ios) = hub.admin.new_key("viewer", "ios").await;
    let mut stream = ios.stream().await;
    for _ in 0..30 {
        stream.send("ping", json!({})).await;
    }
    let mut kinds: Vec<Value> = Vec::new();
    let code = loop {
        match stream.next_or_close().await {
            Ok(message) => kinds.push(message["type"].clone()),
            Err(frame) => break frame.map_or(0, |frame| frame.code.into()),
        }
    };
    assert_eq!(code, 1008_u16);
    assert!(kinds.contains(&json!("warning")), "{kinds:?}");
}

#[tokio::test]
async fn a_revoked_key_closes_its_streams_on_every_hub() {
    let (_folder, path) = database();
    let left = start_at(&path, |_| {}).await;
    let right = start_at(&path, |_| {}).await;
    let (id, viewer) = left.admin.new_key("viewer", "web").await;
    let mut here = viewer.stream().await;
    let elsewhere = Client {
        base: right.admin.base.clone(),
        ..viewer
    };
    let mut there = elsewhere.stream().await;
    left.admin
        .request(Method::DELETE, &format!("/api/v1/tokens/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (here.close_code().await, there.close_code().await),
        (4401, 4401)
    );
}

#[tokio::test]
async fn a_silent_client_gets_a_heartbeat_and_a_dead_one_is_closed() {
    let (_folder, path) = database();
    let hub = start_at(&path, |settings| {
        settings.heartbeat = Span(Duration::from_millis(200));
        settings.heartbeat_grace = Span(Duration::from_millis(300));
    })
    .await;
    // This client answers pings because it reads.
    let mut stream = hub.admin.stream().await;
    for _ in 0..4 {
        assert_eq!(stream.next().await["type"], "pong");
    }
    // This one is dead: it does not even read, until the hub has given it up.
    let mut dead = hub.admin.stream().await;
    while hub
        .admin
        .get("/metrics")
        .await
        .1
        .as_str()
        .unwrap()
        .contains("tollgate_ws_connections 2\n")
    {
        stream.next().await;
    }
    assert_eq!(dead.close_code().await, 4408);
}

#[tokio::test]
async fn a_shutdown_tells_clients_when_to_come_back() {
    let (_folder, hub) = start().await;
    let mut stream = hub.admin.stream().await;
    let reading = async {
        let frame = loop {
            if let Err(frame) = stream.next_or_close().await {
                break frame.expect("a close with a reason");
            }
        };
        assert_eq!(u16::from(frame.code), 1012);
        let hint_ms: u32 = frame.reason.parse().unwrap();
        assert!((200..2_000).contains(&hint_ms));
    };
    let (is_drained, ()) = tokio::join!(hub.hub.shutdown(), reading);
    assert!(is_drained);
}
