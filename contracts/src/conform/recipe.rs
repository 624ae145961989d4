//! What one request is meant to show, and its values. It must not judge answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::checks::readings;
use super::follow::Follow;
use super::operation::{BodyKind, Location, Operation, Parameter};
use super::pages;
use super::request::{Content, Values, plain};
use super::resources::{Resources, plain_name, prefixes};
use crate::instance::{Json, Rng};

/// A kind of request for one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipe {
    /// As the contract allows; 0 is an example with everything, 1 the smallest, then others.
    Valid(usize),
    /// The `n`-th broken value of a parameter.
    BrokenParameter(usize, usize),
    /// The `n`-th broken body.
    BrokenBody(usize),
    /// Without a required parameter.
    MissingParameter(usize),
    MissingBody,
    /// A body that is cut.
    CutBody,
    /// A good body under another media type.
    OtherMedia,
    NoCredentials,
    WrongCredentials,
    /// A method that the path does not have.
    Method(&'static str),
    /// Odd values, whether allowed or not.
    Odd(usize),
}

/// What an answer must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// Success, or a conflict with what is there. `is_known`: all things in the path exist.
    Valid { is_known: bool },
    /// A refusal.
    Invalid {
        /// Such as ``body `/name` `` or ``query `limit` ``.
        part: String,
        why: String,
        /// Where in the body.
        pointer: Option<String>,
    },
    /// 401 or 403.
    Refused(&'static str),
    /// 405.
    NoMethod,
    /// Anything but a failure of the service.
    Odd,
}

/// One request with its meaning.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) operation: usize,
    pub(super) values: Values,
    pub(super) intent: Intent,
    /// Another method than the operation's.
    pub(super) method: Option<&'static str>,
    pub(super) follow: Follow,
}

/// Texts that break careless programs.
const ODD_TEXTS: [&str; 14] = [
    "",
    "'",
    "\"><script>",
    "%",
    "%s%n",
    "\u{0}",
    "../../etc/passwd",
    "🦀\u{202e}x",
    "-1",
    "0",
    "NaN",
    "null",
    "9223372036854775808",
    "\\",
];
const ODD_NUMBERS: [&str; 7] = [
    "0",
    "-1",
    "2147483648",
    "9223372036854775807",
    "1e308",
    "-0.5",
    "99999999999999999999",
];
/// The length of an odd long text.
const ODD_LENGTH: usize = 20_000;

/// The recipes of an operation, most telling first.
pub(super) fn recipes(operations: &[Operation], operation: &Operation) -> Vec<Recipe> {
    if operation.is_upgrade {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !operation.credentials.is_empty() {
        found.extend([Recipe::NoCredentials, Recipe::WrongCredentials]);
    }
    for (idx, parameter) in operation.parameters.iter().enumerate() {
        if parameter.is_required && parameter.location != Location::Path {
            found.push(Recipe::MissingParameter(idx));
        }
    }
    let mut broken: Vec<Recipe> = Vec::new();
    if let Some(body) = &operation.body {
        if body.is_required {
            found.push(Recipe::MissingBody);
        }
        if body.kind == BodyKind::Json {
            found.extend([Recipe::CutBody, Recipe::OtherMedia]);
        }
        let is_told = |keyword: &str| {
            body.kind == BodyKind::Json
                || matches!(
                    keyword,
                    "required"
                        | "enum"
                        | "minLength"
                        | "maxLength"
                        | "pattern"
                        | "format"
                        | "minimum"
                        | "maximum"
                )
        };
        for (n, one) in body.broken.iter().enumerate() {
            if body.kind != BodyKind::Text && is_told(one.keyword) {
                broken.push(Recipe::BrokenBody(n));
            }
        }
    }
    for (idx, parameter) in operation.parameters.iter().enumerate() {
        let of_parameter = (0..parameter.broken.len()).filter(|n| is_told_apart(parameter, *n));
        broken.extend(of_parameter.map(|n| Recipe::BrokenParameter(idx, n)));
    }
    let is_first = operations
        .iter()
        .find(|other| other.path == operation.path)
        .is_some_and(|first| std::ptr::eq(first, operation));
    if is_first {
        let has = |method: &str| {
            operations
                .iter()
                .any(|other| other.path == operation.path && other.method == method)
        };
        let methods = ["DELETE", "PUT", "PATCH", "POST", "GET"];
        let undeclared = methods.into_iter().filter(|method| !has(method));
        found.extend(undeclared.take(2).map(Recipe::Method));
    }
    let n_odd = 8.min(4 * (operation.parameters.len() + 2 * usize::from(operation.body.is_some())));
    let n_valid = operation.body.as_ref().map_or(0, |body| body.valid.len()) + 2;
    let mut valid = (2..n_valid.max(5)).map(Recipe::Valid);
    let mut odd = (0..n_odd).map(Recipe::Odd);
    // Broken values first, a good or odd one after every second.
    for (n, one) in broken.into_iter().enumerate() {
        found.push(one);
        if n % 2 == 1 {
            found.extend(valid.next());
        }
        if n % 3 == 2 {
            found.extend(odd.next());
        }
    }
    found.extend(valid);
    found.extend(odd);
    found
}

/// Whether the broken value is still broken as a text without quotes.
fn is_told_apart(parameter: &Parameter, n: usize) -> bool {
    let one = &parameter.broken[n];
    let Some(validator) = &parameter.validator else {
        return false;
    };
    match &one.json {
        Json::Array(items) => {
            !items.is_empty()
                && matches!(
                    one.keyword,
                    "enum"
                        | "maxItems"
                        | "uniqueItems"
                        | "pattern"
                        | "format"
                        | "minimum"
                        | "maximum"
                        | "maxLength"
                )
        }
        Json::Object(_) => false,
        scalar => {
            let text = plain(scalar);
            let can_stand = !text.is_empty() || parameter.location == Location::Query;
            let means_a_valid_one = |value: &Value| validator.is_valid(value);
            can_stand && !readings(&text).iter().any(means_a_valid_one)
        }
    }
}

/// Parameters whose values only the service can give.
fn is_given(parameter: &Parameter) -> bool {
    let name = plain_name(&parameter.name);
    !parameter.is_required
        && (pages::is_cursor(&parameter.name)
            || matches!(
                name.as_str(),
                "ifmatch"
                    | "ifnonematch"
                    | "ifmodifiedsince"
                    | "ifunmodifiedsince"
                    | "lasteventid"
                    | "ticket"
                    | "range"
            ))
}

/// Values for the parameters: the path from what is known, optional ones by the plan.
pub(super) struct Filled {
    pub(super) values: Vec<(usize, Json)>,
    pub(super) is_known: bool,
}

/// How optional parameters are filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Optional {
    All,
    None,
    Some,
}

/// Fills the parameters of an operation.
pub(super) fn fill(
    operation: &Operation,
    resources: &Resources,
    optional: Optional,
    n: usize,
    rng: &mut Rng,
) -> Option<Filled> {
    let is_delete = operation.method == "DELETE";
    let resource = resources.for_template(&operation.path, is_delete);
    let prefix = prefixes(&operation.path).into_iter().next();
    let is_known = match (&prefix, resource) {
        (None, _) => true,
        (Some(prefix), Some(resource)) => resource.template == *prefix,
        (Some(_), None) => false,
    };
    let mut values = Vec::new();
    for (idx, parameter) in operation.parameters.iter().enumerate() {
        let known = resource.and_then(|resource| resource.values.get(&parameter.name));
        let by_name = resources.by_name(&parameter.name).filter(|_| !is_delete);
        let known = match parameter.location {
            Location::Path => known.or(by_name),
            _ => None,
        };
        if let Some(known) = known {
            values.push((idx, Json::String(known.clone())));
            continue;
        }
        let is_wanted = parameter.is_required
            || match optional {
                Optional::All => !is_given(parameter),
                Optional::None => false,
                Optional::Some => !is_given(parameter) && rng.chance(50),
            };
        if !is_wanted {
            continue;
        }
        if plain_name(&parameter.name) == "idempotencykey" {
            values.push((idx, Json::String(format!("conform-{:x}", rng.next_u64()))));
            continue;
        }
        let count = parameter.valid.len();
        if count == 0 {
            if parameter.is_required {
                return None;
            }
            continue;
        }
        // Some values can't stand where the parameter stands: the next one may.
        let value = (0..count)
            .map(|step| &parameter.valid[(n + step) % count])
            .find(|value| fits(parameter, value));
        match value {
            Some(value) => values.push((idx, value.clone())),
            None if parameter.is_required => return None,
            None => {}
        }
    }
    Some(Filled { values, is_known })
}

/// Whether a value can be written at the place of its parameter and be read back the same.
fn fits(parameter: &Parameter, value: &Json) -> bool {
    let text = plain(value);
    match parameter.location {
        Location::Path => {
            !matches!(value, Json::Array(_) | Json::Object(_))
                && !text.is_empty()
                && !matches!(text.as_str(), "." | "..")
                && !text.contains(['/', '\\'])
                && !text.contains(char::is_control)
        }
        Location::Header | Location::Cookie => {
            text.bytes().all(|byte| (0x21..0x7f).contains(&byte)) && !text.is_empty()
        }
        Location::Query => match value {
            Json::Null => false,
            Json::Array(items) => {
                !items.is_empty()
                    && !items
                        .iter()
                        .any(|item| matches!(item, Json::Null | Json::Array(_) | Json::Object(_)))
            }
            Json::Object(entries) => !entries.is_empty(),
            // An empty text reads like an absent one in many programs, and rightly so.
            _ => !text.is_empty(),
        },
    }
}

/// The values of the path by name, for what is learnt from the answer.
pub(super) fn path_values(operation: &Operation, values: &Values) -> BTreeMap<String, String> {
    values
        .parameters
        .iter()
        .filter_map(|(idx, value)| {
            let parameter = operation.parameters.get(*idx)?;
            (parameter.location == Location::Path).then(|| (parameter.name.clone(), plain(value)))
        })
        .collect()
}

/// Turns a recipe into a request; none when it has nothing to say here.
pub(super) fn step_of(
    operations: &[Operation],
    idx: usize,
    recipe: &Recipe,
    resources: &Resources,
    rng: &mut Rng,
) -> Option<Step> {
    let operation = &operations[idx];
    let (optional, n) = match recipe {
        Recipe::Valid(0) => (Optional::All, 0),
        Recipe::Valid(1) => (Optional::None, 1),
        Recipe::Valid(n) | Recipe::Odd(n) => (Optional::Some, *n),
        _ => (Optional::None, 0),
    };
    let filled = fill(operation, resources, optional, n, rng)?;
    let body = operation.body.as_ref();
    let good_body = |n: usize| {
        let body = body?;
        let value = body.valid.get(n % body.valid.len().max(1))?;
        Some(Content::Value(value.clone()))
    };
    let mut values = Values {
        body: good_body(if n < 2 { 0 } else { n - 1 }),
        parameters: filled.values,
    };
    let mut method = None;
    let invalid = |part: String, why: &str| Intent::Invalid {
        part,
        why: why.to_owned(),
        pointer: None,
    };
    let intent = match recipe {
        Recipe::Valid(_) => {
            if body.is_some_and(|body| body.valid.is_empty()) {
                return None;
            }
            let is_last = operation.path.ends_with('}');
            if operation.method == "DELETE"
                && is_last
                && filled.is_known
                && resources.count(&operation.path) < 2
            {
                return None;
            }
            Intent::Valid {
                is_known: filled.is_known,
            }
        }
        Recipe::BrokenParameter(of, n) => {
            let parameter = operation.parameters.get(*of)?;
            let one = parameter.broken.get(*n)?;
            values.parameters.retain(|(known, _)| known != of);
            values.parameters.push((*of, one.json.clone()));
            let place = format!("{:?}", parameter.location).to_lowercase();
            invalid(format!("{place} `{}`", parameter.name), one.keyword)
        }
        Recipe::MissingParameter(of) => {
            let parameter = operation.parameters.get(*of)?;
            values.parameters.retain(|(known, _)| known != of);
            let place = format!("{:?}", parameter.location).to_lowercase();
            invalid(format!("{place} `{}`", parameter.name), "required")
        }
        Recipe::BrokenBody(n) => {
            let one = body?.broken.get(*n)?;
            values.body = Some(Content::Value(one.json.clone()));
            let at = match &one.key {
                Some(key) => format!("{}/{key}", one.pointer),
                None => one.pointer.clone(),
            };
            let part = if at.is_empty() {
                "body".to_owned()
            } else {
                format!("body `{at}`")
            };
            Intent::Invalid {
                part,
                why: one.keyword.to_owned(),
                pointer: Some(one.pointer.clone()),
            }
        }
        Recipe::MissingBody => {
            values.body.take()?;
            invalid("body".to_owned(), "required")
        }
        Recipe::CutBody => {
            values.body = Some(Content::Raw {
                media: body?.media.clone(),
                text: "{\"tollgate\": [".to_owned(),
            });
            invalid("body".to_owned(), "JSON syntax")
        }
        Recipe::OtherMedia => {
            let text = match values.body.take()? {
                Content::Value(value) => value.to_string(),
                Content::Raw { text, .. } => text,
            };
            values.body = Some(Content::Raw {
                media: "text/x-tollgate".to_owned(),
                text,
            });
            invalid("header `content-type`".to_owned(), "media type")
        }
        Recipe::NoCredentials => Intent::Refused("without credentials"),
        Recipe::WrongCredentials => Intent::Refused("with wrong credentials"),
        Recipe::Method(other) => {
            method = Some(*other);
            values.body = None;
            Intent::NoMethod
        }
        Recipe::Odd(n) => {
            make_odd(operation, &mut values, *n, rng)?;
            Intent::Odd
        }
    };
    Some(Step {
        operation: idx,
        values,
        intent,
        method,
        follow: Follow::None,
    })
}

/// Replaces one value of a request by an odd one.
fn make_odd(operation: &Operation, values: &mut Values, n: usize, rng: &mut Rng) -> Option<()> {
    let long = "A".repeat(ODD_LENGTH);
    let odd_text = |rng: &mut Rng| match rng.below(ODD_TEXTS.len() + 1) {
        at if at < ODD_TEXTS.len() => ODD_TEXTS[at].to_owned(),
        _ => long.clone(),
    };
    let mut leaves = Vec::new();
    if let Some(Content::Value(body)) = &values.body {
        collect_leaves(body, String::new(), &mut leaves);
    }
    let n_parameters = operation.parameters.len();
    if leaves.is_empty() && n_parameters == 0 {
        return None;
    }
    let at = (n + rng.below(leaves.len() + n_parameters)) % (leaves.len() + n_parameters);
    if at < leaves.len() {
        let Some(Content::Value(body)) = &mut values.body else {
            return None;
        };
        let leaf = body.pointer_mut(&leaves[at])?;
        *leaf = match leaf {
            Json::Number(_) => Json::Number(ODD_NUMBERS[rng.below(ODD_NUMBERS.len())].to_owned()),
            _ => Json::String(odd_text(rng)),
        };
        return Some(());
    }
    let of = at - leaves.len();
    let parameter = operation.parameters.get(of)?;
    let text = match parameter.location {
        Location::Header | Location::Cookie => {
            ["x", "0", "-1", "'", "%00", "null"][rng.below(6)].to_owned()
        }
        _ => odd_text(rng).chars().take(2_000).collect(),
    };
    values.parameters.retain(|(known, _)| *known != of);
    values.parameters.push((of, Json::String(text)));
    Some(())
}

/// Pointers of the scalars in a value.
pub(super) fn collect_leaves(value: &Json, pointer: String, found: &mut Vec<String>) {
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                let key = crate::source::escape_token(key);
                collect_leaves(value, format!("{pointer}/{key}"), found);
            }
        }
        Json::Array(items) => {
            for (idx, item) in items.iter().enumerate() {
                collect_leaves(item, format!("{pointer}/{idx}"), found);
            }
        }
        _ => found.push(pointer),
    }
}

/// The order in which operations are first asked: what makes things before what needs them, what
/// deletes last.
pub(super) fn first_order(operations: &[Operation]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..operations.len()).collect();
    let rank = |operation: &Operation| match operation.method.as_str() {
        "POST" if !operation.path.ends_with('}') => 0,
        "PUT" => 1,
        "DELETE" => 3,
        _ => 2,
    };
    order.sort_by_key(|idx| {
        let operation = &operations[*idx];
        let is_delete = operation.method == "DELETE";
        (
            is_delete,
            operation.path.matches('{').count(),
            rank(operation),
            *idx,
        )
    });
    order
}

/// The parameter names of an operation that a link or a page sets.
pub(super) fn set(operation: &Operation, values: &mut Values, name: &str, value: Json) -> bool {
    // `path.id` names the place too.
    let (place, plain) = match name.split_once('.') {
        Some((place @ ("path" | "query" | "header" | "cookie"), rest)) => (Some(place), rest),
        _ => (None, name),
    };
    let found = operation.parameters.iter().position(|parameter| {
        let of = format!("{:?}", parameter.location).to_lowercase();
        parameter.name == plain && place.is_none_or(|place| place == of)
    });
    match found {
        Some(idx) => {
            values.parameters.retain(|(known, _)| *known != idx);
            values.parameters.push((idx, value));
            true
        }
        None => false,
    }
}

/// Whether two values are the same apart from what changes by itself: times, versions, counters.
pub(super) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            keys.into_iter().all(|key| {
                let plain = plain_name(key);
                let changes = [
                    "version",
                    "etag",
                    "revision",
                    "updated",
                    "modified",
                    "lastseen",
                    "timestamp",
                    "requestid",
                ]
                .iter()
                .any(|word| plain.contains(word));
                changes
                    || match (one.get(key), other.get(key)) {
                        (Some(one), Some(other)) => is_same(one, other),
                        _ => false,
                    }
            })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_same(one, other))
        }
        (Value::String(one), Value::String(other)) => {
            one == other || (is_time(one) && is_time(other))
        }
        _ => one == other,
    }
}

fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 19
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && matches!(bytes[10], b'T' | b't' | b' ')
}
