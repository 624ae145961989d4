//! Unusual values that break careless programs, whether the contract allows them or not.

use tollgate_contracts_instance::Json;
use tollgate_stats::Rng;

use crate::operation::{Location, Operation};
use crate::request::{Content, Values};

/// Texts that break careless programs.
const ODD_TEXTS: [&str; 14] = [
    "",
    "'",
    "\"><script>",
    "%",
    "%s%n",
    "\u{0}",
    "../../etc/passwd",
    "🦀\u{202e}x",
    "-1",
    "0",
    "NaN",
    "null",
    "9223372036854775808",
    "\\",
];

const ODD_NUMBERS: [&str; 7] = [
    "0",
    "-1",
    "2147483648",
    "9223372036854775807",
    "1e308",
    "-0.5",
    "99999999999999999999",
];

/// The length of the long text among the unusual values.
const ODD_LENGTH: usize = 20_000;

/// Replaces one value of a request by an unusual one.
pub(crate) fn make_odd(
    operation: &Operation,
    values: &mut Values,
    n: usize,
    rng: &mut Rng,
) -> Option<()> {
    let long = "A".repeat(ODD_LENGTH);
    let odd_text = |rng: &mut Rng| match rng.below(ODD_TEXTS.len() + 1) {
        at if at < ODD_TEXTS.len() => ODD_TEXTS[at].to_owned(),
        _ => long.clone(),
    };
    let mut leaves = Vec::new();
    if let Some(Content::Value(body)) = &values.body {
        collect_leaves(body, String::new(), &mut leaves);
    }
    let n_parameters = operation.parameters.len();
    if leaves.is_empty() && n_parameters == 0 {
        return None;
    }
    let at = (n + rng.below(leaves.len() + n_parameters)) % (leaves.len() + n_parameters);
    if at < leaves.len() {
        let Some(Content::Value(body)) = &mut values.body else {
            return None;
        };
        let leaf = body.pointer_mut(&leaves[at])?;
        *leaf = match leaf {
            Json::Number(_) => Json::Number(ODD_NUMBERS[rng.below(ODD_NUMBERS.len())].to_owned()),
            _ => Json::String(odd_text(rng)),
        };
        return Some(());
    }
    let of = at - leaves.len();
    let parameter = operation.parameters.get(of)?;
    let text = match parameter.location {
        Location::Header | Location::Cookie => {
            ["x", "0", "-1", "'", "%00", "null"][rng.below(6)].to_owned()
        }
        _ => odd_text(rng).chars().take(2_000).collect(),
    };
    values.set(of, Json::String(text));
    Some(())
}

/// Pointers of the scalars in a value.
pub(crate) fn collect_leaves(value: &Json, pointer: String, found: &mut Vec<String>) {
    match value {
        Json::Object(entries) => {
            for (key, value) in entries {
                let key = tollgate_contracts_model::source::escape_token(key);
                collect_leaves(value, format!("{pointer}/{key}"), found);
            }
        }
        Json::Array(items) => {
            for (idx, item) in items.iter().enumerate() {
                collect_leaves(item, format!("{pointer}/{idx}"), found);
            }
        }
        _ => found.push(pointer),
    }
}
