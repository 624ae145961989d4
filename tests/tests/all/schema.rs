//! The committed schema of the settings is the one that the command line has.

use tollgate_tests::tool::{run, workspace};

#[test]
fn the_committed_schema_of_the_settings_is_current() {
    let schema = run(workspace(), &["schema"]);
    schema.expect_code(0);
    let committed = std::fs::read_to_string(workspace().join("docs/tollgate.schema.json"));
    assert!(
        committed.is_ok_and(|committed| committed == schema.stdout),
        "docs/tollgate.schema.json is stale; write it again: cargo xtask schema > docs/tollgate.schema.json"
    );
}
