//! JSON values compared as values: objects without order, numbers by their decimal digits.

use std::cmp::Ordering;

use tollgate_contracts_instance::Json;
use tollgate_contracts_model::{Node, NodeValue, parse};

/// Reads a JSON text; no digit of a number is lost.
pub fn read(text: &str) -> Result<Json, String> {
    parse("answer.json", text)
        .map(|node| of(&node))
        .map_err(|error| error.to_string())
}

/// A node of a document as a value.
pub fn of(node: &Node) -> Json {
    match &node.value {
        NodeValue::Null => Json::Null,
        NodeValue::Bool(value) => Json::Bool(*value),
        NodeValue::Number(text) => Json::Number(text.clone()),
        NodeValue::String(text) => Json::String(text.clone()),
        NodeValue::Array(items) => Json::Array(items.iter().map(of).collect()),
        NodeValue::Object(entries) => {
            let entries = entries.iter();
            Json::Object(
                entries
                    .map(|entry| (entry.key.clone(), of(&entry.node)))
                    .collect(),
            )
        }
    }
}

/// Where two values differ first, as a pointer with a few words; nothing when they are equal.
pub fn difference(one: &Json, other: &Json) -> Option<String> {
    walk(one, other, "")
}

fn walk(one: &Json, other: &Json, at: &str) -> Option<String> {
    match (one, other) {
        (Json::Number(a), Json::Number(b)) => {
            (decimal(a) != decimal(b)).then(|| told(at, one, other))
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => a
            .iter()
            .zip(b)
            .enumerate()
            .find_map(|(idx, (a, b))| walk(a, b, &format!("{at}/{idx}"))),
        (Json::Object(a), Json::Object(b)) => {
            let (a, b) = (sorted(a), sorted(b));
            let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
            loop {
                match (left.peek(), right.peek()) {
                    (None, None) => return None,
                    (Some((key, _)), None) => return Some(format!("{at}/{key}: is lost")),
                    (None, Some((key, _))) => return Some(format!("{at}/{key}: is new")),
                    (Some((a, x)), Some((b, y))) => match a.cmp(b) {
                        Ordering::Less => return Some(format!("{at}/{a}: is lost")),
                        Ordering::Greater => return Some(format!("{at}/{b}: is new")),
                        Ordering::Equal => {
                            if let Some(found) = walk(x, y, &format!("{at}/{a}")) {
                                return Some(found);
                            }
                        }
                    },
                }
                left.next();
                right.next();
            }
        }
        _ => (one != other).then(|| told(at, one, other)),
    }
}

fn sorted(entries: &[(String, Json)]) -> Vec<(&str, &Json)> {
    let mut sorted: Vec<(&str, &Json)> = entries
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    sorted.sort_by_key(|(key, _)| *key);
    sorted
}

fn told(at: &str, one: &Json, other: &Json) -> String {
    let place = if at.is_empty() { "the value" } else { at };
    format!("{place}: {} became {}", short(one), short(other))
}

/// A value in at most 60 characters.
pub fn short(value: &Json) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        return text;
    }
    text.chars().take(59).chain(['…']).collect()
}

/// A number as sign, digits without zeros at either end, and the power of ten of the last digit.
/// Zero has no digits and no sign; `1.0`, `1` and `1e0` are the same.
fn decimal(text: &str) -> (bool, String, i64) {
    let (is_negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let n_trailing = digits.len() - digits.trim_end_matches('0').len();
    let digits = digits
        .trim_start_matches('0')
        .trim_end_matches('0')
        .to_owned();
    if digits.is_empty() {
        return (false, digits, 0);
    }
    let exponent: i64 = exponent.parse().unwrap_or(i64::MAX / 4);
    let shift = i64::try_from(n_trailing).unwrap_or(0) - i64::try_from(fraction.len()).unwrap_or(0);
    (is_negative, digits, exponent.saturating_add(shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_same(one: &str, other: &str) -> bool {
        difference(&read(one).unwrap(), &read(other).unwrap()).is_none()
    }

    #[test]
    fn numbers_are_equal_by_their_digits() {
        for other in ["1", "1.0", "1e0", "10e-1", "0.1E1"] {
            assert!(are_same("1", other), "{other}");
        }
        assert!(are_same("0", "-0.0"));
        assert!(are_same(
            "12345678901234567890123",
            "1.2345678901234567890123e22"
        ));
        assert!(!are_same("0.1000000000000000055", "0.1"));
        assert!(!are_same("9007199254740993", "9007199254740992"));
        assert!(!are_same("1", "-1"));
        assert!(!are_same("1", "\"1\""));
    }

    #[test]
    fn null_and_absent_differ_and_the_order_of_keys_does_not_matter() {
        assert!(are_same(r#"{"a":1,"b":[null]}"#, r#"{"b":[null],"a":1.0}"#));
        let one = read(r#"{"a":{"b":null}}"#).unwrap();
        let other = read(r#"{"a":{}}"#).unwrap();
        assert_eq!(difference(&one, &other).as_deref(), Some("/a/b: is lost"));
        assert_eq!(difference(&other, &one).as_deref(), Some("/a/b: is new"));
    }

    #[test]
    fn a_difference_names_its_place() {
        let one = read(r#"{"list":[1,2]}"#).unwrap();
        let other = read(r#"{"list":[1,3]}"#).unwrap();
        assert_eq!(
            difference(&one, &other).as_deref(),
            Some("/list/1: 2 became 3")
        );
    }
}
