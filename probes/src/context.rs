//! What a probe gets from its caller: where to look, variables, secrets, schemas and time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use rustls::ClientConfig;
use serde_json::Value;
use tollgate_report::suggest::nearest;
use tollgate_report::{Clock, SystemClock};

use crate::http::dial::tls_config;
use crate::result::Cause;
use crate::settings::Probe;

/// Schemas of the contract, asked for by name. The caller implements it over its contracts.
/// Each schema is whole: what it refers to is inside it.
pub trait SchemaSource: Send + Sync {
    /// The JSON Schema of the body that `operation` answers with `status`; none when the
    /// contract describes no body for it.
    fn response_schema(&self, operation: &str, status: u16) -> Option<Value>;
    /// The JSON Schema of the payload of `message`.
    fn message_schema(&self, message: &str) -> Option<Value>;
}

/// No contract: probes that name an operation or a message end in `error`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSchemas;

impl SchemaSource for NoSchemas {
    fn response_schema(&self, _: &str, _: u16) -> Option<Value> {
        None
    }

    fn message_schema(&self, _: &str) -> Option<Value> {
        None
    }
}

type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// What every run of a probe shares. Make one per target: stable, candidate, proxy.
pub struct Context {
    base_url: String,
    vars: BTreeMap<String, String>,
    secret_lookup: Arc<Lookup>,
    schemas: Arc<dyn SchemaSource>,
    clock: Arc<dyn Clock>,
    tls: Arc<ClientConfig>,
    validators: Mutex<BTreeMap<String, Arc<Validator>>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("base_url", &self.base_url)
            .field("vars", &self.vars)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// A context for a base URL such as `http://127.0.0.1:8080`; no schemas, the system clock,
    /// secrets from the environment, the public web's certificate authorities.
    #[must_use]
    pub fn new(base_url: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into().trim_end_matches('/').to_owned(),
            vars: BTreeMap::new(),
            secret_lookup: Arc::new(|name| std::env::var(name).ok()),
            schemas: Arc::new(NoSchemas),
            clock: Arc::new(SystemClock::new()),
            tls: tls_config(),
            validators: Mutex::new(BTreeMap::new()),
        }
    }

    /// The same with a variable that settings use as `{name}`.
    #[must_use]
    pub fn with_var(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.vars.insert(name.into(), value.into());
        self
    }

    /// The same with another source of secrets than the environment: environment name to value.
    #[must_use]
    pub fn with_secrets(
        mut self,
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.secret_lookup = Arc::new(lookup);
        self
    }

    /// The same with the schemas of a contract.
    #[must_use]
    pub fn with_schemas(mut self, schemas: Arc<dyn SchemaSource>) -> Self {
        self.schemas = schemas;
        self
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same with other TLS settings, such as a private authority.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<ClientConfig>) -> Self {
        self.tls = tls;
        self
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn tls(&self) -> &Arc<ClientConfig> {
        &self.tls
    }

    /// The variables of one run: the caller's, `base`, `run` (new for each run) and secrets.
    pub(crate) fn vars_for(&self, probe: &Probe) -> Result<Vars, Cause> {
        let mut vars = Vars {
            values: self.vars.clone(),
            secret_names: BTreeSet::new(),
        };
        vars.set("base", self.base_url.clone(), false);
        vars.set("run", format!("{:x}", self.clock.now().as_micros()), false);
        for (name, env) in &probe.secret_env {
            let value = (self.secret_lookup)(env).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| {
                let what = format!("secret `{name}`");
                Cause::prober(
                    "settings",
                    what,
                    format!("environment variable `{env}`"),
                    "it is not set",
                )
            })?;
            vars.set(name, value, true);
        }
        Ok(vars)
    }

    /// The validator of the body of an operation's answer; none when there is no body to check.
    pub(crate) fn response_validator(
        &self,
        operation: &str,
        status: u16,
    ) -> Result<Option<Arc<Validator>>, Cause> {
        self.validator(&format!("response {operation} {status}"), || {
            self.schemas.response_schema(operation, status)
        })
    }

    /// The validator of a message's payload.
    pub(crate) fn message_validator(&self, message: &str) -> Result<Option<Arc<Validator>>, Cause> {
        self.validator(&format!("message {message}"), || {
            self.schemas.message_schema(message)
        })
    }

    /// The validator of a schema that settings carry.
    pub(crate) fn inline_validator(&self, schema: &Value) -> Result<Option<Arc<Validator>>, Cause> {
        self.validator(&format!("inline {schema}"), || Some(schema.clone()))
    }

    fn validator(
        &self,
        key: &str,
        schema: impl FnOnce() -> Option<Value>,
    ) -> Result<Option<Arc<Validator>>, Cause> {
        let mut validators = self
            .validators
            .lock()
            .expect("no code panics while it holds this lock");
        if let Some(validator) = validators.get(key) {
            return Ok(Some(Arc::clone(validator)));
        }
        let Some(schema) = schema() else {
            return Ok(None);
        };
        let validator = jsonschema::options().build(&schema).map_err(|error| {
            Cause::prober(
                "settings",
                format!("schema of {key}"),
                "a JSON Schema",
                error.to_string(),
            )
        })?;
        let validator = Arc::new(validator);
        validators.insert(key.to_owned(), Arc::clone(&validator));
        Ok(Some(validator))
    }
}

/// Variables of one run. Values of secret ones are never shown.
#[derive(Clone, Default)]
pub(crate) struct Vars {
    values: BTreeMap<String, String>,
    secret_names: BTreeSet<String>,
}

/// Whether a value becomes part of a URL and is percent-encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encode {
    Plain,
    Url,
}

impl Vars {
    pub(crate) fn set(&mut self, name: &str, value: String, is_secret: bool) {
        if is_secret {
            self.secret_names.insert(name.to_owned());
        }
        self.values.insert(name.to_owned(), value);
    }

    /// Replaces `{name}`; braces around anything but a name stay as they are.
    pub(crate) fn expand(&self, text: &str, encode: Encode) -> Result<String, Cause> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            expanded.push_str(&rest[..start]);
            rest = &rest[start..];
            let Some(name) = variable_at(rest) else {
                expanded.push('{');
                rest = &rest[1..];
                continue;
            };
            let value = self.values.get(name).ok_or_else(|| self.unknown(name))?;
            match encode {
                Encode::Plain => expanded.push_str(value),
                Encode::Url => percent_encode(value, &mut expanded),
            }
            rest = &rest[name.len() + 2..];
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    /// Replaces variables in every string of a JSON value.
    pub(crate) fn expand_json(&self, value: &Value) -> Result<Value, Cause> {
        Ok(match value {
            Value::String(text) => Value::String(self.expand(text, Encode::Plain)?),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.expand_json(item))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => {
                let mut expanded = serde_json::Map::new();
                for (name, field) in fields {
                    expanded.insert(name.clone(), self.expand_json(field)?);
                }
                Value::Object(expanded)
            }
            other => other.clone(),
        })
    }

    fn unknown(&self, name: &str) -> Cause {
        let hint = nearest(name, self.values.keys().map(String::as_str))
            .map(|near| format!("; did you mean `{{{near}}}`?"))
            .unwrap_or_default();
        let known: Vec<&str> = self.values.keys().map(String::as_str).collect();
        Cause::prober(
            UNKNOWN_VARIABLE,
            format!("variable `{{{name}}}`"),
            format!("one of {}", known.join(", ")),
            format!("no such variable{hint}"),
        )
    }

    /// Replaces the values of secrets, also where they were escaped for JSON or a URL.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut forms = BTreeSet::new();
        for value in self
            .secret_names
            .iter()
            .filter_map(|name| self.values.get(name))
        {
            if value.is_empty() {
                continue;
            }
            let mut encoded = String::new();
            percent_encode(value, &mut encoded);
            let json = Value::String(value.clone()).to_string();
            forms.insert(json.trim_matches('"').to_owned());
            forms.insert(encoded);
            forms.insert(value.clone());
        }
        // Longest first, so that a secret inside another one leaves no rest.
        let mut forms: Vec<String> = forms.into_iter().filter(|form| !form.is_empty()).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.iter().fold(text.to_owned(), |text, form| {
            text.replace(form, "[redacted]")
        })
    }

    /// A cause without the values of secrets.
    pub(crate) fn redact_cause(&self, cause: Cause) -> Cause {
        Cause {
            what: self.redact(&cause.what),
            expected: self.redact(&cause.expected),
            got: self.redact(&cause.got),
            ..cause
        }
    }
}

/// Code of the cause for a variable that nothing has set.
pub(crate) const UNKNOWN_VARIABLE: &str = "variable";

fn variable_at(text: &str) -> Option<&str> {
    let name = &text[1..text.find('}')?];
    let mut bytes = name.bytes();
    let starts = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let goes_on = bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (starts && goes_on).then_some(name)
}

fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vars() -> Vars {
        let mut vars = Vars::default();
        vars.set("id", "a/b c".to_owned(), false);
        vars.set("key", "s3\"cret".to_owned(), true);
        vars
    }

    #[test]
    fn a_variable_is_encoded_where_it_becomes_part_of_a_url() {
        assert_eq!(
            vars().expand("/things/{id}", Encode::Url).unwrap(),
            "/things/a%2Fb%20c"
        );
        assert_eq!(vars().expand("{id}", Encode::Plain).unwrap(), "a/b c");
    }

    #[test]
    fn json_braces_are_not_variables() {
        let text = r#"{"name":"{id}","empty":{}}"#;
        assert_eq!(
            vars().expand(text, Encode::Plain).unwrap(),
            r#"{"name":"a/b c","empty":{}}"#
        );
        assert_eq!(
            vars().expand_json(&json!({"x": ["{id}", 1]})).unwrap(),
            json!({"x": ["a/b c", 1]})
        );
    }

    #[test]
    fn an_unknown_variable_is_our_error_and_names_the_nearest() {
        let cause = vars().expand("{kye}", Encode::Plain).unwrap_err();
        assert_eq!(cause.blame, crate::result::Blame::Prober);
        assert!(cause.got.contains("did you mean `{key}`"), "{cause:?}");
    }

    #[test]
    fn a_secret_is_hidden_also_when_it_was_escaped() {
        let vars = vars();
        for form in ["s3\"cret", "s3\\\"cret", "s3%22cret"] {
            assert_eq!(vars.redact(&format!("got {form}!")), "got [redacted]!");
        }
    }
}
