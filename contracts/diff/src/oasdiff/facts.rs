//! The differences between one pair of schemas, as actions that complete an id: `max-increased`,
//! `one-of-added`.

use super::builder::Builder;
use super::delta::Delta;
use super::lists::name_of;
use super::transitions::Transitions;
use super::types::Verdict;
use super::view::{View, shown, value_key};

/// One difference.
pub(super) struct Fact {
    pub(super) action: String,
    pub(super) args: Vec<String>,
}

impl Fact {
    fn new(action: impl Into<String>, args: Vec<String>) -> Self {
        Self {
            action: action.into(),
            args,
        }
    }
}

/// Numeric bounds: keyword, word, the meaning of an absent keyword, and the direction of a change
/// that cannot be ordered.
const LIMITS: &[(&str, &str, Option<f64>, Way)] = &[
    ("maximum", "max", None, Way::Up),
    ("exclusiveMaximum", "exclusive-max", None, Way::Up),
    ("minimum", "min", None, Way::Down),
    ("exclusiveMinimum", "exclusive-min", None, Way::Down),
    ("maxLength", "max-length", None, Way::Up),
    ("minLength", "min-length", Some(0.0), Way::Down),
    ("maxItems", "max-items", None, Way::Up),
    ("minItems", "min-items", Some(0.0), Way::Down),
    ("minContains", "min-contains", None, Way::None),
    ("maxContains", "max-contains", None, Way::None),
];

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Up,
    Down,
    None,
}

/// All differences of this pair, without those below it.
pub(super) fn facts<'a>(
    builder: &Builder<'a>,
    delta: &Delta<'a>,
    transitions: &Transitions,
    is_response: bool,
) -> Vec<Fact> {
    let Some((old, new)) = delta.sides() else {
        return Vec::new();
    };
    let mut facts = Vec::new();
    limits(old, new, is_response, &mut facts);
    pattern(old, new, is_response, &mut facts);
    for (key, word) in [("const", "const"), ("default", "default-value")] {
        value(old, new, (key, word), &mut facts);
    }
    for (key, word) in [
        ("contentMediaType", "content-media-type-changed"),
        ("contentEncoding", "content-encoding-changed"),
    ] {
        if old.text(key) != new.text(key) {
            let args = vec![old.text(key).to_owned(), new.text(key).to_owned()];
            facts.push(Fact::new(word, args));
        }
    }
    values(delta, &mut facts);
    single_schemas(delta, &mut facts);
    lists(builder, delta, &mut facts);
    maps(delta, &mut facts);
    discriminator(old, new, &mut facts);
    if let Some(is_nullable) = nullability(delta, transitions) {
        let word = if is_nullable {
            "became-nullable"
        } else {
            "became-not-nullable"
        };
        facts.push(Fact::new(word, Vec::new()));
    }
    if !transitions.moved.is_empty() {
        facts.push(Fact::new("wrapped-in-one-of", Vec::new()));
    }
    if let Some(names) = &transitions.list_of_types {
        let (first, word) = if is_response {
            (&names.added, "list-of-types-widened")
        } else {
            (&names.deleted, "list-of-types-narrowed")
        };
        let (names, word) = match (first.is_empty(), is_response) {
            (false, _) => (first, word),
            (true, true) => (&names.deleted, "list-of-types-narrowed"),
            (true, false) => (&names.added, "list-of-types-widened"),
        };
        facts.push(Fact::new(word, vec![names.join(", ")]));
    }
    facts
}

/// The fact of a change of type or format, by its verdict.
pub(super) fn type_fact(delta: &Delta<'_>, verdict: Verdict) -> Fact {
    let word = match verdict {
        Verdict::Changed => "type-changed",
        Verdict::Generalized => "type-generalized",
        Verdict::Specialized => "type-specialized",
        Verdict::Compatible => "type-compatible",
    };
    let show = |view: Option<&View<'_>>| {
        let view = view?;
        let types = view.types().join(", ");
        Some(format!("{types}/{}", view.text("format")))
    };
    let args = [show(delta.old.as_ref()), show(delta.new.as_ref())];
    Fact::new(word, args.into_iter().flatten().collect())
}

fn limits(old: &View<'_>, new: &View<'_>, is_response: bool, facts: &mut Vec<Fact>) {
    for (key, word, absent, way) in LIMITS {
        let text = |view: &View<'_>| {
            let given = view.node(key).map(value_key);
            given.or_else(|| absent.map(|number| number.to_string()))
        };
        let (from, to) = (text(old), text(new));
        if from == to {
            continue;
        }
        let number = |view: &View<'_>| view.number(key).or(*absent);
        let order = number(old)
            .zip(number(new))
            .map(|(from, to)| from.total_cmp(&to));
        let step = match (&from, &to) {
            (None, Some(_)) => "set",
            (Some(_), None) => "unset",
            _ => match (order, way) {
                (Some(std::cmp::Ordering::Less), _) => "increased",
                (Some(std::cmp::Ordering::Greater), _) => "decreased",
                (_, Way::Up) if !is_response => "increased",
                (_, Way::Down) if !is_response => "decreased",
                _ => continue,
            },
        };
        let args = [from, to].into_iter().flatten().collect();
        facts.push(Fact::new(format!("{word}-{step}"), args));
    }
}

fn pattern(old: &View<'_>, new: &View<'_>, is_response: bool, facts: &mut Vec<Fact>) {
    let (from, to) = (old.text("pattern"), new.text("pattern"));
    let (word, args) = match (from, to) {
        (from, to) if from == to => return,
        (_, "") => ("pattern-removed", vec![from]),
        ("", _) => ("pattern-added", vec![to]),
        (_, ".*") if !is_response => ("pattern-generalized", vec![from, to]),
        _ => ("pattern-changed", vec![from, to]),
    };
    let args = args.into_iter().map(str::to_owned).collect();
    facts.push(Fact::new(word, args));
}

fn value(old: &View<'_>, new: &View<'_>, (key, word): (&str, &str), facts: &mut Vec<Fact>) {
    let (from, to) = (old.node(key), new.node(key));
    let step = match (from, to) {
        (None, Some(_)) => "added",
        (Some(_), None) => "removed",
        (Some(from), Some(to)) if value_key(from) != value_key(to) => "changed",
        _ => return,
    };
    let args = [from, to].into_iter().flatten().map(shown).collect();
    facts.push(Fact::new(format!("{word}-{step}"), args));
}

fn values(delta: &Delta<'_>, facts: &mut Vec<Fact>) {
    if delta.enum_values.is_new {
        facts.push(Fact::new("became-enum", Vec::new()));
    }
    for (values, word) in [
        (&delta.enum_values.deleted, "enum-value-removed"),
        (&delta.enum_values.added, "enum-value-added"),
    ] {
        let rows = values.iter();
        facts.extend(rows.map(|value| Fact::new(word, vec![value.clone()])));
    }
    for (keys, step) in [
        (&delta.dependent.added, "added"),
        (&delta.dependent.deleted, "removed"),
        (&delta.dependent.changed, "changed"),
    ] {
        let action = format!("dependent-required-{step}");
        let rows = keys.iter();
        facts.extend(rows.map(|key| Fact::new(action.clone(), vec![key.clone()])));
    }
}

fn single_schemas(delta: &Delta<'_>, facts: &mut Vec<Fact>) {
    for (key, word) in [
        ("if", "if"),
        ("then", "then"),
        ("else", "else"),
        ("contains", "contains"),
        ("propertyNames", "property-names"),
        ("unevaluatedItems", "unevaluated-items"),
        ("unevaluatedProperties", "unevaluated-properties"),
        ("contentSchema", "content-schema"),
    ] {
        let Some(below) = delta.one.get(key) else {
            continue;
        };
        let step = match (&below.old, &below.new) {
            (None, Some(_)) => "added",
            (Some(_), None) => "removed",
            _ => continue,
        };
        facts.push(Fact::new(format!("{word}-{step}"), Vec::new()));
    }
}

fn lists<'a>(builder: &Builder<'a>, delta: &Delta<'a>, facts: &mut Vec<Fact>) {
    let Some((old, new)) = delta.sides() else {
        return;
    };
    for (key, word) in [
        ("oneOf", "one-of"),
        ("anyOf", "any-of"),
        ("allOf", "all-of"),
        ("prefixItems", "prefix-items"),
    ] {
        let Some(list) = delta.lists.get(key) else {
            continue;
        };
        for (indices, step, members) in [
            (&list.added, "added", new.schemas(builder.new, key)),
            (&list.deleted, "removed", old.schemas(builder.old, key)),
        ] {
            let is_note = |idx: &usize| {
                key == "allOf" && {
                    let member = &members[*idx];
                    if step == "added" {
                        builder.is_equivalent(&View::empty(), member)
                    } else {
                        builder.is_equivalent(member, &View::empty())
                    }
                }
            };
            let (notes, kept): (Vec<usize>, Vec<usize>) =
                indices.iter().partition(|idx| is_note(idx));
            for (indices, suffix) in [(kept, ""), (notes, "-annotation-only")] {
                if indices.is_empty() {
                    continue;
                }
                let names: Vec<String> = indices
                    .iter()
                    .map(|idx| name_of(&members[*idx], *idx, members[*idx].reference.is_none()))
                    .collect();
                let action = format!("{word}-{step}{suffix}");
                facts.push(Fact::new(action, vec![names.join(", ")]));
            }
        }
    }
}

fn maps(delta: &Delta<'_>, facts: &mut Vec<Fact>) {
    for (key, word) in [
        ("patternProperties", "pattern-property"),
        ("dependentSchemas", "dependent-schema"),
    ] {
        let Some(map) = delta.maps.get(key) else {
            continue;
        };
        for (names, step) in [(&map.names.added, "added"), (&map.names.deleted, "removed")] {
            let action = format!("{word}-{step}");
            let rows = names.iter();
            facts.extend(rows.map(|name| Fact::new(action.clone(), vec![name.clone()])));
        }
    }
}

fn discriminator(old: &View<'_>, new: &View<'_>, facts: &mut Vec<Fact>) {
    let (from, to) = match (old.node("discriminator"), new.node("discriminator")) {
        (None, None) => return,
        (None, Some(_)) => return facts.push(Fact::new("discriminator-added", Vec::new())),
        (Some(_), None) => return facts.push(Fact::new("discriminator-removed", Vec::new())),
        (Some(from), Some(to)) => (from, to),
    };
    let name = |node: &tollgate_contracts_model::Node| {
        let text = node
            .get("propertyName")
            .and_then(tollgate_contracts_model::Node::scalar_text);
        text.unwrap_or_default().to_owned()
    };
    if name(from) != name(to) {
        let args = vec![name(from), name(to)];
        facts.push(Fact::new("discriminator-property-name-changed", args));
    }
    let mapping = |node: &tollgate_contracts_model::Node| {
        let entries = node
            .get("mapping")
            .map(tollgate_contracts_model::Node::entries);
        entries
            .unwrap_or_default()
            .map(|entry| (entry.key.clone(), shown(&entry.node)))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let (from, to) = (mapping(from), mapping(to));
    let only = |left: &std::collections::BTreeMap<String, String>,
                right: &std::collections::BTreeMap<String, String>| {
        let keys = left.keys().filter(|key| !right.contains_key(*key));
        keys.cloned().collect::<Vec<_>>()
    };
    for (keys, step) in [(only(&to, &from), "added"), (only(&from, &to), "deleted")] {
        if !keys.is_empty() {
            let action = format!("discriminator-mapping-{step}");
            facts.push(Fact::new(action, vec![format!("[{}]", keys.join(" "))]));
        }
    }
    for (key, target) in &from {
        if let Some(other) = to.get(key)
            && other != target
        {
            let args = vec![key.clone(), target.clone(), other.clone()];
            facts.push(Fact::new("discriminator-mapping-changed", args));
        }
    }
}

/// Whether null became valid, or invalid.
pub(super) fn nullability(delta: &Delta<'_>, transitions: &Transitions) -> Option<bool> {
    let (old, new) = delta.sides()?;
    match (old.is_true("nullable"), new.is_true("nullable")) {
        (true, false) => return Some(false),
        (false, true) => return Some(true),
        _ => {}
    }
    let has_null = |types: &[String]| types.iter().any(|word| word == "null");
    if has_null(&delta.types.deleted) && !new.types().is_empty() {
        return Some(false);
    }
    if has_null(&delta.types.added) && !old.types().is_empty() {
        return Some(true);
    }
    transitions.null_wrap
}
