//! A small repository of its own for each test, with files given as text.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A temporary git repository; it goes when it is dropped.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// A repository with these files, committed.
    ///
    /// # Panics
    /// When the disk or git refuses.
    #[must_use]
    pub fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self {
            folder: TempDir::new().expect("a temporary folder"),
        };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        for (path, text) in files {
            repository.write(path, text);
        }
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "--quiet", "--allow-empty", "--message", "start"]);
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
