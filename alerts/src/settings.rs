//! The `[alerts]` section of `tollgate.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::quantity::Span;
use tollgate_report::suggest::nearest;

use crate::Severity;
use crate::rulebook::rulebook;
use crate::rules::Rule;
use crate::secret::SecretSource;
use crate::silence::Silence;

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
    /// How alerts are put together into one message.
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
                Receiver::Console(Console::default()),
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

/// A change to a built-in rule, or a rule of your own. What is absent keeps its built-in value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuleSettings {
    /// Whether the rule is off; default false.
    pub off: bool,
    /// Name of the metric whose samples count; needed for a rule of your own.
    pub metric: Option<String>,
    /// Broken above this value, in the metric's unit.
    pub above: Option<f64>,
    /// Broken below this value, in the metric's unit.
    pub below: Option<f64>,
    /// Broken at so many bad samples within `window`.
    pub count: Option<u32>,
    /// How far back samples count.
    pub window: Option<Span>,
    /// How long the condition must hold.
    #[serde(rename = "for")]
    pub hold: Option<Span>,
    /// `info`, `warning` or `critical`.
    pub severity: Option<Severity>,
    /// After it is resolved, how long until it may fire again.
    pub cooldown: Option<Span>,
    /// What broke, in words.
    pub summary: Option<String>,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Receiver {
    /// The terminal or log of the command that runs.
    Console(Console),
    /// Email by SMTP.
    Email(Email),
    /// A Slack incoming webhook.
    Slack(Slack),
    /// A signed HTTP request.
    Webhook(Webhook),
}

/// The terminal or log of the command that runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Console {}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
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
pub struct Email {
    /// Name of the mail server; default `localhost`.
    pub host: String,
    /// Port; default 465 with `tls`, 587 with `starttls`, 25 with `none`.
    pub port: Option<u16>,
    /// `tls` (default), `starttls` or `none`.
    pub tls: Tls,
    /// Sender; default `tollgate@localhost`.
    pub from: String,
    /// Addresses that get the message; at least one.
    pub to: Vec<String>,
    /// User name, when the server asks for one.
    pub username: Option<String>,
    /// Where the password is, when the server asks for one.
    pub password: Option<SecretSource>,
    /// Longest time for one message; default `10s`.
    pub timeout: Span,
}

impl Default for Email {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: None,
            tls: Tls::default(),
            from: "tollgate@localhost".to_owned(),
            to: Vec::new(),
            username: None,
            password: None,
            timeout: TIMEOUT,
        }
    }
}

/// A Slack incoming webhook. Its address is a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Slack {
    /// Where the webhook's address is.
    pub url: SecretSource,
    /// Longest time for one message; default `10s`.
    pub timeout: Span,
}

impl Default for Slack {
    fn default() -> Self {
        Self {
            url: SecretSource::default(),
            timeout: TIMEOUT,
        }
    }
}

/// A signed HTTP request; see [`crate::sign`] for its form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    /// Address that gets a POST.
    pub url: String,
    /// Where the signing secret is.
    pub secret: SecretSource,
    /// Longest time for one message; default `10s`.
    pub timeout: Span,
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: SecretSource::default(),
            timeout: TIMEOUT,
        }
    }
}

const TIMEOUT: Span = Span(Duration::from_secs(10));

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

/// Most messages per component in a sliding window; the rest becomes one digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// Most messages in the window; default 10.
    pub messages: u32,
    /// Length of the sliding window; default `5m`.
    pub window: Span,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            messages: 10,
            window: Span(Duration::from_secs(300)),
        }
    }
}

/// How alerts are put together: alerts of one component with the same values of `by` share a message.
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

/// How a message that failed is tried again: `first · 2^n`, at most `longest`, each times 0.5–1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Wait before the second attempt; default `1s`.
    pub first: Span,
    /// Longest wait between attempts; default `5m`. A server's `Retry-After` may ask for up to an hour.
    pub longest: Span,
    /// Attempts before a message becomes a dead letter; default 60, more than two hours.
    pub attempts: u32,
    /// Seed of the jitter; default 0.
    pub seed: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Span(Duration::from_secs(1)),
            longest: Span(Duration::from_secs(300)),
            attempts: 60,
            seed: 0,
        }
    }
}

/// The settings contradict themselves.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// A rule of this name is neither built in nor complete.
    #[error("use the rule `alerts.rules.{name}`: it is not built in{}, so it needs `metric` and one of `above`, `below`, `count`", hint(.nearest))]
    Rule {
        /// The rule.
        name: String,
        /// A built-in rule with nearly this name.
        nearest: Option<String>,
    },
    /// A route names a receiver that does not exist.
    #[error("use the route `alerts.routes[{index}]`: there is no receiver `{receiver}`{}", hint(.nearest))]
    Route {
        /// Position of the route, from 0.
        index: usize,
        /// The receiver that is not there.
        receiver: String,
        /// A receiver with nearly this name.
        nearest: Option<String>,
    },
    /// A silence lacks something.
    #[error("use the silence `alerts.silences[{index}]`: it lacks {what}")]
    Silence {
        /// Position of the silence, from 0.
        index: usize,
        /// What it lacks.
        what: &'static str,
    },
    /// A number makes no sense.
    #[error("use `alerts.{key}`: it must be above zero")]
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
        rulebook(&self.rules)
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
