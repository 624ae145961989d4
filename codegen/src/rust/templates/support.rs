//! What the generated types share: decoding with paths, validation, unknown fields.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

/// One thing that is not as the contract says.
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
        Self {
            path: path.to_string(),
            message: message.into(),
        }
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

/// Where a value stands; built on the stack, printed only when something is wrong.
#[derive(Debug, Clone, Copy)]
pub enum Path<'a> {
    /// The whole.
    Root,
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
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(parent, name) => {
                write!(f, "{parent}/{}", name.replace('~', "~0").replace('/', "~1"))
            }
            Self::Item(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// Makes a value from JSON, or names the place that does not fit.
pub trait Decode: Sized {
    /// Decodes one value that stands at `path`.
    ///
    /// # Errors
    /// The first place that does not fit the type.
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation>;
}

/// Checks what a type can't express: bounds, known values, uniqueness. Patterns are not checked.
pub trait Validate {
    /// Adds what is wrong with the value that stands at `path`.
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>);
}

/// All violations of a value.
///
/// # Errors
/// At least one violation.
pub fn validate(value: &impl Validate) -> Result<(), Vec<Violation>> {
    let mut violations = Vec::new();
    value.check(&Path::Root, &mut violations);
    if violations.is_empty() {
        Ok(())
    } else {
        Err(violations)
    }
}

/// Decodes through [`Decode`]; the error names the path.
///
/// # Errors
/// The first place that does not fit the type.
pub fn deserialize<'de, T: Decode, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    T::decode(value, &Path::Root).map_err(D::Error::custom)
}

macro_rules! model {
    ($name:ident) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                support::deserialize(deserializer)
            }
        }

        impl $name {
            /// Checks bounds, known values and uniqueness, in all that it holds.
            ///
            /// # Errors
            /// Each place that is not as the contract says.
            pub fn validate(&self) -> Result<(), Vec<Violation>> {
                support::validate(self)
            }
        }
    };
}
pub(crate) use model;

fn unexpected(value: &Value, want: &str, path: &Path<'_>) -> Violation {
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

macro_rules! decode_scalar {
    ($($ty:ty, $want:literal, $value:ident => $read:expr;)*) => {$(
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

decode_scalar! {
    bool, "a boolean", value => value.as_bool();
    i32, "a whole number of 32 bits", value => whole(value).and_then(|n| n.try_into().ok());
    i64, "a whole number of 64 bits", value => whole(value).and_then(|n| n.try_into().ok());
    u32, "a whole number of 32 bits, not negative", value => whole(value).and_then(|n| n.try_into().ok());
    u64, "a whole number of 64 bits, not negative", value => whole(value).and_then(|n| n.try_into().ok());
    f64, "a number", value => value.as_f64();
    Number, "a number", value => value.as_number().cloned();
}

/// A whole number, also when it is written as `1.0`.
fn whole(value: &Value) -> Option<i128> {
    let integer = value.as_i64().map(i128::from);
    integer
        .or_else(|| value.as_u64().map(i128::from))
        .or_else(|| {
            // Beyond 2^53 a float does not tell which whole number was meant.
            let float = value.as_f64()?;
            let is_exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
            is_exact.then_some(float as i128)
        })
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

impl Decode for Value {
    fn decode(value: Value, _: &Path<'_>) -> Result<Self, Violation> {
        Ok(value)
    }
}

impl Validate for Value {
    fn check(&self, _: &Path<'_>, _: &mut Vec<Violation>) {}
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
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        match value {
            Value::Array(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| T::decode(item, &path.item(index)))
                .collect(),
            other => Err(unexpected(&other, "a list", path)),
        }
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
        for (index, item) in self.iter().enumerate() {
            item.check(&path.item(index), violations);
        }
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
        rest(object(value, path)?, path)
    }
}

impl<T: Validate> Validate for BTreeMap<String, T> {
    fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
        for (key, value) in self {
            value.check(&path.field(key), violations);
        }
    }
}

/// The entries of an object.
///
/// # Errors
/// The value is no object.
pub fn object(value: Value, path: &Path<'_>) -> Result<Map<String, Value>, Violation> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(unexpected(&other, "an object", path)),
    }
}

/// Takes a property that must be present.
///
/// # Errors
/// It is absent or does not fit.
pub fn required<T: Decode>(
    object: &mut Map<String, Value>,
    name: &str,
    path: &Path<'_>,
) -> Result<T, Violation> {
    match object.remove(name) {
        Some(value) => T::decode(value, &path.field(name)),
        None => Err(Violation::new(&path.field(name), "is required")),
    }
}

/// Takes a property that may be absent; null is not absent.
///
/// # Errors
/// It does not fit.
pub fn optional<T: Decode>(
    object: &mut Map<String, Value>,
    name: &str,
    path: &Path<'_>,
) -> Result<Option<T>, Violation> {
    object
        .remove(name)
        .map(|value| T::decode(value, &path.field(name)))
        .transpose()
}

/// Takes a property that has only one possible value.
///
/// # Errors
/// It is absent or has another value.
pub fn constant(
    object: &mut Map<String, Value>,
    name: &str,
    want: &Value,
    path: &Path<'_>,
) -> Result<(), Violation> {
    match object.remove(name) {
        Some(value) if value == *want => Ok(()),
        Some(_) => Err(Violation::new(&path.field(name), format!("is not {want}"))),
        None => Err(Violation::new(&path.field(name), "is required")),
    }
}

/// The properties that are left.
///
/// # Errors
/// One does not fit.
pub fn rest<T: Decode>(
    object: Map<String, Value>,
    path: &Path<'_>,
) -> Result<BTreeMap<String, T>, Violation> {
    object
        .into_iter()
        .map(|(key, value)| {
            let value = T::decode(value, &path.field(&key))?;
            Ok((key, value))
        })
        .collect()
}

/// Refuses the properties that are left.
///
/// # Errors
/// There is one.
pub fn refuse_rest(object: &Map<String, Value>, path: &Path<'_>) -> Result<(), Violation> {
    match object.keys().next() {
        Some(key) => Err(Violation::new(&path.field(key), "is not a known field")),
        None => Ok(()),
    }
}

/// A value from JSON text that is known to be valid.
#[must_use]
pub fn raw(text: &str) -> Value {
    serde_json::from_str(text).expect("the generator writes valid JSON")
}

/// Whether a property holds one of these strings.
#[must_use]
pub fn has_tag(value: &Value, name: &str, tags: &[&str]) -> bool {
    let tag = value.get(name).and_then(Value::as_str);
    tag.is_some_and(|tag| tags.contains(&tag))
}

/// Whether all these properties are present.
#[must_use]
pub fn has_keys(value: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| value.get(name).is_some())
}

/// Whether only these properties are present.
#[must_use]
pub fn has_only(value: &Value, names: &[&str]) -> bool {
    let object = value.as_object();
    object.is_some_and(|object| object.keys().all(|key| names.contains(&key.as_str())))
}

/// Whether the value is one of these strings.
#[must_use]
pub fn is_one_of(value: &Value, texts: &[&str]) -> bool {
    value.as_str().is_some_and(|text| texts.contains(&text))
}

/// Bounds; absent ones hold always.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// The smallest size.
    pub size_min: Option<u64>,
    /// The largest size.
    pub size_max: Option<u64>,
    /// The smallest number and whether it is itself out of range.
    pub minimum: Option<(f64, bool)>,
    /// The largest number and whether it is itself out of range.
    pub maximum: Option<(f64, bool)>,
    /// A number that divides it.
    pub multiple_of: Option<f64>,
}

/// Checks a size; `unit` is what is counted.
pub fn check_size(
    size: usize,
    unit: &str,
    bounds: Bounds,
    path: &Path<'_>,
    violations: &mut Vec<Violation>,
) {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    if let Some(min) = bounds.size_min.filter(|min| size < *min) {
        let message = format!("has {size} {unit}, less than {min}");
        violations.push(Violation::new(path, message));
    }
    if let Some(max) = bounds.size_max.filter(|max| size > *max) {
        let message = format!("has {size} {unit}, more than {max}");
        violations.push(Violation::new(path, message));
    }
}

/// Checks a number.
pub fn check_number(number: f64, bounds: Bounds, path: &Path<'_>, violations: &mut Vec<Violation>) {
    if let Some((min, is_exclusive)) = bounds.minimum
        && (number < min || (is_exclusive && number == min))
    {
        let than = if is_exclusive { "not more than" } else { "less than" };
        violations.push(Violation::new(path, format!("is {number}, {than} {min}")));
    }
    if let Some((max, is_exclusive)) = bounds.maximum
        && (number > max || (is_exclusive && number == max))
    {
        let than = if is_exclusive { "not less than" } else { "more than" };
        violations.push(Violation::new(path, format!("is {number}, {than} {max}")));
    }
    if let Some(divisor) = bounds.multiple_of {
        let quotient = number / divisor;
        // The tolerance covers the rounding of decimal fractions such as 0.1.
        if (quotient - quotient.round()).abs() > 1e-9 * quotient.abs().max(1.0) {
            let message = format!("is {number}, not a multiple of {divisor}");
            violations.push(Violation::new(path, message));
        }
    }
}

/// Checks that no item stands twice.
pub fn check_unique<T: Serialize>(items: &[T], path: &Path<'_>, violations: &mut Vec<Violation>) {
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate() {
        // Through a value, whose objects have sorted keys: equal items are equal text.
        let text = serde_json::to_value(item).map(|value| value.to_string());
        if text.is_ok_and(|text| !seen.insert(text)) {
            violations.push(Violation::new(&path.item(index), "stands twice"));
        }
    }
}

/// Says that a value is none of those that the contract lists.
pub fn unknown(known: &[&str], path: &Path<'_>, violations: &mut Vec<Violation>) {
    let message = format!("is not one of `{}`", known.join("`, `"));
    violations.push(Violation::new(path, message));
}
