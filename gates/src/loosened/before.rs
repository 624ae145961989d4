//! What the base contains of the files that are compared. It is kept in `.tollgate/cache`, because
//! to ask git takes longer than the rest of a run that has nothing to do.
//!
//! The key is made of all that decides the answer: the revisions that are wanted, `HEAD`, every
//! reference, what a shallow clone lacks, and the files. Only an answer that these decide alone is
//! kept: none from CI, for a revision that is not a full name, or with a repository that variables
//! name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tollgate_report::{Digest, replace};
use tollgate_tiers::history;

use crate::base::{self, Base, Wanted};
use crate::failure::Failure;
use crate::repository::Repository;

const VERSION: u32 = 1;
/// Variables that lead git to another repository or to other objects of it.
const VARIABLES: [&str; 8] = [
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NO_REPLACE_OBJECTS",
];

/// The base and its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    pub base: Base,
    /// The texts of the files that were asked for and that it contains, by path.
    pub texts: BTreeMap<String, String>,
    /// Whether it has files in `contracts`; false when that was not asked for.
    pub has_contracts: bool,
    /// The texts of its waivers, by path; empty when they were not asked for.
    pub waivers: BTreeMap<String, String>,
}

/// What is read from the base.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub files: Vec<&'a str>,
    /// Whether it has files in `contracts`.
    pub contracts: bool,
    /// The folder of the waivers.
    pub waivers: Option<&'a str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    key: Digest,
    before: Before,
}

/// Reads the base, or takes it from the run before.
pub(super) fn read(repository: &Repository, asked: &Asked<'_>) -> Result<Before, Failure> {
    let wanted = base::wanted_of(repository);
    let path = repository.state_dir.join("cache/base.json");
    let key = key(&repository.root, &wanted, asked);
    if let Some(key) = &key
        && let Some(before) = kept(&path, key)
    {
        return Ok(before);
    }
    let before = fresh(&repository.root, &wanted, asked)?;
    if let Some(key) = key
        && self::key(&repository.root, &wanted, asked).as_ref() == Some(&key)
    {
        keep(&path, key, &before);
    }
    Ok(before)
}

fn fresh(root: &Path, wanted: &Wanted, asked: &Asked<'_>) -> Result<Before, Failure> {
    let base = base::find(root, wanted)?;
    Ok(Before {
        texts: base.texts(root, &asked.files)?,
        has_contracts: asked.contracts && !base.folder(root, "contracts", "")?.is_empty(),
        waivers: match asked.waivers {
            Some(folder) => base.folder(root, folder, ".toml")?,
            None => BTreeMap::new(),
        },
        base,
    })
}

/// All that the answer depends on; absent when something else may decide it.
fn key(root: &Path, wanted: &Wanted, asked: &Asked<'_>) -> Option<Digest> {
    let is_elsewhere = VARIABLES
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let is_plain = |name: &str| {
        let mut kinds = ["refs/heads/", "refs/remotes/", "refs/tags/"].iter();
        kinds.any(|kind| name.starts_with(kind)) || base::hash(name).is_some()
    };
    let mut revisions = wanted.candidates.iter();
    let is_plain = revisions.all(|candidate| is_plain(&candidate.revision));
    if is_elsewhere || wanted.is_ci || !is_plain {
        return None;
    }
    let git_dir = history::git_dir(root)?;
    let common = history::common_dir(&git_dir);
    let facts = (
        VERSION,
        root,
        wanted,
        asked,
        text(git_dir.join("HEAD"))?,
        history::references(&common),
        text(common.join("shallow")),
        text(common.join("info/grafts")),
    );
    Some(Digest::of(format!("{facts:?}")))
}

fn text(path: PathBuf) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn kept(path: &Path, key: &Digest) -> Option<Before> {
    let kept: Kept = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    (kept.key == *key && kept.before.base.commit.is_some()).then_some(kept.before)
}

fn keep(path: &Path, key: Digest, before: &Before) {
    let before = before.clone();
    let Ok(text) = serde_json::to_vec(&Kept { key, before }) else {
        return;
    };
    // A cache that can't be written only makes the next run ask git again.
    let _ = replace(path, &text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    struct Ground {
        folder: tempfile::TempDir,
        memo: PathBuf,
    }

    impl Ground {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let memo = folder.path().join("base.json");
            let ground = Self { folder, memo };
            fs::create_dir(ground.root()).unwrap();
            ground.git(&["init", "-q", "-b", "main"]);
            ground.commit("1");
            ground
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("root")
        }

        fn git(&self, words: &[&str]) {
            let name = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
            let mut command = Command::new("git");
            command.args(name).args(words).current_dir(self.root());
            for name in VARIABLES {
                command.env_remove(name);
            }
            assert!(command.status().unwrap().success(), "git {words:?}");
        }

        fn commit(&self, text: &str) {
            fs::write(self.root().join("a.txt"), text).unwrap();
            self.git(&["add", "-A"]);
            self.git(&["commit", "-q", "-m", text]);
        }

        /// The text that the base has, from the memo where it answers, which must be what is so.
        fn text(&self) -> String {
            let wanted = Wanted::default()
                .or_merge_base("refs/remotes/origin/main")
                .or_merge_base("refs/heads/main");
            let asked = Asked {
                files: vec!["a.txt", "b.txt"],
                contracts: true,
                waivers: None,
            };
            let key = key(&self.root(), &wanted, &asked).unwrap();
            let now = fresh(&self.root(), &wanted, &asked).unwrap();
            if let Some(before) = kept(&self.memo, &key) {
                assert_eq!(before, now);
            }
            keep(&self.memo, key.clone(), &now);
            assert_eq!(kept(&self.memo, &key).as_ref(), Some(&now));
            now.texts["a.txt"].clone()
        }
    }

    #[test]
    fn what_is_kept_of_the_base_is_what_git_answers_after_every_move() {
        let ground = Ground::new();
        assert_eq!(ground.text(), "1");
        ground.git(&["checkout", "-q", "-b", "work"]);
        ground.commit("2");
        assert_eq!(ground.text(), "1");
        ground.git(&["branch", "-q", "-f", "main", "work"]);
        assert_eq!(ground.text(), "2");
        ground.git(&["pack-refs", "--all"]);
        assert_eq!(ground.text(), "2");
        ground.git(&["branch", "-q", "-f", "main", "work~1"]);
        assert_eq!(ground.text(), "1");
        ground.git(&["update-ref", "refs/remotes/origin/main", "work"]);
        assert_eq!(ground.text(), "2");
        ground.git(&["checkout", "-q", "--detach", "work~1"]);
        assert_eq!(ground.text(), "1");
        ground.git(&["replace", "work~1", "work"]);
        assert_eq!(ground.text(), "2");
    }

    #[test]
    fn an_answer_that_something_else_decides_is_not_kept() {
        let ground = Ground::new();
        let asked = Asked {
            files: Vec::new(),
            contracts: false,
            waivers: None,
        };
        let has_key = |wanted: &Wanted| key(&ground.root(), wanted, &asked).is_some();
        let plain = Wanted::default().or_merge_base("refs/heads/main");
        assert!(has_key(&plain));
        assert!(!has_key(&plain.clone().or_merge_base("main@{1}")));
        let is_ci = true;
        assert!(!has_key(&Wanted { is_ci, ..plain }));
    }
}
