//! Both sides of one comparison of schemas.

use tollgate_report::Place;

use crate::flat::Flat;

/// Both sides of one comparison.
pub(crate) struct Sides<'f, 'a> {
    pub(crate) old: &'f Flat<'a>,
    pub(crate) new: &'f Flat<'a>,
    pub(crate) depth: usize,
}

impl Sides<'_, '_> {
    pub(crate) fn places(&self, key: &str) -> (Option<Place>, Option<Place>) {
        (place(self.old, key), place(self.new, key))
    }
}

pub(crate) fn place(flat: &Flat<'_>, key: &str) -> Option<Place> {
    let at = flat.located(key).or_else(|| flat.first())?;
    Some(at.node.place(at.file))
}
