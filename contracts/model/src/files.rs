//! Reads files: bounded in size, decoded, and none outside the folder that references may use.

use std::path::{Component, Path, PathBuf};

use crate::load_error::LoadError;
use crate::targets::normalise_path;
use crate::text;

/// The largest file that is read, in bytes.
const FILE_SIZE_MAX_BYTES: u64 = 64 << 20;

/// Why a file that a reference names was not found.
pub(crate) enum Skip {
    /// It does not exist, or reading is not allowed.
    Missing,
    /// It is outside the allowed folder.
    Outside,
    /// It is a URL whose text was not given.
    Remote,
    /// It can't be read or is not JSON or YAML.
    Broken(String),
}

pub(crate) fn read_text(file: &str) -> Result<String, LoadError> {
    let read = |source| LoadError::Read {
        file: file.to_owned(),
        source,
    };
    let size_bytes = std::fs::metadata(file).map_err(read)?.len();
    if size_bytes > FILE_SIZE_MAX_BYTES {
        return Err(LoadError::TooLarge {
            file: file.to_owned(),
            size_bytes,
            max_bytes: FILE_SIZE_MAX_BYTES,
        });
    }
    decode(file, std::fs::read(file).map_err(read)?)
}

fn decode(file: &str, bytes: Vec<u8>) -> Result<String, LoadError> {
    text::decode(bytes).map_err(|wrong| LoadError::NotText {
        file: file.to_owned(),
        line: wrong.line,
        column: wrong.column,
        offset: wrong.offset,
        encoding: wrong.encoding,
    })
}

/// Reads a file that a reference names, if it is inside `folder` even after symbolic links are
/// resolved.
pub(crate) fn read_inside(file: &str, folder: &Path) -> Result<String, Skip> {
    let broken = |error: &dyn std::error::Error| Skip::Broken(error.to_string());
    if !lexically_inside(Path::new(file), folder) {
        return Err(Skip::Outside);
    }
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let real_folder = folder.canonicalize().map_err(|error| broken(&error))?;
    let real_file = Path::new(file).canonicalize().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Skip::Missing
        } else {
            broken(&error)
        }
    })?;
    if !real_file.starts_with(real_folder) {
        return Err(Skip::Outside);
    }
    if !real_file.is_file() {
        return Err(Skip::Missing);
    }
    read_text(file).map_err(|error| broken(&error))
}

/// Whether a path without links would be inside a folder. Nothing outside is even probed.
fn lexically_inside(file: &Path, folder: &Path) -> bool {
    let plain = |path: &Path| {
        PathBuf::from_iter(path.components().filter(|part| *part != Component::CurDir))
    };
    let (file, folder) = (plain(file), plain(folder));
    if folder.as_os_str().is_empty() {
        return !file.is_absolute() && !file.starts_with("..");
    }
    match file.strip_prefix(normalise_path(&slashes(&folder))) {
        Ok(rest) => !rest.components().any(|part| part == Component::ParentDir),
        Err(_) => false,
    }
}

pub(crate) fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
