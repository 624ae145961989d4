//! Finds what differs between two schemas: each pair once, and each cycle once.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use tollgate_contracts_model::Contract;

use super::delta::{
    Delta, Dependent, EnumDelta, LISTS, MAPS, MapDelta, Names, ONE_LATE, plain_changes,
};
use super::lists::{self, Pairs};
use super::view::View;

/// The result of a pair; none when nothing differs.
type Known<'a> = Option<Rc<Delta<'a>>>;

/// The pairs that were compared, and the references entered.
pub(super) struct Builder<'a> {
    pub(super) old: &'a Contract,
    pub(super) new: &'a Contract,
    known: RefCell<HashMap<(usize, usize), Known<'a>>>,
    entered: RefCell<[Vec<&'a str>; 2]>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(old: &'a Contract, new: &'a Contract) -> Self {
        Self {
            old,
            new,
            known: RefCell::default(),
            entered: RefCell::default(),
        }
    }

    /// A separate comparison that does not depend on the references entered so far.
    pub(super) fn fresh(&self) -> Self {
        Self::new(self.old, self.new)
    }

    /// The differences; none when there are none.
    pub(super) fn pair(
        &self,
        old: Option<&View<'a>>,
        new: Option<&View<'a>>,
    ) -> Option<Rc<Delta<'a>>> {
        let (old, new) = match (old, new) {
            (None, None) => return None,
            (Some(old), Some(new)) => (old, new),
            (old, new) => return Some(Rc::new(Delta::one_sided(old.cloned(), new.cloned()))),
        };
        let key = (old.identity, new.identity);
        let can_know = old.identity != 0 && new.identity != 0;
        if let Some(known) = self.known.borrow().get(&key).filter(|_| can_know) {
            return known.clone();
        }
        let delta = self.compare(old, new);
        if can_know {
            self.known.borrow_mut().insert(key, delta.clone());
        }
        delta
    }

    fn compare(&self, old: &View<'a>, new: &View<'a>) -> Option<Rc<Delta<'a>>> {
        let is_in = |side: usize, view: &View<'a>| {
            let entered = &self.entered.borrow()[side];
            view.reference.is_some_and(|text| entered.contains(&text))
        };
        match (is_in(0, old), is_in(1, new)) {
            (false, false) => {}
            (true, true) if old.reference == new.reference => return None,
            _ => {
                // oasdiff looks no further into a cycle that only one side has.
                return Some(Rc::new(Delta::one_sided(None, None)));
            }
        }
        self.enter(old, new);
        let delta = self.compare_inside(old, new);
        self.leave(old, new);
        delta.map(Rc::new)
    }

    fn enter(&self, old: &View<'a>, new: &View<'a>) {
        let mut entered = self.entered.borrow_mut();
        entered[0].extend(old.reference);
        entered[1].extend(new.reference);
    }

    fn leave(&self, old: &View<'a>, new: &View<'a>) {
        let mut entered = self.entered.borrow_mut();
        if old.reference.is_some() {
            entered[0].pop();
        }
        if new.reference.is_some() {
            entered[1].pop();
        }
    }

    fn compare_inside(&self, old: &View<'a>, new: &View<'a>) -> Option<Delta<'a>> {
        let mut delta = Delta::one_sided(Some(old.clone()), Some(new.clone()));
        delta.types = Names::of(&old.types(), &new.types());
        delta.required = Names::of(&old.texts("required"), &new.texts("required"));
        delta.enum_values = EnumDelta::of(old, new);
        delta.dependent = Dependent::of(old, new);
        for key in ["items", "additionalProperties"].iter().chain(ONE_LATE) {
            let (old, new) = (old.schema(self.old, key), new.schema(self.new, key));
            if let Some(below) = self.pair(old.as_ref(), new.as_ref()) {
                delta.one.insert(key, below);
            }
        }
        for key in LISTS {
            let (old, new) = (old.schemas(self.old, key), new.schemas(self.new, key));
            let list = lists::compare(self, &old, &new);
            if !(list.added.is_empty() && list.deleted.is_empty() && list.modified.is_empty()) {
                delta.lists.insert(key, list);
            }
        }
        for key in MAPS {
            let (old, new) = (old.named(self.old, key), new.named(self.new, key));
            let map = self.map(&old, &new);
            if !(map.names.is_empty() && map.modified.is_empty()) {
                delta.maps.insert(key, map);
            }
        }
        let (plain, annotation) = plain_changes(old, new);
        let has_own = plain || delta.has_set_changes();
        delta.is_annotation_only = !has_own && delta.children_are_annotations();
        let is_empty = !has_own
            && !annotation
            && delta.one.is_empty()
            && delta.lists.is_empty()
            && delta.maps.is_empty();
        (!is_empty).then_some(delta)
    }

    fn map(
        &self,
        old: &BTreeMap<&'a str, View<'a>>,
        new: &BTreeMap<&'a str, View<'a>>,
    ) -> MapDelta<'a> {
        let names = |map: &BTreeMap<&'a str, View<'a>>| map.keys().copied().collect::<Vec<_>>();
        let modified = old.iter().filter_map(|(name, view)| {
            let below = self.pair(Some(view), Some(new.get(name)?))?;
            Some((*name, below))
        });
        MapDelta {
            names: Names::of(&names(old), &names(new)),
            modified: modified.collect(),
        }
    }

    /// Whether both sides accept the same values, regardless of their texts.
    pub(super) fn is_equivalent(&self, old: &View<'a>, new: &View<'a>) -> bool {
        let delta = self.fresh().pair(Some(old), Some(new));
        delta.is_none_or(|delta| delta.is_annotation_only)
    }
}

impl<'a> Pairs<'a> for Builder<'a> {
    fn pair(&self, old: Option<&View<'a>>, new: Option<&View<'a>>) -> Option<Rc<Delta<'a>>> {
        Self::pair(self, old, new)
    }

    fn is_equivalent(&self, old: &View<'a>, new: &View<'a>) -> bool {
        Self::is_equivalent(self, old, new)
    }
}
