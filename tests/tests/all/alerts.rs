//! Chapter seven: alerts reach people, or say why not.

use std::net::TcpListener;

use tollgate_tests::repository::Repository;
use tollgate_tests::tool::run_with;

#[test]
fn a_test_alert_is_printed_whole_on_the_console() {
    let repository = Repository::new(&[]);
    repository
        .run(&["alert", "test"])
        .expect_code(0)
        .expect_says(&[
            "TEST INFO tollgate: this is only a test",
            "how badly:",
            "since:",
            "what to do",
            "console   taken",
        ]);
    repository
        .run(&["alert", "list"])
        .expect_code(0)
        .expect_says(&["no alerts"]);
}

#[test]
fn a_webhook_that_is_down_exits_6_with_the_reason_and_its_name() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let repository = Repository::new(&[(
        "tollgate.toml",
        &format!(
            "[alerts.receivers.console]\nkind = \"console\"\n\n[alerts.receivers.pager]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/\"\nsecret = {{ env = \"PAGER_SECRET\" }}\ntimeout = \"2s\"\n"
        ),
    )]);
    let secret = "c2VjcmV0LW9mLXRoZS1wYWdlcg-0123456789";
    let run = run_with(
        repository.path(),
        &["alert", "test"],
        &[("PAGER_SECRET", secret)],
    );
    run.expect_code(6).expect_says(&[
        "console   taken",
        "pager",
        "would be tried again",
        "no connection",
    ]);
    assert!(!run.all().contains(secret), "the secret is shown");
    run_with(repository.path(), &["alert", "test"], &[])
        .expect_code(5)
        .expect_says(&["`alerts.receivers.pager`", "`PAGER_SECRET`", "not set"]);
}

#[test]
fn a_silence_is_kept_until_its_end_and_listed() {
    let repository = Repository::new(&[]);
    let silence = |matcher: &str, more: &[&str]| {
        let args = [
            "alert", "silence", matcher, "--author", "ada", "--reason", "upgrade",
        ];
        repository.run(&[&args[..], more].concat())
    };
    silence("component", &[])
        .expect_code(2)
        .expect_says(&["`component`", "LABEL=VALUE"]);
    silence("component=hub", &["--for", "2 hours"]).expect_code(2);
    silence("component=hub", &["--for", "2h"])
        .expect_code(0)
        .expect_says(&["silence ", " until "]);
    let state = repository.run(&["alert", "list", "--format", "json"]);
    let text = state.expect_code(0).json().to_string();
    assert!(text.contains("upgrade") && text.contains("ada"), "{text}");
    repository
        .run(&["alert", "list"])
        .expect_code(0)
        .expect_says(&["upgrade", "ada"]);
}
