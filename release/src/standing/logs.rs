//! Keeps the logs of a running service small: a file that has grown is copied aside and emptied.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// A log is rotated above this size.
pub const SIZE_MAX: u64 = 10 << 20;
/// How many earlier logs are kept.
const N_KEPT: u32 = 4;

/// Rotates the logs of a folder that are larger than `size_max`. The service keeps writing to the
/// same file, which it opened for appending; lines written while the file is copied may be lost.
pub fn rotate(folder: &Path, size_max: u64) -> io::Result<()> {
    for name in ["stdout.log", "stderr.log"] {
        let path = folder.join(name);
        let is_large = fs::metadata(&path).is_ok_and(|found| found.len() > size_max);
        if !is_large {
            continue;
        }
        for n in (1..N_KEPT).rev() {
            let (from, to) = (numbered(&path, n), numbered(&path, n + 1));
            if from.exists() {
                fs::rename(from, to)?;
            }
        }
        fs::copy(&path, numbered(&path, 1))?;
        OpenOptions::new().write(true).open(&path)?.set_len(0)?;
    }
    Ok(())
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_log_that_has_grown_is_kept_aside_and_the_oldest_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stdout.log");
        let mut service = OpenOptions::new();
        let mut service = service.create(true).append(true).open(&path).unwrap();
        for n in 0..7 {
            writeln!(service, "line {n}").unwrap();
            rotate(folder.path(), 5).unwrap();
        }
        writeln!(service, "now").unwrap();
        rotate(folder.path(), 5).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "now\n");
        let kept = |n| fs::read_to_string(numbered(&path, n)).unwrap();
        assert_eq!([kept(1), kept(4)], ["line 6\n", "line 3\n"]);
        assert!(!numbered(&path, 5).exists());
    }
}
