//! The chain of evidence: an edit shows, a crash is repaired.

use std::process::{Child, Stdio};

use tollgate_tests::repository::Repository;
use tollgate_tests::tool::{command, finish};

const LOG: &str = ".tollgate/evidence.ndjson";
const CONTRACT: &str = "openapi: 3.1.0\ninfo: { title: Shop, version: 1.0.0 }\npaths: {}\n";

/// A repository with three records, and the id of the last.
fn recorded() -> (Repository, String) {
    let repository = Repository::new(&[("contracts/openapi.yaml", CONTRACT)]);
    let lint = || {
        repository
            .run(&["contract", "lint"])
            .expect_code(0)
            .evidence()
    };
    lint();
    lint();
    let id = lint();
    (repository, id)
}

#[test]
fn an_edited_record_breaks_the_chain_and_its_line_is_named() {
    let (repository, id) = recorded();
    repository.run(&["explain", &id]).expect_code(0);
    let mut lines: Vec<String> = repository.read(LOG).lines().map(str::to_owned).collect();
    lines[1] = lines[1].replacen("\"outcome\":\"warn\"", "\"outcome\":\"pass\"", 1);
    repository.write(LOG, &(lines.join("\n") + "\n"));
    for command in ["explain", "replay"] {
        let run = repository.run(&[command, &id]);
        assert_ne!(run.code, Some(0));
        run.expect_says(&["line 2 of", "evidence.ndjson", "the evidence was edited"]);
    }
}

#[test]
fn a_torn_last_line_is_cut_off_and_reported_and_nothing_before_it_is_lost() {
    let (repository, _) = recorded();
    let whole = repository.read(LOG);
    let torn = &whole[..whole.len() - 40];
    repository.write(LOG, torn);
    let run = repository.run(&["contract", "lint"]);
    run.expect_code(0)
        .expect_says(&["was torn by a crash", "nothing before it is lost"]);
    let after = repository.read(LOG);
    let kept: Vec<&str> = whole.lines().take(2).collect();
    assert!(after.starts_with(&kept.join("\n")));
    assert_eq!(after.lines().count(), 3, "two were kept, one is new");
    let again = repository.run(&["replay", &run.evidence()]);
    again.expect_code(0);
    assert!(!again.stderr.contains("torn"), "it is said once");
}

#[test]
fn commands_at_the_same_time_write_one_chain() {
    let (repository, _) = recorded();
    let lint = || {
        let mut command = command(repository.path(), &["contract", "lint"]);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        child.expect("the binary was built")
    };
    let running: Vec<Child> = (0..6).map(|_| lint()).collect();
    for child in running {
        let run = finish(&child.wait_with_output().unwrap());
        run.expect_code(0);
        repository.run(&["explain", &run.evidence()]).expect_code(0);
    }
    assert_eq!(repository.read(LOG).lines().count(), 9);
}

#[test]
fn git_does_not_see_what_is_kept_here() {
    let repository = Repository::new(&[("contracts/openapi.yaml", CONTRACT), (".gitignore", "")]);
    repository.run(&["contract", "lint"]).expect_code(0);
    repository.git(&["add", "--all"]);
    repository.git(&["diff", "--cached", "--quiet"]);
}

#[test]
fn an_input_that_was_changed_can_not_be_replayed_and_says_so() {
    let (repository, id) = recorded();
    let inputs = repository.path().join(".tollgate/inputs");
    for input in std::fs::read_dir(inputs).unwrap() {
        std::fs::write(input.unwrap().path(), "[]").unwrap();
    }
    let run = repository.run(&["replay", &id]);
    assert_ne!(run.code, Some(0));
    run.expect_says(&["can't be replayed"]);
}
