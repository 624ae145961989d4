//! What is kept, and how it is read back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{project, run, start};

const AT: &str = "2026-11-21T02:30:00.000000Z";

#[tokio::test]
async fn a_project_is_created_read_changed_and_archived() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    let (status, created) = admin.post("/api/v1/projects", project("one")).await;
    assert_eq!((status, &created["archived"]), (201, &json!(false)));
    assert_eq!(admin.get("/api/v1/projects/one").await, (200, created));
    let change = json!({"description": "the first"});
    let (status, changed) = admin
        .send(Method::PATCH, "/api/v1/projects/one", change)
        .await;
    assert_eq!(
        (status, &changed["name"], &changed["description"]),
        (200, &json!("one"), &json!("the first"))
    );
    let archived = admin
        .request(Method::DELETE, "/api/v1/projects/one")
        .send()
        .await
        .unwrap();
    assert_eq!(archived.status(), 204);
    assert_eq!(admin.get("/api/v1/projects").await.1["items"], json!([]));
    assert_eq!(
        admin.get("/api/v1/projects?archived=true").await.1["items"][0]["id"],
        "one"
    );
    let (status, problem) = admin.post("/api/v1/projects/one/runs", run("a")).await;
    assert_eq!(
        (status, &problem["type"]),
        (409, &json!("/problems/archived"))
    );
}

#[tokio::test]
async fn refusals_are_problem_documents_with_stable_types() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    admin.post("/api/v1/projects", project("one")).await;
    let cases = [
        (
            Method::POST,
            "/api/v1/projects",
            project("one"),
            409,
            "exists",
        ),
        (
            Method::POST,
            "/api/v1/projects",
            project("Big"),
            400,
            "invalid-request",
        ),
        (
            Method::POST,
            "/api/v1/projects",
            json!({"id": "x", "name": "x", "more": 1}),
            400,
            "invalid-request",
        ),
        (
            Method::POST,
            "/api/v1/projects",
            json!({"id": "x"}),
            400,
            "invalid-request",
        ),
        (
            Method::GET,
            "/api/v1/projects/none",
            Value::Null,
            404,
            "not-found",
        ),
        (
            Method::GET,
            "/api/v1/projects/none/runs",
            Value::Null,
            404,
            "not-found",
        ),
        (
            Method::GET,
            "/api/v1/projects?limit=0",
            Value::Null,
            400,
            "invalid-request",
        ),
        (
            Method::GET,
            "/api/v1/alerts?cursor=zz",
            Value::Null,
            400,
            "invalid-request",
        ),
        (Method::GET, "/nowhere", Value::Null, 404, "not-found"),
        (
            Method::PUT,
            "/api/v1/projects",
            Value::Null,
            405,
            "method-not-allowed",
        ),
        (Method::POST, "/ws", Value::Null, 405, "method-not-allowed"),
    ];
    for (method, path, body, status, name) in cases {
        let request = admin.request(method.clone(), path);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let response = request.send().await.unwrap();
        let media = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        assert_eq!(media, "application/problem+json", "{method} {path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let got = response.status();
        let problem: Value = response.json().await.unwrap();
        assert_eq!(got, status, "{method} {path}: {problem}");
        assert_eq!(
            problem["type"],
            format!("/problems/{name}"),
            "{method} {path}"
        );
        assert_eq!(problem["status"], status);
    }
    let broken = admin
        .request(Method::POST, "/api/v1/projects")
        .header("content-type", "application/json");
    assert_eq!(broken.body("{").send().await.unwrap().status(), 400);
    let large = admin
        .request(Method::POST, "/api/v1/projects")
        .header("content-type", "application/json");
    assert_eq!(
        large
            .body(vec![b' '; 2 << 20])
            .send()
            .await
            .unwrap()
            .status(),
        413
    );
}

#[tokio::test]
async fn a_write_with_a_name_takes_effect_once() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    admin.post("/api/v1/projects", project("one")).await;
    let path = "/api/v1/projects/one/runs";
    let first = admin.post_named(path, "upload-1", &run("a")).await;
    let again = admin.post_named(path, "upload-1", &run("a")).await;
    assert_eq!(first.0, 201);
    assert_eq!(first, again);
    assert_eq!(
        admin.get(path).await.1["items"].as_array().unwrap().len(),
        1
    );
    let (status, problem) = admin.post_named(path, "upload-1", &run("b")).await;
    assert_eq!(
        (status, &problem["type"]),
        (409, &json!("/problems/idempotency-key-taken"))
    );
    let (_, other) = admin.new_key("developer", "cli").await;
    assert_eq!(
        other.post_named(path, "upload-1", &run("b")).await.0,
        201,
        "names are each key's own"
    );
    let body = json!({"name": "x", "role": "viewer"});
    assert_eq!(
        admin.post_named("/api/v1/tokens", "key-1", &body).await.0,
        201
    );
    assert_eq!(
        admin.post_named("/api/v1/tokens", "key-1", &body).await.0,
        409,
        "a key is shown once"
    );
}

#[tokio::test]
async fn pages_hold_every_run_once_newest_first_while_more_come() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    admin.post("/api/v1/projects", project("one")).await;
    let path = "/api/v1/projects/one/runs";
    for n in 0..7 {
        assert_eq!(admin.post(path, run(&format!("r{n}"))).await.0, 201);
    }
    let mut revisions = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = admin.get(&format!("{path}?limit=3{cursor}")).await;
        assert_eq!(status, 200);
        let items = page["items"].as_array().unwrap();
        revisions.extend(
            items
                .iter()
                .map(|run| run["revision"].as_str().unwrap().to_owned()),
        );
        admin.post(path, run("later")).await;
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(revisions, ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]);
    assert_eq!(
        admin.get(&format!("{path}?outcome=fail")).await.1["items"],
        json!([])
    );
}

#[tokio::test]
async fn the_latest_value_of_each_metric_is_listed_with_its_floor() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    admin.post("/api/v1/projects", project("one")).await;
    let value = |metric: &str, value: f64| json!({"metric": metric, "value": value, "unit": "%", "floor": 70, "direction": "up", "at": AT});
    let report = json!({"metrics": [value("coverage", 70.5), value("mutation", 61.0), value("coverage", 72.0)]});
    assert_eq!(
        admin.post("/api/v1/projects/one/metrics", report).await.0,
        201
    );
    let (_, latest) = admin.get("/api/v1/projects/one/metrics?latest=true").await;
    let got: Vec<_> = latest["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["metric"].clone(), it["value"].clone()))
        .collect();
    assert_eq!(
        got,
        [
            (json!("coverage"), json!(72.0)),
            (json!("mutation"), json!(61.0))
        ]
    );
    let bad = json!({"metrics": [value("a", 1.0), {"metric": "b", "value": 1, "unit": "%", "direction": "up", "at": "today"}]});
    let (status, problem) = admin.post("/api/v1/projects/one/metrics", bad).await;
    assert_eq!(
        (status, &problem["errors"][0]["path"]),
        (400, &json!("/metrics/1/at"))
    );
    let (_, all) = admin.get("/api/v1/projects/one/metrics").await;
    assert_eq!(
        all["items"].as_array().unwrap().len(),
        3,
        "all values are kept, or none"
    );
}

#[tokio::test]
async fn an_older_state_of_a_deployment_changes_nothing() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    let begin = json!({"service": "hub", "baselineVersion": "1", "candidateVersion": "2"});
    let (status, begun) = admin.post("/api/v1/deployments", begin).await;
    assert_eq!(
        (status, &begun["phase"], &begun["weights"]["canary"]),
        (201, &json!("Pending"), &json!(0.0))
    );
    let path = format!("/api/v1/deployments/{}", begun["id"].as_str().unwrap());
    let arm = json!({"requests": 10, "errors": 1, "latencyP95Ms": 4.5});
    let state = |revision: i64, phase: &str| {
        json!({
            "revision": revision, "phase": phase, "weights": {"baseline": 90, "canary": 10},
            "arms": {"baseline": arm, "canary": arm}, "evidence": [{"metric": "errors", "value": 3.5, "limit": 1000}],
            "reason": "so far so good", "timeline": [{"at": AT, "phase": phase, "message": "shift"}],
        })
    };
    assert_eq!(
        admin
            .send(Method::PUT, &path, state(5, "Progressing"))
            .await
            .0,
        200
    );
    let (status, problem) = admin.send(Method::PUT, &path, state(4, "Pending")).await;
    assert_eq!(
        (status, &problem["type"]),
        (409, &json!("/problems/older-state"))
    );
    assert_eq!(
        admin.send(Method::PUT, &path, state(6, "Frozen")).await.0,
        400,
        "phases are fixed words"
    );
    let (_, now) = admin.get(&path).await;
    assert_eq!(
        (&now["phase"], &now["revision"]),
        (&json!("Progressing"), &json!(5))
    );
    assert_eq!(
        admin.get("/api/v1/deployments?phase=Progressing").await.1["items"][0]["id"],
        begun["id"]
    );
}

#[tokio::test]
async fn a_probe_keeps_its_state_since_when_and_its_uptime() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    let sample = |state: &str, second: u32| {
        json!({
            "probeId": "hub-health", "kind": "http", "target": "http://hub/health", "state": state,
            "latencyMs": 2.5, "at": format!("2026-11-21T02:30:{second:02}Z"),
        })
    };
    let first = json!({"samples": [sample("pass", 0), sample("pass", 1), sample("fail", 2)]});
    assert_eq!(admin.post("/api/v1/probes", first).await.0, 201);
    let (_, page) = admin
        .post("/api/v1/probes", json!({"samples": [sample("fail", 3)]}))
        .await;
    let probe = &page["items"][0];
    assert_eq!(probe["state"], "fail");
    assert_eq!(probe["since"], "2026-11-21T02:30:02.000000Z");
    assert_eq!(
        (&probe["failuresInRow"], &probe["uptimePercent"]),
        (&json!(2), &json!(50.0))
    );
    assert_eq!(probe["recent"].as_array().unwrap().len(), 4);
    assert_eq!(
        admin.get("/api/v1/probes?state=fail").await.1["items"][0],
        *probe
    );
}

#[tokio::test]
async fn an_alert_opens_once_is_acknowledged_and_resolves() {
    let (_folder, hub) = start().await;
    let admin = &hub.admin;
    let report = |status: &str| {
        json!({
            "fingerprint": "canary/hub", "component": "hub", "severity": "critical", "status": status,
            "summary": "canary rolled back", "at": AT,
        })
    };
    assert_eq!(
        admin.post("/api/v1/alerts", report("resolved")).await.0,
        409,
        "nothing is open"
    );
    let (status, alert) = admin.post("/api/v1/alerts", report("firing")).await;
    assert_eq!((status, &alert["state"]), (201, &json!("firing")));
    let (status, again) = admin.post("/api/v1/alerts", report("firing")).await;
    assert_eq!(
        (status, &again["id"], &again["count"]),
        (200, &alert["id"], &json!(2))
    );
    let path = format!(
        "/api/v1/alerts/{}/acknowledge",
        alert["id"].as_str().unwrap()
    );
    let (status, seen) = admin.post(&path, json!({"note": "on it"})).await;
    assert_eq!(
        (status, &seen["state"], &seen["acknowledgedBy"]),
        (200, &json!("acknowledged"), &json!("first admin"))
    );
    let (_, resolved) = admin.post("/api/v1/alerts", report("resolved")).await;
    assert_eq!(resolved["state"], "resolved");
    assert_eq!(admin.post(&path, json!({})).await.0, 409);
    assert_eq!(
        admin.post("/api/v1/alerts", report("firing")).await.0,
        201,
        "a new one opens"
    );
}

#[tokio::test]
async fn health_is_open_to_all_and_metrics_name_the_operations() {
    let (_folder, hub) = start().await;
    let nobody = hub.admin.with_key("");
    assert_eq!(nobody.get("/health").await.1["status"], "ok");
    assert_eq!(
        nobody.get("/ready").await.1["dependencies"][0]["name"],
        "database"
    );
    let (_, complete) = nobody.get("/health/complete").await;
    assert_eq!(complete["components"][1]["name"], "events");
    let (_, text) = nobody.get("/metrics").await;
    let text = text.as_str().unwrap();
    assert!(
        text.contains("tollgate_http_requests_total{operation=\"getHealth\",status=\"2xx\"} 1\n"),
        "{text}"
    );
    assert!(text.contains("tollgate_build_info{version="));
    if cfg!(target_os = "linux") {
        assert!(text.contains("\nprocess_resident_memory_bytes "));
    }
    let (status, page) = nobody.get("/").await;
    assert!(status == 200 && page.as_str().unwrap().contains("/dashboard/main.js"));
}
