//! A small repository of its own for each test, with files given as text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::tool::{self, Run};

/// A temporary git repository; it goes when it is dropped.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// A repository with these files, committed. Git ignores `.tollgate/`.
    ///
    /// # Panics
    /// When the disk or git refuses.
    #[must_use]
    pub fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self {
            folder: TempDir::new().expect("a temporary folder"),
        };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.write(".gitignore", ".tollgate/\n");
        for (path, text) in files {
            repository.write(path, text);
        }
        repository.commit("start");
        repository
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file; missing folders are made.
    ///
    /// # Panics
    /// When the disk refuses.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// The text of a file.
    ///
    /// # Panics
    /// When it is not there or is not text.
    #[must_use]
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Writes a file again with `old` replaced by `new`.
    ///
    /// # Panics
    /// When `old` is not in it.
    pub fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "`{path}` has no `{old}`");
        self.write(path, &text.replace(old, new));
    }

    /// Every file outside of `.git` and `.tollgate`, with its bytes.
    ///
    /// # Panics
    /// When one can't be read.
    #[must_use]
    pub fn tree(&self) -> BTreeMap<String, Vec<u8>> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.strip_prefix(self.path()).expect("below the root");
                match (name.to_str(), path.is_dir()) {
                    (Some(".git" | ".tollgate"), _) => {}
                    (_, true) => folders.push(path),
                    (name, false) => {
                        let name = name.expect("a plain name").to_owned();
                        tree.insert(name, fs::read(&path).expect("a file"));
                    }
                }
            }
        }
        tree
    }

    /// Runs `tollgate` here, to its end.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Run {
        tool::run(self.path(), args)
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    }

    /// Runs git here.
    ///
    /// # Panics
    /// When git fails.
    pub fn git(&self, args: &[&str]) {
        let output = Command::new("git")
            .current_dir(self.path())
            .args([
                "-c",
                "user.name=test",
                "-c",
                "user.email=test@localhost",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(args)
            .output()
            .expect("git starts");
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
