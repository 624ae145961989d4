//! The entries of an object and how one is found. It must not know what a key means.

use std::ops::Deref;

use crate::node::Entry;

/// The entries of an object, found by key in logarithmic time also when there are many.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    entries: Vec<Entry>,
    /// The entries by key, kept only for objects of more than [`Self::SMALL`] keys.
    by_key: Box<[u32]>,
}

impl Fields {
    /// From how many keys on a search by key is quicker than a look at each.
    pub(crate) const SMALL: usize = 12;

    /// The entries, each key once.
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let by_key = if entries.len() > Self::SMALL {
            sorted_by_key(&entries).into_boxed_slice()
        } else {
            Box::default()
        };
        Self { entries, by_key }
    }

    /// The same for entries of which the order of their different keys is known.
    pub(crate) fn ordered(entries: Vec<Entry>, by_key: Vec<u32>) -> Self {
        Self {
            entries,
            by_key: by_key.into_boxed_slice(),
        }
    }

    /// Whether a key may be `$ref` or `$dynamicRef`: nearly always not, and this is asked of each
    /// schema many times.
    pub(crate) fn may_refer(&self) -> bool {
        !self.by_key.is_empty() || self.entries.iter().any(|it| it.key.starts_with('$'))
    }

    pub(crate) fn find(&self, key: &str) -> Option<&Entry> {
        if self.by_key.is_empty() {
            let key = key.as_bytes();
            // Most keys differ in length or in their last letter: a look at the whole is rare.
            return self.entries.iter().find(|entry| {
                let own = entry.key.as_bytes();
                own.len() == key.len() && own.last() == key.last() && own == key
            });
        }
        let key_at = |idx: &u32| self.entries[*idx as usize].key.as_str();
        let found = self.by_key.binary_search_by(|idx| key_at(idx).cmp(key));
        Some(&self.entries[self.by_key[found.ok()?] as usize])
    }
}

/// The indices of entries in the order of their keys; of equal keys in their own order.
pub(crate) fn sorted_by_key(entries: &[Entry]) -> Vec<u32> {
    let n_entries = u32::try_from(entries.len()).expect("a text has fewer entries than bytes");
    let mut order: Vec<u32> = (0..n_entries).collect();
    order.sort_unstable_by(|a, b| {
        let (left, right) = (&entries[*a as usize].key, &entries[*b as usize].key);
        left.cmp(right).then(a.cmp(b))
    });
    order
}

impl Deref for Fields {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        &self.entries
    }
}

impl IntoIterator for Fields {
    type Item = Entry;
    type IntoIter = std::vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}
