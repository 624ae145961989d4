//! Keywords that hold for values of all types: `const`, `enum`, and those that join schemas: `not`,
//! `anyOf`, `oneOf`, `allOf`, `if`.

use super::{Failure, Relax, Run};
use crate::tree::Item;
use crate::values::{equal, shown};

impl Run<'_, '_> {
    pub(super) fn check_any(&mut self, schema: Item, value: Item) -> bool {
        let mut is_good = true;
        if let Some(wanted) = self.keyword_item(schema, "const")
            && !equal(self.schemas(), wanted, self.values(), value)
        {
            let shown = shown(self.schemas().node(wanted));
            is_good = self.fail(value, format!("must be {shown}"));
        }
        if self.stops(is_good) {
            return false;
        }
        if let Some(values) = self.keyword_item(schema, "enum")
            && self.schemas().node(values).as_array().is_some()
        {
            let mut allowed = self.schemas().children(values);
            if !allowed.any(|wanted| equal(self.schemas(), wanted, self.values(), value)) {
                let words: Vec<String> = self
                    .schemas()
                    .node(values)
                    .items()
                    .take(12)
                    .map(shown)
                    .collect();
                is_good = self.fail(value, format!("must be one of {}", words.join(", ")));
            }
        }
        if self.stops(is_good) {
            return false;
        }
        is_good &= self.check_not(schema, value);
        for (name, wanted) in [("anyOf", false), ("oneOf", true)] {
            if self.stops(is_good) {
                return false;
            }
            is_good &= self.check_union(schema, value, name, wanted);
        }
        if self.stops(is_good) {
            return false;
        }
        if let Some(all) = self.keyword_item(schema, "allOf") {
            for part in self.schemas().children(all) {
                is_good &= self.check(part, value);
                if self.stops(is_good) {
                    return false;
                }
            }
        }
        is_good & self.check_if(schema, value)
    }

    fn check_not(&mut self, schema: Item, value: Item) -> bool {
        let Some(not) = self.keyword_item(schema, "not") else {
            return true;
        };
        let relax = std::mem::replace(&mut self.relax, Relax::No);
        let holds = self.holds(not, value);
        self.relax = relax;
        !holds || self.fail(value, "must not follow the schema under `not`".to_owned())
    }

    fn check_union(&mut self, schema: Item, value: Item, name: &str, is_exact: bool) -> bool {
        let Some(parts) = self.keyword_item(schema, name) else {
            return true;
        };
        if self.schemas().node(parts).as_array().is_none() {
            return true;
        }
        let n_failures = self.failures.len();
        let mut n_good = 0;
        for part in self.schemas().children(parts) {
            if self.check(part, value) {
                n_good += 1;
                if !is_exact {
                    break;
                }
            }
        }
        if n_good == 1 || (n_good > 0 && !is_exact) {
            self.failures.truncate(n_failures);
            return true;
        }
        if n_good > 1 {
            self.failures.truncate(n_failures);
            return self.fail(
                value,
                format!("must follow exactly one schema of `oneOf`, and follows {n_good}"),
            );
        }
        self.failures.push(Failure {
            at: value,
            message: format!("must follow a schema of `{name}`"),
            is_union: true,
        });
        false
    }

    fn check_if(&mut self, schema: Item, value: Item) -> bool {
        let Some(condition) = self.keyword_item(schema, "if") else {
            return true;
        };
        let branch = if self.holds(condition, value) {
            "then"
        } else {
            "else"
        };
        match self.keyword_item(schema, branch) {
            Some(branch) => self.check(branch, value),
            None => true,
        }
    }
}
