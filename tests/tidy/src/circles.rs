//! Import circles: files of one crate that use each other, directly or through others.
//!
//! A file uses another when its code names an item that the other defines. A re-export is not a use,
//! and a re-exported name counts for the file that defines it; so a `mod.rs` that only collects its
//! children is in no circle. Neither is a child that returns the error type of its parent.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Uses;

/// The files of each circle, sorted: the strongly connected components of the uses.
#[must_use]
pub fn circles(uses: &Uses) -> BTreeSet<Vec<String>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|file| (file.as_str(), reachable(uses, file)))
        .collect();
    let are_mutual = |one: &str, other: &str| {
        reach[one].contains(other) && reach.get(other).is_some_and(|back| back.contains(one))
    };
    let mut circles = BTreeSet::new();
    for file in reach.keys() {
        let circle: Vec<String> = reach
            .keys()
            .filter(|other| are_mutual(file, other))
            .map(|other| (*other).to_owned())
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles
}

fn reachable<'a>(uses: &'a Uses, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for target in uses
            .get(file)
            .into_iter()
            .flat_map(|targets| targets.keys())
        {
            if found.insert(target.as_str()) {
                open.push(target);
            }
        }
    }
    found
}

/// The uses inside a circle, one a line: `file uses file: path`.
#[must_use]
pub fn explain(uses: &Uses, circle: &[String]) -> String {
    let mut lines = String::new();
    for file in circle {
        for (target, path) in uses.get(file).into_iter().flatten() {
            if circle.contains(target) {
                lines.push_str(&format!("  {file} uses {target}: {path}\n"));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::known::Known;
    use crate::modules::Modules;
    use crate::{picture, tree};

    /// The circles of a crate whose files are given as `(path, text)`.
    #[track_caller]
    fn of(name: &str, files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = std::env::temp_dir().join(format!("tidy-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let uses = Modules::load(&folder, files[0].0).unwrap().uses();
        std::fs::remove_dir_all(&folder).unwrap();
        circles(&uses).into_iter().collect()
    }

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        let found = of(
            "two",
            &[
                ("src/lib.rs", "mod a; mod b;"),
                ("src/a.rs", "use crate::b::B; pub struct A;"),
                ("src/b.rs", "pub struct B; fn f() -> super::a::A {}"),
            ],
        );
        assert_eq!(found, [["src/a.rs", "src/b.rs"]]);
    }

    #[test]
    fn a_re_export_counts_for_the_file_that_defines_the_item() {
        let found = of(
            "through",
            &[
                ("src/lib.rs", "mod a; pub mod b;"),
                ("src/a.rs", "use crate::b::B;"),
                (
                    "src/b/mod.rs",
                    "mod inner; mod low; pub use inner::*; pub use low::Low;",
                ),
                ("src/b/inner.rs", "use super::Low; pub struct B;"),
                ("src/b/low.rs", "pub struct Low;"),
            ],
        );
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_child_that_uses_a_type_of_the_file_that_drives_it_is_a_circle() {
        let found = of(
            "parent",
            &[
                ("src/lib.rs", "mod a;"),
                ("src/a/mod.rs", "mod b; pub struct A; fn f() { b::g() }"),
                ("src/a/b.rs", "use super::A; pub fn g() {}"),
            ],
        );
        assert_eq!(found, [["src/a/b.rs", "src/a/mod.rs"]]);
    }

    #[test]
    fn imports_of_tests_are_not_uses() {
        let found = of(
            "tests",
            &[
                ("src/lib.rs", "mod a; mod b;"),
                ("src/a.rs", "use crate::b::B; pub struct A;"),
                (
                    "src/b.rs",
                    "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }",
                ),
            ],
        );
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn files_do_not_import_each_other_in_circles() {
        let known = Known::load();
        let mut found = BTreeSet::new();
        let mut explained = String::new();
        for root_file in picture::crate_roots() {
            let uses = Modules::load(Path::new(tree::root()), &root_file)
                .unwrap()
                .uses();
            for circle in circles(&uses) {
                if !known.circles.contains(&circle) && !known.is_harmless(&circle) {
                    explained.push_str(&format!(
                        "a circle of {circle:#?}\n{}",
                        explain(&uses, &circle)
                    ));
                }
                found.insert(circle);
            }
        }
        assert!(
            explained.is_empty(),
            "files import each other in circles; move the shared type below both:\n{explained}"
        );
        let harmless = known.harmless.iter().map(|harmless| &harmless.files);
        let gone: Vec<_> = known
            .circles
            .iter()
            .chain(harmless)
            .filter(|circle| !found.contains(*circle))
            .collect();
        assert!(
            gone.is_empty(),
            "these circles are gone; remove them from tests/tidy/known.toml: {gone:#?}"
        );
    }
}
