//! A program is built again exactly when something that it is made of changed.

use std::time::Duration;

use super::*;

/// A target folder with a program of one source, built a minute ago.
struct Built {
    folder: PathBuf,
    stamp: Stamp,
}

impl Built {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("xtask-launch-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("a crate/src")).unwrap();
        let source = folder.join("a crate/src/main.rs");
        let manifest = folder.join("a crate/Cargo.toml");
        let program = folder.join("xtask");
        for path in [&source, &manifest, &program] {
            fs::write(path, "").unwrap();
            age(path, 120);
        }
        let listed = source.display().to_string().replace(' ', "\\ ");
        fs::write(
            folder.join("xtask.d"),
            format!("{}: {listed}\n", program.display()),
        )
        .unwrap();
        let stamp = Stamp::beside(&program);
        stamp.begin().unwrap();
        stamp.end().unwrap();
        age(&folder.join("xtask.stamp"), 60);
        Self { folder, stamp }
    }

    fn why(&self) -> String {
        self.stamp.is_fresh().unwrap_err()
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn unchanged_program_is_fresh() {
    assert_eq!(Built::new("fresh").stamp.is_fresh(), Ok(()));
}

#[test]
fn newer_source_with_a_space_in_its_path_makes_it_stale() {
    let built = Built::new("source");
    age(&built.folder.join("a crate/src/main.rs"), 0);
    assert!(built.why().contains("main.rs` changed"), "{}", built.why());
}

#[test]
fn removed_source_makes_it_stale() {
    let built = Built::new("removed");
    fs::remove_file(built.folder.join("a crate/src/main.rs")).unwrap();
    assert!(built.why().contains("main.rs"), "{}", built.why());
}

#[test]
fn newer_manifest_makes_it_stale() {
    let built = Built::new("manifest");
    age(&built.folder.join("a crate/Cargo.toml"), 0);
    assert!(
        built.why().contains("Cargo.toml` changed"),
        "{}",
        built.why()
    );
}

#[test]
fn another_program_in_its_place_makes_it_stale() {
    let built = Built::new("replaced");
    fs::write(built.folder.join("xtask"), "instrumented").unwrap();
    assert!(built.why().contains("another build"), "{}", built.why());
}

#[test]
fn build_that_failed_leaves_no_stamp() {
    let built = Built::new("failed");
    built.stamp.begin().unwrap();
    assert!(built.why().contains("no earlier build"), "{}", built.why());
}
