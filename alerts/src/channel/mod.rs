//! Channels: each sends a rendered message in the form of one kind of receiver. One file for each
//! kind, and one row in the table below.
//!
//! A channel does not decide whether or when a message is sent. It reports how an attempt ended:
//! accepted, to be tried again, or rejected.

pub mod console;
mod contract;
pub mod email;
mod http;
pub mod ntfy;
pub mod slack;
pub mod webhook;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use console::{Console, paint};
pub use contract::{Channel, ChannelError, Outgoing, Sending};

use crate::message::{HTML, TEXT, Template};
use contract::{Opening, Section};

/// Makes the settings of a receiver out of the rows: `kind` is the name of a row in snake case,
/// and the module of the row defines `Settings` for it.
macro_rules! channels {
    ($($(#[$doc:meta])+ $kind:ident => $module:ident,)+) => {
        /// Where messages go.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum Receiver {
            $($(#[$doc])+ $kind($module::Settings),)+
        }

        impl Receiver {
            fn section(&self) -> &dyn Section {
                match self {
                    $(Self::$kind(settings) => settings,)+
                }
            }
        }
    };
}

channels! {
    /// The terminal or log of the command that runs.
    Console => console,
    /// Email by SMTP.
    Email => email,
    /// A topic of an ntfy server, which notifies phones and desktops.
    Ntfy => ntfy,
    /// A Slack incoming webhook.
    Slack => slack,
    /// A signed HTTP request.
    Webhook => webhook,
}

/// The templates of messages: two that channels share, and those of single channels.
pub const TEMPLATES: &[Template] = &[TEXT, HTML, slack::TEMPLATE];

impl Receiver {
    /// Opens the receiver `name` of the settings.
    pub fn open(&self, name: &str, console: &Console) -> Result<Box<dyn Channel>, ChannelError> {
        let console = &|| Box::new(console.clone()) as Box<dyn Channel>;
        self.section().open(&Opening { name, console })
    }
}
