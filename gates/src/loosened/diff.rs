//! Collects what is looser, with the key, both values and the place in the settings.

use std::collections::BTreeMap;
use std::fmt::Display;

use tollgate_report::{Day, Finding, Place};

use crate::settings::place_of;

/// Collects what is looser.
pub(super) struct Diff<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<(String, Finding)>,
}

impl<'a> Diff<'a> {
    /// Nothing yet, about a settings file with this text.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            found: Vec::new(),
        }
    }

    /// What is looser, each with its key.
    pub fn found(self) -> Vec<(String, Finding)> {
        self.found
    }

    /// Adds a finding about a key. `path` leads to the key in the file: names, and positions of
    /// lists as digits.
    pub fn add(
        &mut self,
        code: &str,
        (key, path): (&str, &[&str]),
        (before, after): (impl Display, impl Display),
        why: &str,
    ) {
        let message = format!("`{key}` was loosened from `{before}` to `{after}`");
        let (line, column) = place_of(self.text, path);
        let place = Place::at(self.file, line, column);
        let finding = Finding::error(code, message).because(why).at(place);
        self.found.push((key.to_owned(), finding));
    }

    /// As [`add`](Self::add), for a key whose path is the key itself.
    pub fn plain(
        &mut self,
        code: &str,
        key: &str,
        values: (impl Display, impl Display),
        why: &str,
    ) {
        let path: Vec<&str> = key.split('.').collect();
        self.add(code, (key, &path), values, why);
    }

    /// As [`add`](Self::add), for a key of another file.
    pub fn elsewhere(
        &mut self,
        code: &str,
        (file, key): (&str, &str),
        (before, after): (impl Display, impl Display),
        why: &str,
    ) {
        let message = format!("`{key}` of `{file}` was loosened from `{before}` to `{after}`");
        let finding = Finding::error(code, message)
            .because(why)
            .at(Place::file(file));
        let scope = format!("{file}:{key}");
        if self.found.iter().all(|(known, _)| *known != scope) {
            self.found.push((scope, finding));
        }
    }

    /// Adds a finding when `after` is more than `before`.
    pub fn raised<T: PartialOrd + Display>(
        &mut self,
        code: &str,
        at: (&str, &[&str]),
        (before, after): (T, T),
        why: &str,
    ) {
        if after > before {
            self.add(code, at, (before, after), why);
        }
    }

    /// Adds what a list has no longer.
    pub fn removed(
        &mut self,
        code: &str,
        key: &str,
        before: &[String],
        after: &[String],
        why: &str,
    ) {
        if before.iter().any(|item| !after.contains(item)) {
            self.plain(code, key, (list(before), list(after)), why);
        }
    }

    /// Adds what a list has now.
    pub fn grown(
        &mut self,
        code: &str,
        at: (&str, &[&str]),
        (before, after): (&[String], &[String]),
        why: &str,
    ) {
        if after.iter().any(|item| !before.contains(item)) {
            self.add(code, at, (list(before), list(after)), why);
        }
    }

    /// Adds names that may be unmeasured now, or for longer.
    pub fn unmeasured(
        &mut self,
        section: &str,
        before: &BTreeMap<String, Day>,
        after: &BTreeMap<String, Day>,
    ) {
        for (name, day) in after {
            let old = before.get(name);
            if old.is_none_or(|old| day > old) {
                let was = old.map_or_else(|| "never".to_owned(), |old| format!("until {old}"));
                let key = format!("{section}.unmeasured.{name}");
                let why = "what is not measured lets everything through";
                let path = [section, "unmeasured", name.as_str()];
                let values = (was, format!("until {day}"));
                self.add("settings-unmeasured", (&key, &path), values, why);
            }
        }
    }
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}
