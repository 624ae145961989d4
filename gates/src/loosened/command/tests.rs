//! Commands before and after, and why the second is looser.

use super::looser;

fn words(text: &str) -> Vec<String> {
    // `sh -c` takes the rest as one word.
    match text.split_once(" -c ") {
        Some((shell, script)) => vec![shell.to_owned(), "-c".to_owned(), script.to_owned()],
        None => text.split_whitespace().map(str::to_owned).collect(),
    }
}

#[track_caller]
fn is_accepted(pairs: &[(&str, &str)]) {
    for (old, new) in pairs {
        let reasons = looser(&words(old), &words(new));
        assert!(reasons.is_empty(), "`{old}` to `{new}`: {reasons:?}");
    }
}

#[track_caller]
fn is_looser(pairs: &[(&str, &str, &str)]) {
    for (old, new, want) in pairs {
        let reasons = looser(&words(old), &words(new)).join("; ");
        assert_eq!(reasons, *want, "`{old}` to `{new}`");
    }
}

#[test]
fn another_spelling_more_work_and_another_look_are_accepted() {
    is_accepted(&[
        ("npm test", "npm test"),
        ("npm run lint", "pnpm lint"),
        ("npx eslint .", "npx eslint@9.2 . --max-warnings 0"),
        ("python -m pytest -q", "pytest"),
        (".venv/bin/pytest tests", "uv run pytest tests"),
        ("pytest tests", "pytest tests integration --cov"),
        ("pytest --cov-fail-under=80", "pytest --cov-fail-under=85"),
        ("eslint --max-warnings 5 .", "eslint --max-warnings 0 ."),
        (
            "cargo test --workspace",
            "cargo nextest run --workspace --no-fail-fast",
        ),
        ("cargo test -j 4", "cargo test"),
        ("go test ./...", "go test -race -count=1 ./..."),
        (
            "go vet ./...",
            "sh -c set -eu; go vet ./...; staticcheck ./...",
        ),
        ("npm test", "sh -c cd web && npm test"),
        ("npm test", "bash -c npm test || { echo failed; exit 1; }"),
        (
            "npm test",
            "bash -c set -euo pipefail\nnpm test | tee out.txt",
        ),
        ("sh -c npm test || true", "npm test"),
        ("pytest --ignore slow", "pytest"),
        ("timeout 60 make check", "make check timeout 60"),
    ]);
}

#[test]
fn a_command_that_lost_something_is_looser() {
    is_looser(&[
        ("npm test", "true", "it lost `npm test`"),
        (
            "make check",
            "echo make check",
            "the failure of `make check` no longer counts",
        ),
        (
            "cargo clippy --all-targets -- -D warnings",
            "cargo clippy -- -D warnings",
            "it lost `--all-targets`",
        ),
        (
            "cargo clippy -- -D warnings",
            "cargo clippy",
            "it lost `-- -D warnings`",
        ),
        (
            "pytest --cov-fail-under=80",
            "pytest --cov-fail-under=60",
            "it lost `--cov-fail-under 80`",
        ),
        (
            "eslint --max-warnings 0 .",
            "eslint --max-warnings 100 .",
            "it lost `--max-warnings 0`",
        ),
        ("go test ./...", "go test ./pkg/...", "it lost `./...`"),
        ("pytest tests", "ls tests", "it lost `pytest`"),
        (
            "sh -c npm test && npm run lint",
            "npm test",
            "it lost `npm lint`",
        ),
    ]);
}

#[test]
fn a_command_whose_failure_is_swallowed_is_looser() {
    let lost = "the failure of `npm test` no longer counts";
    for script in [
        "npm test || true",
        "npm test || echo failed",
        "npm test; exit 0",
        "npm test; true",
        "npm test | tee log.txt",
        "npm test &",
        "set -e; set +e; npm test; echo done",
        "! npm test",
        "npm test && echo ok || true",
        "true || npm test",
    ] {
        is_looser(&[("npm test", &format!("sh -c {script}"), lost)]);
    }
    is_looser(&[("npm test", "sh -c exit 0; npm test", "it lost `npm test`")]);
}

#[test]
fn a_command_that_leaves_out_or_takes_a_part_is_looser() {
    is_looser(&[
        ("pytest", "pytest -k not_slow", "it got `-k not_slow`"),
        (
            "pytest",
            "pytest --ignore=tests/slow",
            "it got `--ignore tests/slow`",
        ),
        (
            "pytest",
            "pytest tests/unit",
            "it runs only `tests/unit` instead of everything",
        ),
        (
            "cargo test --workspace",
            "cargo test --workspace --exclude core",
            "it got `--exclude core`",
        ),
        (
            "cargo test",
            "cargo test -- --skip slow",
            "it got `--skip slow`",
        ),
        ("cargo test", "cargo test -p core", "it got `-p core`"),
        ("go test ./...", "go test -short ./...", "it got `-short`"),
        (
            "ruff check .",
            "ruff check . --exit-zero",
            "it got `--exit-zero`",
        ),
        ("npm test", "npm test --if-present", "it got `--if-present`"),
        (
            "jest",
            "jest --passWithNoTests",
            "it got `--passWithNoTests`",
        ),
        ("pytest", "pytest --reruns 3", "it got `--reruns 3`"),
        ("make check", "make -i check", "it got `-i`"),
    ]);
}

#[test]
fn filters_of_more_runners_and_checkers_are_found() {
    is_looser(&[
        (
            "python3 -m unittest",
            "python3 -m unittest -k zzz",
            "it got `-k zzz`",
        ),
        (
            "python3 -m unittest discover -v",
            "python3 -m unittest discover -v -p x*.py",
            "it got `-p x*.py`",
        ),
        (
            "python3 -m unittest",
            "python3 -m unittest app",
            "it runs only `app` instead of everything",
        ),
        (
            "node --test",
            "node --test a.test.js",
            "it runs only `a.test.js` instead of everything",
        ),
        (
            "node --test",
            "node --test --test-only",
            "it got `--test-only`",
        ),
        (
            "coverage run -m pytest",
            "coverage run -m pytest tests/unit",
            "it runs only `tests/unit` instead of everything",
        ),
        ("tox", "tox -e lint", "it got `-e lint`"),
        (
            "pyright",
            "pyright src",
            "it runs only `src` instead of everything",
        ),
        ("jest --ci", "jest", "it lost `--ci`"),
        ("jest", "jest --listTests", "it got `--listTests`"),
        (
            "tsc --noEmit",
            "tsc --noEmit --noCheck",
            "it got `--noCheck`",
        ),
        (
            "tsc --noEmit",
            "tsc --noEmit -p tsconfig.loose.json",
            "it got `-p tsconfig.loose.json`",
        ),
        ("eslint .", "eslint . --fix", "it got `--fix`"),
        (
            "ruff check .",
            "ruff check . --select E",
            "it got `--select E`",
        ),
        (
            "mypy .",
            "mypy . --config-file other.ini",
            "it got `--config-file other.ini`",
        ),
        ("pytest", "pytest -c other.ini", "it got `-c other.ini`"),
    ]);
    is_accepted(&[
        ("node server.js", "node server.js --port 1"),
        ("python3 -m unittest", "python3 -m unittest discover -v"),
        (
            "python3 -m unittest discover",
            "coverage run -m unittest discover",
        ),
    ]);
}
