//! Whether the built `xtask` is still what its sources say, without asking Cargo.
//!
//! The rule is Cargo's own: a source that is newer than the start of the last build makes the
//! program stale. The sources are those of the dependency file that Cargo writes next to the
//! program, and each manifest above them. The stamp also holds the settings of the environment
//! that change a build, and the identity of the program's file, since an instrumented build puts
//! another program in the same place.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The record of the last build, next to the program.
#[derive(Debug)]
pub struct Stamp {
    program: PathBuf,
    dependencies: PathBuf,
    /// Its modification time is the start of the build, its content the identity of what was built.
    path: PathBuf,
}

impl Stamp {
    /// The stamp of a program in Cargo's target folder.
    pub fn beside(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            dependencies: program.with_extension("d"),
            path: program.with_extension("stamp"),
        }
    }

    /// Whether the program is up to date; otherwise why it is not.
    pub fn is_fresh(&self) -> Result<(), String> {
        let recorded = fs::read_to_string(&self.path)
            .map_err(|_| "no earlier build is recorded".to_owned())?;
        let identity = self
            .identity()
            .map_err(|_| "there is no program yet".to_owned())?;
        if recorded != identity {
            return Err("another build or other settings took its place".to_owned());
        }
        let built = modified(&self.path).map_err(|error| error.to_string())?;
        let text = fs::read_to_string(&self.dependencies).map_err(|error| error.to_string())?;
        let sources = sources(&text);
        for path in manifests(&sources).iter().chain(&sources) {
            match modified(path) {
                Ok(time) if time < built => {}
                Ok(_) => return Err(format!("`{}` changed", path.display())),
                Err(error) => return Err(format!("`{}`: {error}", path.display())),
            }
        }
        Ok(())
    }

    /// Notes that a build starts: the old record goes, a new file keeps the time.
    pub fn begin(&self) -> io::Result<()> {
        fs::write(self.started(), "")?;
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Notes that the build succeeded, with the time at which it started.
    pub fn end(&self) -> io::Result<()> {
        let started = modified(&self.started())?;
        let file = self.started();
        fs::write(&file, self.identity()?)?;
        fs::File::options()
            .write(true)
            .open(&file)?
            .set_modified(started)?;
        fs::rename(file, &self.path)
    }

    /// Forgets a build that failed.
    pub fn abandon(&self) {
        // A file that stays is replaced by the next build of the same process id.
        let _ = fs::remove_file(self.started());
    }

    fn started(&self) -> PathBuf {
        self.program
            .with_extension(format!("stamp.{}", std::process::id()))
    }

    /// Size and time of the program's file, and the environment that changes a build.
    fn identity(&self) -> io::Result<String> {
        let metadata = fs::metadata(&self.program)?;
        let time = metadata
            .modified()?
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let mut text = format!("{} {}\n", metadata.len(), time.as_nanos());
        let settings: BTreeSet<String> = env::vars_os()
            .filter_map(|(name, value)| {
                let name = name.into_string().ok()?;
                let counts = name.starts_with("RUST")
                    && (name.contains("FLAGS") || name.starts_with("RUSTC"))
                    || name.starts_with("CARGO_BUILD_")
                    || name.starts_with("CARGO_PROFILE_")
                    || name == "CARGO_ENCODED_RUSTFLAGS"
                    || name == "RUSTUP_TOOLCHAIN";
                counts.then(|| format!("{name}={}\n", value.to_string_lossy()))
            })
            .collect();
        text.extend(settings);
        Ok(text)
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

/// The sources that a dependency file of Cargo lists after the first colon and space; spaces in
/// paths are escaped with a backslash.
fn sources(text: &str) -> BTreeSet<PathBuf> {
    let line = text.lines().next().unwrap_or_default();
    let list = line.split_once(": ").map_or("", |(_, list)| list);
    let mut found = BTreeSet::new();
    let mut path = String::new();
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&' ') => {
                path.push(' ');
                characters.next();
            }
            ' ' => {
                found.insert(PathBuf::from(std::mem::take(&mut path)));
            }
            other => path.push(other),
        }
    }
    if !path.is_empty() {
        found.insert(PathBuf::from(path));
    }
    found.remove(Path::new(""));
    found
}

/// The manifests, lock file and settings of Cargo in the folders above the sources.
fn manifests(sources: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let folders: BTreeSet<&Path> = sources
        .iter()
        .flat_map(|path| path.ancestors().skip(1))
        .collect();
    let names = [
        "Cargo.toml",
        "Cargo.lock",
        ".cargo/config.toml",
        "rust-toolchain.toml",
    ];
    folders
        .iter()
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .filter(|path| path.is_file())
        .collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
