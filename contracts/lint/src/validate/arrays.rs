//! Keywords of lists: their length, their items, `contains`.

use std::collections::HashMap;

use tollgate_contracts_model::Node;

use super::Run;
use crate::tree::Item;

impl Run<'_, '_> {
    pub(super) fn check_array(&mut self, schema: Item, value: Item) -> bool {
        if self.values().node(value).as_array().is_none() {
            return true;
        }
        let n_items = self.values().n_children(value) as f64;
        let bounds = ["maxItems", "minItems"];
        let mut is_good = self.check_count(schema, value, n_items, bounds, "items");
        if self.stops(is_good) {
            return false;
        }
        if self.keyword(schema, "uniqueItems").and_then(Node::as_bool) == Some(true)
            && let Some((first, second)) = self.twin(value)
        {
            is_good = self.fail(
                value,
                format!("must have no item twice, but {first} and {second} are equal"),
            );
        }
        if self.stops(is_good) {
            return false;
        }
        is_good &= self.check_items(schema, value);
        if self.stops(is_good) {
            return false;
        }
        is_good & self.check_contains(schema, value)
    }

    /// The indexes of two equal items.
    fn twin(&self, value: Item) -> Option<(usize, usize)> {
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (idx, item) in self.values().children(value).enumerate() {
            let text = self.values().node(item).to_json().to_string();
            if let Some(first) = seen.insert(text, idx) {
                return Some((first, idx));
            }
        }
        None
    }

    fn check_items(&mut self, schema: Item, value: Item) -> bool {
        let is_list = |item: Item| self.schemas().node(item).as_array().is_some();
        let items = self.keyword_item(schema, "items");
        let (tuple, rest) = match items {
            Some(items) if is_list(items) => {
                (Some(items), self.keyword_item(schema, "additionalItems"))
            }
            items => (self.keyword_item(schema, "prefixItems"), items),
        };
        let heads: Vec<Item> = tuple
            .map(|tuple| self.schemas().children(tuple).collect())
            .unwrap_or_default();
        let mut is_good = true;
        for (idx, item) in self.values().children(value).enumerate() {
            if let Some(part) = heads.get(idx).copied().or(rest) {
                is_good &= self.check(part, item);
                if self.stops(is_good) {
                    return false;
                }
            }
        }
        is_good
    }

    fn check_contains(&mut self, schema: Item, value: Item) -> bool {
        let Some(contains) = self.keyword_item(schema, "contains") else {
            return true;
        };
        let items: Vec<Item> = self.values().children(value).collect();
        let n_good = items
            .into_iter()
            .filter(|item| self.holds(contains, *item))
            .count() as f64;
        let min = self.number_keyword(schema, "minContains").unwrap_or(1.0);
        let max = self
            .number_keyword(schema, "maxContains")
            .unwrap_or(f64::MAX);
        (n_good >= min && n_good <= max)
            || self.fail(
                value,
                "must contain items that follow the schema under `contains`".to_owned(),
            )
    }
}
