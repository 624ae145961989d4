//! What goes wrong on a user's side is told with file and line or the resource, the next command,
//! and the right exit code; and nothing is left behind.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use tollgate_tests::process::{expect_gone, left_in};
use tollgate_tests::repository::Repository;
use tollgate_tests::tool::built;

/// A service: the real hub, not built but there.
fn service() -> String {
    format!(
        r#"
[service]
name = "hub"
binary = "{}"
args = ["--listen", "127.0.0.1:{{port}}", "--database", "{{database}}", "--version-label", "{{version}}"]
key_env = "TOLLGATE_HUB_ADMIN_KEY"

[canary]
ready_within = "1s"
"#,
        built().join("tollgate-hub").display()
    )
}

#[test]
fn settings_that_are_wrong_name_file_line_and_what_was_meant() {
    let repository = Repository::new(&[]);
    for (text, parts) in [
        (
            "[ship]\nprobe_evry = \"1s\"\n",
            &[
                "error[settings-unknown-key]: unknown key `probe_evry`",
                "--> tollgate.toml:2:1",
                "did you mean `probe_every`?",
            ][..],
        ),
        (
            "[ship]\nprobe_every = \"1 hour\"\n",
            &[
                "`1 hour`",
                "--> tollgate.toml:2:15",
                "a duration such as `250ms`",
            ],
        ),
        (
            "[canary]\nmemory_critical = \"1 gig\"\n",
            &["`1 gig`", "--> tollgate.toml:2:", "MiB"],
        ),
        ("[ship\n", &["--> tollgate.toml:1:6", "unclosed table"]),
        (
            "[[probes]]\nname = \"health\"\n[probes.http]\npth = \"/\"\n",
            &[
                "unknown key `pth`",
                "--> tollgate.toml:4:1",
                "did you mean `path`?",
            ],
        ),
    ] {
        repository.write("tollgate.toml", text);
        for command in [&["tier0"][..], &["ship"], &["probe", "list"]] {
            repository.run(command).expect_code(5).expect_says(parts);
        }
    }
    repository.write("tollgate.toml", "[ship]\nprobe_evry = \"1s\"\n");
    let json = repository.run(&["tier0", "--format", "json"]);
    let finding = json.expect_code(5).json()["error"]["findings"][0].clone();
    assert_eq!(finding["place"]["line"], 2);
    repository
        .run(&["--settings", "other.toml", "tier0"])
        .expect_code(5)
        .expect_says(&["other.toml", "--settings"]);
}

#[test]
fn without_settings_each_command_reports_what_it_needs_and_none_passes() {
    let repository = Repository::new(&[]);
    for (args, code, parts) in [
        (&["ship"][..], 5, &["[service]", "`binary`"][..]),
        (&["canary", "run"], 5, &["[service]", "`binary`"]),
        (&["codegen"], 5, &["[codegen]", "--contract FILE"]),
        (
            &["contract", "lint"],
            5,
            &["contracts/openapi.yaml", "[contracts]"],
        ),
        (
            &["ratchet", "check"],
            5,
            &["quality_ratchet.json", "ratchet tighten"],
        ),
        (
            &["budget", "check"],
            6,
            &["measurements.json", "tollgate ship"],
        ),
        (
            &["probe", "run", "--base", "http://127.0.0.1:1"],
            5,
            &["[[probes]]"],
        ),
        (&["probe", "run"], 5, &["[[probes]]"]),
        (&["canary", "status"], 2, &["tollgate canary run"]),
        (&["canary", "resume"], 2, &["tollgate canary run"]),
        (&["tier0"], 0, &["tier0 not checked: the tier has no steps"]),
        (&["alert", "list"], 0, &["no alerts"]),
        (&["frobnicate"], 2, &["unrecognized subcommand"]),
    ] {
        repository.run(args).expect_code(code).expect_says(parts);
    }
}

#[test]
fn an_unknown_evidence_id_is_a_usage_error() {
    let repository = Repository::new(&[]);
    for id in ["0123456789ab", "nonsense", ""] {
        for command in ["explain", "replay"] {
            repository
                .run(&[command, id])
                .expect_code(2)
                .expect_says(&["ids are printed at the end of each command"]);
        }
    }
}

#[test]
fn a_folder_that_can_not_be_written_is_named() {
    // Root writes into read-only folders too, so a file stands where the folder should be.
    let repository = Repository::new(&[(
        "contracts/openapi.yaml",
        "openapi: 3.1.0\ninfo: { title: A, version: 1.0.0 }\npaths: {}\n",
    )]);
    repository.write(".tollgate", "not a folder\n");
    for args in [&["tier0"][..], &["contract", "lint"], &["alert", "test"]] {
        let run = repository.run(args);
        run.expect_says(&[".tollgate"]);
        assert_eq!(run.code, Some(6), "{args:?}\n{}", run.all());
    }
    repository
        .run(&["doctor"])
        .expect_says(&[".tollgate", "can't be written"]);
}

#[test]
fn a_busy_port_is_named_with_the_next_command_and_nothing_stays_running() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let repository = Repository::new(&[("tollgate.toml", &service())]);
    repository
        .run(&["canary", "run", "--port", &port.to_string()])
        .expect_code(6)
        .expect_says(&[&format!("127.0.0.1:{port}"), "ss -ltnp"]);
    expect_gone(&left_in(repository.path()));
}

#[test]
fn a_candidate_that_never_becomes_ready_is_rolled_back_and_nothing_stays_running() {
    let repository = Repository::new(&[
        ("tollgate.toml", &service()),
        ("sleeper.sh", "#!/bin/sh\nexec sleep 600\n"),
    ]);
    let sleeper = repository.path().join("sleeper.sh");
    fs::set_permissions(&sleeper, fs::Permissions::from_mode(0o755)).unwrap();
    let run = repository.run(&["canary", "run", "--candidate", "sleeper.sh"]);
    run.expect_code(3).expect_says(&[
        "the candidate did not become ready",
        "sleeper.sh",
        "it was not ready within 1.0 s",
        "0% seen at the data plane",
        "tollgate canary status",
    ]);
    expect_gone(&left_in(repository.path()));
    repository
        .run(&["canary", "status"])
        .expect_code(0)
        .expect_says(&["did not become ready"]);
}

#[test]
fn a_service_whose_binary_is_not_there_names_it() {
    let settings = "[service]\nname = \"hub\"\nbinary = \"bin/nothing\"\nargs = [\"{port}\"]\n";
    let repository = Repository::new(&[("tollgate.toml", settings)]);
    repository
        .run(&["canary", "run"])
        .expect_code(6)
        .expect_says(&["bin/nothing", "`service.binary`"]);
    expect_gone(&left_in(repository.path()));
}

#[test]
fn hostile_contracts_are_refused_in_bounded_time_and_never_crash() {
    let deep = "[".repeat(20_000);
    let bomb: String = (0..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        let more = n + 1;
        text + &format!("a{more}: &a{more} [*a{n}, *a{n}, *a{n}, *a{n}]\n")
    });
    let long = format!(
        "openapi: 3.1.0\ninfo: {{ title: \"{}\", version: 1.0.0 }}\npaths: {{}}\n",
        "x".repeat(4_000_000)
    );
    let circle = "openapi: 3.1.0\ninfo: { title: A, version: 1.0.0 }\npaths: {}\ncomponents:\n  schemas:\n    A: { $ref: '#/components/schemas/B' }\n    B: { $ref: '#/components/schemas/A' }\n";
    for (name, text, codes) in [
        ("empty", "", &[5][..]),
        ("only a comment", "# nothing\n", &[5]),
        ("truncated", "openapi: 3.1.0\ninfo: { title: A, vers", &[5]),
        (
            "another kind of document",
            "apiVersion: v1\nkind: Pod\n",
            &[5],
        ),
        ("deep", &deep, &[5]),
        ("alias bomb", &bomb, &[5]),
        ("four megabytes", &long, &[0, 3, 5]),
        ("a circle of references", circle, &[0, 3, 5]),
        (
            "control characters",
            "openapi: 3.1.0\ninfo: { title: \"\\u001b[2J\", version: 1.0.0 }\npaths: { \"/\\u001b[2J\": { get: {} } }\n",
            &[0, 3, 5],
        ),
    ] {
        let repository = Repository::new(&[("contracts/openapi.yaml", text)]);
        let run = repository.run(&["contract", "lint"]);
        let code = run
            .code
            .unwrap_or_else(|| panic!("{name}: killed by a signal: {}", run.stderr));
        let says: String = run.all().chars().take(2_000).collect();
        assert!(codes.contains(&code), "{name}: exit {code}: {says}");
        assert!(
            !run.all().contains('\u{1b}'),
            "{name}: a terminal would obey this"
        );
        if code == 5 {
            run.expect_says(&["contracts/openapi.yaml"]);
        }
    }
}

#[test]
fn bytes_that_are_not_text_are_refused_by_every_reader() {
    let repository =
        Repository::new(&[("tollgate.toml", "[ratchet]\nreports = [\"lcov.info\"]\n")]);
    let junk: Vec<u8> = (0..=255).collect();
    for path in [
        "contracts/openapi.yaml",
        "lcov.info",
        "measured.json",
        "quality_ratchet.json",
        "budgets/performance_sla.json",
    ] {
        let path = repository.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &junk).unwrap();
    }
    for (args, name) in [
        (&["contract", "lint"][..], "contracts/openapi.yaml"),
        (&["ratchet", "check"], "quality_ratchet.json"),
        (
            &["ratchet", "check", "--report", "lcov.info"],
            "quality_ratchet.json",
        ),
        (&["budget", "check", "measured.json"], "measured.json"),
    ] {
        let run = repository.run(args);
        assert!(
            matches!(run.code, Some(5 | 6)),
            "{args:?}: {:?}\n{}",
            run.code,
            run.all()
        );
        run.expect_says(&[name]);
    }
}
