//! Makes the instances of a schema: plans each, confirms it with the validator, and repairs or
//! drops those that are invalid.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, ValidationError, Validator};
use serde_json::Value;

use crate::broken::{self, Break, breaks};
use crate::crossed;
use crate::instances::{Broken, Instance, Instances, Origin};
use crate::json::{self, Json};
use crate::sample::{Plan, Sampler, Site, sample};
use crate::settings::InstanceSettings;
use crate::text::{self, Patterns};
use tollgate_stats::Rng;

/// How often an invalid instance is repaired before it is left out.
const MENDS_MAX: usize = 12;
/// After so many duplicates in a row, no new instance is expected.
const REPEATS_MAX: usize = 12;
/// How many objects get keys of alternatives that they do not match.
const CROSSED_MAX: usize = 4;
/// How many broken values are tried for each one that is wanted.
const TRIES_PER_BROKEN: usize = 3;

/// The validator of a self-contained schema, with formats asserted and unknown ones ignored.
///
/// # Errors
/// The text of what the validator does not understand, such as a broken pattern.
pub fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(true)
        .with_format("byte", text::is_base64)
        .build(schema)
        .map_err(|error| error.to_string())
}

/// Makes the instances of a self-contained schema.
#[must_use]
pub fn instances(schema: &Value, settings: &InstanceSettings) -> Instances {
    match validator(schema) {
        Ok(validator) => instances_with(schema, &validator, settings),
        Err(problem) => Instances {
            problem: Some(problem),
            ..Instances::default()
        },
    }
}

/// As [`instances`], with the [`validator`] of the schema.
#[must_use]
pub fn instances_with(
    schema: &Value,
    validator: &Validator,
    settings: &InstanceSettings,
) -> Instances {
    let mut maker = Maker {
        schema,
        validator,
        settings,
        patterns: Patterns::new(),
        seen: BTreeSet::new(),
        made: Instances::default(),
    };
    maker.valid();
    maker.crossed();
    maker.invalid();
    maker.made
}

struct Maker<'s, 'c> {
    schema: &'s Value,
    validator: &'c Validator,
    settings: &'c InstanceSettings,
    patterns: Patterns,
    seen: BTreeSet<String>,
    made: Instances,
}

impl<'s> Maker<'s, '_> {
    fn valid(&mut self) {
        let n_max = self.settings.n_max;
        self.one(Plan::Minimal, Origin::Minimal, 0);
        self.one(Plan::Row(0), Origin::Choice, 0);
        if self.settings.has_extra_keys {
            self.one(Plan::Extra, Origin::Extra, 0);
        }
        let n_choices = n_max - n_max / 6;
        let mut n_repeats = 0;
        let mut row = 1;
        while self.made.valid.len() < n_choices && n_repeats < REPEATS_MAX {
            n_repeats = if self.one(Plan::Row(row), Origin::Choice, row) {
                0
            } else {
                n_repeats + 1
            };
            row += 1;
        }
        n_repeats = 0;
        let mut number = 0;
        while self.made.valid.len() < n_max && n_repeats < REPEATS_MAX {
            n_repeats = if self.one(Plan::Drawn, Origin::Drawn, number) {
                0
            } else {
                n_repeats + 1
            };
            number += 1;
        }
    }

    /// Adds objects that hold a part of alternatives that they do not match.
    fn crossed(&mut self) {
        let listed = crossed::listed(self.schema);
        if !self.settings.has_extra_keys || listed.is_empty() {
            return;
        }
        let known = std::mem::take(&mut self.made.valid);
        let choices = known.iter().filter(|made| made.origin == Origin::Choice);
        let crossed =
            choices.filter_map(|made| crossed::crossed(&made.json, &listed, self.validator));
        let mut all: Vec<Json> = Vec::new();
        for json in crossed {
            if all.len() < CROSSED_MAX && !all.contains(&json) {
                all.push(json);
            }
        }
        let origin = Origin::Crossed;
        let all = all.into_iter().map(|json| Instance { json, origin });
        self.made.valid = known.into_iter().chain(all).collect();
    }

    /// Makes one instance; false when it is a duplicate or invalid.
    fn one(&mut self, plan: Plan, origin: Origin, number: usize) -> bool {
        if self.made.valid.len() >= self.settings.n_max {
            return false;
        }
        let Some((json, _)) = self.sample(plan, number, false) else {
            self.made.n_dropped += 1;
            return false;
        };
        let text = json.to_string();
        if self.seen.contains(&text) {
            return false;
        }
        self.seen.insert(text);
        let Some(json) = mend(self.validator, json) else {
            self.made.n_dropped += 1;
            return false;
        };
        let text = json.to_string();
        if self.made.valid.iter().any(|known| known.json == json) {
            return false;
        }
        self.seen.insert(text);
        self.made.valid.push(Instance { json, origin });
        true
    }

    fn sample(
        &mut self,
        plan: Plan,
        number: usize,
        has_sites: bool,
    ) -> Option<(Json, Vec<Site<'s>>)> {
        let mut sampler = Sampler {
            root: self.schema,
            settings: self.settings,
            patterns: &mut self.patterns,
            rng: Rng::of(self.settings.seed, &format!("{plan:?}{number}")),
            plan,
            sites: has_sites.then(Vec::new),
        };
        let json = sample(&mut sampler)?;
        Some((json, sampler.sites.unwrap_or_default()))
    }

    fn invalid(&mut self) {
        let n_max = self.settings.n_broken_max;
        if n_max == 0 {
            return;
        }
        let mut known = BTreeSet::new();
        let mut n_tries = 0;
        // The first rows meet the first branches of unions; a further row adds what only it has.
        for row in 0..4 {
            let Some((json, sites)) = self.sample(Plan::Row(row), row, true) else {
                continue;
            };
            let Some(base) = mend(self.validator, json) else {
                continue;
            };
            let all = self.breaks_of(&sites, &base, &known);
            for one in spread(all, n_max) {
                if self.made.invalid.len() >= n_max || n_tries >= n_max * TRIES_PER_BROKEN {
                    return;
                }
                let id = id_of(&one);
                if one.keyword == "pattern" && known.contains(&id) {
                    continue;
                }
                n_tries += 1;
                if self.broken(&base, one) {
                    known.insert(id);
                }
            }
        }
    }

    fn breaks_of(
        &mut self,
        sites: &[Site<'s>],
        base: &Json,
        known: &BTreeSet<(String, &'static str, Option<String>)>,
    ) -> Vec<Break> {
        let mut base = base.clone();
        let mut all = Vec::new();
        // The sites are noted from the leaves up; a reader expects the outermost first.
        for site in sites.iter().rev() {
            let Some(value) = base.pointer_mut(&site.pointer).map(|value| value.clone()) else {
                continue;
            };
            let found = breaks(self.schema, site, &value, self.settings, &mut self.patterns);
            all.extend(found.into_iter().filter(|one| !known.contains(&id_of(one))));
        }
        all
    }

    /// Keeps a broken value when the validator rejects it for this place alone.
    fn broken(&mut self, base: &Json, one: Break) -> bool {
        let Some(json) = one.apply(base) else {
            return false;
        };
        let value = json.to_value();
        let mut n_errors = 0;
        let mut around = BTreeSet::new();
        for error in self.validator.iter_errors(&value) {
            n_errors += 1;
            above(&error, &one.pointer, &mut around);
            let at = error.instance_path().as_str();
            if !at.starts_with(&one.pointer) && !one.pointer.starts_with(at) {
                self.made.n_dropped += 1;
                return false;
            }
        }
        if n_errors == 0 {
            return false;
        }
        let key = match one.change {
            broken::Change::Replace(_) => None,
            broken::Change::Remove(key) | broken::Change::Insert(key, _) => Some(key),
        };
        self.made.invalid.push(Broken {
            json,
            pointer: one.pointer,
            keyword: one.keyword,
            key,
            around: around.into_iter().collect(),
            base: base.clone(),
        });
        true
    }
}

/// Adds the places above `pointer` at which an error was reported, and those of the alternatives
/// that the validator tried.
fn above(error: &ValidationError<'_>, pointer: &str, places: &mut BTreeSet<String>) {
    let at = error.instance_path().as_str();
    let below = pointer.strip_prefix(at);
    if below.is_some_and(|below| below.starts_with('/')) {
        places.insert(at.to_owned());
    }
    if let ValidationErrorKind::AnyOf { context }
    | ValidationErrorKind::OneOfNotValid { context }
    | ValidationErrorKind::OneOfMultipleValid { context } = error.kind()
    {
        let tried = context.iter().flatten();
        tried.for_each(|error| above(error, pointer, places));
    }
}

fn id_of(one: &Break) -> (String, &'static str, Option<String>) {
    let key = match &one.change {
        broken::Change::Replace(_) => None,
        broken::Change::Remove(key) | broken::Change::Insert(key, _) => Some(key.clone()),
    };
    (one.pointer.clone(), one.keyword, key)
}

/// Orders breaks so that the first `n` have every keyword, then every place: the first of each
/// keyword, then the rest at even distances.
fn spread(all: Vec<Break>, n: usize) -> Vec<Break> {
    let mut seen = BTreeSet::new();
    let (mut first, rest): (Vec<Break>, Vec<Break>) =
        all.into_iter().partition(|one| seen.insert(one.keyword));
    let stride = rest.len().div_ceil(n.max(1)).max(1);
    let mut late = Vec::new();
    for (idx, one) in rest.into_iter().enumerate() {
        if idx % stride == 0 {
            first.push(one);
        } else {
            late.push(one);
        }
    }
    first.extend(late);
    first
}

/// The value itself when it is valid; else the value without its invalid optional parts, or none.
fn mend(validator: &Validator, mut json: Json) -> Option<Json> {
    for _ in 0..MENDS_MAX {
        let value = json.to_value();
        let pointers: Vec<String> = match validator.validate(&value) {
            Ok(()) => return Some(json),
            Err(error) => removals(&error),
        };
        let is_changed = pointers.iter().any(|pointer| json.remove(pointer));
        if !is_changed {
            return None;
        }
    }
    None
}

/// The parts whose removal could fix an error.
fn removals(error: &ValidationError<'_>) -> Vec<String> {
    let at = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|key| json::join(at, key)).collect()
        }
        _ => vec![at.to_owned()],
    }
}
