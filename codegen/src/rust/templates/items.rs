//! Lists whose items have each a type of their own: how they are read, written and checked.

use serde_json::Value;

use super::support::{check, unexpected, Decode, Encode, Encoded, Path, Rule, Validate, Violation};

/// The list that a type is read from; each item is taken out once.
pub struct Items<'p> {
    items: std::vec::IntoIter<Value>,
    path: &'p Path<'p>,
}

impl<'p> Items<'p> {
    /// Starts with a value that must be a list.
    ///
    /// # Errors
    /// The value is not a list.
    pub fn new(value: Value, path: &'p Path<'p>) -> Result<Self, Violation> {
        match value {
            Value::Array(items) => Ok(Self { items: items.into_iter(), path }),
            other => Err(unexpected(&other, "a list", path)),
        }
    }

    /// An item that must be present.
    ///
    /// # Errors
    /// It is absent or does not fit.
    pub fn required<T: Decode>(&mut self, index: usize) -> Result<T, Violation> {
        match self.items.next() {
            Some(value) => T::decode(value, &self.path.item(index)),
            None => Err(Violation::new(self.path, format!("has no item {index}"))),
        }
    }

    /// An item that may be absent.
    ///
    /// # Errors
    /// It does not fit.
    pub fn optional<T: Decode>(&mut self, index: usize) -> Result<Option<T>, Violation> {
        self.items.next().map(|value| T::decode(value, &self.path.item(index))).transpose()
    }

    /// The items that are left.
    ///
    /// # Errors
    /// One does not fit.
    pub fn rest<T: Decode>(&mut self, start: usize) -> Result<Vec<T>, Violation> {
        let items = self.items.by_ref().enumerate();
        items.map(|(index, item)| T::decode(item, &self.path.item(start + index))).collect()
    }

    /// Refuses the items that are left.
    ///
    /// # Errors
    /// There is one.
    pub fn refuse_rest(&mut self, n_known: usize) -> Result<(), Violation> {
        match self.items.next() {
            Some(_) => Err(Violation::new(&self.path.item(n_known), "is one item too many")),
            None => Ok(()),
        }
    }
}

/// How the items of a type are written; the names are those of [`Items`].
#[derive(Default)]
pub struct ItemsOut<'a> {
    items: Vec<Encoded<'a>>,
    is_cut: bool,
}

impl<'a> ItemsOut<'a> {
    /// An item that is always there.
    pub fn required(&mut self, item: &'a impl Encode) {
        self.items.push(item.encode());
    }

    /// An item that may be absent; then no item follows it.
    pub fn optional(&mut self, item: &'a Option<impl Encode>) {
        match item {
            Some(item) if !self.is_cut => self.items.push(item.encode()),
            _ => self.is_cut = true,
        }
    }

    /// The items that are left.
    pub fn rest(&mut self, items: &'a [impl Encode]) {
        if !self.is_cut {
            self.items.extend(items.iter().map(Encode::encode));
        }
    }

    /// Ends the list.
    #[must_use]
    pub fn end(self) -> Encoded<'a> {
        Encoded::List(self.items)
    }
}

/// Checks the items of a type; the names are those of [`Items`].
pub struct ItemsCheck<'c> {
    /// The place of the list.
    pub path: &'c Path<'c>,
    /// The violations so far.
    pub violations: &'c mut Vec<Violation>,
}

impl ItemsCheck<'_> {
    /// An item that is always there.
    pub fn required<T: Validate>(&mut self, index: usize, item: &T, rules: &[Rule<'_>]) {
        check(item, rules, &self.path.item(index), self.violations);
    }

    /// An item that may be absent.
    pub fn optional<T: Validate>(&mut self, index: usize, item: &Option<T>, rules: &[Rule<'_>]) {
        if let Some(item) = item {
            check(item, rules, &self.path.item(index), self.violations);
        }
    }

    /// The items that are left.
    pub fn rest<T: Validate>(&mut self, start: usize, items: &[T], rules: &[Rule<'_>]) {
        for (index, item) in items.iter().enumerate() {
            check(item, rules, &self.path.item(start + index), self.violations);
        }
    }
}

/// The wire of a list whose items have each a type: each with its position and its rules.
macro_rules! tuple {
    ($name:ident { $($index:tt: $presence:ident [$($rule:expr),*],)* }
     $(rest $rest:tt [$($each:expr),*])? $(closed $closed:literal)? $(rules [$($own:expr),+])?) => {
        impl Decode for $name {
            fn decode(value: Value, path: &Path<'_>) -> Result<Self, Violation> {
                let mut from = items::Items::new(value, path)?;
                let read = Self($(from.$presence($index)?,)* $(from.rest($rest)?)?);
                $(from.refuse_rest($closed)?;)?
                Ok(read)
            }
        }
        impl support::Encode for $name {
            fn encode(&self) -> support::Encoded<'_> {
                let mut to = items::ItemsOut::default();
                $(to.$presence(&self.$index);)*
                $(to.rest(&self.$rest);)?
                to.end()
            }
        }
        impl Validate for $name {
            fn check(&self, path: &Path<'_>, violations: &mut Vec<Violation>) {
                $(support::check_own(self, &[$($own),+], path, violations);)?
                let mut on = items::ItemsCheck { path, violations };
                $(on.$presence($index, &self.$index, &[$($rule),*]);)*
                $(on.rest($rest, &self.$rest, &[$($each),*]);)?
            }
        }
        support::serde_by_json!($name);
    };
}
pub(crate) use tuple;
