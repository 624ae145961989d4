//! A small mail server: RFC 5321 as far as a client needs it (EHLO, HELO, MAIL, RCPT, DATA, RSET,
//! NOOP, QUIT), with bounds on lines and sizes. It delivers to its record and nowhere else.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::record::{Failure, IDLE, Inner, Received, SIZE_LIMIT, Which};

/// Longest line: 1,000 octets with its end (RFC 5321, 4.5.3.1.6).
const LINE_LIMIT: u64 = 1_000;
/// Most recipients of one mail (RFC 5321, 4.5.3.1.8).
const N_RECIPIENTS: usize = 100;

struct Session {
    stream: BufReader<TcpStream>,
    has_greeted: bool,
    from: Option<String>,
    to: Vec<String>,
}

impl Session {
    async fn reply(&mut self, text: &str) -> io::Result<()> {
        self.stream
            .get_mut()
            .write_all(format!("{text}\r\n").as_bytes())
            .await
    }

    /// One line without its end; `None` at the end of the stream. A line too long or too slow is an error.
    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE_LIMIT);
        let read = limited.read_until(b'\n', &mut line);
        let n = tokio::time::timeout(IDLE, read)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if n == 0 {
            return Ok(None);
        }
        let Some(text) = line.strip_suffix(b"\n") else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a line without end, or too long",
            ));
        };
        Ok(Some(text.strip_suffix(b"\r").unwrap_or(text).to_vec()))
    }

    fn reset(&mut self) {
        self.from = None;
        self.to.clear();
    }
}

pub(super) async fn serve(stream: TcpStream, inner: Arc<Inner>) -> io::Result<()> {
    let mut session = Session {
        stream: BufReader::new(stream),
        has_greeted: false,
        from: None,
        to: Vec::new(),
    };
    // A failure is met once per connection: a client sends one mail over each.
    let failure = inner.next_failure(Which::Smtp);
    match failure {
        Some(Failure::Close) => return Ok(()),
        Some(Failure::Code(421)) => return session.reply("421 loopback not available").await,
        _ => session.reply("220 loopback ESMTP tollgate").await?,
    }
    while let Some(line) = session.line().await? {
        let line = String::from_utf8_lossy(&line).into_owned();
        let (verb, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                session.has_greeted = true;
                session.reset();
                let size = format!(
                    "250-loopback\r\n250-SIZE {SIZE_LIMIT}\r\n250-8BITMIME\r\n250 SMTPUTF8"
                );
                session.reply(&size).await?;
            }
            "HELO" => {
                session.has_greeted = true;
                session.reset();
                session.reply("250 loopback").await?;
            }
            "MAIL" => mail(&mut session, rest).await?,
            "RCPT" => recipient(&mut session, rest).await?,
            "DATA" => {
                if !data(&mut session, &inner, failure).await? {
                    return Ok(());
                }
            }
            "RSET" => {
                session.reset();
                session.reply("250 ok").await?;
            }
            "NOOP" => session.reply("250 ok").await?,
            "QUIT" => return session.reply("221 bye").await,
            "STARTTLS" | "AUTH" | "VRFY" | "EXPN" | "HELP" => session.reply("502 not here").await?,
            _ => session.reply("500 not understood").await?,
        }
    }
    Ok(())
}

/// The address between angle brackets after `FROM:` or `TO:`.
fn address(rest: &str, keyword: &str) -> Option<String> {
    let start = rest.get(..keyword.len())?;
    if !start.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let rest = rest[keyword.len()..].trim_start().strip_prefix('<')?;
    let (address, _) = rest.split_once('>')?;
    Some(address.to_owned())
}

async fn mail(session: &mut Session, rest: &str) -> io::Result<()> {
    match (session.has_greeted, &session.from, address(rest, "FROM:")) {
        (false, ..) => session.reply("503 greet first").await,
        (_, Some(_), _) => session.reply("503 one mail at a time").await,
        (_, None, None) => session.reply("501 MAIL FROM:<address>").await,
        (_, None, Some(address)) => {
            session.from = Some(address);
            session.reply("250 ok").await
        }
    }
}

async fn recipient(session: &mut Session, rest: &str) -> io::Result<()> {
    match (&session.from, address(rest, "TO:")) {
        (None, _) => session.reply("503 MAIL first").await,
        (_, None) => session.reply("501 RCPT TO:<address>").await,
        (_, Some(address)) if address.is_empty() => session.reply("501 RCPT TO:<address>").await,
        (_, Some(_)) if session.to.len() >= N_RECIPIENTS => {
            session.reply("452 too many recipients").await
        }
        (_, Some(address)) => {
            session.to.push(address);
            session.reply("250 ok").await
        }
    }
}

/// Takes the mail's lines up to the lone dot. Returns whether the session continues.
async fn data(session: &mut Session, inner: &Inner, failure: Option<Failure>) -> io::Result<bool> {
    if session.to.is_empty() {
        session.reply("503 RCPT first").await?;
        return Ok(true);
    }
    session.reply("354 end with a lone dot").await?;
    let mut text = String::new();
    let mut is_too_large = false;
    loop {
        let Some(line) = session.line().await? else {
            return Ok(false);
        };
        if line == b"." {
            break;
        }
        // Dot-stuffing (RFC 5321, 4.5.2): a first dot was added by the client.
        let line = line.strip_prefix(b".").unwrap_or(&line);
        is_too_large |= text.len() + line.len() > SIZE_LIMIT;
        if !is_too_large {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
    }
    match failure {
        Some(Failure::Code(code)) => session.reply(&format!("{code} scripted failure")).await?,
        Some(Failure::RetryAfter(_)) => session.reply("451 later").await?,
        _ if is_too_large => session.reply("552 too large").await?,
        _ => {
            inner.record(received(session, &text, inner));
            if failure == Some(Failure::LoseAnswer) {
                return Ok(false);
            }
            session.reply("250 taken").await?;
        }
    }
    session.reset();
    Ok(true)
}

fn received(session: &Session, text: &str, inner: &Inner) -> Received {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    // A line that starts with a blank goes on with the header before it (RFC 5322, 2.2.3).
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    for line in unfolded.lines() {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    headers.insert(
        "envelope-from".to_owned(),
        session.from.clone().unwrap_or_default(),
    );
    headers.insert("envelope-to".to_owned(), session.to.join(", "));
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    Received {
        receiver: Which::Smtp,
        at: inner.clock.now(),
        id: header("message-id"),
        first_line: header("subject"),
        body: body.to_owned(),
        headers,
    }
}
