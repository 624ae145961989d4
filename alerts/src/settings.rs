//! The `[alerts]` section of `tollgate.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;
use tollgate_report::suggest::nearest;

use crate::Severity;
use crate::channel::console;
use crate::rulebook::{UnknownRule, rulebook};
use crate::rules::Rule;
use crate::silence::Silence;

// The sections of the parts of this crate, each defined next to the code that uses it.
pub use crate::channel::Receiver;
pub use crate::limit::Limit;
pub use crate::retry::Retry;
pub use crate::rulebook::RuleSettings;

/// Rules, receivers, silences, limits and routes of alerts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Journal of alerts and messages, relative to the repository; default `.tollgate/alerts/outbox.ndjson`.
    pub journal: PathBuf,
    /// Changes to built-in rules, and rules of your own, by name; default none.
    pub rules: BTreeMap<String, RuleSettings>,
    /// Where messages go, by name; default one console receiver named `console`.
    pub receivers: BTreeMap<String, Receiver>,
    /// Which alerts go where: the first route that matches decides; default everything to everyone.
    pub routes: Vec<Route>,
    /// Known issues that keep quiet until they expire; default none.
    pub silences: Vec<Silence>,
    /// Most messages per component; default 10 in 5m.
    pub limit: Limit,
    /// How alerts are combined into one message.
    pub group: Group,
    /// How often a message is tried again before it becomes a dead letter.
    pub retry: Retry,
    /// Folder with own `message.txt`, `message.html` or `message.slack` (tera); default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            journal: PathBuf::from(".tollgate/alerts/outbox.ndjson"),
            rules: BTreeMap::new(),
            receivers: BTreeMap::from([(
                "console".to_owned(),
                Receiver::Console(console::Settings::default()),
            )]),
            routes: Vec::new(),
            silences: Vec::new(),
            limit: Limit::default(),
            group: Group::default(),
            retry: Retry::default(),
            templates: None,
        }
    }
}

/// Which alerts go to which receivers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Route {
    /// Only alerts of this component; default any.
    pub component: Option<String>,
    /// Only alerts at least this severe; default any.
    pub severity: Option<Severity>,
    /// Names of the receivers.
    pub receivers: Vec<String>,
}

/// How alerts are combined: alerts of one component with the same values of `by` share a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// `name` or names of labels, besides the component; default `["name"]`.
    pub by: Vec<String>,
    /// How long a first alert waits for others of its group; default `0s`. A critical one never waits.
    pub wait: Span,
    /// Least time between two messages of one group; default `30s`.
    pub interval: Span,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            by: vec!["name".to_owned()],
            wait: Span(Duration::ZERO),
            interval: Span(Duration::from_secs(30)),
        }
    }
}

/// The settings contradict themselves.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A rule of this name is neither built in nor complete.
    #[error(transparent)]
    Rule(#[from] UnknownRule),
    /// A route names a receiver that does not exist.
    #[error("`alerts.routes[{index}].receivers` names `{receiver}`, which is not a receiver{}", hint(.nearest))]
    Route {
        /// Position of the route, from 0.
        index: usize,
        /// The receiver that does not exist.
        receiver: String,
        /// A receiver with nearly this name.
        nearest: Option<String>,
    },
    /// A silence lacks something.
    #[error("`alerts.silences[{index}]` lacks {what}")]
    Silence {
        /// Position of the silence, from 0.
        index: usize,
        /// What it lacks.
        what: &'static str,
    },
    /// A number is zero that must not be.
    #[error("`alerts.{key}` must be greater than zero")]
    Zero {
        /// The key.
        key: &'static str,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|name| format!(" (did you mean `{name}`?)"))
        .unwrap_or_default()
}

impl Settings {
    /// Checks what one field alone cannot: names, routes, silences and numbers.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.rulebook()?;
        for (index, route) in self.routes.iter().enumerate() {
            if let Some(receiver) = route
                .receivers
                .iter()
                .find(|name| !self.receivers.contains_key(*name))
            {
                let near = nearest(receiver, self.receivers.keys().map(String::as_str));
                return Err(SettingsError::Route {
                    index,
                    receiver: receiver.clone(),
                    nearest: near.map(str::to_owned),
                });
            }
        }
        for (index, silence) in self.silences.iter().enumerate() {
            if let Some(what) = silence.missing() {
                return Err(SettingsError::Silence { index, what });
            }
        }
        let zero = [
            ("limit.messages", self.limit.messages == 0),
            ("limit.window", self.limit.window.0.is_zero()),
            ("retry.attempts", self.retry.attempts == 0),
            ("retry.first", self.retry.first.0.is_zero()),
        ];
        match zero.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((key, _)) => Err(SettingsError::Zero { key }),
            None => Ok(()),
        }
    }

    /// The built-in rules with the changes of these settings, and the rules of your own.
    pub fn rulebook(&self) -> Result<BTreeMap<String, Rule>, SettingsError> {
        Ok(rulebook(&self.rules)?)
    }

    /// The names of the receivers of an alert: those of the first route that matches.
    /// Without routes, all receivers; with routes and none that matches, none.
    #[must_use]
    pub fn receivers_of(&self, component: &str, severity: Severity) -> Vec<String> {
        if self.routes.is_empty() {
            return self.receivers.keys().cloned().collect();
        }
        let route = self.routes.iter().find(|route| {
            route
                .component
                .as_ref()
                .is_none_or(|wanted| wanted == component)
                && route.severity.is_none_or(|least| severity >= least)
        });
        let mut names = route
            .map(|route| route.receivers.clone())
            .unwrap_or_default();
        names.sort();
        names.dedup();
        names
    }
}
