//! The folder of real documents beside the repository, for the tests of every crate here; absent
//! on most machines, which is then reported as not checked.

use std::path::{Path, PathBuf};

/// `../shared/NAME` from the root of the repository, where that is present.
pub fn shared(name: &str, what: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if folder.is_dir() {
        return folder.canonicalize().ok();
    }
    tollgate_report::not_checked("../shared", what, "../shared is not here");
    None
}
