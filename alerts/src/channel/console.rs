//! The console: the message's text with a coloured first line, on a writer that is handed in.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tollgate_report::render::Paint;

use super::Outgoing;
use crate::Severity;
use crate::change::{Kind, Notification};
use crate::outbox::Sent;

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

    pub(super) fn send(&self, outgoing: &Outgoing<'_>) -> Sent {
        let text = paint(&outgoing.rendered.text, outgoing.notification, self.paint);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match write(&mut *writer, &text) {
            Ok(()) => Sent::Taken,
            Err(error) => Sent::Later {
                why: format!("the console answered: {}", error.kind()),
                retry_after: None,
            },
        }
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
