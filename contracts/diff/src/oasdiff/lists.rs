//! Members of `allOf`, `anyOf`, `oneOf` and `prefixItems` that belong together: references by their
//! text, inline ones by content, then by title, then the only one left.

use std::rc::Rc;

use super::delta::{Delta, ListDelta};
use super::view::View;

/// How two members compare, which the comparison of whole schemas gives.
pub(super) trait Pairs<'a> {
    /// What differs between two members; nothing when they are equal.
    fn pair(&self, old: Option<&View<'a>>, new: Option<&View<'a>>) -> Option<Rc<Delta<'a>>>;

    /// Whether two members mean the same, written in place or behind a reference.
    fn is_equivalent(&self, old: &View<'a>, new: &View<'a>) -> bool;
}

pub(super) fn compare<'a>(
    builder: &dyn Pairs<'a>,
    old: &[View<'a>],
    new: &[View<'a>],
) -> ListDelta<'a> {
    if old.is_empty() && new.is_empty() {
        return ListDelta::default();
    }
    let mut list = by_reference(builder, old, new);
    inline(builder, old, new, &mut list);
    reconcile(builder, old, new, &mut list);
    list
}

/// The words for a member: `#/components/schemas/Dog`, `subschema #2: Title`, `subschema #1`.
pub(super) fn name_of(view: &View<'_>, idx: usize, with_title: bool) -> String {
    let title = if with_title { view.text("title") } else { "" };
    if !title.is_empty() {
        return format!("subschema #{}: {title}", idx + 1);
    }
    match view.reference.and_then(|text| text.rsplit('/').next()) {
        Some(name) => format!("#/components/schemas/{name}"),
        None => format!("subschema #{}", idx + 1),
    }
}

fn modified<'a>(
    builder: &dyn Pairs<'a>,
    list: &mut ListDelta<'a>,
    (old_idx, old): (usize, &View<'a>),
    (new_idx, new): (usize, &View<'a>),
) {
    let delta: Option<Rc<Delta<'a>>> = builder.pair(Some(old), Some(new));
    if let Some(delta) = delta {
        let (from, to) = (name_of(old, old_idx, true), name_of(new, new_idx, true));
        let name = if from == to {
            from
        } else {
            format!("{from} -> {to}")
        };
        list.modified.push((name, delta));
    }
}

fn by_reference<'a>(builder: &dyn Pairs<'a>, old: &[View<'a>], new: &[View<'a>]) -> ListDelta<'a> {
    let mut list = ListDelta::default();
    let mut taken = vec![false; new.len()];
    for (idx, view) in old.iter().enumerate() {
        let Some(reference) = view.reference else {
            continue;
        };
        let found = new
            .iter()
            .enumerate()
            .find(|(idx, other)| !taken[*idx] && other.reference == Some(reference));
        match found {
            Some((new_idx, other)) => {
                taken[new_idx] = true;
                modified(builder, &mut list, (idx, view), (new_idx, other));
            }
            None => list.deleted.push(idx),
        }
    }
    let rest = new.iter().enumerate();
    list.added.extend(
        rest.filter(|(idx, view)| view.reference.is_some() && !taken[*idx])
            .map(|(idx, _)| idx),
    );
    list
}

/// Inline members of `from` without an equal inline member of `to`.
fn without_equal<'a>(
    from: &[View<'a>],
    to: &[View<'a>],
    is_equal: &dyn Fn(&View<'a>, &View<'a>) -> bool,
) -> Vec<usize> {
    let mut taken = vec![false; to.len()];
    let mut left = Vec::new();
    for (idx, view) in from.iter().enumerate() {
        if view.reference.is_some() {
            continue;
        }
        let found = (0..to.len()).find(|other| {
            !taken[*other] && to[*other].reference.is_none() && is_equal(view, &to[*other])
        });
        match found {
            Some(other) => taken[other] = true,
            None => left.push(idx),
        }
    }
    left
}

fn inline<'a>(
    builder: &dyn Pairs<'a>,
    old: &[View<'a>],
    new: &[View<'a>],
    list: &mut ListDelta<'a>,
) {
    let mut added = without_equal(new, old, &|new, old| {
        builder.pair(Some(old), Some(new)).is_none()
    });
    let mut deleted = without_equal(old, new, &|old, new| {
        builder.pair(Some(old), Some(new)).is_none()
    });
    let mut titles = vec![""];
    let mut pairs = Vec::new();
    for new_idx in &added {
        let title = new[*new_idx].text("title");
        if titles.contains(&title) {
            continue;
        }
        if let Some(old_idx) = deleted.iter().find(|idx| old[**idx].text("title") == title) {
            titles.push(title);
            pairs.push((*old_idx, *new_idx));
        }
    }
    added.retain(|idx| pairs.iter().all(|(_, new_idx)| new_idx != idx));
    deleted.retain(|idx| pairs.iter().all(|(old_idx, _)| old_idx != idx));
    if let ([old_idx], [new_idx]) = (deleted.as_slice(), added.as_slice())
        && old[*old_idx].text("title").is_empty()
        && new[*new_idx].text("title").is_empty()
    {
        pairs.push((*old_idx, *new_idx));
        added.clear();
        deleted.clear();
    }
    for (old_idx, new_idx) in pairs {
        modified(
            builder,
            list,
            (old_idx, &old[old_idx]),
            (new_idx, &new[new_idx]),
        );
    }
    list.added.extend(added);
    list.deleted.extend(deleted);
}

/// A member that moved behind a reference, or out of it, is neither added nor deleted.
fn reconcile<'a>(
    builder: &dyn Pairs<'a>,
    old: &[View<'a>],
    new: &[View<'a>],
    list: &mut ListDelta<'a>,
) {
    let mut kept = Vec::new();
    for old_idx in std::mem::take(&mut list.deleted) {
        let position = list.added.iter().position(|new_idx| {
            let (old, new) = (&old[old_idx], &new[*new_idx]);
            old.reference.is_some() != new.reference.is_some() && builder.is_equivalent(old, new)
        });
        match position {
            Some(position) => {
                list.added.remove(position);
            }
            None => kept.push(old_idx),
        }
    }
    list.deleted = kept;
}
