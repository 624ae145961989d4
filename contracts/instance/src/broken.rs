//! Ways to break a value in one place: each is a change and the keyword that rejects it. Whether
//! the broken value is rejected is not checked here.

use serde_json::Value;

use crate::flat::{Flat, kind};
use crate::json::{Json, join};
use crate::number;
use crate::sample::{Plan, Sampler, Site, smallest};
use crate::settings::InstanceSettings;
use crate::text::{self, Patterns};
use tollgate_stats::Rng;

/// The maximum length of a text or list that is made to be too long.
const TOO_LONG_MAX: usize = 20_000;
const TOO_MANY_MAX: usize = 2_000;
/// A key that no schema names.
const UNKNOWN_KEY: &str = "tollgateUnknown";

/// The change at a place.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Another value replaces it.
    Replace(Json),
    /// A key is removed.
    Remove(String),
    /// A key is added.
    Insert(String, Json),
}

/// One way to break a value.
#[derive(Clone, Debug)]
pub(crate) struct Break {
    pub(crate) pointer: String,
    pub(crate) keyword: &'static str,
    pub(crate) change: Change,
}

impl Break {
    /// The value with the change; none when its place does not exist.
    pub(crate) fn apply(&self, base: &Json) -> Option<Json> {
        let mut value = base.clone();
        let at = value.pointer_mut(&self.pointer)?;
        match &self.change {
            Change::Replace(with) => *at = with.clone(),
            Change::Remove(key) => {
                if !at.remove(&join("", key)) {
                    return None;
                }
            }
            Change::Insert(key, with) => {
                if !matches!(at, Json::Object(_)) {
                    return None;
                }
                at.insert(key, with.clone());
            }
        }
        Some(value)
    }
}

/// All the ways to break the value at one site.
pub(crate) fn breaks<'s>(
    root: &'s Value,
    site: &Site<'s>,
    value: &Json,
    settings: &InstanceSettings,
    patterns: &mut Patterns,
) -> Vec<Break> {
    let flat = &site.flat;
    let mut found = Vec::new();
    let mut add = |keyword, change| {
        found.push(Break {
            pointer: site.pointer.clone(),
            keyword,
            change,
        });
    };
    for other in other_kinds(flat) {
        add("type", Change::Replace(other));
    }
    if let Some(values) = &flat.values {
        let keyword = if flat.is_const { "const" } else { "enum" };
        add(keyword, Change::Replace(not_among(values, value)));
    }
    match value {
        Json::String(text) => string_breaks(flat, text, &mut add),
        Json::Number(_) => number_breaks(flat, &mut add),
        Json::Array(items) => array_breaks(flat, items, &mut add),
        Json::Object(entries) => object_breaks(flat, entries, &mut add),
        Json::Null | Json::Bool(_) => {}
    }
    for not in &flat.nots {
        let mut sampler = Sampler {
            root,
            settings,
            patterns: &mut *patterns,
            rng: Rng::of(settings.seed, "not"),
            plan: Plan::Minimal,
            sites: None,
        };
        if let Some(made) = smallest(&mut sampler, not) {
            let with = match (value, made) {
                // The rest of an object stays, so that only `not` is broken.
                (Json::Object(entries), Json::Object(more)) => {
                    let mut whole = Json::Object(entries.clone());
                    for (key, value) in more {
                        whole.insert(&key, value);
                    }
                    whole
                }
                (_, made) => made,
            };
            add("not", Change::Replace(with));
        }
    }
    found
}

/// Values of types that are not allowed: one of another type, and null.
fn other_kinds(flat: &Flat<'_>) -> Vec<Json> {
    if flat.kinds == kind::ALL {
        return Vec::new();
    }
    let text = |text: &str| Json::String(text.to_owned());
    let others = [
        (kind::STRING, text("not the right type")),
        (kind::BOOL, Json::Bool(true)),
        (kind::NUMBER | kind::INTEGER, Json::Number("7".to_owned())),
        (kind::ARRAY, Json::Array(Vec::new())),
        (kind::OBJECT, Json::Object(Vec::new())),
    ];
    let mut found: Vec<Json> = others
        .into_iter()
        .filter(|(bits, _)| flat.kinds & bits == 0)
        .map(|(_, value)| value)
        .take(2)
        .collect();
    if flat.kinds & kind::NULL == 0 {
        found.push(Json::Null);
    }
    if flat.kinds & (kind::INTEGER | kind::NUMBER) == kind::INTEGER {
        found.push(Json::Number("1.5".to_owned()));
    }
    found
}

/// A value of the same type that is not one of the listed ones.
fn not_among(values: &[&Value], value: &Json) -> Json {
    match value {
        Json::Number(_) => {
            let max = values
                .iter()
                .filter_map(|value| value.as_f64())
                .fold(0.0, f64::max);
            Json::Number(format!("{:.0}", max.abs() + 1.0))
        }
        Json::Bool(bool) => Json::Bool(!bool),
        _ => Json::String("tollgate-none-of-these".to_owned()),
    }
}

type Add<'a> = dyn FnMut(&'static str, Change) + 'a;

fn string_breaks(flat: &Flat<'_>, text: &str, add: &mut Add<'_>) {
    let mut replace = |keyword, text: String| add(keyword, Change::Replace(Json::String(text)));
    if flat.values.is_some() {
        return;
    }
    if flat.len_min > 0 {
        replace("minLength", text.chars().take(flat.len_min - 1).collect());
    }
    if let Some(max) = flat.len_max.filter(|max| *max <= TOO_LONG_MAX) {
        let last = text.chars().last().unwrap_or('a');
        let mut long = text.to_owned();
        long.extend(std::iter::repeat_n(
            last,
            (max + 1).saturating_sub(text.chars().count()),
        ));
        replace("maxLength", long);
    }
    if !flat.patterns.is_empty() {
        let fill = flat.len_min.max(1);
        // The first that the whole schema rejects is kept.
        for wrong in ["☃", " ", "\u{1}", "-", "A", "0"] {
            let mut wrong = wrong.repeat(fill);
            if let Some(max) = flat.len_max {
                wrong = wrong.chars().take(max).collect();
            }
            replace("pattern", wrong);
        }
    }
    if let Some(format) = flat.format.filter(|format| text::is_asserted(format)) {
        let wrong = if format == "regex" {
            "a("
        } else {
            "not a valid one \u{2603}"
        };
        replace("format", wrong.to_owned());
        if let Some(near) = text::nearly(format) {
            replace("format", near.to_owned());
        }
    }
}

fn number_breaks(flat: &Flat<'_>, add: &mut Add<'_>) {
    let mut replace = |keyword, text: String| add(keyword, Change::Replace(Json::Number(text)));
    if let Some(bound) = &flat.low {
        let keyword = if bound.is_exclusive {
            "exclusiveMinimum"
        } else {
            "minimum"
        };
        replace(keyword, number::outside(bound, true));
    }
    if let Some(bound) = &flat.high {
        let keyword = if bound.is_exclusive {
            "exclusiveMaximum"
        } else {
            "maximum"
        };
        replace(keyword, number::outside(bound, false));
    }
    if let Some(multiple) = flat.multiple {
        let step = multiple.as_f64().unwrap_or(1.0);
        let good = number::numbers(flat, false);
        let near = good
            .first()
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0);
        let is_whole = flat.kinds & (kind::INTEGER | kind::NUMBER) == kind::INTEGER;
        let by = if is_whole { 1.0 } else { step / 2.0 };
        if !is_whole || step > 1.0 {
            replace(
                "multipleOf",
                Json::of(&serde_json::json!(near + by)).to_string(),
            );
        }
    }
}

fn array_breaks(flat: &Flat<'_>, items: &[Json], add: &mut Add<'_>) {
    let mut replace = |keyword, items: Vec<Json>| add(keyword, Change::Replace(Json::Array(items)));
    if flat.items_min > 0 && flat.items_min - 1 <= items.len() {
        replace("minItems", items[..flat.items_min - 1].to_vec());
    }
    if let (Some(max), false) = (flat.items_max, items.is_empty())
        && max < TOO_MANY_MAX
    {
        let many = items.iter().cycle().take(max + 1).cloned().collect();
        replace("maxItems", many);
    }
    if let (true, Some(first)) = (flat.is_unique, items.first()) {
        let mut twice = items.to_vec();
        match twice.get_mut(1) {
            Some(second) => *second = first.clone(),
            None => twice.push(first.clone()),
        }
        replace("uniqueItems", twice);
    }
    if flat.contains_min > 0 && !flat.contains.is_empty() {
        replace("contains", Vec::new());
    }
}

fn object_breaks(flat: &Flat<'_>, entries: &[(String, Json)], add: &mut Add<'_>) {
    for name in &flat.required {
        add("required", Change::Remove((*name).to_owned()));
    }
    if let Some(keyword) = flat.closed {
        add(
            keyword,
            Change::Insert(UNKNOWN_KEY.to_owned(), Json::Bool(true)),
        );
    }
    if !flat.names.is_empty() && flat.closed.is_none() {
        add(
            "propertyNames",
            Change::Insert("\u{2603} no such name".to_owned(), Json::Null),
        );
    }
    if flat.properties_min > flat.required.len() {
        let few = entries
            .iter()
            .take(flat.properties_min - 1)
            .cloned()
            .collect();
        add("minProperties", Change::Replace(Json::Object(few)));
    }
    if let Some(max) = flat.properties_max.filter(|max| *max < TOO_MANY_MAX) {
        let mut many = entries.to_vec();
        let value = entries
            .first()
            .map_or(Json::Null, |(_, value)| value.clone());
        for idx in 0..=max.saturating_sub(many.len()) {
            many.push((format!("more{idx}"), value.clone()));
        }
        add("maxProperties", Change::Replace(Json::Object(many)));
    }
    for (key, needed) in &flat.dependent {
        if entries.iter().any(|(known, _)| known == key) {
            for name in needed.iter().filter(|name| !flat.required.contains(*name)) {
                add("dependentRequired", Change::Remove((*name).to_owned()));
            }
        }
    }
}
