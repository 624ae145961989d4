//! What is refused, what stays on its connection, and where a message ends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use tollgate_canary::proxy::VersionName;

use super::service::{Place, status};

#[tokio::test]
async fn what_can_be_read_in_two_ways_reaches_no_version() {
    let place = Place::with(&[]).await;
    let host = "Host: shop.test\r\n";
    let cases = [
        ("no host", "GET / HTTP/1.1\r\n\r\n".to_owned(), "400"),
        (
            "two hosts",
            format!("GET / HTTP/1.1\r\n{host}{host}\r\n"),
            "400",
        ),
        (
            "a host with a blank",
            "GET / HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "a folded field",
            format!("GET / HTTP/1.1\r\n{host}x-a: 1\r\n x-b: 2\r\n\r\n"),
            "400",
        ),
        (
            "a blank before the colon",
            format!("GET / HTTP/1.1\r\n{host}x-a : 1\r\n\r\n"),
            "400",
        ),
        (
            "a bare CR in a value",
            format!("GET / HTTP/1.1\r\n{host}x-a: 1\r2\r\n\r\n"),
            "400",
        ),
        (
            "two lengths",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 2\r\n\r\nhello"),
            "400",
        ),
        (
            "a length with a sign",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: +5\r\n\r\nhello"),
            "400",
        ),
        (
            "a coding below HTTP/1.1",
            format!("POST / HTTP/1.0\r\n{host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "400",
        ),
        (
            "a coding that is not chunked",
            format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            "501",
        ),
        (
            "an authority as the target",
            format!("GET shop.test:80 HTTP/1.1\r\n{host}\r\n"),
            "400",
        ),
        (
            "an asterisk with GET",
            format!("GET * HTTP/1.1\r\n{host}\r\n"),
            "400",
        ),
        (
            "a tunnel to elsewhere",
            format!("CONNECT shop.test:443 HTTP/1.1\r\n{host}\r\n"),
            "501",
        ),
    ];
    for (name, request, want) in cases {
        let got = place.talk(&request).await;
        assert_eq!(status(&got), want, "{name}: {got}");
    }
    assert_eq!(place.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn chunks_win_over_a_length_and_other_codings_are_an_error() {
    let place = Place::with(&[
        (
            "/both",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
        (
            "/gzip",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
    ])
    .await;
    let got = place.ask("GET /both HTTP/1.1", "").await;
    assert!(
        got.contains("hello") && !got.contains("content-length"),
        "{got}"
    );
    let got = place.ask("GET /gzip HTTP/1.1", "").await;
    assert_eq!(status(&got), "502", "{got}");
}

#[tokio::test]
async fn connection_takes_away_only_what_is_for_one_hop() {
    let place = Place::with(&[]).await;
    let request = "GET / HTTP/1.1\r\nHost: shop.test\r\nAuthorization: secret\r\nCookie: a=1\r\n\
        X-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\n\
        Connection: close, Host, authorization, cookie, X-Forwarded-For, x-hop\r\n\r\n";
    assert_eq!(status(&place.talk(request).await), "200");
    let seen = place.seen().concat().to_ascii_lowercase();
    for kept in [
        "host: shop.test\r\n",
        "authorization: secret\r\n",
        "cookie: a=1\r\n",
        "x-forwarded-for: 127.0.0.1\r\n",
        "via: 1.1 tollgate\r\n",
    ] {
        assert!(seen.contains(kept), "{kept}: {seen}");
    }
    for gone in ["x-hop", "keep-alive", "proxy-connection", "connection:"] {
        assert!(!seen.contains(gone), "{gone}: {seen}");
    }
}

#[tokio::test]
async fn what_earlier_hops_said_is_appended_to() {
    let place = Place::with(&[]).await;
    let fields = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nVia: 1.0 edge\r\n\
        Forwarded: for=10.0.0.1\r\nX-Forwarded-Proto: https\r\n";
    place.ask("GET / HTTP/1.1", fields).await;
    let seen = place.seen().concat();
    for want in [
        "x-forwarded-for: 10.0.0.1, 10.0.0.2, 127.0.0.1\r\n",
        "via: 1.0 edge, 1.1 tollgate\r\n",
        "forwarded: for=10.0.0.1, for=127.0.0.1;proto=http\r\n",
        "x-forwarded-proto: https\r\n",
    ] {
        assert!(seen.contains(want), "{want}: {seen}");
    }
}

#[tokio::test]
async fn the_target_s_authority_wins_over_host() {
    let place = Place::with(&[]).await;
    place
        .ask("GET http://other.test:81/a?b=1 HTTP/1.1", "")
        .await;
    place.ask("OPTIONS * HTTP/1.1", "").await;
    let seen = place.seen();
    assert!(seen[0].starts_with("GET /a?b=1 HTTP/1.1\r\n"), "{seen:?}");
    assert!(seen[0].contains("host: other.test:81\r\n"), "{seen:?}");
    assert!(seen[1].starts_with("OPTIONS * HTTP/1.1\r\n"), "{seen:?}");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let place = Place::with(&[(
        "/sum",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 9\r\n\r\n",
    )])
    .await;
    let got = place
        .talk(
            "POST /sum HTTP/1.1\r\nHost: shop.test\r\nTE: deflate, Trailers\r\nConnection: TE, close\r\n\
             Trailer: x-up\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\nx-up: 7\r\n\r\n",
        )
        .await;
    assert!(got.contains("x-sum: 9\r\n"), "{got}");
    let seen = place.seen().concat();
    assert!(seen.contains("x-up: 7\r\n"), "{seen}");
    assert!(seen.contains("te: trailers\r\n"), "{seen}");
    let counts = place.control.counts().await.unwrap();
    let stable = &counts.versions[&VersionName::Stable];
    assert_eq!(
        (stable.in_flight, stable.client_aborts),
        (0, 0),
        "{stable:?}"
    );
}

#[tokio::test]
async fn three_hundred_fields_and_a_long_one_pass_both_ways() {
    let answer: String = (0..300).map(|i| format!("x-answer-{i}: {i}\r\n")).collect();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{answer}\r\nok");
    let place = Place::with(Box::leak(Box::new([("/many", &*answer.leak())]))).await;
    let fields: String = (0..300).map(|i| format!("x-field-{i}: {i}\r\n")).collect();
    let long = "y".repeat(30_000);
    let got = place
        .ask("GET /many HTTP/1.1", &format!("{fields}x-long: {long}\r\n"))
        .await;
    assert_eq!(status(&got), "200", "{got}");
    assert!(got.contains("x-answer-299: 299\r\n"), "{got}");
    let seen = place.seen().concat();
    assert!(seen.contains("x-field-299: 299\r\n") && seen.contains(&long));
}

#[tokio::test]
async fn answers_without_a_body_leave_the_connection_usable() {
    let place = Place::with(&[
        ("/none", "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            "/same",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n",
        ),
        (
            "/reset",
            "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n",
        ),
    ])
    .await;
    let pipelined = ["HEAD /", "GET /none", "GET /same", "GET /reset"]
        .map(|line| format!("{line} HTTP/1.1\r\nHost: shop.test\r\n\r\n"))
        .concat();
    let last = "GET /last HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n";
    let got = place.talk(&format!("{pipelined}{last}")).await;
    let statuses: Vec<&str> = got
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|text| &text[..3])
        .collect();
    assert_eq!(statuses, ["200", "204", "304", "205", "200"], "{got}");
    assert!(
        got.contains("content-length: 1234\r\n") && got.ends_with("ok"),
        "{got}"
    );
    let paths: Vec<String> = place
        .seen()
        .iter()
        .map(|request| request.split(' ').nth(1).unwrap_or_default().to_owned())
        .collect();
    assert_eq!(paths, ["/", "/none", "/same", "/reset", "/last"]);
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_body_that_ends_with_the_connection() {
    let place = Place::with(&[(
        "/chunks",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    )])
    .await;
    let got = place.talk("GET /chunks HTTP/1.0\r\n\r\n").await;
    assert!(got.ends_with("\r\n\r\nhello"), "{got}");
    assert!(!got.contains("transfer-encoding"), "{got}");
}

#[tokio::test]
async fn a_half_closed_client_gets_its_answer() {
    let place = Place::with(&[]).await;
    for _ in 0..50 {
        let mut stream = TcpStream::connect(place.proxy).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            .await
            .unwrap();
        stream.shutdown().await.unwrap();
        let mut got = String::new();
        stream.read_to_string(&mut got).await.unwrap();
        assert!(got.ends_with("ok"), "{got}");
    }
}

#[tokio::test]
async fn a_refused_upgrade_is_an_ordinary_answer_and_h2c_is_not_asked_for() {
    let place = Place::with(&[(
        "/ws",
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno",
    )])
    .await;
    let ask = |protocol: &str| {
        format!(
            "GET /ws HTTP/1.1\r\nHost: shop.test\r\nConnection: upgrade, close\r\nUpgrade: {protocol}\r\n\r\n"
        )
    };
    let got = place.talk(&ask("websocket")).await;
    assert!(status(&got) == "403" && got.ends_with("no"), "{got}");
    place.talk(&ask("h2c")).await;
    let seen = place.seen();
    assert!(seen[0].contains("upgrade: websocket\r\n"), "{seen:?}");
    assert!(!seen[1].contains("upgrade"), "{seen:?}");
}

#[tokio::test]
async fn a_change_of_protocols_that_nobody_asked_for_is_an_error() {
    let place = Place::with(&[(
        "/up",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nCLOSE",
    )])
    .await;
    let got = place.ask("GET /up HTTP/1.1", "").await;
    assert_eq!(status(&got), "502", "{got}");
}

#[tokio::test]
async fn a_post_that_a_version_has_read_is_not_sent_again() {
    let place = Place::with(&[("/gone", "CLOSE")]).await;
    let got = place
        .ask("POST /gone HTTP/1.1", "Content-Length: 0\r\n")
        .await;
    assert_eq!(status(&got), "502", "{got}");
    assert_eq!(place.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_cut_is_not_ended_as_if_it_were_whole() {
    let place = Place::with(&[(
        "/cut",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nCLOSE",
    )])
    .await;
    let mut stream = TcpStream::connect(place.proxy).await.unwrap();
    stream
        .write_all(b"GET /cut HTTP/1.1\r\nHost: shop.test\r\n\r\n")
        .await
        .unwrap();
    let mut got = Vec::new();
    // A reset is as good a sign as an end without the last chunk.
    let _ = stream.read_to_end(&mut got).await;
    let got = String::from_utf8_lossy(&got);
    assert!(!got.contains("\r\n0\r\n\r\n"), "{got}");
}
