//! Valid objects that hold, at a key that only other alternatives list, a value that those
//! alternatives would reject.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;
use serde_json::Value;

use crate::flat::follow;
use crate::json::Json;

/// The maximum number of schemas that are searched for keys: a guard against reference bombs.
const LOOKS_MAX: usize = 400;

/// The maximum number of keys of other alternatives that one object gets.
const KEYS_MAX: usize = 12;

/// For each key that an alternative of the schema lists, the types that the key may have there;
/// none when an alternative does not declare a type.
pub(crate) fn listed(root: &Value) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut listed = BTreeMap::new();
    let mut left = vec![(root, false)];
    let mut n_looks = 0;
    while let Some((schema, is_alternative)) = left.pop() {
        n_looks += 1;
        if n_looks > LOOKS_MAX {
            break;
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            left.extend(follow(root, target).map(|target| (target, is_alternative)));
        }
        for (key, makes_alternative) in [("allOf", false), ("oneOf", true), ("anyOf", true)] {
            let members = schema.get(key).and_then(Value::as_array);
            let members = members.into_iter().flatten();
            left.extend(members.map(|member| (member, is_alternative || makes_alternative)));
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.filter(|_| is_alternative);
        for (key, property) in properties.into_iter().flatten() {
            let types: &mut BTreeSet<&str> = listed.entry(key.as_str()).or_default();
            types.extend(types_of(property));
        }
    }
    listed
}

fn types_of(schema: &Value) -> impl Iterator<Item = &str> {
    let types = schema.get("type");
    let one = types.and_then(Value::as_str);
    let many = types.and_then(Value::as_array).into_iter().flatten();
    one.into_iter().chain(many.filter_map(Value::as_str))
}

/// The object with as many keys of other alternatives as it may hold; nothing when it may hold
/// none.
pub(crate) fn crossed(
    base: &Json,
    listed: &BTreeMap<&str, BTreeSet<&str>>,
    validator: &Validator,
) -> Option<Json> {
    let mut json = base.clone();
    let mut n_keys = 0;
    for (key, types) in listed {
        if n_keys >= KEYS_MAX || !matches!(json, Json::Object(_)) || json.get(key).is_some() {
            continue;
        }
        let strange = [
            ("string", Json::String("tollgate-crossed".to_owned())),
            ("number", Json::Number("7.5".to_owned())),
            ("array", Json::Array(vec![Json::Bool(true)])),
        ];
        for (kind, value) in strange {
            if types.contains(kind) {
                continue;
            }
            let mut next = json.clone();
            next.insert(key, value);
            if validator.is_valid(&next.to_value()) {
                json = next;
                n_keys += 1;
                break;
            }
        }
    }
    (n_keys > 0).then_some(json)
}
