//! Interim answers.

use super::service::Place;

const HINTS: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n\
    HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn early_hints_come_before_the_answer_and_not_to_http_1_0() {
    let place = Place::with(&[("/hints", HINTS)]).await;
    let one = "GET /hints HTTP/1.1\r\nHost: shop.test\r\n\r\n";
    let last = "GET /hints HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
    let got = place.talk(&format!("{one}{one}{last}")).await;
    let statuses: Vec<&str> = got
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|text| &text[..3])
        .collect();
    assert_eq!(
        statuses,
        ["103", "200", "103", "200", "103", "200"],
        "{got}"
    );
    assert!(
        got.starts_with("HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"),
        "{got}"
    );
    let got = place.talk("GET /hints HTTP/1.0\r\n\r\n").await;
    assert!(!got.contains("103") && got.ends_with("ok"), "{got}");
}

#[tokio::test]
async fn a_client_that_waits_for_100_is_told_to_go_on() {
    let place = Place::with(&[]).await;
    let got = place
        .talk(
            "POST /a HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\nExpect: 100-continue\r\n\
             Content-Length: 2\r\n\r\nhi",
        )
        .await;
    assert!(got.ends_with("ok"), "{got}");
    assert!(place.seen().concat().ends_with("\r\n\r\nhi"));
}
