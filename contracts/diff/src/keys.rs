//! Which operations of two contracts belong together: by path and method.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_model::Operation;

/// An operation as a client addresses it: path and method. A path that both sides have counts as it
/// is written; any other path counts without the names of its parameters. The number distinguishes
/// keys that are then still equal.
pub(crate) type Key = (String, String, usize);

/// The operations of one side by key.
pub(crate) fn by_key<'o, 'a>(
    operations: &'o [Operation<'a>],
    others: &[Operation<'_>],
) -> BTreeMap<Key, &'o Operation<'a>> {
    let others: BTreeSet<&str> = others.iter().map(|other| other.path.as_str()).collect();
    let mut sorted: Vec<&Operation<'_>> = operations.iter().collect();
    sorted.sort_by(|one, other| one.path.cmp(&other.path));
    let mut all = BTreeMap::new();
    for operation in sorted {
        let (path, method) = (&operation.path, operation.method.clone());
        let path = match others.contains(path.as_str()) {
            true => path.clone(),
            false => shape_of(path),
        };
        let mut key = (path, method, 0);
        while all.contains_key(&key) {
            key.2 += 1;
        }
        all.insert(key, operation);
    }
    all
}

/// A path template with its parameters emptied: `/a/{id}` and `/a/{key}` are one.
pub(crate) fn shape_of(path: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for letter in path.chars() {
        match letter {
            '{' => {
                inside = true;
                shape.push('{');
            }
            '}' => {
                inside = false;
                shape.push('}');
            }
            _ if !inside => shape.push(letter),
            _ => {}
        }
    }
    shape
}

/// The names of the parameters of a path template in order.
pub(crate) fn template_names(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}
