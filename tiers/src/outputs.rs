//! What a step writes: paths, folders and globs, kept in the cache and put back from it.

use std::fs;
use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};
use tollgate_report::{Digest, write_atomic};

use crate::store::{Output, Store};

/// The outputs of a step as the settings write them.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    written: Vec<String>,
    globs: GlobSet,
}

impl Outputs {
    /// Outputs as the settings write them.
    ///
    /// # Errors
    /// When a glob cannot be read.
    pub fn new(written: &[String]) -> Result<Self, globset::Error> {
        let mut builder = GlobSetBuilder::new();
        for path in written {
            let path = path.trim_end_matches('/');
            builder.add(Glob::new(path)?);
            builder.add(Glob::new(&format!("{path}/**"))?);
        }
        Ok(Self {
            written: written.to_vec(),
            globs: builder.build()?,
        })
    }

    /// Whether a path is one of them or is in one of them.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        !self.written.is_empty() && self.globs.is_match(path)
    }

    /// The outputs as the settings write them.
    #[must_use]
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// The files that exist now, by path; or the first output without a file.
    pub(crate) fn find(&self, root: &Path) -> Result<Vec<String>, String> {
        let mut all = Vec::new();
        for written in &self.written {
            let before = all.len();
            let start = literal_prefix(written);
            let mut below = Vec::new();
            files_below(root, &start, &mut below);
            let one = Self::new(std::slice::from_ref(written)).unwrap_or_default();
            all.extend(below.into_iter().filter(|path| one.holds(path)));
            if all.len() == before {
                return Err(written.clone());
            }
        }
        all.sort();
        all.dedup();
        Ok(all)
    }
}

/// The leading folders, or the whole path, of a glob that contain no wildcard.
#[must_use]
pub(crate) fn literal_prefix(glob: &str) -> String {
    let is_plain = |part: &&str| !part.contains(['*', '?', '[', '{', '\\']);
    let parts: Vec<&str> = glob
        .trim_end_matches('/')
        .split('/')
        .take_while(is_plain)
        .collect();
    parts.join("/")
}

fn files_below(root: &Path, path: &str, found: &mut Vec<String>) {
    let full = root.join(path);
    let Ok(metadata) = fs::symlink_metadata(&full) else {
        return;
    };
    if !metadata.is_dir() {
        found.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(full).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let below = if path.is_empty() {
            name
        } else {
            format!("{path}/{name}")
        };
        files_below(root, &below, found);
    }
}

/// Puts kept outputs back where they differ. False when one cannot be: then the step runs.
pub(crate) fn restore(root: &Path, store: &Store, outputs: &[Output]) -> bool {
    outputs.iter().all(|output| {
        let path = root.join(&output.path);
        let is_there = fs::read(&path).is_ok_and(|bytes| Digest::of(bytes) == output.content);
        let is_whole = is_there
            || store
                .blob(&output.content)
                .is_some_and(|bytes| write_atomic(&path, &bytes).is_ok());
        is_whole && set_executable(&path, output.executable)
    })
}

#[cfg(unix)]
pub(crate) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
}

#[cfg(not(unix))]
pub(crate) fn is_executable(_path: &Path) -> bool {
    false
}

#[cfg(unix)]
fn set_executable(path: &Path, executable: bool) -> bool {
    use std::os::unix::fs::PermissionsExt;
    if is_executable(path) == executable {
        return true;
    }
    let mode = if executable { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).is_ok()
}

#[cfg(not(unix))]
fn set_executable(_path: &Path, _executable: bool) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_path_a_folder_or_a_glob() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["dist/a.js", "dist/deep/b.js", "gen/x.rs", "gen/y.txt"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let find = |written: &[&str]| {
            let written: Vec<String> = written.iter().map(|path| (*path).to_owned()).collect();
            Outputs::new(&written).unwrap().find(folder.path())
        };
        assert_eq!(find(&["dist/a.js"]).unwrap(), ["dist/a.js"]);
        assert_eq!(find(&["dist/"]).unwrap(), ["dist/a.js", "dist/deep/b.js"]);
        assert_eq!(find(&["gen/*.rs"]).unwrap(), ["gen/x.rs"]);
        assert_eq!(find(&["dist", "none/*.rs"]).unwrap_err(), "none/*.rs");
    }
}
