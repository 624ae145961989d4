//! The parts that can be generated: models, client, server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::UnknownWord;

/// A part that can be generated.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Emit {
    /// The types of all schemas and messages.
    Models,
    /// One method per operation that calls a server.
    Client,
    /// The axum server: traits, requests, responses, router; Rust only.
    Server,
    /// A program that decodes and encodes instances of every type, for the proof of the wire:
    /// lines `{"type":PLACE,"value":JSON}` in, `{"ok":JSON,"violations":[{"path":POINTER,
    /// "message":TEXT}]}` or `{"error":TEXT,"violations":[…]}` out.
    #[serde(skip)]
    Wire,
}

impl Emit {
    /// The word used in settings and flags.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Client => "client",
            Self::Server => "server",
            Self::Wire => "wire",
        }
    }

    /// The part that a word of settings and flags names.
    ///
    /// # Errors
    /// No part has this word.
    pub fn parse(word: &str) -> Result<Self, UnknownWord> {
        let parts = [Self::Models, Self::Client, Self::Server];
        let found = parts.into_iter().find(|part| part.word() == word);
        found.ok_or_else(|| UnknownWord::new(word, "part", &["models", "client", "server"]))
    }
}
