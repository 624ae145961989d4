//! Finds the Swift compiler: that of `PATH`, or one that was unpacked into a root of its own.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The first major version with the language mode that generated code is written in.
const MAJOR_MIN: u32 = 6;

/// The environment variable that names the folder of the unpacked compiler.
pub const FOLDER_VARIABLE: &str = "TOLLGATE_SWIFT_DIR";

/// The file that marks an unpacked compiler as complete; it holds the compiler's version.
pub const COMPLETE: &str = "complete";
/// The folder that is the root of the unpacked compiler.
pub const ROOT: &str = "root";

/// Makes `$2` and the kernel's files visible below the root `$1`, for this process alone, and
/// becomes the program that follows, with `$2` as its folder.
const ENTER: &str = r#"set -e
root=$1 folder=$2
shift 2
mkdir -p "$root$folder"
mount --bind "$folder" "$root$folder"
mount --rbind /proc "$root/proc"
mount --bind /dev/null "$root/dev/null"
mount --bind /dev/urandom "$root/dev/urandom"
exec chroot "$root" env -i -C "$folder" PATH=/usr/bin:/bin HOME=/tmp \
    LD_LIBRARY_PATH=/usr/libexec/swift/lib/swift/linux "$@""#;

/// A Swift compiler that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// The root folder it lives in; absent when it is the machine's own.
    root: Option<PathBuf>,
    /// The first line of `swiftc --version`.
    pub version: String,
}

impl Compiler {
    /// The compiler of this version that was unpacked into a folder.
    #[must_use]
    pub fn unpacked(folder: &Path, version: impl Into<String>) -> Self {
        Self {
            root: Some(folder.join(ROOT)),
            version: version.into(),
        }
    }

    /// The root folder it lives in; absent when it is the machine's own.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// A command that runs `program` with `folder` as its current folder.
    ///
    /// `program` is `swiftc`, `swift-build`, or the absolute path of an executable that was
    /// built below `folder`. `folder` is absolute and exists; it has the same path inside. What
    /// a program writes elsewhere is lost or stays inside the compiler's own root.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        match &self.root {
            None => {
                let mut command = Command::new(program);
                command.current_dir(folder);
                command
            }
            Some(root) => {
                let mut command = Command::new("unshare");
                command
                    .args(unshare_flags())
                    .args(["sh", "-c", ENTER, "sh"])
                    .arg(root)
                    .arg(folder)
                    .arg(program);
                command
            }
        }
    }
}

/// The flags of `unshare` for a mount namespace; without root's rights, also a user namespace.
#[must_use]
pub fn unshare_flags() -> &'static [&'static str] {
    if is_root() {
        &["--mount"]
    } else {
        &["--map-root-user", "--mount"]
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// The Swift 6 compiler of `PATH`, or else the unpacked one; absent when there is neither.
#[must_use]
pub fn find() -> Option<Compiler> {
    of_machine().or_else(|| of_folder(&folder(None)?))
}

/// The compiler in `PATH`, if it is new enough.
#[must_use]
pub fn of_machine() -> Option<Compiler> {
    let version = version(Command::new("swiftc"))?;
    (major(&version)? >= MAJOR_MIN).then_some(Compiler {
        root: None,
        version,
    })
}

/// The compiler that was unpacked into a folder, if the unpacking was completed.
#[must_use]
pub fn of_folder(folder: &Path) -> Option<Compiler> {
    let version = fs::read_to_string(folder.join(COMPLETE)).ok()?;
    Some(Compiler::unpacked(folder, version.trim()))
}

/// The folder of the unpacked compiler: the wanted one, else that of [`FOLDER_VARIABLE`], else one
/// in the user's cache. Absent when neither `HOME` nor `XDG_CACHE_HOME` is set.
#[must_use]
pub fn folder(wanted: Option<&Path>) -> Option<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let in_cache = || {
        let cache = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")))?;
        Some(cache.join("tollgate/swift"))
    };
    let folder = wanted
        .map(Path::to_owned)
        .or_else(|| from(FOLDER_VARIABLE))
        .or_else(in_cache)?;
    std::path::absolute(folder).ok()
}

/// The line of `swiftc --version` that names the version, such as `Swift version 6.0.3 (…)`.
#[must_use]
pub fn version(mut swiftc: Command) -> Option<String> {
    let output = swiftc
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("Swift version"))?;
    Some(line.trim().to_owned())
}

/// The major version in the line of `swiftc --version`.
fn major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("Swift version ")?;
    number.split(['.', ' ', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_on_each_platform() {
        let apple = "Apple Swift version 6.1 (swiftlang-6.1.0.110.21 clang-1700.0.13.3)";
        assert_eq!(major(apple), Some(6));
        assert_eq!(
            major("Swift version 5.10.1 (swift-5.10.1-RELEASE)"),
            Some(5)
        );
        assert_eq!(major("swiftly"), None);
    }

    #[test]
    fn a_folder_without_the_mark_of_completion_holds_no_compiler() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        assert_eq!(of_folder(folder.path()), None);
        fs::write(folder.path().join(COMPLETE), "Swift version 6.0.3\n")
            .expect("a file can be written");
        let found = of_folder(folder.path()).expect("it is complete");
        assert_eq!(found.version, "Swift version 6.0.3");
    }
}
