//! The purpose of one request: which kinds there are for an operation, and how each is made.

use serde_json::Value;
use tollgate_contracts_instance::{Broken, Json};
use tollgate_stats::Rng;

use crate::checks::readings;
use crate::fill::{Optional, fill};
use crate::odd::make_odd;
use crate::operation::{BodyKind, Location, Operation, Parameter};
use crate::request::{Content, Values, plain};
use crate::resources::Resources;
use crate::step::{Follow, Intent, Step};

/// A kind of request for one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
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
    /// Unusual values, whether allowed or not.
    Odd(usize),
}

/// The recipes of an operation, those that find the most failures first.
pub(crate) fn recipes(operations: &[Operation], operation: &Operation) -> Vec<Recipe> {
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
    if let Some(body) = &operation.body {
        if body.is_required {
            found.push(Recipe::MissingBody);
        }
        if body.kind == BodyKind::Json {
            found.extend([Recipe::CutBody, Recipe::OtherMedia]);
        }
    }
    found.extend(undeclared_methods(operations, operation));
    let n_odd = 8.min(4 * (operation.parameters.len() + 2 * usize::from(operation.body.is_some())));
    let n_valid = operation.body.as_ref().map_or(0, |body| body.valid.len()) + 2;
    let mut valid = (2..n_valid.max(5)).map(Recipe::Valid);
    let mut odd = (0..n_odd).map(Recipe::Odd);
    // Broken values first, a good or odd one after every second.
    for (n, one) in broken_recipes(operation).into_iter().enumerate() {
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

/// Broken bodies, then broken parameters.
fn broken_recipes(operation: &Operation) -> Vec<Recipe> {
    let mut broken: Vec<Recipe> = Vec::new();
    if let Some(body) = &operation.body {
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
    broken
}

/// Methods that the path of an operation does not have, once for each path.
fn undeclared_methods(operations: &[Operation], operation: &Operation) -> Vec<Recipe> {
    let is_first = operations
        .iter()
        .find(|other| other.path == operation.path)
        .is_some_and(|first| std::ptr::eq(first, operation));
    if !is_first {
        return Vec::new();
    }
    let has = |method: &str| {
        operations
            .iter()
            .any(|other| other.path == operation.path && other.method == method)
    };
    let methods = ["DELETE", "PUT", "PATCH", "POST", "GET"];
    let undeclared = methods.into_iter().filter(|method| !has(method));
    undeclared.take(2).map(Recipe::Method).collect()
}

/// Whether the broken value is still invalid when written as a text without quotes.
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

/// Turns a recipe into a request; none when it does not apply.
pub(crate) fn step_of(
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
            let is_known = filled.is_known;
            if !can_be_valid(operation, is_known, resources) {
                return None;
            }
            Intent::Valid { is_known }
        }
        Recipe::BrokenParameter(of, n) => {
            let parameter = operation.parameters.get(*of)?;
            let one = parameter.broken.get(*n)?;
            values.set(*of, one.json.clone());
            invalid(part_of(parameter), one.keyword)
        }
        Recipe::MissingParameter(of) => {
            let parameter = operation.parameters.get(*of)?;
            values.unset(*of);
            invalid(part_of(parameter), "required")
        }
        Recipe::BrokenBody(n) => {
            let one = body?.broken.get(*n)?;
            values.body = Some(Content::Value(one.json.clone()));
            broken_body(one)
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

/// Whether a valid request can be made without deleting the last known resource.
fn can_be_valid(operation: &Operation, is_known: bool, resources: &Resources) -> bool {
    let has_body = operation
        .body
        .as_ref()
        .is_none_or(|body| !body.valid.is_empty());
    let is_delete = operation.method == "DELETE" && operation.path.ends_with('}');
    has_body && !(is_delete && is_known && resources.count(&operation.path) < 2)
}

/// A parameter as messages name it: ``query `limit` ``.
fn part_of(parameter: &Parameter) -> String {
    format!("{} `{}`", parameter.location.word(), parameter.name)
}

fn broken_body(broken: &Broken) -> Intent {
    let at = match &broken.key {
        Some(key) => format!("{}/{key}", broken.pointer),
        None => broken.pointer.clone(),
    };
    let part = if at.is_empty() {
        "body".to_owned()
    } else {
        format!("body `{at}`")
    };
    Intent::Invalid {
        part,
        why: broken.keyword.to_owned(),
        pointer: Some(broken.pointer.clone()),
    }
}
