//! The values that are sent through generated code: the document's own examples, seeded
//! instances, values with unknown parts, and values broken in one place.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_codegen::ir::{Decl, Ir, Shape};
use tollgate_contracts_instance::{InstanceSettings, Json, Origin, instances_with, validator};
use tollgate_contracts_model::{Contract, Node};

use crate::wire::examples;

/// OpenAPI 3.1 and AsyncAPI have no `nullable`; where a document uses it anyway, types accept null.
pub const NULLABLE: &str = "nullable-in-3.1";

/// In `OpenAPI` 3.0 `nullable` counts only together with `type`. Where a document uses it without
/// `type`, such as in a member of `allOf`, types accept null.
pub const NULLABLE_ALONE: &str = "nullable-without-type";

/// Strictly, a `type` that lists null does not allow null when a member of `allOf` has a `type`
/// without null. The author intends null to be valid, so types accept it.
pub const NULL_BESIDE_ALL_OF: &str = "null-beside-all-of";

/// The variant that a discriminator names decides, although strictly no other variant of the
/// `oneOf` may fit.
pub const DISCRIMINATOR: &str = "discriminator-decides";

/// A property of one direction is required in that direction only. `validate_request` and
/// `validate_response` check this; the proof does not cover directions.
pub const ONE_DIRECTION: &str = "required-in-one-direction";

/// The reason why a value is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The document's own example or default, valid under its schema.
    Example,
    /// Made from the schema and a seed, valid.
    Seeded,
    /// Valid, with keys that no schema names.
    ExtraKeys,
    /// Valid as one variant of a union, with keys of other variants that would be invalid there.
    Crossed,
    /// Valid, with null wherever null is allowed.
    Nulls,
    /// A string that an enum does not list.
    UnknownEnum,
    /// An object that is not a variant of a union.
    UnknownVariant,
    /// Valid for one message of a channel or operation.
    Message,
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
            Self::Crossed => "keys of other variants",
            Self::Nulls => "nulls",
            Self::UnknownEnum => "unknown enum value",
            Self::UnknownVariant => "unknown variant",
            Self::Message => "message",
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
    /// The places around it at which the validator objects too: there the schema has
    /// alternatives, and none of them holds.
    pub around: Vec<String>,
    /// Why a type may let it through, by the code of the reason.
    pub may_pass: Option<&'static str>,
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
    /// The document's examples that are not valid under their schema, or that are not objects where
    /// it lists properties.
    pub n_invalid_examples: usize,
    /// The first `nullable` of a document whose version does not support it.
    says_nullable: Option<&'static str>,
    /// The properties that are required in one direction only.
    one_direction: BTreeSet<String>,
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

/// The schema at a declaration's place, `FILE#POINTER`.
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
    let mut cases = Cases {
        says_nullable: contracts.iter().find_map(says_nullable),
        one_direction: one_direction(ir),
        ..Cases::default()
    };
    let mut examples = examples::collect(contracts, ir);
    let payloads = payloads(contracts);
    // Two declarations of one place would be one word to a driver; what is no JSON Schema says
    // nothing about values.
    let mut seen = unread(contracts);
    for decl in &ir.decls {
        if !seen.insert(decl.place.clone()) {
            continue;
        }
        let n_before = cases.kept.len();
        if let Some(payloads) = payloads.get(&decl.place) {
            messages(decl, payloads, amount, &mut cases);
        } else if let Some(schema) = schema_at(contracts, &decl.place) {
            let own = examples.remove(&decl.place).unwrap_or_default();
            one(decl, &schema, own, amount, &mut cases);
        } else {
            continue;
        }
        if cases.kept.len() > n_before {
            cases.n_types += 1;
        } else {
            cases.without.push(decl.place.clone());
        }
    }
    cases
}

/// The places of payloads whose format is not JSON Schema.
fn unread(contracts: &[Contract]) -> BTreeSet<String> {
    let messages = contracts.iter().flat_map(Contract::messages);
    let unread = messages.filter(|message| message.payload.is_none());
    unread
        .map(|message| format!("{}#{}", message.at.file, message.payload_pointer()))
        .collect()
}

/// The payloads of each channel and each operation of AsyncAPI documents, by place. The node at
/// that place is not a schema; its type is the union of all its messages.
fn payloads(contracts: &[Contract]) -> BTreeMap<String, Vec<Schema<'_>>> {
    let mut found: BTreeMap<String, Vec<Schema<'_>>> = BTreeMap::new();
    for contract in contracts {
        let channels = contract.channels().into_iter();
        let channels = channels.map(|channel| (channel.at.file, channel.pointer, channel.messages));
        let operations = contract.async_operations().into_iter();
        let operations =
            operations.map(|operation| (operation.at.file, operation.pointer, operation.messages));
        for (file, pointer, messages) in channels.chain(operations) {
            let schemas = messages.iter().filter_map(|message| {
                Some(Schema {
                    contract,
                    file: message.at.file,
                    node: message.payload?,
                })
            });
            found
                .entry(format!("{file}#{pointer}"))
                .or_default()
                .extend(schemas);
        }
    }
    found
}

/// The values of a type of several messages: valid ones of each. A value that is broken for one
/// may be another, so none is sent.
fn messages(decl: &Decl, payloads: &[Schema<'_>], amount: Amount, cases: &mut Cases) {
    for schema in payloads {
        let bundle = schema.contract.bundle(schema.file, schema.node);
        let Ok(checker) = validator(&bundle) else {
            continue;
        };
        let settings = InstanceSettings {
            n_broken_max: 0,
            ..settings(amount)
        };
        for made in instances_with(&bundle, &checker, &settings).valid {
            push(decl, made.json, Why::Message, cases);
        }
    }
}

fn settings(amount: Amount) -> InstanceSettings {
    InstanceSettings {
        seed: amount.seed,
        n_max: amount.per_type,
        n_broken_max: amount.per_type,
        depth_max: 4,
        size_max: 120,
        ..InstanceSettings::default()
    }
}

fn push(decl: &Decl, json: Json, why: Why, cases: &mut Cases) {
    let why = if is_wide(&json) {
        Why::WideInteger
    } else {
        why
    };
    let place = decl.place.clone();
    cases.kept.push(Case { place, json, why });
}

fn one(decl: &Decl, schema: &Schema<'_>, own: Vec<Json>, amount: Amount, cases: &mut Cases) {
    let bundle = schema.contract.bundle(schema.file, schema.node);
    let Ok(checker) = validator(&bundle) else {
        return;
    };
    // Properties without a type mean an object to the types, and any value to the validator.
    let is_implied = schema.node.get("properties").is_some() && schema.node.get("type").is_none();
    for json in own {
        let is_object = matches!(json, Json::Object(_));
        if checker.is_valid(&json.to_value()) && (is_object || !is_implied) {
            push(decl, json, Why::Example, cases);
        } else {
            cases.n_invalid_examples += 1;
        }
    }
    let made = instances_with(&bundle, &checker, &settings(amount));
    let largest = made.valid.iter().map(|made| &made.json);
    let largest = largest.max_by_key(|json| json.to_string().len()).cloned();
    for made in made.valid {
        let why = match made.origin {
            Origin::Extra => Why::ExtraKeys,
            Origin::Crossed => Why::Crossed,
            _ => Why::Seeded,
        };
        push(decl, made.json, why, cases);
    }
    let nulls = largest.as_ref().and_then(|json| with_nulls(decl, json));
    if let Some(json) = nulls.filter(|json| checker.is_valid(&json.to_value())) {
        push(decl, json, Why::Nulls, cases);
    }
    if let Some((json, why)) = unknown(decl, largest.as_ref()) {
        push(decl, json, why, cases);
    }
    let of_null = cases.says_nullable.unwrap_or(NULL_BESIDE_ALL_OF);
    let one_direction = std::mem::take(&mut cases.one_direction);
    let as_meant = schema.contract.bundle_as_meant(schema.file, schema.node);
    let as_meant = (as_meant != bundle)
        .then(|| validator(&as_meant).ok())
        .flatten();
    let broken = made.invalid.into_iter().map(|mut broken| {
        let is_meant = as_meant
            .as_ref()
            .is_some_and(|as_meant| as_meant.is_valid(&broken.json.to_value()));
        let value = broken.json.pointer_mut(&broken.pointer);
        let is_null = broken.key.is_none() && value.is_some_and(|value| *value == Json::Null);
        let is_one_way = broken.keyword == "required"
            && broken
                .key
                .as_ref()
                .is_some_and(|key| one_direction.contains(key));
        let of_meaning = is_meant.then_some(if is_null { of_null } else { DISCRIMINATOR });
        let may_pass = of_meaning.or(is_one_way.then_some(ONE_DIRECTION));
        BrokenCase {
            place: decl.place.clone(),
            json: broken.json,
            pointer: broken.pointer,
            keyword: broken.keyword,
            key: broken.key,
            around: broken.around,
            may_pass,
        }
    });
    cases.broken.extend(broken);
    cases.one_direction = one_direction;
}

/// The names of all properties that are required in one direction only.
fn one_direction(ir: &Ir) -> BTreeSet<String> {
    let objects = ir.decls.iter().filter_map(|decl| match &decl.shape {
        Shape::Struct(object) => Some(object),
        _ => None,
    });
    let fields = objects.flat_map(|object| &object.fields);
    fields
        .filter(|field| field.is_required_in_direction)
        .map(|field| field.wire.clone())
        .collect()
}

/// The reason why null is accepted although the specification does not allow it: the document has
/// `nullable: true` where its version ignores it.
fn says_nullable(contract: &Contract) -> Option<&'static str> {
    let roots = contract.documents.values().map(|document| &document.root);
    let mut nodes: Vec<&Node> = roots.collect();
    let version = nodes
        .iter()
        .find_map(|root| root.get("openapi")?.scalar_text());
    // AsyncAPI has no such word either.
    let is_30 = version.is_some_and(|version| version.starts_with("3.0"));
    while let Some(node) = nodes.pop() {
        let is_nullable = node.get("nullable").and_then(Node::as_bool) == Some(true);
        match is_30 {
            true if is_nullable && node.get("type").is_none() => return Some(NULLABLE_ALONE),
            false if is_nullable => return Some(NULLABLE),
            false if lists_null(node) => return Some(NULL_BESIDE_ALL_OF),
            _ => {}
        }
        nodes.extend(node.entries().map(|entry| &entry.node));
        nodes.extend(node.items());
    }
    None
}

/// Whether the types of a schema with `allOf` list null.
fn lists_null(node: &Node) -> bool {
    let types = node.get("type").filter(|_| node.get("allOf").is_some());
    types.is_some_and(|types| types.items().any(|word| word.as_str() == Some("null")))
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
