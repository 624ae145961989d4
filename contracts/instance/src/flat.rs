//! One schema with its references, `allOf` and chosen union branches folded into plain constraints.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Number, Value};
use tollgate_contracts_model::source::unescape_token;

/// Kinds of JSON value as bits; `INTEGER` is a part of `NUMBER`.
pub(crate) mod kind {
    pub(crate) const NULL: u8 = 1;
    pub(crate) const BOOL: u8 = 2;
    pub(crate) const INTEGER: u8 = 4;
    pub(crate) const NUMBER: u8 = 8;
    pub(crate) const STRING: u8 = 16;
    pub(crate) const ARRAY: u8 = 32;
    pub(crate) const OBJECT: u8 = 64;
    pub(crate) const ALL: u8 = 127;
}

/// How many subschemas one value may fold: a guard against reference bombs.
const FOLDS_MAX: usize = 400;

/// A lower or upper bound of a number.
#[derive(Clone, Debug)]
pub(crate) struct Bound {
    pub(crate) number: Number,
    pub(crate) is_exclusive: bool,
}

/// Plain constraints on one value.
#[derive(Clone, Debug)]
pub(crate) struct Flat<'s> {
    /// Whether no value is valid, because types or values contradict each other.
    pub(crate) is_never: bool,
    /// Allowed kinds.
    pub(crate) kinds: u8,
    /// The values of `enum` or `const`.
    pub(crate) values: Option<Vec<&'s Value>>,
    /// Whether `values` come from `const`.
    pub(crate) is_const: bool,
    pub(crate) properties: BTreeMap<&'s str, Vec<&'s Value>>,
    pub(crate) required: BTreeSet<&'s str>,
    /// `additionalProperties: false` or `unevaluatedProperties: false`, with the keyword.
    pub(crate) closed: Option<&'static str>,
    /// Schemas of additional properties.
    pub(crate) extra: Vec<&'s Value>,
    pub(crate) pattern_properties: Vec<(&'s str, &'s Value)>,
    pub(crate) names: Vec<&'s Value>,
    pub(crate) properties_min: usize,
    pub(crate) properties_max: Option<usize>,
    pub(crate) dependent: Vec<(&'s str, Vec<&'s str>)>,
    pub(crate) prefix: Vec<Vec<&'s Value>>,
    pub(crate) items: Vec<&'s Value>,
    pub(crate) items_min: usize,
    pub(crate) items_max: Option<usize>,
    pub(crate) is_unique: bool,
    pub(crate) contains: Vec<&'s Value>,
    pub(crate) contains_min: usize,
    pub(crate) len_min: usize,
    pub(crate) len_max: Option<usize>,
    pub(crate) patterns: Vec<&'s str>,
    pub(crate) format: Option<&'s str>,
    pub(crate) low: Option<Bound>,
    pub(crate) high: Option<Bound>,
    pub(crate) multiple: Option<&'s Number>,
    pub(crate) nots: Vec<&'s Value>,
    /// The property that names the chosen union branch, and its name.
    pub(crate) tag: Option<(&'s str, String)>,
    /// How many union branches were chosen among.
    pub(crate) n_unions: usize,
}

impl Flat<'_> {
    fn any() -> Self {
        Self {
            is_never: false,
            kinds: kind::ALL,
            values: None,
            is_const: false,
            properties: BTreeMap::new(),
            required: BTreeSet::new(),
            closed: None,
            extra: Vec::new(),
            pattern_properties: Vec::new(),
            names: Vec::new(),
            properties_min: 0,
            properties_max: None,
            dependent: Vec::new(),
            prefix: Vec::new(),
            items: Vec::new(),
            items_min: 0,
            items_max: None,
            is_unique: false,
            contains: Vec::new(),
            contains_min: 0,
            len_min: 0,
            len_max: None,
            patterns: Vec::new(),
            format: None,
            low: None,
            high: None,
            multiple: None,
            nots: Vec::new(),
            tag: None,
            n_unions: 0,
        }
    }
}

/// The schema that a reference inside the same document leads to.
pub(crate) fn follow<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(root);
    }
    if let Some(found) = root.pointer(pointer) {
        return Some(found);
    }
    let tokens: Vec<_> = pointer.split('/').skip(1).map(unescape_token).collect();
    let mut at = root;
    for token in tokens {
        at = match at {
            Value::Object(map) => map.get(token.as_ref())?,
            Value::Array(items) => items.get(token.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

/// Chooses which of `n` branches is tried first; the second value identifies the union by its place
/// among the unions of one value.
pub(crate) type Choose<'c> = dyn FnMut(&[&Value]) -> usize + 'c;

/// One union that still has to be decided.
struct Union<'s> {
    branches: Vec<&'s Value>,
    tag: Option<&'s Value>,
}

/// Folds schemas that must all hold. `choose` decides unions; a branch that contradicts the rest is
/// replaced by the next one.
pub(crate) fn flatten<'s>(
    root: &'s Value,
    schemas: &[&'s Value],
    choose: &mut Choose<'_>,
) -> Flat<'s> {
    let mut flat = Flat::any();
    let mut unions = Vec::new();
    let mut n_folds = 0;
    for schema in schemas {
        fold(root, schema, &mut flat, &mut unions, &mut n_folds);
    }
    let mut at = 0;
    while at < unions.len() && n_folds < FOLDS_MAX && !flat.is_never {
        let branches = unions[at].branches.clone();
        let tag = unions[at].tag;
        at += 1;
        if branches.is_empty() {
            flat.is_never = true;
            break;
        }
        flat.n_unions += 1;
        let first = choose(&branches).min(branches.len() - 1);
        let n_known = unions.len();
        let mut last = None;
        for step in 0..branches.len() {
            let branch = branches[(first + step) % branches.len()];
            let mut with = flat.clone();
            fold(root, branch, &mut with, &mut unions, &mut n_folds);
            if let Some(tag) = tag.and_then(|tag| tag_of(tag, branch)) {
                with.tag = Some(tag);
            }
            let is_never = with.is_never;
            last = Some(with);
            if !is_never {
                break;
            }
            unions.truncate(n_known);
        }
        if let Some(with) = last {
            flat = with;
        }
    }
    flat
}

/// The property and the name by which a discriminator identifies a branch.
fn tag_of<'s>(discriminator: &'s Value, branch: &Value) -> Option<(&'s str, String)> {
    let property = discriminator.get("propertyName")?.as_str()?;
    let target = branch.get("$ref")?.as_str()?;
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let name = last(target);
    let mapped = discriminator
        .get("mapping")
        .and_then(Value::as_object)
        .and_then(|mapping| {
            mapping
                .iter()
                .find(|(_, to)| to.as_str().is_some_and(|to| last(to) == name))
        });
    Some((property, mapped.map_or(name, |(key, _)| key.clone())))
}

fn fold<'s>(
    root: &'s Value,
    schema: &'s Value,
    flat: &mut Flat<'s>,
    unions: &mut Vec<Union<'s>>,
    n_folds: &mut usize,
) {
    *n_folds += 1;
    if *n_folds > FOLDS_MAX {
        return;
    }
    let map = match schema {
        Value::Object(map) => map,
        Value::Bool(false) => {
            flat.is_never = true;
            return;
        }
        _ => return,
    };
    if let Some(target) = map
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| follow(root, reference))
        .filter(|target| !std::ptr::eq(*target, schema))
    {
        fold(root, target, flat, unions, n_folds);
    }
    fold_kinds(map, flat);
    fold_object(map, flat);
    fold_array(map, flat);
    fold_text(map, flat);
    fold_number(map, flat);
    for part in list(map.get("allOf")) {
        fold(root, part, flat, unions, n_folds);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(branches) = map.get(key).and_then(Value::as_array) {
            unions.push(Union {
                branches: branches.iter().collect(),
                tag: map.get("discriminator"),
            });
        }
    }
    if let Some(condition) = map.get("if") {
        // The side where the condition holds has a place of its own in the coverage; the other is
        // met when a value breaks the condition and is checked as a whole.
        match map.get("then") {
            Some(then) => {
                fold(root, condition, flat, unions, n_folds);
                fold(root, then, flat, unions, n_folds);
            }
            None => {
                if let Some(other) = map.get("else") {
                    fold(root, other, flat, unions, n_folds);
                    flat.nots.push(condition);
                }
            }
        }
    }
    flat.nots.extend(map.get("not"));
}

type Map = serde_json::Map<String, Value>;

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn number(map: &Map, key: &str) -> Option<usize> {
    let value = map.get(key)?;
    let whole = value.as_u64().or_else(|| {
        // `3.0` is a whole number too.
        let float = value.as_f64().filter(|float| float.fract() == 0.0)?;
        format!("{float:.0}").parse().ok()
    })?;
    usize::try_from(whole).ok()
}

fn fold_kinds<'s>(map: &'s Map, flat: &mut Flat<'s>) {
    let mut bits = 0;
    match map.get("type") {
        Some(Value::String(word)) => bits = bit_of(word),
        Some(Value::Array(words)) => {
            for word in words.iter().filter_map(Value::as_str) {
                bits |= bit_of(word);
            }
        }
        _ => bits = kind::ALL,
    }
    flat.kinds &= bits;
    flat.is_never |= flat.kinds == 0;
    let mut narrow = |values: Vec<&'s Value>| {
        flat.values = Some(match flat.values.take() {
            None => values,
            Some(known) => known
                .into_iter()
                .filter(|value| values.contains(value))
                .collect(),
        });
    };
    if let Some(values) = map.get("enum").and_then(Value::as_array) {
        narrow(values.iter().collect());
    }
    if let Some(value) = map.get("const") {
        narrow(vec![value]);
        flat.is_const = true;
    }
    if let Some(values) = &mut flat.values {
        let kinds = flat.kinds;
        values.retain(|value| kinds & kind_of(value) != 0);
        flat.is_never |= values.is_empty();
    }
}

fn bit_of(word: &str) -> u8 {
    match word {
        "null" => kind::NULL,
        "boolean" => kind::BOOL,
        "integer" => kind::INTEGER,
        "number" => kind::NUMBER | kind::INTEGER,
        "string" => kind::STRING,
        "array" => kind::ARRAY,
        "object" => kind::OBJECT,
        _ => 0,
    }
}

/// The bits of a value; a whole number is both `INTEGER` and `NUMBER`.
pub(crate) fn kind_of(value: &Value) -> u8 {
    match value {
        Value::Null => kind::NULL,
        Value::Bool(_) => kind::BOOL,
        Value::Number(number) => {
            let is_whole = number.as_f64().is_some_and(|float| float.fract() == 0.0);
            if number.is_f64() && !is_whole {
                kind::NUMBER
            } else {
                kind::NUMBER | kind::INTEGER
            }
        }
        Value::String(_) => kind::STRING,
        Value::Array(_) => kind::ARRAY,
        Value::Object(_) => kind::OBJECT,
    }
}

fn fold_object<'s>(map: &'s Map, flat: &mut Flat<'s>) {
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        for (name, schema) in properties {
            flat.properties.entry(name).or_default().push(schema);
        }
    }
    flat.required
        .extend(list(map.get("required")).filter_map(Value::as_str));
    for key in ["additionalProperties", "unevaluatedProperties"] {
        match map.get(key) {
            Some(Value::Bool(false)) => {
                flat.closed = Some(if key == "additionalProperties" {
                    "additionalProperties"
                } else {
                    "unevaluatedProperties"
                });
            }
            Some(schema @ Value::Object(_)) => flat.extra.push(schema),
            _ => {}
        }
    }
    if let Some(patterns) = map.get("patternProperties").and_then(Value::as_object) {
        flat.pattern_properties
            .extend(patterns.iter().map(|(key, schema)| (key.as_str(), schema)));
    }
    flat.names.extend(map.get("propertyNames"));
    if let Some(min) = number(map, "minProperties") {
        flat.properties_min = flat.properties_min.max(min);
    }
    if let Some(max) = number(map, "maxProperties") {
        flat.properties_max = Some(flat.properties_max.map_or(max, |known| known.min(max)));
    }
    if let Some(dependent) = map.get("dependentRequired").and_then(Value::as_object) {
        flat.dependent.extend(dependent.iter().map(|(key, names)| {
            let names = list(Some(names)).filter_map(Value::as_str).collect();
            (key.as_str(), names)
        }));
    }
}

fn fold_array<'s>(map: &'s Map, flat: &mut Flat<'s>) {
    for (idx, schema) in list(map.get("prefixItems")).enumerate() {
        if flat.prefix.len() <= idx {
            flat.prefix.push(Vec::new());
        }
        flat.prefix[idx].push(schema);
    }
    match map.get("items") {
        Some(Value::Bool(false)) => {
            let max = flat.prefix.len();
            flat.items_max = Some(flat.items_max.map_or(max, |known| known.min(max)));
        }
        Some(Value::Array(items)) => {
            for (idx, schema) in items.iter().enumerate() {
                if flat.prefix.len() <= idx {
                    flat.prefix.push(Vec::new());
                }
                flat.prefix[idx].push(schema);
            }
        }
        other => flat.items.extend(other),
    }
    flat.contains.extend(map.get("contains"));
    if map.contains_key("contains") {
        let min = number(map, "minContains").unwrap_or(1);
        flat.contains_min = flat.contains_min.max(min);
    }
    if let Some(min) = number(map, "minItems") {
        flat.items_min = flat.items_min.max(min);
    }
    if let Some(max) = number(map, "maxItems") {
        flat.items_max = Some(flat.items_max.map_or(max, |known| known.min(max)));
    }
    flat.is_unique |= map.get("uniqueItems") == Some(&Value::Bool(true));
}

fn fold_text<'s>(map: &'s Map, flat: &mut Flat<'s>) {
    if let Some(min) = number(map, "minLength") {
        flat.len_min = flat.len_min.max(min);
    }
    if let Some(max) = number(map, "maxLength") {
        flat.len_max = Some(flat.len_max.map_or(max, |known| known.min(max)));
    }
    if let Some(pattern) = map.get("pattern").and_then(Value::as_str)
        && !flat.patterns.contains(&pattern)
    {
        flat.patterns.push(pattern);
    }
    if let Some(format) = map.get("format").and_then(Value::as_str) {
        flat.format = Some(format);
    } else if map.get("contentEncoding").and_then(Value::as_str) == Some("base64") {
        flat.format = Some("byte");
    }
}

fn fold_number<'s>(map: &'s Map, flat: &mut Flat<'s>) {
    for (key, is_exclusive) in [("minimum", false), ("exclusiveMinimum", true)] {
        if let Some(number) = map.get(key).and_then(Value::as_number) {
            let is_tighter = flat.low.as_ref().is_none_or(|known| {
                let (known_at, at) = (known.number.as_f64(), number.as_f64());
                at > known_at || (at == known_at && is_exclusive)
            });
            if is_tighter {
                flat.low = Some(Bound {
                    number: number.clone(),
                    is_exclusive,
                });
            }
        }
    }
    for (key, is_exclusive) in [("maximum", false), ("exclusiveMaximum", true)] {
        if let Some(number) = map.get(key).and_then(Value::as_number) {
            let is_tighter = flat.high.as_ref().is_none_or(|known| {
                let (known_at, at) = (known.number.as_f64(), number.as_f64());
                at < known_at || (at == known_at && is_exclusive)
            });
            if is_tighter {
                flat.high = Some(Bound {
                    number: number.clone(),
                    is_exclusive,
                });
            }
        }
    }
    if let Some(multiple) = map.get("multipleOf").and_then(Value::as_number) {
        flat.multiple = Some(multiple);
    }
}
