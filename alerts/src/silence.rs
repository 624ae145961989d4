//! Silences: no messages about a known issue for a while, with an author and a reason.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tollgate_report::Timestamp;

use crate::AlertEvent;

/// No message about alerts that match, until it expires. All named conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Only alerts of this component; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Only alerts of this name; a trailing `*` matches any ending; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only alerts with these labels; empty means any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Who silenced it.
    pub author: String,
    /// Why, such as the number of the known issue.
    pub reason: String,
    /// When messages start again, RFC 3339.
    pub expires: Timestamp,
}

impl Silence {
    /// Whether this silence holds for `event` at `now`.
    #[must_use]
    pub fn covers(&self, event: &AlertEvent, now: Timestamp) -> bool {
        now < self.expires
            && self
                .component
                .as_ref()
                .is_none_or(|component| *component == event.component)
            && self
                .name
                .as_ref()
                .is_none_or(|name| match name.strip_suffix('*') {
                    Some(start) => event.name.starts_with(start),
                    None => *name == event.name,
                })
            && self
                .labels
                .iter()
                .all(|(key, value)| event.labels.get(key) == Some(value))
    }

    /// What is missing for this silence to be taken: a matcher, an author or a reason.
    #[must_use]
    pub fn missing(&self) -> Option<&'static str> {
        if self.component.is_none() && self.name.is_none() && self.labels.is_empty() {
            Some("a matcher (component, name or labels)")
        } else if self.author.trim().is_empty() {
            Some("an author")
        } else if self.reason.trim().is_empty() {
            Some("a reason")
        } else {
            None
        }
    }
}
