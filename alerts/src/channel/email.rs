//! Email by lettre: text and HTML in one message, with a Message-ID that follows from the row's id.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::{Mailbox, Mailboxes, MultiPart, MultiPartKind, SinglePart, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;

use super::{ChannelError, Outgoing};
use crate::outbox::Sent;
use crate::settings;

/// An open mail receiver.
pub struct Email {
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
    pub(super) fn open(name: &str, settings: &settings::Email) -> Result<Self, ChannelError> {
        let value = |key, expected| ChannelError::Value {
            receiver: name.to_owned(),
            key,
            expected,
        };
        let from = settings.from.parse().ok();
        let from = from.ok_or_else(|| value("from", "a mail address"))?;
        let mut to = Mailboxes::new();
        for address in &settings.to {
            let mailbox = address.parse().ok();
            to.push(mailbox.ok_or_else(|| value("to", "a list of mail addresses"))?);
        }
        if settings.to.is_empty() {
            return Err(value("to", "a list of at least one mail address"));
        }
        Ok(Self {
            from,
            to,
            timeout: settings.timeout.0,
            transport: transport(name, settings)?,
        })
    }

    pub(super) async fn send(&self, outgoing: &Outgoing<'_>) -> Sent {
        let message = match compose(&self.from, &self.to, outgoing) {
            Ok(message) => message,
            Err(error) => {
                return Sent::Refused {
                    why: format!("the mail cannot be written: {error}"),
                };
            }
        };
        // A lost branch drops the connection; the message may have arrived, and keeps its id.
        match tokio::time::timeout(self.timeout, self.transport.send(message)).await {
            Ok(Ok(_)) => Sent::Taken,
            Ok(Err(error)) => read_error(&error),
            Err(_) => Sent::Later {
                why: "no answer in time".to_owned(),
                retry_after: None,
            },
        }
    }
}

fn transport(
    name: &str,
    settings: &settings::Email,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, ChannelError> {
    let tls_parameters = || {
        TlsParameters::new(settings.host.clone()).map_err(|source| ChannelError::Email {
            receiver: name.to_owned(),
            source,
        })
    };
    let (tls, port) = match settings.tls {
        settings::Tls::None => (Tls::None, 25),
        settings::Tls::Starttls => (Tls::Required(tls_parameters()?), 587),
        settings::Tls::Tls => (Tls::Wrapper(tls_parameters()?), 465),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
        .port(settings.port.unwrap_or(port))
        .tls(tls)
        .timeout(Some(settings.timeout.0));
    if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
        let password = password.read().map_err(|source| ChannelError::Secret {
            receiver: name.to_owned(),
            source,
        })?;
        let password = password.expose_secret().to_owned();
        builder = builder.credentials(Credentials::new(username.clone(), password));
    }
    Ok(builder.build())
}

/// The mail: same row and words, same bytes.
pub(crate) fn compose(
    from: &Mailbox,
    to: &Mailboxes,
    outgoing: &Outgoing<'_>,
) -> Result<Message, lettre::error::Error> {
    let id = &outgoing.row.id;
    let seconds = outgoing.notification.at.as_micros().div_euclid(1_000_000);
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
                    &outgoing.rendered.text,
                ))
                .singlepart(part(
                    header::ContentType::TEXT_HTML,
                    &outgoing.rendered.html,
                )),
        )
}

/// Only the code of the answer is kept: its text may repeat an address or a password.
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
        Sent::Later {
            why,
            retry_after: None,
        }
    }
}
