//! Coverage of a small real crate, by the compiler and the LLVM programs of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::AtomicBool;

use tollgate_report::not_checked;
use tollgate_tiers::coverage::{Collected, Request, collect};

/// What the command line does in the wrapper's place, as a script.
const WRAPPER: &str = "#!/bin/sh
case \" $* \" in
*' --crate-name '*) exec \"$@\" -C instrument-coverage ;;
*) exec \"$@\" ;;
esac
";

#[test]
fn lines_that_a_test_reaches_are_hit_and_the_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let source = "pub fn sign(number: i32) -> i32 {\n    if number < 0 {\n        return -1;\n    }\n    1\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn positive() {\n        assert_eq!(super::sign(3), 1);\n    }\n}\n";
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(root.join("src/lib.rs"), source).unwrap();
    fs::write(
        root.join("Cargo.toml"),
        "[package]\nname = \"small\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    )
    .unwrap();
    let wrapper = root.join("wrapper");
    fs::write(&wrapper, WRAPPER).unwrap();
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let target = root.join("target");
    let collected = collect(&Request {
        root: &root,
        state_dir: &root.join(".tollgate"),
        tollgate: &wrapper,
        exclude: &[],
        target_dir: Some(&target),
        interrupt: &AtomicBool::new(false),
    })
    .unwrap();
    match collected {
        Collected::NotChecked { tool, hint } => not_checked(&tool, "line coverage", &hint),
        Collected::Written { lcov, counts, .. } => {
            let text = fs::read_to_string(lcov).unwrap();
            for line in ["SF:src/lib.rs", "DA:2,1", "DA:3,0", "DA:5,1"] {
                assert!(text.lines().any(|found| found == line), "{line} in {text}");
            }
            assert_eq!(counts.unwrap().passed, 1);
        }
        other => panic!("{other:?}"),
    }
}
