//! Keys, roles and tickets.

use reqwest::Method;
use serde_json::json;

use crate::harness::{project, start};

#[tokio::test]
async fn a_role_permits_what_it_says_and_nothing_more() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    admin.post("/api/v1/projects", project("one")).await;
    let (_, viewer) = admin.new_key("viewer", "web").await;
    let (_, developer) = admin.new_key("developer", "cli").await;
    let nobody = admin.with_key("");
    let stranger =
        admin.with_key("tg_1111111111111111111111111111111111111111111111111111111111111111");
    let statuses = async |method: Method, path: &str, body: serde_json::Value| {
        let mut got = Vec::new();
        for client in [&nobody, &stranger, &viewer, &developer, admin] {
            got.push(client.send(method.clone(), path, body.clone()).await.0);
        }
        got
    };
    let read = statuses(Method::GET, "/api/v1/projects/one", json!({})).await;
    assert_eq!(read, [401, 401, 200, 200, 200]);
    let write = statuses(Method::PATCH, "/api/v1/projects/one", json!({"name": "1"})).await;
    assert_eq!(write, [401, 401, 403, 200, 200]);
    let keys = statuses(Method::GET, "/api/v1/tokens", json!({})).await;
    assert_eq!(keys, [401, 401, 403, 403, 200]);
    let refused = nobody
        .request(Method::GET, "/api/v1/projects")
        .send()
        .await
        .unwrap();
    assert!(refused.headers().contains_key("www-authenticate"));
}

#[tokio::test]
async fn a_key_is_shown_once_and_a_revoked_one_is_refused() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    let (id, viewer) = admin.new_key("viewer", "web").await;
    assert_eq!(viewer.get("/api/v1/projects").await.0, 200);
    let (_, list) = admin.get("/api/v1/tokens").await;
    assert!(
        !list.to_string().contains(&viewer.key),
        "a list holds no key"
    );
    let revoked = admin
        .request(Method::DELETE, &format!("/api/v1/tokens/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(revoked.status(), 204);
    assert_eq!(viewer.get("/api/v1/projects").await.0, 401);
    assert_eq!(
        admin
            .send(Method::DELETE, "/api/v1/tokens/none", json!({}))
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn a_key_that_ends_in_the_past_is_not_made() {
    let (_folder, hub) = start().await;
    let body = json!({"name": "x", "role": "viewer", "expiresAt": "2020-01-01T00:00:00Z"});
    let (status, problem) = hub.admin.post("/api/v1/tokens", body).await;
    // The request is as the contract says; it is the clock that it conflicts with.
    assert_eq!(status, 409, "{problem}");
}

#[tokio::test]
async fn a_ticket_opens_one_stream() {
    let (_folder, hub) = start().await;
    let (_, viewer) = hub.admin.new_key("viewer", "web").await;
    let (status, ticket) = viewer.post("/api/v1/ws-tickets", json!({})).await;
    assert_eq!(status, 201);
    let base = hub.admin.base.replace("http", "ws");
    let url = format!("{base}/ws?ticket={}", ticket["ticket"].as_str().unwrap());
    let nobody = hub.admin.with_key("");
    assert!(nobody.stream_at(&url, &[]).await.is_ok());
    assert_eq!(nobody.stream_at(&url, &[]).await.err(), Some(401));
    assert_eq!(nobody.try_stream(&[]).await.err(), Some(401));
}

#[tokio::test]
async fn a_page_of_another_origin_opens_no_stream() {
    let (_folder, hub) = start().await;
    let own = hub.admin.base.clone();
    assert!(hub.admin.try_stream(&[("origin", &own)]).await.is_ok());
    let foreign = hub
        .admin
        .try_stream(&[("origin", "https://evil.example")])
        .await;
    assert_eq!(foreign.err(), Some(403));
}
