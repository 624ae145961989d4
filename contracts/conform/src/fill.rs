//! Values for the parameters of one request: those of resources that exist, or those that the
//! contract gives.

use std::collections::BTreeMap;

use tollgate_contracts_instance::Json;
use tollgate_stats::Rng;

use crate::operation::{Location, Operation, Parameter};
use crate::pages;
use crate::request::{Values, plain};
use crate::resources::{Resources, plain_name, prefixes};

/// Values for the parameters: path parameters from known resources, optional ones by the plan.
pub(crate) struct Filled {
    pub(crate) values: Vec<(usize, Json)>,
    pub(crate) is_known: bool,
}

/// How optional parameters are filled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Optional {
    All,
    None,
    Some,
}

/// Fills the parameters of an operation.
pub(crate) fn fill(
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

/// Whether a value can be written in the place of its parameter and read back unchanged.
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

/// The values of the path by name, to remember them with the answer.
pub(crate) fn path_values(operation: &Operation, values: &Values) -> BTreeMap<String, String> {
    values
        .parameters
        .iter()
        .filter_map(|(idx, value)| {
            let parameter = operation.parameters.get(*idx)?;
            (parameter.location == Location::Path).then(|| (parameter.name.clone(), plain(value)))
        })
        .collect()
}

/// Sets the parameter that a link names. Returns whether the operation has that parameter.
pub(crate) fn set_by_name(
    operation: &Operation,
    values: &mut Values,
    name: &str,
    value: Json,
) -> bool {
    // `path.id` names the place too.
    let (place, plain) = match name.split_once('.') {
        Some((place @ ("path" | "query" | "header" | "cookie"), rest)) => (Some(place), rest),
        _ => (None, name),
    };
    let found = operation.parameters.iter().position(|parameter| {
        let of = parameter.location.word();
        parameter.name == plain && place.is_none_or(|place| place == of)
    });
    match found {
        Some(idx) => {
            values.set(idx, value);
            true
        }
        None => false,
    }
}
