//! A notification in words: first line what broke, how badly, since when; then evidence, what was
//! done by itself, and what to do. Templates are tera, each escaped for its target.
//!
//! It must not know how a message is sent.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tera::{Context, Tera};
use tollgate_report::Timestamp;
use tollgate_report::render::printable;

use crate::change::{Kind, Notification};
use crate::event::clip;
use crate::view::{one_line, view};
use crate::{Action, AlertEvent, Number, Severity, slack};

/// A template could not be read or filled.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file could not be read.
    #[error("read the template `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The text is not a template.
    #[error("parse the template `{name}`")]
    Parse {
        /// Its name or path.
        name: String,
        /// What tera said, with line and column.
        #[source]
        source: Box<tera::Error>,
    },
    /// The template uses what is not there.
    #[error("fill the template `{name}`")]
    Fill {
        /// Its name.
        name: &'static str,
        /// What tera said.
        #[source]
        source: Box<tera::Error>,
    },
}

/// The three templates: text (console, email), HTML (email) and Slack's mrkdwn.
#[derive(Debug)]
pub struct Templates {
    text: Tera,
    html: Tera,
    slack: Tera,
}

const TEXT: &str = "message.txt";
const HTML: &str = "message.html";
const SLACK: &str = "message.slack";

impl Templates {
    /// The embedded templates; a file of the same name in `folder` replaces one. Each is filled
    /// once with a sample, so that a mistake shows at the start and not in the night.
    pub fn load(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let templates = Self {
            text: engine(
                TEXT,
                include_str!("../templates/message.txt"),
                folder,
                printable_line,
            )?,
            html: engine(
                HTML,
                include_str!("../templates/message.html"),
                folder,
                escape_html,
            )?,
            slack: engine(
                SLACK,
                include_str!("../templates/message.slack"),
                folder,
                slack::escape,
            )?,
        };
        templates.render(&sample("sample", Timestamp::EPOCH), Timestamp::EPOCH)?;
        Ok(templates)
    }

    /// The message in all its forms. Same notification and same `now`, same bytes.
    pub fn render(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Rendered, TemplateError> {
        let view = view(notification, now);
        let mut context = Context::new();
        context.insert("m", &view);
        let fill = |tera: &Tera, name| {
            tera.render(name, &context)
                .map_err(|source| TemplateError::Fill {
                    name,
                    source: Box::new(source),
                })
        };
        let sections = fill(&self.slack, SLACK)?;
        Ok(Rendered {
            text: fill(&self.text, TEXT)?,
            html: fill(&self.html, HTML)?,
            slack: slack::message(&view.headline, &sections, &view.id),
            subject: subject(&view.headline),
            webhook: webhook_body(notification, &view.headline),
        })
    }
}

fn engine(
    name: &'static str,
    embedded: &str,
    folder: Option<&Path>,
    escape: fn(&str) -> String,
) -> Result<Tera, TemplateError> {
    let own = folder
        .map(|folder| folder.join(name))
        .filter(|path| path.exists());
    let (shown, text) = match own {
        Some(path) => match fs::read_to_string(&path) {
            Ok(text) => (path.display().to_string(), text),
            Err(source) => return Err(TemplateError::Read { path, source }),
        },
        None => (name.to_owned(), embedded.to_owned()),
    };
    let mut tera = Tera::default();
    tera.autoescape_on(vec![name]);
    tera.set_escape_fn(escape);
    tera.add_raw_template(name, &text)
        .map_err(|source| TemplateError::Parse {
            name: shown,
            source: Box::new(source),
        })?;
    Ok(tera)
}

/// A message in the form of each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// One line for a mail's subject: no control characters, at most 200 characters.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
    /// Slack's JSON, within Slack's limits.
    pub slack: Value,
    /// The webhook's JSON.
    pub webhook: Value,
}

fn printable_line(text: &str) -> String {
    printable(text)
}

fn escape_html(text: &str) -> String {
    tera::escape_html(text)
}

/// One line for a mail's subject, at most 200 characters.
fn subject(headline: &str) -> String {
    let mut subject = one_line(headline);
    clip(&mut subject, 200);
    subject
}

/// The webhook's JSON, version 1.
fn webhook_body(notification: &Notification, headline: &str) -> Value {
    serde_json::json!({
        "version": 1,
        "type": "tollgate.alert",
        "timestamp": notification.at,
        "data": {
            "notification": notification.id,
            "kind": notification.kind,
            "component": notification.component,
            "severity": notification.severity,
            "headline": headline,
            "alerts": notification.alerts,
            "overflow": notification.overflow,
        },
    })
}

/// The message that `alert test` sends.
#[must_use]
pub fn sample(id: &str, now: Timestamp) -> Notification {
    let mut event = AlertEvent::firing(
        "tollgate",
        "test",
        Severity::Info,
        "this is only a test",
        now,
    );
    event.how_badly = "nothing is broken".to_owned();
    event.evidence = vec![Number::new("answers", 42.0, "").limit(100.0)];
    event.done = vec!["nothing".to_owned()];
    event.actions = vec![Action::command(
        "nothing to do; see all alerts with",
        "cargo xtask alert list",
    )];
    Notification {
        id: id.to_owned(),
        kind: Kind::Sample,
        component: event.component.clone(),
        severity: event.severity,
        at: now,
        alerts: vec![event],
        overflow: None,
        is_exempt: true,
    }
}
