//! Per-crate caching: only the crates that a change reaches run, in one command.

use crate::common::{Repository, step};
use tollgate_report::Outcome;
use tollgate_tiers::Mode;
use tollgate_tiers::record::How;

/// `app` depends on `lib`, `tool` on nothing; the step only notes what it was asked to run.
fn workspace() -> Repository {
    let manifest = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{more}")
    };
    let app = manifest("app", "[dev-dependencies]\nlib = { path = \"../lib\" }\n");
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"lib\", \"tool\"]\n".to_owned(),
        ),
        ("app/Cargo.toml", app),
        ("app/src/lib.rs", String::new()),
        ("lib/Cargo.toml", manifest("lib", "")),
        ("lib/src/lib.rs", String::new()),
        ("tool/Cargo.toml", manifest("tool", "")),
        ("tool/src/lib.rs", String::new()),
        ("tool/schema.json", "{}".to_owned()),
        ("README.md", "hello".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    let settings = r#"
[[tier0.steps]]
name = "test"
command = ["sh", "-c", "mkdir -p state; echo $* >> state/test", "sh", "{packages}"]
per_crate = true
inputs = ["**/*.json"]
"#;
    Repository::new(&files, settings)
}

fn asked(repository: &Repository) -> String {
    let text = std::fs::read_to_string(repository.root().join("state/test")).unwrap();
    text.lines().last().unwrap().to_owned()
}

#[test]
fn a_change_runs_its_crate_and_those_that_depend_on_it() {
    let repository = workspace();
    let report = repository.run();
    assert_eq!(report.verdict.outcome, Outcome::Pass, "{report:#?}");
    assert_eq!(asked(&repository), "--workspace");
    assert_eq!(step(&repository.run(), "test").how, How::Cached);

    repository.write("lib/src/lib.rs", "// more");
    let report = repository.run();
    assert_eq!(asked(&repository), "-p app -p lib");
    assert_eq!(
        step(&report, "test").explanation,
        "`lib/src/lib.rs` changed (2 of 3 crates)"
    );
    assert_eq!(step(&report, "test").crates_cached, ["tool"]);

    repository.write("app/src/lib.rs", "// more");
    repository.run();
    assert_eq!(asked(&repository), "-p app");
    repository.write("app/src/lib.rs", "");
    repository.write("lib/src/lib.rs", "");
    assert_eq!(
        step(&repository.run(), "test").how,
        How::Cached,
        "the old results are still there"
    );
}

#[test]
fn a_file_that_any_crate_may_read_runs_all_and_an_unread_one_none() {
    let repository = workspace();
    repository.run();
    repository.write("README.md", "changed");
    assert_eq!(step(&repository.run(), "test").how, How::Cached);
    repository.write("tool/schema.json", "[]");
    let report = repository.run();
    assert_eq!(asked(&repository), "--workspace");
    assert_eq!(
        step(&report, "test").explanation,
        "`tool/schema.json` changed (3 of 3 crates)"
    );
    repository.write(".cargo/config.toml", "");
    repository.run();
    assert_eq!(asked(&repository), "--workspace");
    assert_eq!(repository.n_ran("test"), 3);
}

#[test]
fn since_a_revision_only_touched_crates_and_their_dependents_run() {
    let repository = workspace();
    repository.write("lib/src/lib.rs", "// more");
    let report = repository.run_mode(Mode::Since("HEAD".to_owned()));
    assert_eq!(asked(&repository), "-p app -p lib");
    assert_eq!(step(&report, "test").crates_cached, ["tool"]);
}

#[test]
fn all_ignores_the_cache() {
    let repository = workspace();
    repository.run();
    let report = repository.run_mode(Mode::All);
    assert_eq!(
        step(&report, "test").explanation,
        "asked to run without the cache (3 of 3 crates)"
    );
    assert_eq!(repository.n_ran("test"), 2);
}

#[test]
fn an_excluded_crate_does_not_run() {
    let mut repository = workspace();
    repository.settings.push_str("exclude = ['tool']\n");
    repository.run();
    assert_eq!(asked(&repository), "--workspace --exclude tool");
}

#[test]
fn since_a_revision_a_step_that_reads_nothing_touched_is_skipped() {
    let settings = "
[[tier0.steps]]
name = 'docs'
command = ['true']
inputs = ['docs/**']
[[tier0.steps]]
name = 'code'
command = ['true']
inputs = ['src/**']
";
    let repository = Repository::new(&[("docs/a.md", ""), ("src/a.rs", "")], settings);
    repository.write("src/new.rs", "untracked files count too");
    let report = repository.run_mode(Mode::Since("HEAD".to_owned()));
    assert_eq!(
        step(&report, "docs").explanation,
        "nothing that it reads was touched"
    );
    assert_eq!(step(&report, "code").how, How::Ran);
}
