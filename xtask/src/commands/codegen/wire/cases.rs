//! The values that are sent through generated code: the document's own examples, seeded
//! instances, values with parts nobody knows, and values broken in one place.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_codegen::ir::{Decl, Ir, Shape};
use tollgate_contracts::instance::{InstanceSettings, Json, Origin, instances_with, validator};
use tollgate_contracts::{Contract, Node};

use crate::commands::codegen::wire::examples;

/// What a value is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The document's own example or default, valid under its schema.
    Example,
    /// Made from the schema and a seed, valid.
    Seeded,
    /// Valid, with keys that no schema names.
    ExtraKeys,
    /// Valid, with null wherever null is allowed.
    Nulls,
    /// A string that an enum does not list.
    UnknownEnum,
    /// An object that no variant of a union is.
    UnknownVariant,
    /// Valid, with a whole number beyond 64 bits: it may be refused, and is never rounded.
    WideInteger,
}

impl Why {
    /// Whether a type may refuse the value, as long as it does not change it.
    pub fn may_be_refused(self) -> bool {
        self == Self::WideInteger
    }

    /// Whether the value is valid, so that `validate` must find nothing.
    pub fn is_valid(self) -> bool {
        !matches!(
            self,
            Self::UnknownEnum | Self::UnknownVariant | Self::WideInteger
        )
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Example => "example",
            Self::Seeded => "seeded",
            Self::ExtraKeys => "extra keys",
            Self::Nulls => "nulls",
            Self::UnknownEnum => "unknown enum value",
            Self::UnknownVariant => "unknown variant",
            Self::WideInteger => "wide integer",
        }
    }
}

/// A value that must come back as it is.
#[derive(Debug, Clone)]
pub struct Case {
    /// The declaration's place.
    pub place: String,
    pub json: Json,
    pub why: Why,
}

/// A value that must be refused.
#[derive(Debug, Clone)]
pub struct BrokenCase {
    pub place: String,
    pub json: Json,
    /// Where it is broken.
    pub pointer: String,
    pub keyword: &'static str,
    /// The key that is missing or too many.
    pub key: Option<String>,
}

/// All values of one set of contracts.
#[derive(Debug, Clone, Default)]
pub struct Cases {
    pub kept: Vec<Case>,
    pub broken: Vec<BrokenCase>,
    /// Declarations that got at least one value.
    pub n_types: usize,
    /// Declarations without any: the validator does not understand their schema, or nothing
    /// that was made could be confirmed.
    pub without: Vec<String>,
    /// The document's examples that are not valid under their schema.
    pub n_invalid_examples: usize,
}

/// How much is made.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub seed: u64,
    /// The most seeded values, and the most broken ones, of one declaration.
    pub per_type: usize,
}

/// A schema in its document.
pub struct Schema<'a> {
    pub contract: &'a Contract,
    pub file: &'a str,
    pub node: &'a Node,
}

/// The schema that stands at a declaration's place, `FILE#POINTER`.
pub fn schema_at<'a>(contracts: &'a [Contract], place: &str) -> Option<Schema<'a>> {
    let (file, pointer) = place.split_once('#')?;
    contracts.iter().find_map(|contract| {
        let document = contract.documents.get(file)?;
        Some(Schema {
            contract,
            file: &document.file,
            node: document.root.pointer(pointer)?,
        })
    })
}

/// Collects the values of every declaration.
pub fn collect(contracts: &[Contract], ir: &Ir, amount: Amount) -> Cases {
    let mut cases = Cases::default();
    let mut examples = examples::collect(contracts, ir);
    let mut seen = BTreeSet::new();
    for decl in &ir.decls {
        // Two declarations of one place would be one word to a driver.
        if !seen.insert(decl.place.as_str()) {
            continue;
        }
        if is_channel(&decl.place) {
            continue;
        }
        let own = examples.remove(&decl.place).unwrap_or_default();
        let n_before = cases.kept.len();
        match schema_at(contracts, &decl.place) {
            Some(schema) => one(decl, &schema, own, amount, &mut cases),
            None => continue,
        }
        if cases.kept.len() > n_before {
            cases.n_types += 1;
        } else {
            cases.without.push(decl.place.clone());
        }
    }
    cases
}

fn one(decl: &Decl, schema: &Schema<'_>, own: Vec<Json>, amount: Amount, cases: &mut Cases) {
    let bundle = schema.contract.bundle(schema.file, schema.node);
    let Ok(checker) = validator(&bundle) else {
        return;
    };
    let push = |json: Json, why: Why, cases: &mut Cases| {
        let why = if is_wide(&json) {
            Why::WideInteger
        } else {
            why
        };
        let place = decl.place.clone();
        cases.kept.push(Case { place, json, why });
    };
    for json in own {
        if checker.is_valid(&json.to_value()) {
            push(json, Why::Example, cases);
        } else {
            cases.n_invalid_examples += 1;
        }
    }
    let settings = InstanceSettings {
        seed: amount.seed,
        n_max: amount.per_type,
        n_broken_max: amount.per_type,
        depth_max: 4,
        size_max: 120,
        ..InstanceSettings::default()
    };
    let made = instances_with(&bundle, &checker, &settings);
    let largest = made.valid.iter().map(|made| &made.json);
    let largest = largest.max_by_key(|json| json.to_string().len()).cloned();
    for made in made.valid {
        let why = match made.origin {
            Origin::Extra => Why::ExtraKeys,
            _ => Why::Seeded,
        };
        push(made.json, why, cases);
    }
    let nulls = largest.as_ref().and_then(|json| with_nulls(decl, json));
    if let Some(json) = nulls.filter(|json| checker.is_valid(&json.to_value())) {
        push(json, Why::Nulls, cases);
    }
    if let Some((json, why)) = unknown(decl, largest.as_ref()) {
        push(json, why, cases);
    }
    let broken = made.invalid.into_iter().map(|broken| BrokenCase {
        place: decl.place.clone(),
        json: broken.json,
        pointer: broken.pointer,
        keyword: broken.keyword,
        key: broken.key,
    });
    cases.broken.extend(broken);
}

/// Whether a place is a channel, whose type is that of all its messages: no schema stands there.
fn is_channel(place: &str) -> bool {
    let pointer = place.split_once('#').map_or("", |(_, pointer)| pointer);
    let mut tokens = pointer.split('/').skip(1);
    matches!(tokens.next(), Some("channels" | "operations")) && tokens.count() == 1
}

/// Whether a whole number in the value needs more than 64 bits.
fn is_wide(json: &Json) -> bool {
    match json {
        Json::Number(text) => {
            let is_whole = !text.contains(['.', 'e', 'E']);
            is_whole && text.parse::<i64>().is_err()
        }
        Json::Array(items) => items.iter().any(is_wide),
        Json::Object(entries) => entries.iter().any(|(_, value)| is_wide(value)),
        _ => false,
    }
}

/// The value with null at every field that may be null.
fn with_nulls(decl: &Decl, base: &Json) -> Option<Json> {
    let Shape::Struct(object) = &decl.shape else {
        return None;
    };
    let nullable: BTreeMap<&str, bool> = object
        .fields
        .iter()
        .map(|field| (field.wire.as_str(), field.ty.is_nullable))
        .collect();
    if !matches!(base, Json::Object(_)) || !nullable.values().any(|is_nullable| *is_nullable) {
        return None;
    }
    let mut json = base.clone();
    for (key, _) in nullable.into_iter().filter(|(_, is_nullable)| *is_nullable) {
        json.insert(key, Json::Null);
    }
    Some(json)
}

/// A value from a newer version of the contract, where the type is open.
fn unknown(decl: &Decl, base: Option<&Json>) -> Option<(Json, Why)> {
    let newcomer = Json::String("tollgate-newcomer".to_owned());
    match &decl.shape {
        Shape::Enum(_) => Some((newcomer, Why::UnknownEnum)),
        Shape::Union(union) => {
            let tag = union.tag.as_ref()?;
            let mut json = match base {
                Some(json @ Json::Object(_)) => json.clone(),
                _ => Json::Object(Vec::new()),
            };
            json.insert(tag, newcomer);
            Some((json, Why::UnknownVariant))
        }
        _ => None,
    }
}
