//! A value that shows a break: valid on the side that must keep working, rejected by the other.

use std::collections::HashMap;

use serde_json::{Value, json};
use tollgate_contracts_instance::Validator;
use tollgate_contracts_instance::{InstanceSettings, instances_with, validator};
use tollgate_contracts_model::source::unescape_token;
use tollgate_contracts_model::{Contract, Located};
use tollgate_report::in_threads;

use crate::change::{Level, Witness};
use crate::walk::{Direction, Found, address};

/// How large the schemas of one pair may be together, in bytes of JSON.
const SCHEMA_SIZE_MAX_BYTES: usize = 400_000;

/// The old and the new schema.
type Pair<'a> = (Located<'a>, Located<'a>);

/// Addresses of the old and new schema, and which side accepts.
type Key = (usize, usize, Direction);

/// Searches for a witness for each of the first `n_max` breaking changes between two schemas.
pub(crate) fn find(found: &mut [Found<'_>], old: &Contract, new: &Contract, n_max: usize) {
    let breaking: Vec<&mut Found<'_>> = found
        .iter_mut()
        .filter(|found| found.change.level == Level::Breaking && found.schemas.is_some())
        // A default says nothing about what is valid.
        .filter(|found| !found.change.code.contains("-default-value-"))
        .collect();
    let n_asked = breaking.len().min(n_max);
    let mut breaking = breaking;
    for found in breaking.drain(n_asked..).filter(|_| n_max > 0) {
        found.change.witness = Witness::BeyondBound;
    }
    let mut asked = HashMap::new();
    for found in &breaking {
        if let (Some(key), Some(pair)) = (key_of(found), found.schemas) {
            asked.entry(key).or_insert(pair);
        }
    }
    let asked: Vec<(Key, Pair<'_>)> = asked.into_iter().collect();
    let answers = in_threads(&asked, |((.., direction), (old_at, new_at))| {
        seek((old, *old_at), (new, *new_at), *direction)
    });
    let keys = asked.iter().map(|(key, _)| *key);
    let known: HashMap<Key, Witness> = keys.zip(answers).collect();
    for found in breaking {
        if let Some(witness) = key_of(found).and_then(|key| known.get(&key)) {
            found.change.witness = witness.clone();
        }
    }
}

/// The schemas at a pointer into the body of an operation, if both contracts have one. Returns
/// nothing for a place whose values alone do not decide whether the body is valid, such as one
/// under `not`.
pub(crate) fn schemas_at<'a>(
    old: &'a Contract,
    new: &'a Contract,
    pointer: &str,
) -> Option<Pair<'a>> {
    Some((schema_at(old, pointer)?, schema_at(new, pointer)?))
}

fn schema_at<'a>(contract: &'a Contract, pointer: &str) -> Option<Located<'a>> {
    let mut at = Located {
        file: &contract.entry,
        node: contract.root(),
    };
    let mut is_schema = false;
    let mut is_name = false;
    let mut is_media = false;
    for token in pointer.split('/').skip(1) {
        let child = at.node.get(&unescape_token(token))?;
        at = contract.follow(at.file, child);
        if is_schema {
            let is_step =
                is_name || matches!(token, "properties" | "items" | "additionalProperties");
            if !is_step {
                return None;
            }
            is_name = !is_name && token == "properties";
        } else {
            is_schema = is_media && token == "schema";
            is_media = is_name;
            is_name = token == "content";
        }
    }
    (is_schema && !is_name).then_some(at)
}

fn key_of(found: &Found<'_>) -> Option<Key> {
    let (old, new) = found.schemas?;
    Some((address(old.node), address(new.node), found.direction))
}

fn seek(
    old: (&Contract, Located<'_>),
    new: (&Contract, Located<'_>),
    direction: Direction,
) -> Witness {
    let bundle = |(contract, at): (&Contract, Located<'_>)| contract.bundle(at.file, at.node);
    let (old, new) = (bundle(old), bundle(new));
    // A writer must still be understood; a reader must not meet what it did not expect.
    let first = match direction {
        Direction::Request => (&old, &new, true),
        Direction::Response => (&new, &old, false),
    };
    if let Some(witness) = between(first.0, first.1, first.2) {
        return witness;
    }
    Witness::NotFound
}

/// A value that `accepting` accepts and `refusing` rejects.
fn between(accepting: &Value, refusing: &Value, is_refused_by_new: bool) -> Option<Witness> {
    let size = accepting.to_string().len() + refusing.to_string().len();
    if size > SCHEMA_SIZE_MAX_BYTES {
        return None;
    }
    let (yes, no) = (validator(accepting).ok()?, validator(refusing).ok()?);
    let settings = InstanceSettings {
        n_max: 24,
        n_broken_max: 0,
        has_wide_numbers: false,
        ..InstanceSettings::default()
    };
    let is_witness = |value: &Value| yes.is_valid(value) && !no.is_valid(value);
    let valid = instances_with(accepting, &yes, &settings).valid;
    let mut values = valid.iter().map(|instance| instance.json.to_value());
    let found = values
        .find(is_witness)
        .or_else(|| broken(refusing, &no, &is_witness))
        .or_else(|| borders(accepting, refusing).into_iter().find(is_witness));
    found.map(|value| Witness::Found {
        instance: value.to_string(),
        is_refused_by_new,
    })
}

/// Values that the refusing side rejects in exactly one place.
fn broken(refusing: &Value, no: &Validator, is_witness: &dyn Fn(&Value) -> bool) -> Option<Value> {
    let settings = InstanceSettings {
        n_max: 8,
        n_broken_max: 48,
        has_wide_numbers: false,
        ..InstanceSettings::default()
    };
    let broken = instances_with(refusing, no, &settings).invalid;
    let mut values = broken.iter().map(|broken| broken.json.to_value());
    values.find(|value| is_witness(value))
}

/// Values at the borders that the keywords of both schemas name, and one of each kind.
fn borders(accepting: &Value, refusing: &Value) -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(1.5),
        json!(""),
        json!("a"),
        json!([]),
        json!({}),
    ];
    for schema in [accepting, refusing] {
        for key in ["maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"] {
            if let Some(number) = schema[key].as_f64() {
                let near = [number, number + 1.0, number - 1.0, number + 0.5];
                values.extend(near.map(|number| json!(number)));
                values.extend(schema[key].as_i64().map(|number| json!(number + 1)));
                values.extend(schema[key].as_i64().map(|number| json!(number - 1)));
            }
        }
        for key in ["maxLength", "minLength"] {
            values.extend(lengths(&schema[key]).map(|n| json!("a".repeat(n))));
        }
        for key in ["maxItems", "minItems", "maxContains", "minContains"] {
            for length in lengths(&schema[key]) {
                let items = items_of(schema);
                let lists = items.iter().map(|item| vec![item.clone(); length]);
                values.extend(lists.map(Value::Array));
            }
        }
        values.extend(schema["enum"].as_array().into_iter().flatten().cloned());
        values.extend(schema.get("const").cloned());
    }
    values
}

/// A length and its neighbours, without those that are too long.
fn lengths(value: &Value) -> impl Iterator<Item = usize> + use<> {
    const LENGTH_MAX: u64 = 10_000;
    let length = value.as_u64().filter(|length| *length <= LENGTH_MAX);
    let near = length.map(|n| [n, n + 1, n.saturating_sub(1)]);
    near.into_iter()
        .flatten()
        .filter_map(|n| usize::try_from(n).ok())
}

/// Items that a list of this schema may hold.
fn items_of(schema: &Value) -> Vec<Value> {
    let mut items = vec![json!("a"), json!(0), Value::Null];
    for key in ["contains", "items"] {
        let Some(Value::Object(below)) = schema.get(key) else {
            continue;
        };
        let mut below = below.clone();
        if let Some(defs) = schema.get("$defs") {
            below.insert("$defs".to_owned(), defs.clone());
        }
        let settings = InstanceSettings {
            n_max: 2,
            n_broken_max: 0,
            has_wide_numbers: false,
            ..InstanceSettings::default()
        };
        let made = tollgate_contracts_instance::instances(&Value::Object(below), &settings);
        let made = made.valid.iter().map(|instance| instance.json.to_value());
        items.splice(0..0, made);
    }
    items
}
