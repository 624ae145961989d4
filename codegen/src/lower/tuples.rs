//! Lists in which each item has its own type.

use tollgate_contracts_model::NodeValue;

use super::flat::Flat;
use super::lowering::Lowering;
use super::word::Word;
use crate::ir::{Extra, Shape, Tuple};

/// How many items a tuple type may have; a longer one is a list of anything with a check.
const ITEMS_MAX: usize = 32;

impl<'a> Lowering<'a> {
    /// The tuple that a schema describes; nothing when it describes none, or several at once.
    pub(super) fn tuple_shape(&mut self, flat: &Flat<'a>, name: &str) -> Option<Shape> {
        let [(members, rest)] = flat.tuples.as_slice() else {
            return None;
        };
        // Items that another member of `allOf` says are about those of the tuple too.
        let items = flat.items.as_ref();
        let is_beside = items.is_some_and(|items| items.node.as_array().is_none());
        if is_beside || members.is_empty() || members.len() > ITEMS_MAX {
            return None;
        }
        let mut items = Vec::new();
        for (index, member) in members.iter().enumerate() {
            items.push(self.type_of(member, &format!("{name} item{index}")));
        }
        let rest = match rest {
            None => Extra::Unstated,
            Some(rest) => match rest.node.value {
                NodeValue::Bool(false) => Extra::Refused,
                NodeValue::Bool(true) => Extra::Unstated,
                _ => Extra::Typed(Box::new(self.type_of(rest, &format!("{name} item")))),
            },
        };
        let mut bounds = flat.bounds.of(Word::Array);
        let n_least = bounds.size_min.unwrap_or(0);
        let n_required = usize::try_from(n_least).map_or(items.len(), |n| n.min(items.len()));
        if bounds.size_min.is_some() && n_least == n_required as u64 {
            bounds.size_min = None;
        }
        if rest == Extra::Refused && bounds.size_max.is_some_and(|n| n >= items.len() as u64) {
            bounds.size_max = None;
        }
        Some(Shape::Tuple(Tuple {
            items,
            n_required,
            rest,
            bounds,
        }))
    }
}
