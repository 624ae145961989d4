//! The console: the message's text with a coloured first line, on the writer of the command.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;
use tollgate_report::render::Paint;

use super::contract::{Channel, ChannelError, Opening, Outgoing, Section, Sending};
use crate::Severity;
use crate::attempt::Sent;
use crate::change::{Kind, Notification};

/// The terminal or log of the command that runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {}

impl Section for Settings {
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Channel>, ChannelError> {
        Ok((opening.console)())
    }
}

/// Where console messages go, and whether in colour.
#[derive(Clone)]
pub struct Console {
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    paint: Paint,
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("paint", &self.paint)
            .finish_non_exhaustive()
    }
}

impl Console {
    /// A console that writes to `writer`.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>, paint: Paint) -> Self {
        Self {
            writer: Arc::new(Mutex::new(writer)),
            paint,
        }
    }
}

impl Channel for Console {
    fn send<'a>(&'a self, outgoing: &'a Outgoing<'a>, _now: Timestamp) -> Sending<'a> {
        let rendered = outgoing.rendered;
        let text = paint(rendered.text(), &rendered.notification, self.paint);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = match write(&mut *writer, &text) {
            Ok(()) => Sent::Taken,
            Err(error) => Sent::later(format!("cannot write to the console: {}", error.kind())),
        };
        Box::pin(std::future::ready(sent))
    }
}

fn write(writer: &mut dyn Write, text: &str) -> io::Result<()> {
    writer.write_all(text.as_bytes())?;
    writer.flush()
}

/// The text with its first line in the colour of its kind and severity.
#[must_use]
pub fn paint(text: &str, notification: &Notification, paint: Paint) -> String {
    let code = match (notification.kind, notification.severity) {
        (Kind::Resolved, _) => "1;32",
        (_, Severity::Critical) => "1;31",
        (_, Severity::Warning) => "1;33",
        (_, Severity::Info) => "1;36",
    };
    match (paint, text.split_once('\n')) {
        (Paint::Colour, Some((first, rest))) => format!("\x1b[{code}m{first}\x1b[0m\n{rest}"),
        _ => text.to_owned(),
    }
}
