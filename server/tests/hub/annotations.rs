//! Annotations: written once, listed by kind, closed to readers.

use serde_json::{Value, json};

use crate::harness::start;

const AT: &str = "2026-11-21T02:30:00.000000Z";
const PATH: &str = "/api/v1/projects/one/annotations";

fn annotation(kind: &str) -> Value {
    json!({"kind": kind, "text": "CI moved to four cores", "at": AT})
}

#[tokio::test]
async fn an_annotation_is_kept_once_under_its_idempotency_key_and_listed_by_kind() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    admin
        .post("/api/v1/projects", json!({"id": "one", "name": "One"}))
        .await;
    let (_, writer) = admin.new_key("developer", "cli").await;
    let body = annotation("machine");
    let first = writer.post_named(PATH, "move-1", &body).await;
    let again = writer.post_named(PATH, "move-1", &body).await;
    assert_eq!((first.0, &first), (201, &again));
    assert_eq!(first.1["createdAt"].as_str().map(str::len), Some(AT.len()));
    assert_eq!(writer.post(PATH, annotation("incident")).await.0, 201);
    let kinds = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap();
        let kinds = items.iter().map(|item| item["kind"].to_string());
        kinds.collect()
    };
    let (_, all) = admin.get(PATH).await;
    assert_eq!(kinds(&all), ["\"incident\"", "\"machine\""]);
    let (_, some) = admin.get(&format!("{PATH}?kind=machine")).await;
    assert_eq!(kinds(&some), ["\"machine\""]);
    let (_, page) = admin.get(&format!("{PATH}?limit=1")).await;
    let cursor = page["nextCursor"].as_str().unwrap();
    let (_, rest) = admin.get(&format!("{PATH}?limit=1&cursor={cursor}")).await;
    assert_eq!(kinds(&rest), ["\"machine\""]);
}

#[tokio::test]
async fn an_annotation_is_refused_from_readers_for_wrong_times_and_in_unknown_projects() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    assert_eq!(admin.post(PATH, annotation("machine")).await.0, 404);
    admin
        .post("/api/v1/projects", json!({"id": "one", "name": "One"}))
        .await;
    let (_, viewer) = admin.new_key("viewer", "web").await;
    assert_eq!(viewer.post(PATH, annotation("machine")).await.0, 403);
    assert_eq!(viewer.get(PATH).await.0, 200);
    for (key, time) in [("at", "yesterday"), ("endedAt", "2026-11-21T02:29:59Z")] {
        let mut body = annotation("machine");
        body[key] = json!(time);
        let (status, problem) = admin.post(PATH, body).await;
        let path = json!(format!("/{key}"));
        assert_eq!((status, &problem["errors"][0]["path"]), (400, &path));
    }
    let (_, all) = admin.get(PATH).await;
    assert_eq!(all["items"], json!([]));
}
