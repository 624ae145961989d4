//! The shared code of the generated types: decoding with paths, the tables of the wire, validation.
#![allow(unused_imports, unused_macros, reason = "not every contract uses all of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Number, Value};

/// Properties that the contract does not list.
pub type Extra = BTreeMap<String, Value>;

/// One violation of the contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Violation {
    /// A JSON Pointer (RFC 6901) to the value; empty for the whole.
    pub path: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
}

impl Violation {
    /// A violation at a path.
    #[must_use]
    pub fn new(path: &Path<'_>, message: impl Into<String>) -> Self {
        Self { path: path.to_string(), message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "`{}`: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for Violation {}

/// The place of a value; built on the stack, printed only when something is wrong.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    /// The whole.
    Root,
    /// A whole value that is sent to the server, in which write-only properties can be required.
    Request,
    /// A whole value that the server sends, in which read-only properties can be required.
    Response,
    /// A property of an object.
    Field(&'a Path<'a>, &'a str),
    /// An item of a list.
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The path of a property.
    #[must_use]
    pub fn field(&'a self, name: &'a str) -> Self {
        Self::Field(self, name)
    }

    /// The path of an item.
    #[must_use]
    pub fn item(&'a self, index: usize) -> Self {
        Self::Item(self, index)
    }

    fn root(&self) -> &Self {
        match self {
            Self::Field(parent, _) | Self::Item(parent, _) => parent.root(),
            root => root,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root | Self::Request | Self::Response => Ok(()),
            Self::Field(parent, name) => write!(f, "{parent}/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Item(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// Makes a value from JSON, or names the place that does not fit.
pub trait Decode: Sized {
    /// Decodes the value at `path`.
    ///
    /// # Errors
    /// The first place that does not fit the type.
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation>;
}

/// Checks what a type can't express: bounds, known values, formats, patterns, uniqueness.
pub trait Validate: Encode {
    /// Adds the violations of the value at `path`.
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>);

    /// Adds the violations of the rules of the value's place.
    fn check_rules(&self, rules: &[Rule<'_>], path: &Path<'_>, violations: &mut Vec<Violation>) {
        check_value(&self.encode().into_value(), rules, path, violations);
    }

    /// Checks the value and all that it holds.
    ///
    /// # Errors
    /// Each violation of the contract.
    fn validate(&self) -> Result<(), Vec<Violation>> {
        validate_at(self, Path::Root)
    }

    /// Checks a value that is sent to the server: write-only properties are required too.
    ///
    /// # Errors
    /// Each violation of the contract.
    fn validate_request(&self) -> Result<(), Vec<Violation>> {
        validate_at(self, Path::Request)
    }

    /// Checks a value that the server sends: read-only properties are required too.
    ///
    /// # Errors
    /// Each violation of the contract.
    fn validate_response(&self) -> Result<(), Vec<Violation>> {
        validate_at(self, Path::Response)
    }
}

fn validate_at<T: Validate + ?Sized>(value: &T, root: Path<'_>) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    value.check(&root, &mut violations);
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// Checks a value and the rules of its place.
pub fn check<T: Validate + ?Sized>(value: &T, rules: &[Rule<'_>], path: &Path<'_>, violations: &mut Vec<Violation>) {
    if !rules.is_empty() {
        value.check_rules(rules, path, violations);
    }
    value.check(path, violations);
}

/// Decodes through [`Decode`]; the error names the path.
///
/// # Errors
/// The first place that does not fit the type.
pub fn deserialize<'de, T: Decode, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    T::decode(value, &Path::Root).map_err(D::Error::custom)
}

/// A rule of the contract for the value of one place. Numbers and values are JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule<'a> {
    /// `minLength`, `minItems`, `minProperties`.
    SizeMin(u64),
    /// `maxLength`, `maxItems`, `maxProperties`.
    SizeMax(u64),
    /// `minimum`.
    Min(&'a str),
    /// `maximum`.
    Max(&'a str),
    /// `exclusiveMinimum`.
    Above(&'a str),
    /// `exclusiveMaximum`.
    Below(&'a str),
    /// `multipleOf`.
    MultipleOf(&'a str),
    /// `pattern`, as the contract has it.
    Pattern(&'a str),
    /// `uniqueItems`.
    Unique,
    /// `enum` or `const`: a list.
    OneOf(&'a str),
    /// The rules of each item or of each property's value.
    Each(&'a [Rule<'a>]),
    /// A schema of what types can't express.
    Schema(&'static str),
}

/// A condition that a value must meet to be a variant of a union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// It is one of these kinds: letters of `bnsao` for boolean, number, string, array, object.
    Kind(&'static str),
    /// A property holds one of these strings.
    Tag(&'static str, &'static [&'static str]),
    /// A property, when it is present, holds one of these strings.
    TagIfAny(&'static str, &'static [&'static str]),
    /// These properties are present.
    Keys(&'static [&'static str]),
    /// No other property is present.
    Only(&'static [&'static str]),
    /// It is one of these strings.
    Text(&'static [&'static str]),
}

impl Guard {
    fn accepts(self, value: &Value) -> bool {
        match self {
            Self::Kind(kinds) => kinds.contains(match value {
                Value::Null => '0',
                Value::Bool(_) => 'b',
                Value::Number(_) => 'n',
                Value::String(_) => 's',
                Value::Array(_) => 'a',
                Value::Object(_) => 'o',
            }),
            Self::Tag(name, tags) => {
                let tag = value.get(name).and_then(Value::as_str);
                tag.is_some_and(|tag| tags.contains(&tag))
            }
            Self::TagIfAny(name, tags) => match value.as_object().map(|object| object.get(name)) {
                Some(Some(tag)) => tag.as_str().is_some_and(|tag| tags.contains(&tag)),
                Some(None) => true,
                None => false,
            },
            Self::Keys(names) => names.iter().all(|name| value.get(name).is_some()),
            Self::Only(names) => {
                let object = value.as_object();
                object.is_some_and(|object| object.keys().all(|key| names.contains(&key.as_str())))
            }
            Self::Text(texts) => value.as_str().is_some_and(|text| texts.contains(&text)),
        }
    }
}

/// The object that a type is read from; each property is taken out once.
pub struct Reader<'p> {
    object: Map<String, Value>,
    path: &'p Path<'p>,
    /// The first property that may be absent and does not fit.
    wrong: Option<Violation>,
}

impl<'p> Reader<'p> {
    /// Starts with a value that must be an object.
    ///
    /// # Errors
    /// The value is not an object.
    pub fn new(value: Value, path: &'p Path<'p>) -> Result<Self, Violation> {
        match value {
            Value::Object(object) => Ok(Self { object, path, wrong: None }),
            other => Err(unexpected(&other, "an object", path)),
        }
    }

    /// A property that must be present.
    ///
    /// # Errors
    /// It is absent or does not fit.
    pub fn required<T: Decode>(&mut self, name: &str) -> Result<T, Violation> {
        match self.object.remove(name) {
            Some(value) => T::decode(value, &self.path.field(name)),
            None => Err(Violation::new(&self.path.field(name), "is required")),
        }
    }

    /// A property that may be absent; null is not absent. A value that does not fit is reported at
    /// the end.
    pub fn optional<T: Decode>(&mut self, name: &str) -> Option<T> {
        let value = self.object.remove(name)?;
        match T::decode(value, &self.path.field(name)) {
            Ok(decoded) => Some(decoded),
            Err(violation) => {
                self.wrong.get_or_insert(violation);
                None
            }
        }
    }

    /// A property that only requests must have.
    pub fn in_request<T: Decode>(&mut self, name: &str) -> Option<T> {
        self.optional(name)
    }

    /// A property that only responses must have.
    pub fn in_response<T: Decode>(&mut self, name: &str) -> Option<T> {
        self.optional(name)
    }

    /// A property that has only one possible value, given as JSON text.
    ///
    /// # Errors
    /// It is absent or has another value.
    pub fn fixed(&mut self, name: &str, want: &str) -> Result<(), Violation> {
        match self.object.remove(name) {
            Some(value) if is_same(&value, &json(want)) => Ok(()),
            Some(_) => Err(Violation::new(&self.path.field(name), format!("is not {want}"))),
            None => Err(Violation::new(&self.path.field(name), "is required")),
        }
    }

    /// The properties that are left.
    ///
    /// # Errors
    /// One does not fit, or one before did not.
    pub fn rest<T: Decode>(self) -> Result<BTreeMap<String, T>, Violation> {
        match self.wrong {
            Some(violation) => Err(violation),
            None => entries(self.object, self.path),
        }
    }

    /// Refuses the properties that are left.
    ///
    /// # Errors
    /// There is one, or one before did not fit.
    pub fn refuse_rest(self) -> Result<(), Violation> {
        match (self.wrong, self.object.keys().next()) {
            (Some(violation), _) => Err(violation),
            (None, Some(key)) => Err(Violation::new(&self.path.field(key), "is not a known field")),
            (None, None) => Ok(()),
        }
    }
}

/// Makes JSON of a value. One function for each type, which no serializer multiplies: that keeps
/// compile times of large contracts low.
pub trait Encode {
    /// The value as JSON that borrows from it, keys in the order of the contract.
    fn encode(&self) -> Encoded<'_>;
}

/// JSON that borrows what it can.
#[derive(Debug, Clone)]
pub enum Encoded<'a> {
    /// Something that is JSON already.
    Value(&'a Value),
    /// Something that was made just now.
    Made(Value),
    /// A string.
    Text(&'a str),
    /// A list.
    List(Vec<Encoded<'a>>),
    /// An object.
    Object(Vec<(&'a str, Encoded<'a>)>),
}

impl Encoded<'_> {
    /// A value that borrows nothing.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Made(value) => value,
            Self::Text(text) => Value::from(text),
            Self::List(items) => Value::Array(items.into_iter().map(Self::into_value).collect()),
            Self::Object(entries) => {
                let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value.into_value()));
                Value::Object(entries.collect())
            }
        }
    }
}

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Made(value) => value.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(entries) => serializer.collect_map(entries.iter().map(|(key, value)| (key, value))),
        }
    }
}

/// The object that a type is written to; the names are those of [`Reader`].
#[derive(Debug, Default)]
pub struct Writer<'w> {
    entries: Vec<(&'w str, Encoded<'w>)>,
}

impl<'w> Writer<'w> {
    /// A property that has only one possible value, given as JSON text.
    pub fn fixed(&mut self, name: &'w str, text: &str) {
        self.entries.push((name, Encoded::Made(json(text))));
    }

    /// A property that is always there.
    pub fn required(&mut self, name: &'w str, value: &'w dyn Encode) {
        self.entries.push((name, value.encode()));
    }

    /// A property that may be absent.
    pub fn optional<T: Encode>(&mut self, name: &'w str, value: &'w Option<T>) {
        if let Some(value) = value {
            self.entries.push((name, value.encode()));
        }
    }

    /// A property that only requests must have.
    pub fn in_request<T: Encode>(&mut self, name: &'w str, value: &'w Option<T>) {
        self.optional(name, value);
    }

    /// A property that only responses must have.
    pub fn in_response<T: Encode>(&mut self, name: &'w str, value: &'w Option<T>) {
        self.optional(name, value);
    }

    /// The properties that are not listed.
    pub fn rest<T: Encode>(&mut self, extra: &'w BTreeMap<String, T>) {
        self.entries.extend(extra.iter().map(|(key, value)| (key.as_str(), value.encode())));
    }

    /// The whole object.
    #[must_use]
    pub fn end(self) -> Encoded<'w> {
        Encoded::Object(self.entries)
    }
}

/// Checks the properties of a type; the names are those of [`Reader`].
pub struct Checker<'c> {
    /// The place of the object.
    pub path: &'c Path<'c>,
    /// The violations so far.
    pub violations: &'c mut Vec<Violation>,
}

impl Checker<'_> {
    /// A property that is always there.
    pub fn required<T: Validate>(&mut self, name: &str, value: &T, rules: &[Rule<'_>]) {
        check(value, rules, &self.path.field(name), self.violations);
    }

    /// A property that may be absent.
    pub fn optional<T: Validate>(&mut self, name: &str, value: &Option<T>, rules: &[Rule<'_>]) {
        if let Some(value) = value {
            check(value, rules, &self.path.field(name), self.violations);
        }
    }

    /// A property that only requests must have.
    pub fn in_request<T: Validate>(&mut self, name: &str, value: &Option<T>, rules: &[Rule<'_>]) {
        if value.is_none() && matches!(self.path.root(), Path::Request) {
            self.violations.push(Violation::new(&self.path.field(name), "is required in a request"));
        }
        self.optional(name, value, rules);
    }

    /// A property that only responses must have.
    pub fn in_response<T: Validate>(&mut self, name: &str, value: &Option<T>, rules: &[Rule<'_>]) {
        if value.is_none() && matches!(self.path.root(), Path::Response) {
            self.violations.push(Violation::new(&self.path.field(name), "is required in a response"));
        }
        self.optional(name, value, rules);
    }

    /// The properties that are not listed.
    pub fn rest<T: Validate>(&mut self, extra: &BTreeMap<String, T>, rules: &[Rule<'_>]) {
        for (key, value) in extra {
            check(value, rules, &self.path.field(key), self.violations);
        }
    }
}

/// The wire of a struct: each field with its presence, its name there and its rules.
macro_rules! record {
    ($name:ident { $($field:ident: $presence:ident $wire:literal $([$($rule:expr),+])?,)* }
     $(fixed { $($constant:literal: $json:literal,)* })? $(extra $(each [$($each:expr),+])?)? $(closed $closed:tt)? $(rules [$($own:expr),+])?) => {
        impl Decode for $name {
            #[inline]
            fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
                #[allow(unused_mut)]
                let mut from = support::Reader::new(value, path)?;
                $($(from.fixed($constant, $json)?;)*)?
                record!(@read from { $($field $presence $wire,)* } $(extra $([$($each)+])?)? $(closed $closed)?)
            }
        }
        impl support::Encode for $name {
            fn encode(&self) -> support::Encoded<'_> {
                #[allow(unused_mut)]
                let mut into = support::Writer::default();
                $($(into.fixed($constant, $json);)*)?
                $(into.$presence($wire, &self.$field);)*
                record!(@write self into $(extra $([$($each)+])?)?);
                into.end()
            }
        }
        impl Validate for $name {
            #[inline]
            fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
                $(support::check_own(self, &[$($own),+], path, violations);)?
                #[allow(unused_mut)]
                let mut on = support::Checker { path, violations };
                $(on.$presence($wire, &self.$field, &[$($($rule),+)?]);)*
                record!(@check self on $(extra [$($($each),+)?])?);
            }
        }
        support::serde_by_json!($name);
    };
    (@read $from:ident { $($field:ident $presence:ident $wire:literal,)* } extra $([$($each:tt)+])?) => {
        Ok(Self { $($field: record!(@take $presence $from $wire),)* extra: $from.rest()? })
    };
    (@read $from:ident { $($field:ident $presence:ident $wire:literal,)* } closed ()) => {{
        let read = Self { $($field: record!(@take $presence $from $wire),)* };
        $from.refuse_rest().map(|()| read)
    }};
    (@take required $from:ident $wire:literal) => { $from.required($wire)? };
    (@take $presence:ident $from:ident $wire:literal) => { $from.$presence($wire) };
    (@write $self:ident $into:ident extra $([$($each:tt)+])?) => { $into.rest(&$self.extra); };
    (@write $self:ident $into:ident) => {};
    (@check $self:ident $on:ident extra $each:tt) => { $on.rest(&$self.extra, &$each); };
    (@check $self:ident $on:ident) => { let _ = $on; };
}
pub(crate) use record;

/// The wire of a union: each variant with the conditions that a value of it meets. `sure` means
/// that no other variant meets them; the others are tried in this order.
macro_rules! variants {
    ($name:ident { $($variant:ident: $how:ident [$($guard:expr),*] $([$($rule:expr),+])?,)* } $(open $open:tt)? $(rules [$($own:expr),+])?) => {
        impl Decode for $name {
            #[inline]
            fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
                let mut found = support::Found::Nothing(value);
                $(found = support::$how(found, &[$($guard),*], &[$($($rule),+)?], Self::$variant, path)?;)*
                Ok(match found {
                    support::Found::Sure(decoded) | support::Found::Maybe(decoded, _) => decoded,
                    support::Found::Nothing(value) => Self::Other(value),
                })
            }
        }
        impl support::Encode for $name {
            fn encode(&self) -> support::Encoded<'_> {
                match self {
                    $(Self::$variant(value) => support::Encode::encode(value),)*
                    Self::Other(value) => support::Encoded::Value(value),
                }
            }
        }
        impl Validate for $name {
            #[inline]
            fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
                $(support::check_own(self, &[$($own),+], path, violations);)?
                match self {
                    $(Self::$variant(value) => support::check(value, &[$($($rule),+)?], path, violations),)*
                    Self::Other(_) => support::unknown(variants!(@known $(open $open)?; $($variant)*), path, violations),
                }
            }
        }
        support::serde_by_json!($name);
    };
    (@known open (); $($variant:ident)*) => { &[] };
    (@known; $($variant:ident)*) => { &[$(stringify!($variant)),*] };
}
pub(crate) use variants;

/// The wire of an open set of strings.
macro_rules! strings {
    ($name:ident { $($variant:ident $wire:literal,)* } $(open $open:tt)?) => {
        impl $name {
            /// The values of the contract.
            pub const KNOWN: &'static [&'static str] = &[$($wire),*];

            /// The value on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Other(value) => value,
                }
            }
        }
        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($wire => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl Decode for $name {
            fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
                <String as Decode>::decode(value, path).map(|value| Self::from(value.as_str()))
            }
        }
        impl support::Encode for $name {
            fn encode(&self) -> support::Encoded<'_> {
                support::Encoded::Text(self.as_str())
            }
        }
        impl Validate for $name {
            fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
                if let Self::Other(_) = self {
                    support::unknown(strings!(@known $($open)?), path, violations);
                }
            }
        }
        support::serde_by_json!($name);
    };
    (@known ()) => { &[] };
    (@known) => { Self::KNOWN };
}
pub(crate) use strings;

/// The wire of a type that contains itself and is not an object.
macro_rules! newtype {
    ($name:ident $([$($rule:expr),+])?) => {
        impl Decode for $name {
            fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
                Decode::decode(value, path).map(Self)
            }
        }
        impl support::Encode for $name {
            fn encode(&self) -> support::Encoded<'_> {
                support::Encode::encode(&self.0)
            }
        }
        impl Validate for $name {
            fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
                support::check(&self.0, &[$($($rule),+)?], path, violations);
            }
        }
        support::serde_by_json!($name);
    };
}
pub(crate) use newtype;

/// The traits of serde, by those of ours.
macro_rules! serde_by_json {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&support::Encode::encode(self), serializer)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                support::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use serde_by_json;

/// How far the search for a variant came.
pub enum Found<U> {
    /// No variant yet.
    Nothing(Value),
    /// One that decodes but violates its rules; a later one may fit better.
    Maybe(U, Value),
    /// The variant.
    Sure(U),
}

/// Takes the value when the guards accept it: no other variant's would.
///
/// # Errors
/// The guards accept the value and it does not fit.
pub fn sure<T: Decode, U>(
    found: Found<U>,
    guards: &[Guard],
    _: &[Rule<'_>],
    make: impl FnOnce(T) -> U,
    path: &Path<'_>,
) -> Result<Found<U>, Violation> {
    match found {
        Found::Nothing(value) if guards.iter().all(|guard| guard.accepts(&value)) => {
            T::decode(value, path).map(make).map(Found::Sure)
        }
        found => Ok(found),
    }
}

/// Takes the value like [`sure`] when it has the tag of the guards, else like [`maybe`].
///
/// # Errors
/// The value has the tag and does not fit.
pub fn tagged<T: Decode + Validate, U>(
    found: Found<U>,
    guards: &[Guard],
    rules: &[Rule<'_>],
    make: impl FnOnce(T) -> U,
    path: &Path<'_>,
) -> Result<Found<U>, Violation> {
    let has_tag = matches!(&found, Found::Nothing(value) if guards.iter().any(|guard| matches!(guard, Guard::TagIfAny(name, _) if value.get(name).is_some())));
    if has_tag {
        sure(found, guards, rules, make, path)
    } else {
        maybe(found, guards, rules, make, path)
    }
}

/// Takes the value when the guards accept it and it fits.
///
/// # Errors
/// None: a value that does not fit is left to the next variant.
pub fn maybe<T: Decode + Validate, U>(
    found: Found<U>,
    guards: &[Guard],
    rules: &[Rule<'_>],
    make: impl FnOnce(T) -> U,
    path: &Path<'_>,
) -> Result<Found<U>, Violation> {
    let (earlier, value) = match found {
        Found::Nothing(value) => (None, value),
        Found::Maybe(earlier, value) => (Some(earlier), value),
        found @ Found::Sure(_) => return Ok(found),
    };
    if guards.iter().all(|guard| guard.accepts(&value))
        && let Ok(decoded) = T::decode(value.clone(), path)
    {
        let mut violations = Vec::new();
        check(&decoded, rules, path, &mut violations);
        if violations.is_empty() {
            return Ok(Found::Sure(make(decoded)));
        }
        return Ok(Found::Maybe(earlier.unwrap_or_else(|| make(decoded)), value));
    }
    Ok(match earlier {
        Some(earlier) => Found::Maybe(earlier, value),
        None => Found::Nothing(value),
    })
}

pub(crate) fn unexpected(value: &Value, want: &str, path: &Path<'_>) -> Violation {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Violation::new(path, format!("expected {want}, got {got}"))
}

macro_rules! scalars {
    ($($ty:ty, $want:literal, $value:ident => $read:expr;)*) => {$(
        impl Encode for $ty {
            fn encode(&self) -> Encoded<'_> {
                Encoded::Made(Value::from(*self))
            }
        }

        impl Decode for $ty {
            fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
                let $value = &value;
                $read.ok_or_else(|| unexpected(&value, $want, path))
            }
        }

        impl Validate for $ty {
            fn check(&self, _: &Path<'_>, _: &mut Vec<Violation>) {}
        }
    )*};
}

scalars! {
    bool, "a boolean", value => value.as_bool();
    i32, "a whole number of 32 bits", value => whole(value).and_then(|n| n.try_into().ok());
    i64, "a whole number of 64 bits", value => whole(value).and_then(|n| n.try_into().ok());
    u32, "a whole number of 32 bits, not negative", value => whole(value).and_then(|n| n.try_into().ok());
    u64, "a whole number of 64 bits, not negative", value => whole(value).and_then(|n| n.try_into().ok());
    f64, "a number", value => value.as_f64();
}

impl Encode for Number {
    fn encode(&self) -> Encoded<'_> {
        Encoded::Made(Value::Number(self.clone()))
    }
}

impl Decode for Number {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        match value {
            Value::Number(number) => Ok(number),
            other => Err(unexpected(&other, "a number", path)),
        }
    }
}

impl Validate for Number {
    fn check(&self, _: &Path<'_>, _: &mut Vec<Violation>) {}
}

/// A whole number of any size, as JSON text has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Integer(pub Number);

impl Encode for Integer {
    fn encode(&self) -> Encoded<'_> {
        self.0.encode()
    }
}

impl Decode for Integer {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        match &value {
            Value::Number(number) if Decimal::of(number).is_some_and(|n| n.is_whole()) => Ok(Self(number.clone())),
            other => Err(unexpected(other, "a whole number", path)),
        }
    }
}

impl Validate for Integer {
    fn check(&self, _: &Path<'_>, _: &mut Vec<Violation>) {}
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)
    }
}

/// Whether a value is a whole number of any size.
#[must_use]
pub fn is_whole(value: &Value) -> bool {
    value.as_number().and_then(Decimal::of).is_some_and(|number| number.is_whole())
}

/// A whole number, also when it is written as `1.0` or `1e3`.
fn whole(value: &Value) -> Option<i128> {
    let number = value.as_number()?;
    let integer = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    integer.or_else(|| Decimal::of(number)?.whole())
}

impl Encode for String {
    fn encode(&self) -> Encoded<'_> {
        Encoded::Text(self)
    }
}

impl Decode for String {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        match value {
            Value::String(text) => Ok(text),
            other => Err(unexpected(&other, "a string", path)),
        }
    }
}

impl Validate for String {
    fn check(&self, _: &Path<'_>, _: &mut Vec<Violation>) {}
}

impl Encode for Value {
    fn encode(&self) -> Encoded<'_> {
        Encoded::Value(self)
    }
}

impl Decode for Value {
    fn decode(value: Value, _: &Path<'_>) -> Result<Self, Violation> {
        Ok(value)
    }
}

impl Validate for Value {
    fn check(&self, _: &Path<'_>, _: &mut Vec<Violation>) {}
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self) -> Encoded<'_> {
        match self {
            Some(value) => value.encode(),
            None => Encoded::Made(Value::Null),
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        match value {
            Value::Null => Ok(None),
            value => T::decode(value, path).map(Some),
        }
    }
}

impl<T: Validate> Validate for Option<T> {
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
        if let Some(value) = self {
            value.check(path, violations);
        }
    }

    fn check_rules(&self, rules: &[Rule<'_>], path: &Path<'_>, violations: &mut Vec<Violation>) {
        if let Some(value) = self {
            value.check_rules(rules, path, violations);
        }
    }
}

impl<T: Encode> Encode for Box<T> {
    fn encode(&self) -> Encoded<'_> {
        T::encode(self)
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        T::decode(value, path).map(Self::new)
    }
}

impl<T: Validate> Validate for Box<T> {
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
        T::check(self, path, violations);
    }

    fn check_rules(&self, rules: &[Rule<'_>], path: &Path<'_>, violations: &mut Vec<Violation>) {
        T::check_rules(self, rules, path, violations);
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self) -> Encoded<'_> {
        Encoded::List(self.iter().map(T::encode).collect())
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        let Value::Array(items) = value else {
            return Err(unexpected(&value, "a list", path));
        };
        let items = items.into_iter().enumerate();
        items.map(|(index, item)| T::decode(item, &path.item(index))).collect()
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
        for (index, item) in self.iter().enumerate() {
            item.check(&path.item(index), violations);
        }
    }
}

impl<T: Encode> Encode for BTreeMap<String, T> {
    fn encode(&self) -> Encoded<'_> {
        let mut into = Writer::default();
        into.rest(self);
        into.end()
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        Reader::new(value, path)?.rest()
    }
}

impl<T: Validate> Validate for BTreeMap<String, T> {
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
        for (key, value) in self {
            value.check(&path.field(key), violations);
        }
    }
}

fn entries<T: Decode>(object: Map<String, Value>, path: &Path<'_>) -> Result<BTreeMap<String, T>, Violation> {
    let mut entries = BTreeMap::new();
    for (key, value) in object {
        let value = T::decode(value, &path.field(&key))?;
        entries.insert(key, value);
    }
    Ok(entries)
}

/// A value from JSON text that is known to be valid.
#[must_use]
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("the generator writes valid JSON")
}

/// Checks the rules of a type's own object.
pub fn check_own(value: &dyn Encode, rules: &[Rule<'_>], path: &Path<'_>, violations: &mut Vec<Violation>) {
    check_value(&value.encode().into_value(), rules, path, violations);
}

/// Checks a JSON value; a rule does not apply to values of other kinds than its own.
pub fn check_value(value: &Value, rules: &[Rule<'_>], path: &Path<'_>, violations: &mut Vec<Violation>) {
    for rule in rules {
        match rule {
            Rule::Each(rules) => match value {
                Value::Array(items) => {
                    for (index, item) in items.iter().enumerate() {
                        check_value(item, rules, &path.item(index), violations);
                    }
                }
                Value::Object(entries) => {
                    for (key, value) in entries {
                        check_value(value, rules, &path.field(key), violations);
                    }
                }
                _ => {}
            },
            Rule::Unique => check_unique(value, path, violations),
            Rule::Schema(text) => super::schema::check(text, value, path, violations), // if schema
            rule => violations.extend(complaint(*rule, value).map(|message| Violation::new(path, message))),
        }
    }
}

pub(crate) fn complaint(rule: Rule<'_>, value: &Value) -> Option<String> {
    let number = || Decimal::of(value.as_number()?);
    let compared = |bound: &str| Some(number()?.compare(&Decimal::parse(bound)?));
    match rule {
        Rule::SizeMin(min) => size(value).filter(|(size, _)| *size < min).map(|(size, unit)| format!("has {size} {unit}, less than {min}")),
        Rule::SizeMax(max) => size(value).filter(|(size, _)| *size > max).map(|(size, unit)| format!("has {size} {unit}, more than {max}")),
        Rule::Min(bound) => compared(bound).filter(|order| order.is_lt()).map(|_| format!("is {value}, less than {bound}")),
        Rule::Max(bound) => compared(bound).filter(|order| order.is_gt()).map(|_| format!("is {value}, more than {bound}")),
        Rule::Above(bound) => compared(bound).filter(|order| order.is_le()).map(|_| format!("is {value}, not more than {bound}")),
        Rule::Below(bound) => compared(bound).filter(|order| order.is_ge()).map(|_| format!("is {value}, not less than {bound}")),
        Rule::MultipleOf(divisor) => {
            let is_multiple = number()?.is_multiple_of(&Decimal::parse(divisor)?);
            (!is_multiple).then(|| format!("is {value}, not a multiple of {divisor}"))
        }
        Rule::Pattern(pattern) => { // if pattern
            let is_match = super::pattern::is_match(pattern, value.as_str()?); // if pattern
            (!is_match).then(|| format!("does not match `{pattern}`")) // if pattern
        } // if pattern
        Rule::OneOf(list) => {
            let known = json(list);
            let is_known = known.as_array().is_some_and(|known| known.iter().any(|known| is_same(known, value)));
            (!is_known).then(|| format!("is not one of {list}"))
        }
        _ => None,
    }
}

fn size(value: &Value) -> Option<(u64, &'static str)> {
    let (size, unit) = match value {
        Value::String(text) => (text.chars().count(), "characters"),
        Value::Array(items) => (items.len(), "items"),
        Value::Object(entries) => (entries.len(), "properties"),
        _ => return None,
    };
    Some((size as u64, unit))
}

fn check_unique(value: &Value, path: &Path<'_>, violations: &mut Vec<Violation>) {
    let mut seen = BTreeSet::new();
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if !seen.insert(canonical(item)) {
            violations.push(Violation::new(&path.item(index), "is a duplicate item"));
        }
    }
}

/// Reports a value that is not one of those that the contract lists; nothing when it lists none.
pub fn unknown(known: &[&str], path: &Path<'_>, violations: &mut Vec<Violation>) {
    if !known.is_empty() {
        violations.push(Violation::new(path, format!("is not one of `{}`", known.join("`, `"))));
    }
}

/// Whether two values are equal as JSON: `1` equals `1.0`, and the order of keys does not matter.
#[must_use]
pub fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one == other,
        _ => canonical(one) == canonical(other),
    }
}

/// One text for all values that are equal as JSON.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => match Decimal::of(number) {
            Some(n) => format!("{}{}e{}", if n.is_negative { "-" } else { "" }, n.digits, n.exponent),
            None => number.to_string(),
        },
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(entries) => {
            let sorted: BTreeMap<&String, String> = entries.iter().map(|(key, value)| (key, canonical(value))).collect();
            let entries: Vec<String> = sorted.iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
            format!("{{{}}}", entries.join(","))
        }
        other => other.to_string(),
    }
}

/// A decimal number of any size: `digits` without zeros at either end, times ten to the power of
/// `exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn of(number: &Number) -> Option<Self> {
        Self::parse(&number.to_string())
    }

    /// A number in the syntax of JSON.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let kept = digits.trim_end_matches('0');
        let exponent = exponent.checked_add(i64::try_from(digits.len() - kept.len()).ok()?)?;
        let kept = kept.trim_start_matches('0');
        let is_zero = kept.is_empty();
        Some(Self { is_negative: is_negative && !is_zero, digits: kept.to_owned(), exponent: if is_zero { 0 } else { exponent } })
    }

    fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    fn whole(&self) -> Option<i128> {
        let zeros = usize::try_from(self.exponent).ok().filter(|zeros| *zeros < 40)?;
        let number: i128 = format!("0{}{}", self.digits, "0".repeat(zeros)).parse().ok()?;
        Some(if self.is_negative { -number } else { number })
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let sign = |n: &Self| if n.digits.is_empty() { 0 } else if n.is_negative { -1 } else { 1 };
        sign(self).cmp(&sign(other)).then_with(|| {
            let top = |n: &Self| n.exponent.saturating_add(n.digits.len() as i64);
            // Without zeros at the end, the digits compare as text once the points are aligned.
            let order = top(self).cmp(&top(other)).then_with(|| self.digits.cmp(&other.digits));
            if self.is_negative { order.reverse() } else { order }
        })
    }

    fn is_multiple_of(&self, divisor: &Self) -> bool {
        if self.digits.is_empty() {
            return true;
        }
        let Ok(base) = divisor.digits.parse::<u128>() else {
            return false;
        };
        if base == 0 || base > u128::MAX / 100 {
            return false;
        }
        // self / divisor = digits * 10^shift / base; for a negative shift the digits, which do
        // not end in zero, would have to hold the factors of ten that `base` lacks.
        let shift = self.exponent.saturating_sub(divisor.exponent);
        let remainder = |base: u128| {
            let digits = self.digits.bytes().map(|digit| u128::from(digit - b'0'));
            digits.fold(0, |rest, digit| (rest * 10 + digit) % base)
        };
        if shift >= 0 {
            // After 400 zeros every factor of two and five in a base of this size is used up.
            let mut rest = remainder(base);
            for _ in 0..shift.min(400) {
                rest = rest * 10 % base;
            }
            return rest == 0;
        }
        let scale = u32::try_from(-shift).ok().and_then(|zeros| 10_u128.checked_pow(zeros));
        let scaled = scale.and_then(|scale| base.checked_mul(scale)).filter(|scaled| *scaled <= u128::MAX / 100);
        scaled.is_some_and(|scaled| remainder(scaled) == 0)
    }
}
