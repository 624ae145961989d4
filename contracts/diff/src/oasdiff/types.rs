//! Decides whether a change of `type` or `format` breaks. It handles sets of types, integers as
//! numbers, and media types in which every value is text.

use super::delta::{Delta, Names};
use super::view::View;

/// The effect of a change of type or format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It breaks.
    Changed,
    /// More values are valid; it breaks readers.
    Generalized,
    /// Fewer values are valid; readers are not affected.
    Specialized,
    /// Another type that reads the same where every value is text.
    Compatible,
}

/// Whether types are distinct on the wire (JSON), or every value is text.
pub(super) fn is_strongly_typed(media: &str) -> bool {
    media == "application/json" || media.ends_with("+json")
}

fn is_subtype(sub: &str, sup: &str) -> bool {
    sub == sup || (sub == "integer" && sup == "number")
}

fn is_subset(sub: &[&str], sup: &[&str]) -> bool {
    !sub.is_empty()
        && sub
            .iter()
            .all(|sub| sup.iter().any(|sup| is_subtype(sub, sup)))
}

/// Whether all of `from` is in `to`. Both hold the types that are left after the common ones.
pub(super) fn is_contained(to: &[String], from: &[String], is_strong: bool) -> bool {
    if let ([to], [from]) = (to, from)
        && is_subtype(from, to)
    {
        return true;
    }
    !is_strong && (to.is_empty() || (to.len() == 1 && to[0] == "string"))
}

fn is_format_contained(types: &[&str], to: &str, from: &str) -> bool {
    if to.is_empty() {
        return true;
    }
    let [word] = types else {
        return false;
    };
    matches!(
        (*word, from, to),
        ("number", "float", "double")
            | ("integer", "int32", "int64" | "bigint")
            | ("integer", "int64", "bigint")
            | ("string", "date" | "time", "date-time")
    )
}

/// One change seen from the side that must keep working.
pub(super) struct Change<'c> {
    /// Types left after the common ones; none when they are the same.
    pub(super) types: Option<Names>,
    /// The old and new format; none when they are the same.
    pub(super) format: Option<(&'c str, &'c str)>,
    /// The types on the new side.
    pub(super) to_types: Vec<&'c str>,
}

impl<'c> Change<'c> {
    /// None when neither type nor format differs.
    pub(super) fn of(delta: &Delta<'c>) -> Option<Self> {
        let (old, new) = delta.sides()?;
        let types = (!delta.types.is_empty()).then(|| delta.types.clone());
        let (from, to) = (old.text("format"), new.text("format"));
        let format = (from != to).then_some((from, to));
        if types.is_none() && format.is_none() {
            return None;
        }
        let to_types = new.types();
        Some(Self {
            types,
            format,
            to_types,
        })
    }

    pub(super) fn breaks(&self, is_strong: bool) -> bool {
        let types = self.types.as_ref();
        let by_type =
            types.is_some_and(|names| !is_contained(&names.added, &names.deleted, is_strong));
        let by_format = self
            .format
            .is_some_and(|(from, to)| !is_format_contained(&self.to_types, to, from));
        by_type || by_format
    }

    fn breaks_unless_untyped(&self, is_strong: bool) -> bool {
        !(self.types.is_some() && self.to_types.is_empty()) && self.breaks(is_strong)
    }
}

fn is_swap(old: &View<'_>, new: &View<'_>, types_differ: bool) -> bool {
    types_differ && !old.types().is_empty() && !new.types().is_empty()
}

/// A change as it affects what clients write.
pub(super) fn request(delta: &Delta<'_>, is_strong: bool) -> Option<Verdict> {
    let (old, new) = delta.sides()?;
    let mut change = Change::of(delta)?;
    let types_differ = change.types.is_some();
    let is_widened = types_differ && is_subset(&old.types(), &new.types());
    if is_widened {
        change.types = None;
    }
    Some(if change.breaks_unless_untyped(is_strong) {
        Verdict::Changed
    } else if is_swap(old, new, types_differ) && !is_widened {
        Verdict::Compatible
    } else {
        Verdict::Generalized
    })
}

/// A change as it affects what clients read: the reverse of a request.
pub(super) fn response(delta: &Delta<'_>, is_strong: bool) -> Option<Verdict> {
    let (old, new) = delta.sides()?;
    let change = Change::of(delta)?;
    let types_differ = change.types.is_some();
    let is_narrowed = types_differ && is_subset(&new.types(), &old.types());
    let mirrored = Change {
        types: change.types.filter(|_| !is_narrowed).map(|names| Names {
            added: names.deleted,
            deleted: names.added,
        }),
        format: change.format.map(|(from, to)| (to, from)),
        to_types: old.types(),
    };
    Some(if mirrored.breaks_unless_untyped(is_strong) {
        if types_differ && is_subset(&old.types(), &new.types()) {
            Verdict::Generalized
        } else {
            Verdict::Changed
        }
    } else if is_swap(old, new, types_differ) && !is_narrowed {
        Verdict::Compatible
    } else {
        Verdict::Specialized
    })
}
