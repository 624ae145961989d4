//! What the generated checks leave out: patterns and formats.

use std::collections::BTreeMap;

use tollgate_models::FieldError;
use tollgate_report::Timestamp;

use crate::problem::Refused;

/// The fields of one request that are not valid.
#[derive(Debug, Default)]
pub struct Checks {
    errors: Vec<FieldError>,
}

impl Checks {
    /// A time; its canonical text.
    pub fn time(&mut self, path: &str, text: &str) -> String {
        match text.parse::<Timestamp>() {
            Ok(timestamp) => timestamp.to_string(),
            Err(_) => {
                self.add(path, &format!("`{text}` is not an RFC 3339 time"));
                String::new()
            }
        }
    }

    /// An id that is part of addresses.
    pub fn id(&mut self, path: &str, text: &str) {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let is_good = text.starts_with(is_plain)
            && text
                .chars()
                .all(|c| is_plain(c) || matches!(c, '.' | '_' | '-'));
        if !is_good {
            let text = "must start with a lower-case letter or a digit, and contain only those and `.`, `_`, `-`";
            self.add(path, text);
        }
    }

    /// A URI: a scheme, a colon, and no spaces (RFC 3986).
    pub fn uri(&mut self, path: &str, text: &str) {
        let is_good = text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
                && !rest.is_empty()
                && rest.chars().all(|c| c.is_ascii_graphic())
        });
        if !is_good {
            self.add(path, "is not a URI, such as `https://git.example/tollgate`");
        }
    }

    /// Adds what is wrong with a field.
    pub fn add(&mut self, path: &str, message: &str) {
        self.errors.push(FieldError {
            path: path.to_owned(),
            message: message.to_owned(),
            extra: BTreeMap::new(),
        });
    }

    /// All that is wrong, as one refusal.
    ///
    /// # Errors
    /// When anything is.
    pub fn finish(self) -> Result<(), Refused> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Refused::invalid(self.errors))
        }
    }
}

/// The refusal of a request with one field that is not valid.
pub fn one_error(path: &str, message: &str) -> Refused {
    let mut checks = Checks::default();
    checks.add(path, message);
    Refused::invalid(checks.errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_that_is_not_valid_is_named() {
        let mut checks = Checks::default();
        checks.id("/id", "Big");
        checks.uri("/repository", "no scheme");
        checks.time("/at", "yesterday");
        checks.id("/fine", "a.b-c_9");
        checks.uri("/fine", "ssh://git@host/x");
        assert_eq!(
            checks.time("/fine", "2026-11-21T03:00:00+01:00"),
            "2026-11-21T02:00:00.000000Z"
        );
        let (status, problem) = checks.finish().unwrap_err().into_problem();
        let paths: Vec<String> = problem
            .errors
            .unwrap()
            .into_iter()
            .map(|it| it.path)
            .collect();
        assert_eq!(
            (status, paths),
            (400, vec!["/id".into(), "/repository".into(), "/at".into()])
        );
    }
}
