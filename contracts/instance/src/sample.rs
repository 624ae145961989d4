//! One value of a schema, by a plan: the smallest, the complete one, the n-th row of choices, or a
//! random one.

use std::collections::BTreeSet;

use serde_json::Value;
use tollgate_contracts_model::pattern::parse_tree;

use crate::flat::{Flat, flatten, kind};
use crate::json::{Json, join};
use crate::number;
use crate::pattern::{self, Length};
use crate::settings::InstanceSettings;
use crate::text::{self, Patterns};
use tollgate_stats::Rng;

/// How choices are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Only the required parts, each with its first choice.
    Minimal,
    /// All parts that are allowed, with choice `n` at each place.
    Row(usize),
    /// Like row 0, with a key that no schema names in every open object.
    Extra,
    /// Everything at random.
    Drawn,
}

/// A value that was made, and the constraints it was made for.
pub(crate) struct Site<'s> {
    pub(crate) pointer: String,
    pub(crate) flat: Flat<'s>,
}

/// State that one sampling shares.
pub(crate) struct Sampler<'s, 'c> {
    pub(crate) root: &'s Value,
    pub(crate) settings: &'c InstanceSettings,
    pub(crate) patterns: &'c mut Patterns,
    pub(crate) rng: Rng,
    pub(crate) plan: Plan,
    /// Where each value came from; kept only when asked for.
    pub(crate) sites: Option<Vec<Site<'s>>>,
}

/// Where a value is.
#[derive(Clone)]
struct Spot {
    pointer: String,
    depth: usize,
    /// How many values may be below it.
    fuel: usize,
    /// The number of the choice, shared out between the choices of one value.
    row: usize,
}

/// A value of the schema at the root, or none when the depth does not suffice.
pub(crate) fn sample<'s>(sampler: &mut Sampler<'s, '_>) -> Option<Json> {
    let row = match sampler.plan {
        Plan::Row(row) => row,
        _ => 0,
    };
    let spot = Spot {
        pointer: String::new(),
        depth: 0,
        fuel: sampler.settings.size_max,
        row,
    };
    let root = sampler.root;
    value_of(sampler, &[root], spot)
}

/// A value of one subschema, the smallest one.
pub(crate) fn smallest<'s>(sampler: &mut Sampler<'s, '_>, schema: &'s Value) -> Option<Json> {
    let spot = Spot {
        pointer: String::new(),
        depth: 0,
        fuel: 0,
        row: 0,
    };
    sampler.plan = Plan::Minimal;
    value_of(sampler, &[schema], spot)
}

impl Sampler<'_, '_> {
    /// A choice among `n`, which takes its share of the row.
    fn pick(&mut self, n: usize, row: &mut usize) -> usize {
        if n < 2 {
            return 0;
        }
        match self.plan {
            Plan::Minimal | Plan::Extra => 0,
            Plan::Drawn => self.rng.below(n),
            Plan::Row(_) => {
                let idx = *row % n;
                *row /= n;
                idx
            }
        }
    }

    /// Whether a value at this depth takes only the required parts.
    fn is_lean(&self, spot: &Spot) -> bool {
        self.plan == Plan::Minimal || spot.fuel == 0 || spot.depth >= self.settings.depth_max
    }
}

/// How much deeper than `depth_max` required parts may go.
const DEPTH_MORE_MAX: usize = 12;

fn value_of<'s>(
    sampler: &mut Sampler<'s, '_>,
    schemas: &[&'s Value],
    mut spot: Spot,
) -> Option<Json> {
    if spot.depth > sampler.settings.depth_max + DEPTH_MORE_MAX {
        return None;
    }
    let is_lean = sampler.is_lean(&spot);
    let root = sampler.root;
    let mut row = spot.row;
    let flat = flatten(root, schemas, &mut |branches| {
        if is_lean {
            shortest(root, branches)
        } else {
            sampler.pick(branches.len(), &mut row)
        }
    });
    spot.row = row;
    if flat.is_never {
        return None;
    }
    let pointer = spot.pointer.clone();
    let made = made(sampler, &flat, spot)?;
    if let Some(sites) = &mut sampler.sites {
        sites.push(Site { pointer, flat });
    }
    Some(made)
}

/// The branch with the fewest levels.
fn shortest(root: &Value, branches: &[&Value]) -> usize {
    let heights = branches.iter().map(|branch| height(root, &[branch], 4));
    heights
        .enumerate()
        .min_by_key(|(_, height)| *height)
        .map_or(0, |(idx, _)| idx)
}

/// How many levels of required values a schema needs; `limit + 1` when more than `limit`.
fn height(root: &Value, schemas: &[&Value], limit: usize) -> usize {
    if limit == 0 {
        return 1;
    }
    let flat = flatten(root, schemas, &mut |_| 0);
    if flat.is_never {
        return limit + 1;
    }
    if flat.values.is_some() || flat.kinds & !(kind::OBJECT | kind::ARRAY) != 0 {
        return 0;
    }
    let mut worst = 0;
    for name in &flat.required {
        if let Some(schemas) = flat.properties.get(name) {
            worst = worst.max(1 + height(root, schemas, limit - 1));
        }
    }
    if flat.items_min > 0 && !flat.items.is_empty() {
        worst = worst.max(1 + height(root, &flat.items, limit - 1));
    }
    worst
}

/// The types to choose among, likeliest first. When no keyword names a type, the other keywords
/// indicate it.
fn kinds_of(flat: &Flat<'_>) -> Vec<u8> {
    let order = [
        kind::OBJECT,
        kind::ARRAY,
        kind::STRING,
        kind::NUMBER,
        kind::INTEGER,
        kind::BOOL,
        kind::NULL,
    ];
    let mut kinds = flat.kinds;
    if kinds == kind::ALL {
        let has_object = !flat.properties.is_empty()
            || !flat.required.is_empty()
            || flat.closed.is_some()
            || !flat.extra.is_empty()
            || !flat.pattern_properties.is_empty();
        let has_array = !flat.items.is_empty() || !flat.prefix.is_empty() || flat.items_min > 0;
        let has_text = flat
            .format
            .is_some_and(|format| !text::of_format(format).is_empty())
            || !flat.patterns.is_empty()
            || flat.len_min > 0
            || flat.len_max.is_some();
        let has_number = flat.low.is_some() || flat.high.is_some() || flat.multiple.is_some();
        let spoken = [
            (has_object, kind::OBJECT),
            (has_array, kind::ARRAY),
            (has_text, kind::STRING),
            (has_number, kind::NUMBER),
        ];
        let bits = spoken
            .iter()
            .filter(|(is_spoken, _)| *is_spoken)
            .fold(0, |bits, (_, bit)| bits | bit);
        if bits != 0 {
            kinds = bits;
        }
    }
    if kinds & kind::NUMBER != 0 {
        kinds &= !kind::INTEGER;
    }
    order.into_iter().filter(|bit| kinds & bit != 0).collect()
}

fn made<'s>(sampler: &mut Sampler<'s, '_>, flat: &Flat<'s>, mut spot: Spot) -> Option<Json> {
    let mut row = spot.row;
    if let Some(values) = &flat.values {
        let idx = sampler.pick(values.len(), &mut row);
        return values.get(idx).map(|value| Json::of(value));
    }
    let kinds = kinds_of(flat);
    let is_lean = sampler.is_lean(&spot);
    let idx = if is_lean && flat.kinds != kind::ALL && kinds.contains(&kind::NULL) && spot.depth > 0
    {
        kinds.len() - 1
    } else {
        sampler.pick(kinds.len(), &mut row)
    };
    spot.row = row;
    match *kinds.get(idx)? {
        kind::NULL => Some(Json::Null),
        kind::BOOL => Some(Json::Bool(sampler.pick(2, &mut row) == 0)),
        kind::STRING => string(sampler, flat, row).map(Json::String),
        kind::INTEGER => {
            let texts = number::integers(flat, sampler.settings.has_wide_numbers);
            let idx = sampler.pick(texts.len(), &mut row);
            texts.get(idx).cloned().map(Json::Number)
        }
        kind::NUMBER => {
            let texts = number::numbers(flat, sampler.settings.has_wide_numbers);
            let idx = sampler.pick(texts.len(), &mut row);
            texts.get(idx).cloned().map(Json::Number)
        }
        kind::ARRAY => array(sampler, flat, &spot),
        _ => object(sampler, flat, &spot),
    }
}

fn string(sampler: &mut Sampler<'_, '_>, flat: &Flat<'_>, mut row: usize) -> Option<String> {
    if sampler.plan == Plan::Drawn && sampler.rng.chance(50) {
        return Some(text::drawn(flat, sampler.patterns, &mut sampler.rng));
    }
    let texts = text::texts(flat, sampler.patterns, &mut sampler.rng);
    let idx = sampler.pick(texts.len(), &mut row);
    texts.into_iter().nth(idx)
}

fn array<'s>(sampler: &mut Sampler<'s, '_>, flat: &Flat<'s>, spot: &Spot) -> Option<Json> {
    let min = flat.items_min.max(if flat.contains.is_empty() {
        0
    } else {
        flat.contains_min
    });
    let max = flat.items_max.unwrap_or(usize::MAX);
    let typical = flat.prefix.len().max(2);
    let n = if sampler.is_lean(spot) {
        min
    } else {
        match (sampler.plan, spot.row % 3) {
            (Plan::Drawn, _) => min + sampler.rng.below(5),
            (_, 1) => min,
            (_, 2) => typical + 1,
            _ => typical,
        }
    };
    let n = n.clamp(min, max.max(min)).min(sampler.settings.size_max);
    let mut items: Vec<Json> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut n_tries = 0;
    while items.len() < n && n_tries < n * 3 + 8 {
        let idx = items.len();
        let schemas: &[&Value] = if idx < flat.prefix.len() {
            &flat.prefix[idx]
        } else if idx < flat.prefix.len() + flat.contains_min && !flat.contains.is_empty() {
            &flat.contains
        } else {
            &flat.items
        };
        let item_spot = Spot {
            pointer: join(&spot.pointer, &idx.to_string()),
            depth: spot.depth + 1,
            fuel: spot.fuel.saturating_sub(1) / n,
            row: spot.row + n_tries,
        };
        n_tries += 1;
        match value_of(sampler, schemas, item_spot) {
            Some(item) if !flat.is_unique || seen.insert(item.to_string()) => items.push(item),
            Some(_) => {}
            None => break,
        }
    }
    (items.len() >= min).then_some(Json::Array(items))
}

/// Whether an optional property is left out.
fn is_left_out(sampler: &mut Sampler<'_, '_>, is_lean: bool) -> bool {
    is_lean || (sampler.plan == Plan::Drawn && sampler.rng.chance(40))
}

fn object<'s>(sampler: &mut Sampler<'s, '_>, flat: &Flat<'s>, spot: &Spot) -> Option<Json> {
    let is_lean = sampler.is_lean(spot);
    let mut names: Vec<String> = flat
        .required
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    let max = flat.properties_max.unwrap_or(usize::MAX);
    for name in flat.properties.keys() {
        if !flat.required.contains(name) && names.len() < max && !is_left_out(sampler, is_lean) {
            names.push((*name).to_owned());
        }
    }
    for (key, needed) in &flat.dependent {
        if names.iter().any(|name| name == key) {
            for name in needed {
                if !names.iter().any(|known| known == name) {
                    names.push((*name).to_owned());
                }
            }
        }
    }
    let n_more = n_more(sampler, flat, names.len(), is_lean);
    let more = more_names(sampler, flat, n_more);
    names.extend(more);
    if flat
        .tag
        .as_ref()
        .is_some_and(|(tag, _)| !names.iter().any(|name| name == tag))
    {
        names.extend(flat.tag.as_ref().map(|(tag, _)| (*tag).to_owned()));
    }
    let fuel = spot.fuel.saturating_sub(1) / names.len().max(1);
    let mut entries: Vec<(String, Json)> = Vec::new();
    for (idx, name) in names.into_iter().enumerate() {
        if entries.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if let Some((tag, word)) = &flat.tag
            && *tag == name
            && can_be(sampler.root, flat.properties.get(name.as_str()), word)
        {
            entries.push((name, Json::String(word.clone())));
            continue;
        }
        let schemas = schemas_of(flat, &name);
        let child = Spot {
            pointer: join(&spot.pointer, &name),
            depth: spot.depth + 1,
            fuel,
            row: if flat.properties.contains_key(name.as_str()) {
                spot.row
            } else {
                spot.row + idx
            },
        };
        match value_of(sampler, &schemas, child) {
            Some(value) => entries.push((name, value)),
            None if flat.required.contains(name.as_str()) => return None,
            None => {}
        }
    }
    Some(Json::Object(entries))
}

/// Whether a tag property takes the name of its branch.
fn can_be(root: &Value, schemas: Option<&Vec<&Value>>, word: &str) -> bool {
    schemas.is_none_or(|schemas| {
        let flat = flatten(root, schemas, &mut |_| 0);
        match &flat.values {
            Some(values) => values.iter().any(|value| value.as_str() == Some(word)),
            None => flat.patterns.is_empty() && flat.kinds & kind::STRING != 0,
        }
    })
}

/// The schemas of a property: its own, else those of matching patterns, else of additional ones.
fn schemas_of<'s>(flat: &Flat<'s>, name: &str) -> Vec<&'s Value> {
    if let Some(schemas) = flat.properties.get(name) {
        return schemas.clone();
    }
    let of_patterns: Vec<&Value> = flat
        .pattern_properties
        .iter()
        .filter(|(pattern, _)| could_match(pattern, name))
        .map(|(_, schema)| *schema)
        .collect();
    if of_patterns.is_empty() {
        flat.extra.clone()
    } else {
        of_patterns
    }
}

/// A cheap guess whether a key belongs to a pattern; the whole value is checked afterwards.
fn could_match(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('^') {
        Some(rest) => {
            let literal: String = rest
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
                .collect();
            name.starts_with(&literal)
        }
        None => true,
    }
}

/// How many keys to add beyond the named ones.
fn n_more(sampler: &mut Sampler<'_, '_>, flat: &Flat<'_>, n: usize, is_lean: bool) -> usize {
    let missing = flat.properties_min.saturating_sub(n);
    let room = flat.properties_max.unwrap_or(usize::MAX).saturating_sub(n);
    let is_open = flat.closed.is_none() || !flat.pattern_properties.is_empty();
    let wanted = if !is_open || is_lean {
        missing
    } else if sampler.plan == Plan::Extra {
        missing.max(1)
    } else if !flat.extra.is_empty() || !flat.pattern_properties.is_empty() {
        match sampler.plan {
            Plan::Drawn => sampler.rng.below(4).max(missing),
            _ => missing.max(2),
        }
    } else {
        missing
    };
    wanted.min(room)
}

/// Keys that no property names.
fn more_names(sampler: &mut Sampler<'_, '_>, flat: &Flat<'_>, n: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for idx in 0..n {
        let of_pattern = flat
            .pattern_properties
            .get(idx % flat.pattern_properties.len().max(1));
        let name = if let (Some((pattern, _)), true) = (of_pattern, flat.names.is_empty()) {
            parse_tree(pattern).map_or_else(
                || format!("extra{idx}"),
                |hir| pattern::text_of(&hir, Length::Drawn, &mut sampler.rng),
            )
        } else if flat.names.is_empty() {
            match (sampler.plan, idx) {
                (Plan::Extra, 0) => "tollgateExtra".to_owned(),
                (_, 1) => "key two-é".to_owned(),
                _ => format!("extra{idx}"),
            }
        } else {
            let root = sampler.root;
            let of_name = flatten(root, &flat.names, &mut |_| 0);
            match &of_name.values {
                Some(values) => values
                    .get(idx)
                    .and_then(|value| value.as_str())
                    .unwrap_or_default()
                    .to_owned(),
                None => text::texts(&of_name, sampler.patterns, &mut sampler.rng)
                    .into_iter()
                    .nth(idx)
                    .unwrap_or_default(),
            }
        };
        if !names.contains(&name) && !flat.properties.contains_key(name.as_str()) {
            names.push(name);
        }
    }
    names
}
