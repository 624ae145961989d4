//! Media types of one body on both sides: the same name, or a name that refines the other.

use std::collections::BTreeMap;

use tollgate_contracts_model::Node;

/// The names of media types on both sides, matched.
#[derive(Debug, Default)]
pub(super) struct Matched<'a> {
    pub(super) added: Vec<&'a str>,
    pub(super) removed: Vec<&'a str>,
    /// Old and new name.
    pub(super) pairs: Vec<(&'a str, &'a str)>,
}

/// A parsed media type name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    kind: String,
    subtype: String,
    suffix: String,
    /// `charset=utf-8` and the like.
    pub(super) parameters: BTreeMap<String, String>,
}

impl Name {
    /// None when the text is not a media type.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';');
        let (kind, rest) = parts.next()?.trim().split_once('/')?;
        let mut words = rest.trim().split('+');
        let (subtype, suffix) = (words.next()?, words.next());
        if words.next().is_some() || suffix == Some("") || kind.is_empty() {
            return None;
        }
        let parameters = parts.filter_map(|part| {
            let (key, value) = part.split_once('=')?;
            let value = value.trim().trim_matches('"');
            Some((key.trim().to_ascii_lowercase(), value.to_owned()))
        });
        Some(Self {
            kind: kind.trim().to_ascii_lowercase(),
            subtype: subtype.trim().to_ascii_lowercase(),
            suffix: suffix.unwrap_or_default().trim().to_ascii_lowercase(),
            parameters: parameters.collect(),
        })
    }

    /// Whether `self` stands for `other` too: `application/json` for `application/problem+json`.
    fn contains(&self, other: &Self) -> bool {
        let is_base = self.suffix.is_empty() && !other.suffix.is_empty();
        let is_same = self.subtype == other.subtype && self.suffix == other.suffix;
        self.kind == other.kind && ((is_base && other.suffix == self.subtype) || is_same)
    }
}

/// Whether the old name stands for the new one too.
pub(super) fn contains(old: &str, new: &str) -> bool {
    let (old, new) = (Name::parse(old), Name::parse(new));
    old.zip(new).is_some_and(|(old, new)| old.contains(&new))
}

/// Matches the names of two `content` objects.
pub(super) fn compare<'a>(old: Option<&'a Node>, new: Option<&'a Node>) -> Matched<'a> {
    let names = |node: Option<&'a Node>| {
        let entries = node.map(Node::entries).unwrap_or_default();
        let mut names: Vec<&'a str> = entries.map(|entry| entry.key.as_str()).collect();
        names.sort_unstable();
        names
    };
    let (old, new) = (names(old), names(new));
    let mut matched = Matched::default();
    for name in &old {
        if new.contains(name) {
            matched.pairs.push((name, name));
        } else {
            matched.removed.push(name);
        }
    }
    for name in new.iter().filter(|name| !old.contains(name)) {
        let position = matched
            .removed
            .iter()
            .position(|gone| contains(name, gone) || contains(gone, name));
        match position {
            Some(position) => matched.pairs.push((matched.removed.remove(position), name)),
            None => matched.added.push(name),
        }
    }
    matched
}
