//! What people see: snapshots of each channel's message, templates of one's own, hostile text.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

use std::fs;
use std::time::Duration;

use tollgate_alerts::change::{Kind, Notification};
use tollgate_alerts::channel::{TEMPLATES, paint, slack as slack_channel, webhook};
use tollgate_alerts::message::{Rendered, Templates};
use tollgate_alerts::{Action, AlertEvent, Number, Severity, slack};
use tollgate_report::Timestamp;
use tollgate_report::render::Paint;

fn since() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn rollback() -> AlertEvent {
    let mut event = AlertEvent::firing(
        "hub",
        "canary-rolled-back",
        Severity::Critical,
        "the canary 1.4.0 was rolled back",
        since(),
    )
    .label("run", "r-17")
    .label("version", "1.4.0");
    event.how_badly = "41% of its requests fail (limit 5%)".to_owned();
    event.evidence = vec![
        Number::new("error rate", 41.0, "%")
            .limit(5.0)
            .trend(vec![0.0, 2.0, 38.0, 41.0]),
        Number::new("p95 latency", 212.5, "ms").limit(500.0),
        Number::new("requests seen", 230.0, ""),
    ];
    event.done = vec![
        "set the canary's weight to 0 and saw it at the proxy after 40 ms".to_owned(),
        "stable 1.3.9 serves all requests".to_owned(),
    ];
    event.actions = vec![
        Action::command("see why", "{tollgate} explain 0123456789ab"),
        Action::link("open the run", "https://hub.example.com/runs/r-17"),
    ];
    event
}

fn probe_failure() -> AlertEvent {
    let mut event = AlertEvent::firing(
        "api",
        "health-probe-failures",
        Severity::Critical,
        "the health probe fails",
        since(),
    )
    .label("probe", "health");
    event.how_badly = "3 in 5m (limit 3)".to_owned();
    event.evidence = vec![Number::new("failures", 3.0, "").limit(3.0)];
    event.actions = vec![Action::command(
        "run the probe",
        "{tollgate} probe run health",
    )];
    event
}

fn notification(event: AlertEvent) -> Notification {
    Notification {
        id: "ntf_0123456789abcdef0123456789abcdef".to_owned(),
        kind: Kind::Firing,
        component: event.component.clone(),
        severity: event.severity,
        at: since(),
        alerts: vec![event],
        overflow: None,
        is_exempt: true,
    }
}

fn render(event: AlertEvent) -> Rendered {
    let now = since().plus(Duration::from_secs(75));
    Templates::load(TEMPLATES, None, "cargo tollgate")
        .unwrap()
        .render(&notification(event), now)
        .unwrap()
}

fn json(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

#[test]
fn a_rollback_reads_well_in_every_channel() {
    let rendered = render(rollback());
    assert_eq!(slack::violation(&slack_channel::payload(&rendered)), None);
    let painted = paint(rendered.text(), &notification(rollback()), Paint::Colour);
    insta::assert_snapshot!("rollback_console", painted.replace('\x1b', "␛"));
    insta::assert_snapshot!("rollback_text", rendered.text());
    insta::assert_snapshot!("rollback_html", rendered.html());
    insta::assert_snapshot!("rollback_slack", json(&slack_channel::payload(&rendered)));
    insta::assert_snapshot!("rollback_webhook", json(&webhook::payload(&rendered)));
}

#[test]
fn a_probe_failure_reads_well_in_every_channel() {
    let rendered = render(probe_failure());
    assert_eq!(slack::violation(&slack_channel::payload(&rendered)), None);
    let painted = paint(
        rendered.text(),
        &notification(probe_failure()),
        Paint::Colour,
    );
    insta::assert_snapshot!("probe_console", painted.replace('\x1b', "␛"));
    insta::assert_snapshot!("probe_text", rendered.text());
    insta::assert_snapshot!("probe_html", rendered.html());
    insta::assert_snapshot!("probe_slack", json(&slack_channel::payload(&rendered)));
    insta::assert_snapshot!("probe_webhook", json(&webhook::payload(&rendered)));
}

#[test]
fn text_from_outside_stays_text() {
    let mut event = rollback();
    event.summary =
        "<script>x</script> <!channel> <https://evil|bank>\r\nBcc: eve@example.com".to_owned();
    event.how_badly = "```\n%%\n*all* & \u{1b}[2J\u{202e}".to_owned();
    event.actions = vec![
        Action::link("click", "javascript:alert(1)"),
        Action::link("a|b>", "https://ok.example/a|b> <!here>"),
    ];
    let rendered = render(event);
    assert!(!rendered.html().contains("<script>"), "{}", rendered.html());
    assert!(
        !rendered.html().contains("href=\"javascript"),
        "{}",
        rendered.html()
    );
    assert!(
        !rendered.subject.contains(['\r', '\n', '\x1b']),
        "{}",
        rendered.subject
    );
    assert!(
        !rendered.text().contains(['\x1b', '\r', '\u{202e}']),
        "{}",
        rendered.text()
    );
    assert!(!rendered.text().lines().any(|line| line.starts_with("Bcc")));
    let payload = slack_channel::payload(&rendered);
    let blocks = payload["blocks"].as_array().unwrap();
    for block in blocks.iter().filter(|block| block["type"] == "section") {
        let text = block["text"]["text"].as_str().unwrap();
        assert!(!text.contains("<!") && !text.contains("<https"), "{text}");
        assert_eq!(block["text"]["verbatim"], true);
    }
    assert!(!payload["text"].as_str().unwrap().contains("<!"));
    assert_eq!(slack::violation(&slack_channel::payload(&rendered)), None);
}

#[test]
fn an_event_of_any_size_fits_slack() {
    let mut event = rollback();
    event.summary = "<".repeat(5_000);
    event.evidence = vec![event.evidence[0].clone(); 500];
    event.done = vec!["`".repeat(4_000); 100];
    let rendered = render(event.bounded());
    assert_eq!(slack::violation(&slack_channel::payload(&rendered)), None);
    assert!(rendered.subject.chars().count() <= 200);
}

#[test]
fn a_folder_of_ones_own_replaces_a_template_and_a_mistake_names_its_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("message.txt"), "own: {{ m.headline }}\n").unwrap();
    let templates = Templates::load(TEMPLATES, Some(folder.path()), "tollgate").unwrap();
    let rendered = templates
        .render(&notification(probe_failure()), since())
        .unwrap();
    assert!(
        rendered.text().starts_with("own: CRITICAL api"),
        "{}",
        rendered.text()
    );
    assert!(rendered.html().contains("<h1"), "the others stay");
    fs::write(folder.path().join("message.txt"), "{{ m.headline").unwrap();
    let error = Templates::load(TEMPLATES, Some(folder.path()), "tollgate").unwrap_err();
    assert!(error.to_string().contains("message.txt"), "{error}");
    fs::write(folder.path().join("message.txt"), "{{ m.nothing }}").unwrap();
    let error = Templates::load(TEMPLATES, Some(folder.path()), "tollgate").unwrap_err();
    assert_eq!(error.to_string(), "cannot fill the template `message.txt`");
}
