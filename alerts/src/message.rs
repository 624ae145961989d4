//! A notification as a message: the first line names what broke, how badly and since when; then
//! come the evidence, what was done automatically, and what to do. Templates are tera, and each
//! escapes for its target.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tera::{Context, Tera};
use tollgate_report::Timestamp;
use tollgate_report::program::MARKER;
use tollgate_report::render::printable;

use crate::change::{Kind, Notification};
use crate::event::clip;
use crate::notification::spelled;
use crate::view::{one_line, view};
use crate::{Action, AlertEvent, Number, Severity};

/// A template cannot be read or filled.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The file cannot be read.
    #[error("cannot read the template `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: std::io::Error,
    },
    /// The text is not a template.
    #[error("cannot parse the template `{name}`")]
    Parse {
        /// Its name or path.
        name: String,
        /// The error of tera, with line and column.
        #[source]
        source: Box<tera::Error>,
    },
    /// The template uses a variable that does not exist.
    #[error("cannot fill the template `{name}`")]
    Fill {
        /// Its name.
        name: &'static str,
        /// The error of tera.
        #[source]
        source: Box<tera::Error>,
    },
}

/// A template that is part of this crate. A file of its name in the user's folder replaces it.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// Its file name.
    pub name: &'static str,
    /// Its text.
    pub embedded: &'static str,
    /// Escapes text that comes from outside for the template's target.
    pub escape: fn(&str) -> String,
}

/// Plain text.
pub const TEXT: Template = Template {
    name: "message.txt",
    embedded: include_str!("../templates/message.txt"),
    escape: printable_line,
};

/// HTML, for email.
pub const HTML: Template = Template {
    name: "message.html",
    embedded: include_str!("../templates/message.html"),
    escape: tera_escape,
};

/// All templates, parsed.
#[derive(Debug)]
pub struct Templates {
    engines: Vec<(&'static str, Tera)>,
    program: String,
}

impl Templates {
    /// Loads `templates`; a file of the same name in `folder` replaces one. Fills each once with a
    /// sample, so that a mistake is reported at the start rather than with the first alert.
    /// Messages name commands of `program`.
    pub fn load(
        templates: &[Template],
        folder: Option<&Path>,
        program: &str,
    ) -> Result<Self, TemplateError> {
        let engines = templates
            .iter()
            .map(|template| Ok((template.name, engine(template, folder)?)))
            .collect::<Result<_, TemplateError>>()?;
        let templates = Self {
            engines,
            program: program.to_owned(),
        };
        templates.render(&sample("sample", Timestamp::EPOCH), Timestamp::EPOCH)?;
        Ok(templates)
    }

    /// The message with all templates filled. The same notification and `now` give the same bytes.
    pub fn render(
        &self,
        notification: &Notification,
        now: Timestamp,
    ) -> Result<Rendered, TemplateError> {
        let notification = spelled(notification, &self.program);
        let view = view(&notification, now, &self.program);
        let mut context = Context::new();
        context.insert("m", &view);
        let mut filled = BTreeMap::new();
        for (name, tera) in &self.engines {
            let text = tera
                .render(name, &context)
                .map_err(|source| TemplateError::Fill {
                    name,
                    source: Box::new(source),
                })?;
            filled.insert(*name, text);
        }
        let mut subject = one_line(&view.headline);
        clip(&mut subject, 200);
        Ok(Rendered {
            headline: view.headline,
            subject,
            program: self.program.clone(),
            notification,
            filled,
        })
    }
}

fn engine(template: &Template, folder: Option<&Path>) -> Result<Tera, TemplateError> {
    let own = folder
        .map(|folder| folder.join(template.name))
        .filter(|path| path.exists());
    let (shown, text) = match own {
        Some(path) => match fs::read_to_string(&path) {
            Ok(text) => (path.display().to_string(), text),
            Err(source) => return Err(TemplateError::Read { path, source }),
        },
        None => (template.name.to_owned(), template.embedded.to_owned()),
    };
    let mut tera = Tera::default();
    tera.autoescape_on(vec![template.name]);
    tera.set_escape_fn(template.escape);
    tera.add_raw_template(template.name, &text)
        .map_err(|source| TemplateError::Parse {
            name: shown,
            source: Box::new(source),
        })?;
    Ok(tera)
}

/// A message, from which each channel makes its form.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// What broke, how badly and since when, in one line.
    pub headline: String,
    /// The headline for a mail's subject: no control characters, at most 200 characters.
    pub subject: String,
    /// The name by which the program was called.
    pub program: String,
    /// The notification, with the program's name filled in.
    pub notification: Notification,
    filled: BTreeMap<&'static str, String>,
}

impl Rendered {
    /// Plain text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.filled(&TEXT)
    }

    /// HTML.
    #[must_use]
    pub fn html(&self) -> &str {
        self.filled(&HTML)
    }

    /// A template, filled; empty if it was not loaded.
    #[must_use]
    pub fn filled(&self, template: &Template) -> &str {
        self.filled.get(template.name).map_or("", String::as_str)
    }
}

fn printable_line(text: &str) -> String {
    printable(text)
}

fn tera_escape(text: &str) -> String {
    tera::escape_html(text)
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
        "nothing to do; all alerts are listed by",
        format!("{MARKER} alert list"),
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
