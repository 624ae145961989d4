//! The dashboard in a real browser: changes in the hub appear live, the page shows "stale" when the
//! hub is down, and no event of that time is lost.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tollgate_tests::hub::KEY;
use tollgate_tests::process::{self, Running};
use tollgate_tests::tool::{built, workspace};

const NODE_FOLDER: &str = "tests/node";
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A hub that is told where to listen, so that it can come back there.
struct Hub {
    base: String,
    process: Running,
}

impl Hub {
    fn start(listen: &str, database: &Path) -> Self {
        let mut command = Command::new(built().join("tollgate-hub"));
        command
            .args(["--listen", listen, "--database"])
            .arg(database)
            .env("TOLLGATE_HUB_ADMIN_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let folder = database.parent().expect("the database is in a folder");
        let mut process = process::start(folder, command);
        let line = first_line(&mut process);
        let base = line.split_whitespace().find(|word| word.contains("://"));
        Self {
            base: base.expect("the hub says where it listens").to_owned(),
            process,
        }
    }

    /// Such as `127.0.0.1:40123`.
    fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    /// Ends it as a crash would.
    fn crash(mut self) {
        process::kill(self.process.pid());
        self.process.wait().expect("it is our child");
    }

    /// `STOP` makes it hang with all its connections open, `CONT` lets it go on.
    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([format!("-{signal}"), self.process.pid().to_string()])
            .status();
        assert!(status.expect("kill starts").success());
    }
}

fn first_line(child: &mut Running) -> String {
    let stdout = child.take_stdout().expect("standard output is a pipe");
    let mut line = String::new();
    let read = BufReader::new(stdout).read_line(&mut line);
    read.expect("standard output is text");
    line
}

/// What posts to the hub.
struct Poster {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    base: String,
}

impl Poster {
    fn new(base: &str) -> Self {
        // Another test of this process may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            // The hub ends and comes back: no connection outlives its request.
            .pool_max_idle_per_host(0)
            .no_proxy();
        Self {
            runtime: runtime.expect("a runtime"),
            http: client.build().expect("a client"),
            base: base.to_owned(),
        }
    }

    #[track_caller]
    fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.base);
        let request = self.http.request(method, url).bearer_auth(KEY).json(body);
        let (status, answer) = self.runtime.block_on(async {
            let response = request.send().await.expect("the hub answers");
            let status = response.status();
            (status, response.text().await.expect("a whole answer"))
        });
        assert!(status.is_success(), "{path}: {status}: {answer}");
        serde_json::from_str(&answer).expect("the hub answers with JSON")
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.send(reqwest::Method::POST, path, body)
    }

    #[track_caller]
    fn put(&self, path: &str, body: &Value) -> Value {
        self.send(reqwest::Method::PUT, path, body)
    }
}

/// A page in a browser, which does what it is asked, one thing at a time.
struct Page {
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    process: Running,
}

impl Page {
    /// A browser whose profile is in `folder`.
    fn new(browser: &Path, folder: &Path) -> Self {
        let mut command = Command::new("node");
        command
            .arg("dashboard.mjs")
            .current_dir(workspace().join(NODE_FOLDER))
            .env("CHROMIUM", browser)
            .env("TMPDIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = process::start(folder, command);
        Self {
            asks: process.take_stdin().expect("standard input is a pipe"),
            answers: BufReader::new(process.take_stdout().expect("standard output is a pipe")),
            process,
        }
    }

    #[track_caller]
    fn ask(&mut self, command: &Value) {
        writeln!(self.asks, "{command}").expect("the script reads");
        let mut answer = String::new();
        self.answers
            .read_line(&mut answer)
            .expect("answers are text");
        let answer: String =
            serde_json::from_str(&answer).expect("the script ended before it answered");
        assert!(answer == "ok", "{command}\n{answer}");
    }

    #[track_caller]
    fn says(&mut self, section: &str, texts: &[&str]) {
        self.ask(&json!({ "do": "says", "section": section, "texts": texts }));
    }

    #[track_caller]
    fn link(&mut self, state: &str) {
        self.ask(&json!({ "do": "link", "state": state, "withinMs": 10_000 }));
    }

    /// Ends the browser; its profile goes.
    fn close(self) {
        let Self {
            asks, mut process, ..
        } = self;
        drop(asks);
        let status = process.wait().expect("it is our child");
        assert!(status.success(), "the script ended with {status}");
    }
}

/// The browser, if everything that the test needs is on this machine.
fn browser() -> Option<PathBuf> {
    let modules = workspace().join(NODE_FOLDER).join("node_modules");
    let has_modules = ["playwright-core", "axe-core"]
        .iter()
        .all(|name| modules.join(name).is_dir());
    let browser = BROWSERS.iter().find_map(|name| on_path(name));
    if !has_modules || on_path("node").is_none() {
        return None;
    }
    browser
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn state(phase: &str, canary: f64, reason: &str, evidence: f64, timeline: &[&str]) -> Value {
    let at = "2026-01-01T10:00:00Z";
    let timeline: Vec<Value> = timeline
        .iter()
        .map(|message| json!({ "at": at, "phase": phase, "message": message }))
        .collect();
    json!({
        "phase": phase,
        "weights": { "baseline": 100.0 - canary, "canary": canary },
        "arms": {
            "baseline": { "requests": 1840, "errors": 2, "latencyP95Ms": 12.5 },
            "canary": { "requests": 204, "errors": 9, "latencyP95Ms": 38.1 }
        },
        "evidence": [{ "metric": "error_rate", "value": evidence, "limit": 200.0 }],
        "reason": reason,
        "timeline": timeline
    })
}

fn alert(fingerprint: &str, severity: &str, summary: &str) -> Value {
    json!({
        "fingerprint": fingerprint, "component": "hub", "severity": severity, "status": "firing",
        "summary": summary, "description": "3 failures in a row, the limit is 3",
        "actions": ["cargo xtask probe run hub-websocket"], "at": "2026-01-01T10:00:00Z"
    })
}

fn sample(probe: &str, state: &str, message: Option<&str>) -> Value {
    let mut sample = json!({
        "probeId": probe, "kind": "http", "target": "http://127.0.0.1:7700/health", "state": state,
        "latencyMs": 4.2, "at": "2026-01-01T10:00:00Z"
    });
    if let Some(message) = message {
        sample["message"] = message.into();
    }
    sample
}

/// A canary goes wrong and is rolled back; each step is on the page without a reload.
fn roll_back_live(hub: &Poster, page: &mut Page) {
    let release = json!({
        "service": "shop", "baselineVersion": "1.4.0", "candidateVersion": "1.5.0"
    });
    let deployment = hub.post("/api/v1/deployments", &release);
    let id = deployment["id"].as_str().expect("an id");
    let path = format!("/api/v1/deployments/{id}");
    page.says("canary", &["shop", "1.4.0 → 1.5.0", "Pending"]);

    let begun = [
        "candidate 1.5.0 starts",
        "a tenth of the traffic goes to it",
    ];
    let reason = "10% of the traffic, no verdict yet";
    hub.put(&path, &state("Progressing", 10.0, reason, 3.1, &begun));
    let texts = [
        "Progressing",
        reason,
        "baseline 1.4.0 · 90%",
        "candidate 1.5.0 · 10%",
        "error_rate",
        "3.1 of 200",
        "a tenth of the traffic goes to it",
        "4.41%",
    ];
    page.says("canary", &texts);
    page.ask(&json!({
        "do": "labelled", "section": "canary", "label": "90% baseline, 10% candidate"
    }));

    let refuted = [begun[0], begun[1], "the evidence passes its limit"];
    let reason = "error_rate: e-value 412 of 200";
    hub.put(&path, &state("RollingBack", 10.0, reason, 412.0, &refuted));
    page.says("canary", &["RollingBack", reason, "412 of 200", refuted[2]]);
    page.says("now", &["shop 1.5.0 is being rolled back"]);

    let over = [refuted[0], refuted[1], refuted[2], "no traffic is left"];
    hub.put(&path, &state("RolledBack", 0.0, reason, 1e200, &over));
    let texts = [
        "RolledBack",
        "candidate 1.5.0 · 0%",
        over[3],
        "over a million of 200",
    ];
    page.says("canary", &texts);
    page.says("now", &["shop 1.5.0 was rolled back"]);
}

fn fill_the_other_panels(hub: &Poster, page: &mut Page) {
    hub.post(
        "/api/v1/projects",
        &json!({ "id": "shop", "name": "The shop" }),
    );
    let run = json!({
        "tier": "tier1", "revision": "0a1b2c3d4e5f", "outcome": "fail",
        "reason": "1 of 2 steps failed", "startedAt": "2026-01-01T10:00:00Z",
        "durationMs": 204_000, "targetMs": 180_000, "criticalMs": 450_000,
        "steps": [
            { "name": "test", "outcome": "fail", "durationMs": 4000, "cached": false,
              "cause": "weights_shift failed: got 99, want 100",
              "findings": [{ "code": "test-failed", "severity": "error", "message": "got 99",
                             "path": "src/weights.rs", "line": 42 }] },
            { "name": "format", "outcome": "pass", "durationMs": 90, "cached": true }
        ]
    });
    hub.post("/api/v1/projects/shop/runs", &run);
    let cause = "weights_shift failed: got 99, want 100";
    page.says("runs", &["tier 1", "0a1b2c3d4e", cause, "1 finding"]);

    let metric = |metric: &str, value: f64, floor: f64| {
        json!({ "metric": metric, "value": value, "unit": "%", "floor": floor, "direction": "up",
                "at": "2026-01-01T10:00:00Z" })
    };
    let metrics = json!({
        "metrics": [metric("coverage_percent", 69.5, 70.0), metric("mutation_score", 81.4, 70.0)]
    });
    hub.post("/api/v1/projects/shop/metrics", &metrics);
    page.says(
        "ratchet",
        &["coverage_percent", "69.5", "worse", "1 of 2 floors hold"],
    );

    let samples = json!({ "samples": [
        sample("hub-health", "pass", None),
        sample("hub-websocket", "fail", Some("handshake refused: 500")),
    ] });
    hub.post("/api/v1/probes", &samples);
    page.says(
        "probes",
        &["hub-health", "handshake refused: 500", "1 of 2 pass"],
    );

    hub.post(
        "/api/v1/alerts",
        &alert("probe/hub-websocket", "critical", "hub-websocket fails"),
    );
    page.says("alerts", &["hub-websocket fails", "critical", "1 firing"]);
    page.says("now", &["hub-websocket fails", "coverage_percent is 69.5"]);
    // The alert speaks for the probe that it names.
    page.ask(&json!({ "do": "lacks", "section": "now", "texts": ["handshake refused"] }));
}

fn acknowledge_by_keyboard(page: &mut Page) {
    page.ask(&json!({ "do": "tabTo", "label": "Acknowledge: hub-websocket fails" }));
    page.says("alerts", &["acknowledged", "none firing"]);
}

#[test]
fn the_dashboard_follows_the_hub_live_and_through_its_crash() {
    let Some(browser) = browser() else {
        tollgate_report::not_checked(
            "chromium",
            "the dashboard in a real browser",
            "cargo xtask setup",
        );
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = folder.path().join("hub.db");
    let hub = Hub::start("127.0.0.1:0", &database);
    let address = hub.address();
    let poster = Poster::new(&hub.base);
    let mut page = Page::new(&browser, folder.path());

    page.ask(&json!({ "do": "open", "url": format!("{}/#key={KEY}", hub.base) }));
    page.link("live");
    page.says("now", &["Nothing is wrong"]);
    roll_back_live(&poster, &mut page);
    fill_the_other_panels(&poster, &mut page);
    for (scheme, width) in [
        ("light", 1240),
        ("dark", 1240),
        ("light", 390),
        ("dark", 390),
    ] {
        page.ask(&json!({ "do": "accessible", "scheme": scheme, "width": width }));
    }
    acknowledge_by_keyboard(&mut page);
    page.link("live");

    // The hub crashes; while the page can't hear, it comes back and things happen.
    page.ask(&json!({ "do": "away", "offline": false }));
    hub.crash();
    page.link("stale");
    page.ask(&json!({ "do": "away", "offline": true }));
    let hub = Hub::start(&address, &database);
    poster.post(
        "/api/v1/alerts",
        &alert("a", "warning", "while it was away"),
    );
    poster.post("/api/v1/alerts", &alert("b", "warning", "and once more"));
    page.ask(&json!({ "do": "lacks", "section": "alerts", "texts": ["while it was away"] }));
    page.ask(&json!({ "do": "back" }));
    page.says(
        "alerts",
        &["while it was away", "and once more", "2 firing"],
    );
    page.ask(&json!({ "do": "wentOn" }));

    // A hub that hangs keeps its connections: only its silence tells.
    page.ask(&json!({ "do": "away", "offline": false }));
    hub.signal("STOP");
    page.link("stale");
    hub.signal("CONT");
    page.ask(&json!({ "do": "back" }));
    page.ask(&json!({ "do": "wentOn" }));

    page.ask(&json!({ "do": "quiet" }));
    page.close();
    hub.crash();
    process::expect_gone(&process::left_in(folder.path()));
}
