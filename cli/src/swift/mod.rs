//! The Swift compiler: that of the machine, or Debian's in a folder of its own (see `install`).
//!
//! It must not know what is compiled with it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// The file that marks the folder as complete; it holds the compiler's version.
pub const COMPLETE: &str = "complete";
/// The folder that is the compiler's root.
pub const ROOT: &str = "root";

/// The first major version with the language mode that generated code is written in.
const MAJOR_MIN: u32 = 6;

/// The environment variable that names the folder of the unpacked compiler.
pub const FOLDER_VARIABLE: &str = "TOLLGATE_SWIFT_DIR";

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
pub struct Toolchain {
    /// The root folder it lives in; absent when it is the machine's own.
    pub root: Option<PathBuf>,
    /// The first line of `swiftc --version`.
    pub version: String,
}

impl Toolchain {
    /// The root folder it lives in; absent when it is the machine's own.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// A command that runs `program` with `folder` as its current folder and sees only it.
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

/// A mount namespace of its own; for somebody who is not root, with a user namespace around it.
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

/// The Swift 6 compiler of this machine, or the one in the folder of [`folder`]; absent when
/// there is neither.
#[must_use]
pub fn find() -> Option<Toolchain> {
    of_machine().or_else(|| of_folder(&folder(None).ok()?))
}

/// The compiler that is in `PATH`, when it is new enough.
pub fn of_machine() -> Option<Toolchain> {
    let version = version(Command::new("swiftc"))?;
    (major(&version)? >= MAJOR_MIN).then_some(Toolchain {
        root: None,
        version,
    })
}

/// The compiler that was unpacked into a folder, when that was completed.
pub fn of_folder(folder: &Path) -> Option<Toolchain> {
    let version = fs::read_to_string(folder.join(COMPLETE)).ok()?;
    Some(Toolchain {
        root: Some(folder.join(ROOT)),
        version: version.trim().to_owned(),
    })
}

/// The folder of the unpacked compiler: what is asked for, else the environment's, else one in
/// the user's cache.
///
/// # Errors
/// Nothing says where the user's cache is.
pub fn folder(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    let from = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let in_cache = || {
        let cache = from("XDG_CACHE_HOME").or_else(|| Some(from("HOME")?.join(".cache")))?;
        Some(cache.join("tollgate/swift"))
    };
    let folder = asked
        .map(Path::to_owned)
        .or_else(|| from(FOLDER_VARIABLE))
        .or_else(in_cache);
    let folder = folder.ok_or_else(|| {
        Failure::environment(anyhow::anyhow!(
            "find a folder for Swift: neither `HOME` nor `XDG_CACHE_HOME` is set"
        ))
        .hint("set `TOLLGATE_SWIFT_DIR` to one")
    })?;
    std::path::absolute(&folder).map_err(Failure::environment)
}

/// The line of `swiftc --version` that names the version, such as `Swift version 6.0.3 (…)`.
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
    fn the_major_version_is_read_from_what_each_platform_says() {
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
