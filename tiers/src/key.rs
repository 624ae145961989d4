//! The action key: what a result depends on, as a manifest and its digest. The difference of two
//! manifests explains a miss. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_report::Digest;

/// Version of the manifest's form; a new one makes every key new.
pub const MANIFEST_VERSION: u32 = 2;

/// All that the result of a step (or of a step for one crate) depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Form of this manifest.
    pub version: u32,
    /// The step.
    pub step: String,
    /// The crate; absent when the step is cached whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The command with its placeholders.
    pub command: Vec<String>,
    /// The input globs as written.
    pub input_globs: Vec<String>,
    /// Versions by version command.
    pub tools: BTreeMap<String, String>,
    /// The variables that the step gets, with digests of their values.
    pub env: BTreeMap<String, String>,
    /// Inputs: content by path.
    pub files: BTreeMap<String, String>,
    /// Keys of the needed steps, digests of the crates depended on (`crate NAME`), and what the step
    /// reads besides files.
    pub needs: BTreeMap<String, String>,
}

impl Manifest {
    /// The digest over every field, each with its length so that no two manifests can collide by
    /// moving text from one field to the next.
    #[must_use]
    pub fn key(&self) -> Digest {
        let mut hasher = Fields(blake3::Hasher::new());
        hasher.number(u64::from(self.version));
        hasher.text(&self.step);
        hasher.text(self.package.as_deref().unwrap_or_default());
        hasher.list(&self.command);
        hasher.list(&self.input_globs);
        for map in [&self.tools, &self.env, &self.files, &self.needs] {
            hasher.map(map);
        }
        hasher.digest()
    }
}

/// The digest of a sorted list of paths and contents.
#[must_use]
pub fn digest_of_map(map: &BTreeMap<String, String>) -> Digest {
    let mut hasher = Fields(blake3::Hasher::new());
    hasher.map(map);
    hasher.digest()
}

struct Fields(blake3::Hasher);

impl Fields {
    fn number(&mut self, number: u64) {
        self.0.update(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.update(text.as_bytes());
    }

    fn list(&mut self, list: &[String]) {
        self.number(list.len() as u64);
        for text in list {
            self.text(text);
        }
    }

    fn map(&mut self, map: &BTreeMap<String, String>) {
        self.number(map.len() as u64);
        for (name, value) in map {
            self.text(name);
            self.text(value);
        }
    }

    fn digest(self) -> Digest {
        Digest::try_from(self.0.finalize().to_hex().to_string())
            .expect("BLAKE3 gives 64 lower-case hexadecimal digits")
    }
}

/// Why the new manifest has no result, seen from the last one that passed: one sentence part
/// such as "`ratchet/src/compare.rs` changed". None when the two are equal.
#[must_use]
pub fn explain_difference(last: &Manifest, now: &Manifest) -> Option<String> {
    if last.version != now.version {
        return Some("the form of the cache changed".to_owned());
    }
    if last.command != now.command {
        return Some("the command changed".to_owned());
    }
    if last.input_globs != now.input_globs {
        return Some("the input globs changed".to_owned());
    }
    let maps = [
        ("", &last.files, &now.files),
        ("tool ", &last.tools, &now.tools),
        ("variable ", &last.env, &now.env),
        ("", &last.needs, &now.needs),
    ];
    maps.into_iter()
        .find_map(|(what, last, now)| explain_maps(what, last, now))
}

fn explain_maps(
    what: &str,
    last: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Option<String> {
    let changed = now.iter().filter_map(|(name, value)| match last.get(name) {
        None => Some((name, "is new")),
        Some(known) if known != value => Some((name, "changed")),
        Some(_) => None,
    });
    let gone = last
        .keys()
        .filter(|name| !now.contains_key(*name))
        .map(|name| (name, "is gone"));
    let mut differences: Vec<_> = changed.chain(gone).collect();
    differences.sort();
    let (name, how) = differences.first()?;
    let more = match differences.len() - 1 {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Some(format!("{what}`{name}` {how}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn manifest(files: impl IntoIterator<Item = (String, String)>) -> Manifest {
        Manifest {
            version: MANIFEST_VERSION,
            step: "test".to_owned(),
            files: files.into_iter().collect(),
            ..Manifest::default()
        }
    }

    #[test]
    fn a_miss_is_explained_by_the_difference_of_two_manifests() {
        let last = manifest([("a.rs".into(), "1".into()), ("b.rs".into(), "1".into())]);
        let mut now = manifest([("a.rs".into(), "2".into()), ("c.rs".into(), "1".into())]);
        assert_eq!(
            explain_difference(&last, &now).unwrap(),
            "`a.rs` changed and 2 more"
        );
        now.files.clone_from(&last.files);
        now.tools.insert("rustc -vV".into(), "1.96".into());
        assert_eq!(
            explain_difference(&last, &now).unwrap(),
            "tool `rustc -vV` is new"
        );
        assert_eq!(explain_difference(&last, &last), None);
    }

    proptest! {
        #[test]
        fn the_key_does_not_depend_on_the_order_of_listing(
            files in proptest::collection::vec(("[a-z/]{1,8}", "[0-9a-f]{4}"), 0..12),
            seed in any::<u64>(),
        ) {
            let unique: BTreeMap<String, String> = files.into_iter().collect();
            let mut shuffled: Vec<_> = unique.clone().into_iter().collect();
            let middle = usize::try_from(seed % 1_000).unwrap() % shuffled.len().max(1);
            shuffled.rotate_left(middle);
            shuffled.reverse();
            prop_assert_eq!(manifest(unique).key(), manifest(shuffled).key());
        }

        #[test]
        fn any_changed_byte_of_any_input_changes_the_key_and_is_named(
            content in proptest::collection::vec(any::<u8>(), 1..64),
            idx in any::<prop::sample::Index>(),
            flip in 1u8..=255,
        ) {
            let of = |bytes: &[u8]| manifest([("src/x.rs".to_owned(), Digest::of(bytes).to_string())]);
            let before = of(&content);
            let mut changed = content;
            let idx = idx.index(changed.len());
            changed[idx] ^= flip;
            let after = of(&changed);
            prop_assert_ne!(before.key(), after.key());
            prop_assert_eq!(explain_difference(&before, &after).unwrap(), "`src/x.rs` changed");
        }

        #[test]
        fn text_cannot_move_from_one_field_to_the_next(left in "[ab]{0,4}", right in "[ab]{0,4}") {
            let of = |left: &str, right: &str| Manifest {
                command: vec![left.to_owned(), right.to_owned()],
                ..manifest([])
            };
            let whole = format!("{left}{right}");
            prop_assert_eq!(of(&left, &right).key() == of(&whole, "").key(), right.is_empty());
        }
    }
}
