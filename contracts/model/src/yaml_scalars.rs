//! Scalars of the YAML 1.2 core schema.

use std::borrow::Cow;

use crate::node::NodeValue;
use crate::numbers;
use crate::yaml_events::Tag;

/// A scalar by the core schema (YAML 1.2.2, section 10.3.2). Only plain scalars can be anything but
/// text. Values that JSON cannot hold (`.inf`, `.nan`) stay text.
pub(crate) fn scalar(text: Cow<'_, str>, is_plain: bool, tag: Tag) -> NodeValue {
    if tag == Tag::Text || (!is_plain && tag != Tag::Core) {
        return NodeValue::String(text.into_owned());
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        _ => match numbers::number(&text) {
            Some(number) => NodeValue::Number(number),
            None => NodeValue::String(text.into_owned()),
        },
    }
}
