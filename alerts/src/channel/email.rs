//! Email by lettre: text and HTML in one message, with a Message-ID that follows from the row's id.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, Mailboxes, MultiPart, MultiPartKind, SinglePart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;
use tollgate_report::quantity::Span;

use super::contract::{Channel, ChannelError, Opening, Outgoing, Section, Sending, TIMEOUT};
use crate::attempt::Sent;
use crate::secret::SecretSource;

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Tls")]
pub enum Protection {
    /// Not at all; only for a mail server on the same machine.
    None,
    /// STARTTLS, required.
    Starttls,
    /// TLS from the first byte.
    #[default]
    Tls,
}

/// Email by SMTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name of the mail server; default `localhost`.
    pub host: String,
    /// Port; default 465 with `tls`, 587 with `starttls`, 25 with `none`.
    pub port: Option<u16>,
    /// `tls` (default), `starttls` or `none`.
    pub tls: Protection,
    /// Sender; default `tollgate@localhost`.
    pub from: String,
    /// Addresses that get the message; at least one.
    pub to: Vec<String>,
    /// User name, if the server requires one.
    pub username: Option<String>,
    /// Where the password is, if the server requires one.
    pub password: Option<SecretSource>,
    /// Longest time for one message; default `10s`.
    pub timeout: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: None,
            tls: Protection::default(),
            from: "tollgate@localhost".to_owned(),
            to: Vec::new(),
            username: None,
            password: None,
            timeout: TIMEOUT,
        }
    }
}

impl Section for Settings {
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        let from = self.from.parse().ok();
        let from = from.ok_or_else(|| opening.wrong("from", "a mail address"))?;
        let mut to = Mailboxes::new();
        for address in &self.to {
            let mailbox = address.parse().ok();
            to.push(mailbox.ok_or_else(|| opening.wrong("to", "a list of mail addresses"))?);
        }
        if self.to.is_empty() {
            return Err(opening.wrong("to", "a list of at least one mail address"));
        }
        Ok(Box::new(Email {
            from,
            to,
            timeout: self.timeout.0,
            transport: transport(opening, self)?,
        }))
    }
}

/// An open mail receiver.
struct Email {
    from: Mailbox,
    to: Mailboxes,
    timeout: Duration,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl fmt::Debug for Email {
    // The transport holds the password; nothing of it is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Email").finish_non_exhaustive()
    }
}

impl Email {
    async fn post(&self, outgoing: &Outgoing<'_>) -> Sent {
        let message = match compose(&self.from, &self.to, outgoing) {
            Ok(message) => message,
            Err(error) => {
                return Sent::Refused {
                    why: format!("cannot compose the mail: {error}"),
                };
            }
        };
        // A lost branch drops the connection; the message may have arrived, and keeps its id.
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Sent::Taken,
            Ok(Err(error)) => read_error(&error),
            Err(_) => Sent::later("no answer in time"),
        }
    }
}

impl Channel for Email {
    fn send<'a>(&'a self, outgoing: &'a Outgoing<'a>, _now: Timestamp) -> Sending<'a> {
        Box::pin(self.post(outgoing))
    }
}

fn transport(
    opening: &Opening<'_>,
    settings: &Settings,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, ChannelError> {
    let tls_parameters = || {
        TlsParameters::new(settings.host.clone()).map_err(|source| ChannelError::Email {
            receiver: opening.name.to_owned(),
            source,
        })
    };
    let (tls, port) = match settings.tls {
        Protection::None => (Tls::None, 25),
        Protection::Starttls => (Tls::Required(tls_parameters()?), 587),
        Protection::Tls => (Tls::Wrapper(tls_parameters()?), 465),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
        .port(settings.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(settings.timeout.0));
    if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
        let password = opening.secret(password)?.expose_secret().to_owned();
        builder = builder.credentials(Credentials::new(username.clone(), password));
    }
    Ok(builder.build())
}

/// The mail. The same row and message give the same bytes.
fn compose(
    from: &Mailbox,
    to: &Mailboxes,
    outgoing: &Outgoing<'_>,
) -> Result<Message, lettre::error::Error> {
    let id = &outgoing.row.id;
    let seconds = outgoing
        .rendered
        .notification
        .at
        .as_micros()
        .div_euclid(1_000_000);
    let written = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    let part = |content_type, text: &str| {
        SinglePart::builder()
            .header(content_type)
            .body(text.to_owned())
    };
    Message::builder()
        .from(from.clone())
        .mailbox(header::To::from(to.clone()))
        .subject(outgoing.rendered.subject.clone())
        .message_id(Some(format!("<{id}@tollgate.invalid>")))
        .date(written)
        .multipart(
            MultiPart::builder()
                .kind(MultiPartKind::Alternative)
                .boundary(format!("tollgate-{id}"))
                .singlepart(part(
                    header::ContentType::TEXT_PLAIN,
                    outgoing.rendered.text(),
                ))
                .singlepart(part(
                    header::ContentType::TEXT_HTML,
                    outgoing.rendered.html(),
                )),
        )
}

/// Only the code of the answer is kept, as its text may repeat an address or a password.
fn read_error(error: &lettre::transport::smtp::Error) -> Sent {
    let why = match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None if error.is_tls() => "TLS with the mail server failed".to_owned(),
        None => "no connection to the mail server, or it broke".to_owned(),
    };
    if error.is_permanent() {
        Sent::Refused { why }
    } else {
        Sent::later(why)
    }
}
