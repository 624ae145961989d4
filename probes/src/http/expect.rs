//! Is an answer what was expected: status, headers, body, values, schema.

use ::http::StatusCode;
use regex::Regex;
use serde_json::Value;

use super::client::Reply;
use crate::context::{Context, Vars};
use crate::json::{contains, shortened, shown, violations};
use crate::result::Cause;
use crate::settings::{HttpCheck, JsonExpect};

/// The first thing that is not as expected, cheapest first: status, headers, body, values, schema.
pub(crate) fn judge(
    check: &HttpCheck,
    label: &str,
    reply: &Reply,
    cx: &Context,
    vars: &Vars,
) -> Result<(), Cause> {
    judge_status(&check.expect.status, label, reply.status)?;
    judge_headers(check, label, reply)?;
    judge_text(check, label, reply)?;
    for expect in &check.expect.json {
        judge_json(expect, label, reply, vars)?;
    }
    judge_schema(check, label, reply, cx)
}

/// Whether the status is one of those allowed; none given means 200 to 299.
pub(crate) fn is_allowed(allowed: &[u16], status: StatusCode) -> bool {
    if allowed.is_empty() {
        status.is_success()
    } else {
        allowed.contains(&status.as_u16())
    }
}

fn judge_status(allowed: &[u16], label: &str, status: StatusCode) -> Result<(), Cause> {
    if is_allowed(allowed, status) {
        return Ok(());
    }
    let expected = if allowed.is_empty() {
        "200 to 299".to_owned()
    } else {
        allowed
            .iter()
            .map(u16::to_string)
            .collect::<Vec<_>>()
            .join(" or ")
    };
    let what = format!("status of {label}");
    Err(Cause::target(
        "status",
        what,
        expected,
        status.as_u16().to_string(),
    ))
}

fn pattern(text: &str) -> Result<Regex, Cause> {
    Regex::new(text).map_err(|error| {
        Cause::prober(
            "settings",
            format!("pattern `{text}`"),
            "a regular expression",
            error.to_string(),
        )
    })
}

fn judge_headers(check: &HttpCheck, label: &str, reply: &Reply) -> Result<(), Cause> {
    for (name, want) in &check.expect.headers {
        let regex = pattern(want)?;
        let values: Vec<String> = reply
            .headers
            .get_all(name.as_str())
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        if !values.iter().any(|value| regex.is_match(value)) {
            let got = if values.is_empty() {
                "no such header".to_owned()
            } else {
                format!("`{}`", values.join("`, `"))
            };
            let what = format!("header `{name}` of {label}");
            return Err(Cause::target(
                "header",
                what,
                format!("a match of `{want}`"),
                got,
            ));
        }
    }
    Ok(())
}

fn judge_text(check: &HttpCheck, label: &str, reply: &Reply) -> Result<(), Cause> {
    let expect = &check.expect;
    if expect.body_contains.is_empty() && expect.body_matches.is_empty() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&reply.body);
    let missing = |expected: String| {
        let got = format!("a body of {} bytes without it", reply.body.len());
        Err(Cause::target(
            "body",
            format!("body of {label}"),
            expected,
            got,
        ))
    };
    for want in &expect.body_contains {
        if !text.contains(want) {
            return missing(format!("`{want}`"));
        }
    }
    for want in &expect.body_matches {
        if !pattern(want)?.is_match(&text) {
            return missing(format!("a match of `{want}`"));
        }
    }
    Ok(())
}

fn judge_json(expect: &JsonExpect, label: &str, reply: &Reply, vars: &Vars) -> Result<(), Cause> {
    let what = format!("`{}` in the body of {label}", expect.pointer);
    let fail =
        |expected: String, got: String| Err(Cause::target("json", what.clone(), expected, got));
    const N_CHARS: usize = 120;
    let came = |value: &Value| shortened(&vars.redact(&shown(value)), N_CHARS);
    let wanted = |value: &Value| shortened(&vars.redact(&value.to_string()), N_CHARS);
    let Some(json) = reply.json() else {
        return fail(
            "JSON".to_owned(),
            format!("{} bytes that are not JSON", reply.body.len()),
        );
    };
    let value = json.pointer(&expect.pointer);
    let (Some(value), true) = (value, expect.exists.unwrap_or(true)) else {
        return match (value, expect.exists) {
            (None, Some(false)) => Ok(()),
            (None, _) => fail("a value".to_owned(), "it is not there".to_owned()),
            (Some(value), _) => fail("no value".to_owned(), came(value)),
        };
    };
    if let Some(equals) = &expect.equals {
        let equals = vars.expand_json(equals)?;
        if *value != equals {
            return fail(wanted(&equals), came(value));
        }
    }
    if let Some(part) = &expect.contains {
        let part = vars.expand_json(part)?;
        let is_in = match (value, &part) {
            (Value::Array(items), part) if !part.is_array() => {
                items.iter().any(|item| contains(item, part))
            }
            (value, part) => contains(value, part),
        };
        if !is_in {
            return fail(format!("it contains {}", wanted(&part)), came(value));
        }
    }
    if let Some(want) = &expect.matches {
        let is_match = match value.as_str() {
            Some(text) => pattern(want)?.is_match(text),
            None => false,
        };
        if !is_match {
            return fail(format!("a text that matches `{want}`"), came(value));
        }
    }
    Ok(())
}

fn judge_schema(check: &HttpCheck, label: &str, reply: &Reply, cx: &Context) -> Result<(), Cause> {
    let status = reply.status.as_u16();
    let validator = match (&check.schema, &check.operation) {
        (Some(schema), _) => cx.inline_validator(schema)?,
        (None, Some(operation)) => cx.response_validator(operation, status)?,
        (None, None) => return Ok(()),
    };
    let what = format!("body of {label} against its schema");
    let Some(validator) = validator else {
        if reply.body.is_empty() {
            return Ok(());
        }
        let operation = check.operation.as_deref().unwrap_or_default();
        let expected =
            format!("a schema of operation `{operation}` for status {status} in the contract");
        return Err(Cause::prober("no_schema", what, expected, "there is none"));
    };
    let Some(json) = reply.json() else {
        let got = format!("{} bytes that are not JSON", reply.body.len());
        return Err(Cause::target("schema", what, "JSON", got));
    };
    match violations(&validator, &json) {
        None => Ok(()),
        Some(got) => Err(Cause::target(
            "schema",
            what,
            "a body that conforms to the contract",
            got,
        )),
    }
}
