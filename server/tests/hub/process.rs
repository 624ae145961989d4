//! The hub as a process: the first key, kill -9, a graceful end.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use reqwest::Method;
use serde_json::json;

use crate::harness::{ADMIN_KEY, Client, database, project, run};

/// A hub process; killed when it is dropped.
pub struct Process {
    child: Child,
    base: String,
}

impl Process {
    pub fn start(database: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate-hub"))
            .arg("--database")
            .arg(database)
            .args(arguments)
            .env("TOLLGATE_HUB_ADMIN_KEY", ADMIN_KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let base = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Self { child, base }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.base, ADMIN_KEY)
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn no_acknowledged_write_is_lost_by_kill_9() {
    let (_folder, path) = database();
    let mut process = Process::start(&path, &[]);
    assert_eq!(
        process
            .client()
            .post("/api/v1/projects", project("one"))
            .await
            .0,
        201
    );
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let client = process.client();
        // Four writers at once, so that the kill meets writes under way.
        let writers = (0..4).map(|writer| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut kept = Vec::new();
                for n in 0.. {
                    let revision = format!("{round}.{writer}.{n}");
                    let request = client.request(Method::POST, "/api/v1/projects/one/runs");
                    match request.json(&run(&revision)).send().await {
                        Ok(response) if response.status() == 201 => kept.push(revision),
                        _ => break,
                    }
                }
                kept
            })
        });
        let writers: Vec<_> = writers.collect();
        let watched = process.client();
        while watched
            .get("/metrics")
            .await
            .1
            .as_str()
            .unwrap()
            .lines()
            .all(|line| {
                line.strip_prefix("tollgate_event_seq ")
                    .is_none_or(|seq| seq.parse::<u64>().unwrap() < 70 * (round + 1))
            })
        {}
        process.kill();
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        process = Process::start(&path, &[]);
    }
    assert!(acknowledged.len() >= 200, "{} writes", acknowledged.len());
    let client = process.client();
    let mut kept = std::collections::BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let (_, page) = client
            .get(&format!("/api/v1/projects/one/runs?limit=200{cursor}"))
            .await;
        for run in page["items"].as_array().unwrap() {
            kept.insert(run["revision"].as_str().unwrap().to_owned());
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|revision| !kept.contains(*revision))
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_term_signal_ends_it_with_zero_after_the_answers_are_out() {
    let (_folder, path) = database();
    let mut process = Process::start(&path, &[]);
    let mut stream = process.client().stream().await;
    let told = Command::new("kill")
        .args(["-TERM", &process.child.id().to_string()])
        .status();
    assert!(told.unwrap().success());
    assert_eq!(stream.close_code().await, 1012);
    assert_eq!(process.wait().code(), Some(0));
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_file_is_made_once_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, path) = database();
    let key_file = folder.path().join("admin.key");
    let mut keys = Vec::new();
    for _ in 0..2 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollgate-hub"))
            .arg("--database")
            .arg(&path)
            .arg("--admin-key-file")
            .arg(&key_file)
            .env_remove("TOLLGATE_HUB_ADMIN_KEY")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let key = std::fs::read_to_string(&key_file).unwrap();
        let base = line.trim().strip_prefix("listening on ").unwrap();
        assert_eq!(
            Client::new(base, key.trim()).get("/api/v1/tokens").await.0,
            200
        );
        let mode = std::fs::metadata(&key_file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        keys.push(key);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(keys[0], keys[1]);
}

#[test]
fn a_busy_port_and_a_bad_key_are_named() {
    let (_folder, path) = database();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = |listen: &str, key: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_tollgate-hub"))
            .args(["--listen", listen, "--database"])
            .arg(&path)
            .env("TOLLGATE_HUB_ADMIN_KEY", key)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, text) = run(&address, ADMIN_KEY);
    assert!(
        code == Some(6) && text.contains(&format!("error: the hub cannot listen on `{address}`")),
        "{text}"
    );
    let (code, text) = run("127.0.0.1:0", "hunter2");
    assert!(code == Some(6) && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn two_processes_share_one_database() {
    let (_folder, path) = database();
    let stable = Process::start(&path, &["--version-label", "stable"]);
    let candidate = Process::start(&path, &["--version-label", "candidate"]);
    let mut stream = candidate.client().stream().await;
    stream.subscribe(&["project.*"]).await;
    assert_eq!(
        stable
            .client()
            .post("/api/v1/projects", project("one"))
            .await
            .0,
        201
    );
    assert_eq!(stream.next().await["payload"]["kind"], "project.created");
    assert_eq!(
        candidate.client().get("/health/complete").await.1["versionLabel"],
        json!("candidate")
    );
}
