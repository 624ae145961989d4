//! The three services of `examples/`, each as a repository of its own: the commands of its README
//! do what the README states.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tollgate_tests::process::{self, Running};
use tollgate_tests::repository::Repository;
use tollgate_tests::tool::workspace;

/// The committed files of an example in a repository of its own.
fn example(name: &str) -> Repository {
    let repository = Repository::new(&[]);
    copy(
        &workspace().join("examples").join(name),
        &mut |path, text| repository.write(path, text),
        "",
    );
    repository.commit("the example");
    repository
}

fn copy(folder: &Path, write: &mut impl FnMut(&str, &str), below: &str) {
    for entry in fs::read_dir(folder).expect("the example is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.expect("a plain name");
        if [
            "target",
            "node_modules",
            "__pycache__",
            ".tollgate",
            "generated",
        ]
        .contains(&name)
        {
            continue;
        }
        let below = format!("{below}{name}");
        if path.is_dir() {
            copy(&path, write, &format!("{below}/"));
        } else {
            write(&below, &fs::read_to_string(&path).expect("a text"));
        }
    }
}

/// Starts the service, and waits for the address that it prints.
fn serve(repository: &Repository, program: &str, args: &[&str]) -> (Running, String) {
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(repository.path())
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut service = process::start(repository.path(), command);
    let stdout = service.take_stdout().expect("standard output is a pipe");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    let base = line.trim().to_owned();
    assert!(base.starts_with("http://"), "{program} printed `{line}`");
    (service, base)
}

#[test]
fn the_rust_service_passes_its_tier_and_its_probe_and_a_breaking_contract_is_reported() {
    let repository = example("rust");
    let first = repository.run(&["tier0"]);
    first.expect_code(0).expect_says(&["test", "pass"]);
    let again = repository.run(&["tier0"]);
    again.expect_code(0).expect_says(&["cached"]);
    repository.run(&["contract", "check"]).expect_code(0);

    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let (_service, base) = serve(
        &repository,
        &cargo,
        &["run", "--quiet", "--", "127.0.0.1:0"],
    );
    let probed = repository.run(&["probe", "run", "--base", &base]);
    probed.expect_code(0).expect_says(&["health"]);

    repository.replace("openapi.yaml", "required: [text]", "required: []");
    let broken = repository.run(&["contract", "check"]);
    broken.expect_code(3).expect_says(&["text"]);
}

#[test]
fn the_python_service_passes_its_tier_and_conform_finds_its_defects() {
    let repository = example("python");
    repository
        .run(&["tier0"])
        .expect_code(0)
        .expect_says(&["syntax", "tests", "contract"]);
    let (_service, base) = serve(&repository, "python3", &["service.py", "0"]);
    let conform = repository.run(&[
        "contract",
        "conform",
        &base,
        "--contract",
        "openapi.yaml",
        "--max-requests",
        "300",
        "--seed",
        "1",
    ]);
    conform.expect_code(3).expect_says(&["curl"]);
}

#[test]
fn the_typescript_page_generates_its_models_and_a_stale_one_fails() {
    let repository = example("typescript");
    repository.run(&["codegen"]).expect_code(0);
    repository.commit("generated models");
    repository
        .run(&["tier0"])
        .expect_code(0)
        .expect_says(&["drift"]);
    repository.replace(
        "openapi.yaml",
        "      properties:\n",
        "      properties:\n        note: { type: string, description: A remark }\n",
    );
    let stale = repository.run(&["tier0"]);
    stale.expect_code(3).expect_says(&["drift", "generated/"]);
}
