//! Chapter three: the steps of a tier run in parallel, from a cache, inside a budget.

use std::fs;

use tollgate_tests::repository::Repository;
use tollgate_tests::tool::run_with;

const SETTINGS: &str = r#"
[[tiers.tier0.steps]]
name = "words"
command = ["sh", "-c", "grep -q good words.txt || { echo words.txt holds $(cat words.txt); exit 1; }"]
inputs = ["words.txt"]

[[tiers.tier0.steps]]
name = "numbers"
command = ["sh", "-c", "true"]
inputs = ["numbers.txt"]
"#;

fn repository(more: &str) -> Repository {
    Repository::new(&[
        ("tollgate.toml", &format!("{SETTINGS}{more}")),
        ("words.txt", "good\n"),
        ("numbers.txt", "1\n"),
    ])
}

fn step(run: &tollgate_tests::tool::Run, name: &str) -> serde_json::Value {
    let report = run.json();
    let steps = report["record"]["steps"].as_array().expect("steps");
    steps
        .iter()
        .find(|step| step["name"] == name)
        .unwrap_or_else(|| panic!("no step `{name}` in {report}"))
        .clone()
}

#[test]
fn a_second_run_comes_from_the_cache_and_says_why() {
    let repository = repository("");
    repository
        .run(&["tier0", "--explain"])
        .expect_code(0)
        .expect_says(&[
            "no earlier run",
            "tier0 pass: 2 steps: 2 pass, 0 fail, 0 unmeasured; 0 from the cache",
        ]);
    repository
        .run(&["tier0", "--explain"])
        .expect_code(0)
        .expect_says(&["nothing that it depends on changed", "2 from the cache"]);
    repository.write("numbers.txt", "2\n");
    let run = repository.run(&["tier0", "--format", "json"]);
    assert_eq!(step(&run, "words")["how"], "cached");
    let numbers = step(&run, "numbers");
    assert_eq!(numbers["how"], "ran");
    let why = numbers["explanation"].as_str().unwrap();
    assert!(why.contains("numbers.txt"), "{why}");
}

#[test]
fn two_steps_run_at_the_same_time() {
    // Each waits for the other's sign, so neither passes alone. The limit is only for a failure.
    let meet = |mine: &str, other: &str| {
        format!(
            "\n[[tiers.tier1.steps]]\nname = \"{mine}\"\ntimeout = \"30s\"\ncommand = [\"sh\", \"-c\", \"touch $MEET/{mine}; until [ -e $MEET/{other} ]; do sleep 0.02; done\"]\nenv = [\"MEET\"]\n"
        )
    };
    let meeting = tempfile::TempDir::new().unwrap();
    let repository = repository(&(meet("here", "there") + &meet("there", "here")));
    let place = meeting.path().display().to_string();
    run_with(repository.path(), &["tier1"], &[("MEET", &place)])
        .expect_code(0)
        .expect_says(&["tier1 pass: 2 steps"]);
}

#[test]
fn a_failure_comes_last_with_its_cause_and_exits_3() {
    let repository = repository("");
    repository.write("words.txt", "bad\n");
    let run = repository.run(&["tier0"]);
    run.expect_code(3).expect_says(&[
        "fail: step `words`: its command ended with exit code 1",
        "words.txt holds bad",
        "log: .tollgate/runs/",
    ]);
    let (table, end) = run.stdout.split_once("\n\n").unwrap();
    assert!(table.contains("numbers"), "the table comes first:\n{table}");
    assert!(end.contains("tier0 fail: step `words` failed"), "{end}");
    repository
        .run(&["replay", &run.evidence()])
        .expect_code(0)
        .expect_says(&["byte for byte"]);
    let again = repository.run(&["tier0"]);
    again.expect_code(3);
    assert!(
        again.all().contains("words (ran"),
        "a failure is not cached:\n{}",
        again.all()
    );
}

#[test]
fn staged_checks_the_index_and_touches_neither_tree_nor_index() {
    let repository = repository("");
    repository.write("words.txt", "bad\n");
    repository.write("untracked.txt", "mine\n");
    let state = |repository: &Repository| {
        let index = fs::read(repository.path().join(".git/index")).unwrap();
        (repository.tree(), index)
    };
    let before = state(&repository);
    repository.run(&["tier0", "--staged"]).expect_code(0);
    assert_eq!(
        state(&repository),
        before,
        "bad in the tree, good in the index"
    );
    repository.git(&["add", "words.txt"]);
    repository.write("words.txt", "good\n");
    let before = state(&repository);
    repository
        .run(&["tier0", "--staged"])
        .expect_code(3)
        .expect_says(&["words.txt holds bad"]);
    assert_eq!(
        state(&repository),
        before,
        "good in the tree, bad in the index"
    );
}

#[test]
fn a_missing_tool_is_not_checked_here_and_fails_in_ci_unless_allowed() {
    let missing =
        "\n[[tiers.tier0.steps]]\nname = \"far\"\ncommand = [\"no-such-tool\", \"run\"]\n";
    let repository = repository(missing);
    repository
        .run(&["tier0"])
        .expect_code(0)
        .expect_says(&["not checked", "`no-such-tool` is missing"]);
    run_with(repository.path(), &["tier0"], &[("CI", "true")])
        .expect_code(3)
        .expect_says(&["step `far` was not checked: `no-such-tool` is missing"]);
    let settings = repository.read("tollgate.toml");
    repository.write(
        "tollgate.toml",
        &format!("[tiers]\nmay_be_missing = [\"no-such-tool\"]\n{settings}"),
    );
    let allowed = run_with(repository.path(), &["tier0"], &[("CI", "true")]);
    allowed.expect_code(0);
    let first = allowed.stdout.lines().next().unwrap();
    assert!(
        first.contains("`no-such-tool` is missing, which the settings allow"),
        "{first}"
    );
}

#[test]
fn a_step_that_a_branch_removes_fails_its_tier_and_is_shown() {
    let step =
        |name: &str| format!("[[tiers.tier0.steps]]\nname = \"{name}\"\ncommand = [\"true\"]\n");
    let both = step("one") + &step("two");
    let repository = Repository::new(&[("tollgate.toml", &both)]);
    repository.run(&["tier0"]).expect_code(0);
    repository.git(&["checkout", "--quiet", "-b", "change"]);
    repository.write("tollgate.toml", &step("one"));
    repository.commit("one step less");
    let run = repository.run(&["tier0"]);
    run.expect_code(3).expect_says(&[
        "error[settings-step-removed]",
        "`tiers.tier0.steps.two`",
        "waivers/NAME.toml",
    ]);
    repository.run(&["replay", &run.evidence()]).expect_code(0);
}

/// A tier whose one step is honest, or swallows its failure.
const HONEST: &str =
    "[[tiers.tier0.steps]]\nname = \"t\"\ncommand = [\"sh\", \"-c\", \"test -f a.py && ls\"]\n";

fn swallowed() -> String {
    HONEST.replace("&& ls", "|| true")
}

#[test]
fn staged_settings_are_what_is_compared_with_the_base() {
    let repository = Repository::new(&[("tollgate.toml", HONEST), ("a.py", "")]);
    repository.write("tollgate.toml", &swallowed());
    // An unstaged edit decides nothing.
    repository.run(&["tier0", "--staged"]).expect_code(0);
    repository.git(&["add", "--all"]);
    repository.write("tollgate.toml", HONEST);
    // A staged one is not hidden by the tree.
    repository
        .run(&["tier0", "--staged"])
        .expect_code(3)
        .expect_says(&["settings-step-command", "tiers.tier0.steps.t.command"]);
}

#[test]
fn settings_under_a_new_name_are_compared_with_those_of_the_base() {
    let repository = Repository::new(&[("tollgate.toml", HONEST), ("a.py", "")]);
    std::fs::remove_file(repository.path().join("tollgate.toml")).expect("the file is there");
    repository.write("ci/tollgate.toml", &swallowed());
    repository
        .run(&["--settings", "ci/tollgate.toml", "tier0"])
        .expect_code(3)
        .expect_says(&["settings-step-command"]);
}
