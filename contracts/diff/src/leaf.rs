//! Schemas that are equal word for word, as most are when two revisions are compared. They need no
//! comparison of meaning.

use tollgate_contracts_model::{Entry, Node, NodeValue};

/// Whether two schemas of one specification are equal word for word except for their texts, and
/// hold no other schemas. A result of false means only that they may differ.
pub(crate) fn is_same_leaf(one: &Node, other: &Node) -> bool {
    let (Some(entries), Some(others)) = (one.as_object(), other.as_object()) else {
        return false;
    };
    let n_said = |entries: &[Entry]| entries.iter().filter(|entry| says(entry)).count();
    n_said(entries) == n_said(others)
        && entries.iter().filter(|entry| says(entry)).all(|entry| {
            let same = other.get(&entry.key);
            !entry.key.starts_with('$') && same.is_some_and(|node| is_same(&entry.node, node))
        })
}

/// Whether an entry affects which values are valid.
fn says(entry: &Entry) -> bool {
    !matches!(
        entry.key.as_str(),
        "description" | "title" | "example" | "examples"
    )
}

/// Whether two values are the same and hold no objects.
fn is_same(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (NodeValue::Null, NodeValue::Null) => true,
        (NodeValue::Bool(one), NodeValue::Bool(other)) => one == other,
        (NodeValue::Number(one), NodeValue::Number(other))
        | (NodeValue::String(one), NodeValue::String(other)) => one == other,
        (NodeValue::Array(ones), NodeValue::Array(others)) => {
            let mut pairs = ones.iter().zip(others);
            ones.len() == others.len() && pairs.all(|(one, other)| is_same(one, other))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate_contracts_model::source::parse;

    #[track_caller]
    fn check(one: &str, other: &str, want: bool) {
        let [one, other] = [one, other].map(|text| parse("a.json", text).unwrap());
        assert_eq!(is_same_leaf(&one, &other), want);
        assert_eq!(is_same_leaf(&other, &one), want);
    }

    #[test]
    fn only_schemas_without_schemas_in_them_are_the_same_at_a_glance() {
        let one = r#"{"type": "string", "enum": ["a", null], "description": "x"}"#;
        check(one, r#"{"enum": ["a", null], "type": "string"}"#, true);
        check(one, r#"{"enum": ["a"], "type": "string"}"#, false);
        check(one, r#"{"type": "string"}"#, false);
        check(r#"{"minimum": 1}"#, r#"{"minimum": 2}"#, false);
        check(r#"{"minimum": 1}"#, r#"{"minimum": "1"}"#, false);
        check(r##"{"$ref": "#/a"}"##, r##"{"$ref": "#/a"}"##, false);
        check(r#"{"items": {}}"#, r#"{"items": {}}"#, false);
        check(r#"{"anyOf": [{}]}"#, r#"{"anyOf": [{}]}"#, false);
        check("true", "true", false);
    }
}
