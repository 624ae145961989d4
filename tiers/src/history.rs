//! What git would report of its history at a moment: a digest over HEAD, the references and the
//! index. It is read from git's files, since starting git takes longer than the rest of a run.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use tollgate_report::Digest;

/// The last bytes of an index are its checksum: 20 for SHA-1, 32 for SHA-256.
const CHECKSUM: i64 = 32;
/// References that Tollgate itself writes, which no step reads.
const OWN_REFS: &str = "refs/tollgate/";

/// The digest of what git reports at `root`; empty outside a repository.
#[must_use]
pub fn digest(root: &Path) -> String {
    let Some(git_dir) = git_dir(root) else {
        return String::new();
    };
    let common = common_dir(&git_dir);
    let mut text = fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
    let shallow = fs::read_to_string(common.join("shallow"));
    text.push_str(&shallow.unwrap_or_default());
    text.push_str(&references(&common));
    text.push_str(&checksum(&git_dir.join("index")));
    Digest::of(text).short().to_owned()
}

/// The digest of all references but our own, from the git folder that all working trees share.
#[must_use]
pub fn references(common: &Path) -> String {
    let packed = fs::read(common.join("packed-refs")).unwrap_or_default();
    let mut found = Vec::new();
    loose(common, "refs/", &mut found);
    found.sort();
    let text = format!(
        "{} {} {}",
        Digest::of(packed),
        found.join("\n"),
        reftable(common)
    );
    Digest::of(text).to_string()
}

/// The git folder that all working trees of the repository share.
#[must_use]
pub fn common_dir(git_dir: &Path) -> PathBuf {
    let named = fs::read_to_string(git_dir.join("commondir"));
    named.map_or_else(|_| git_dir.to_owned(), |text| git_dir.join(text.trim()))
}

/// The folder that `.git` is or names, of the repository around `root`.
#[must_use]
pub fn git_dir(root: &Path) -> Option<PathBuf> {
    let dot_git = root.ancestors().map(|folder| folder.join(".git"));
    let dot_git = dot_git.into_iter().find(|path| path.exists())?;
    if dot_git.is_dir() {
        return Some(dot_git);
    }
    let text = fs::read_to_string(&dot_git).ok()?;
    let named = text.trim().strip_prefix("gitdir: ")?.to_owned();
    Some(dot_git.parent()?.join(named))
}

fn loose(common: &Path, path: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(common.join(path))
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let below = format!("{path}{name}");
        if is_folder {
            let below = format!("{below}/");
            if below != OWN_REFS {
                loose(common, &below, found);
            }
        } else {
            let content = fs::read_to_string(entry.path()).unwrap_or_default();
            found.push(format!("{below} {content}"));
        }
    }
}

/// The newer form of references: one table names the others, which are never changed.
fn reftable(common: &Path) -> String {
    fs::read_to_string(common.join("reftable/tables.list")).unwrap_or_default()
}

fn checksum(index: &Path) -> String {
    let last = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(index)?;
        file.seek(SeekFrom::End(-CHECKSUM))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    last().map_or_else(|_| String::new(), |bytes| Digest::of(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_branches_tags_and_the_index_count_and_our_own_references_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert_eq!(digest(root), "");
        let write = |path: &str, text: &str| {
            let path = root.join(".git").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let index = "x".repeat(64);
        write("HEAD", "ref: refs/heads/main\n");
        let mut last = digest(root);
        for (path, text) in [
            ("refs/heads/main", "1"),
            ("refs/heads/main", "2"),
            ("refs/tags/v1", "1"),
            ("packed-refs", "3 refs/heads/other"),
            ("index", &index),
            ("HEAD", "3"),
        ] {
            write(path, text);
            let now = digest(root);
            assert_ne!(now, last, "{path}");
            last = now;
        }
        write("refs/tollgate/history", "4");
        assert_eq!(digest(root), last);
    }
}
