//! A process that is killed leaves nothing that it guarded: not even SIGKILL stops its guardian.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use tollgate_process::{Family, Force, ProcessId, Running, signal_group};

use crate::support::{expect_gone, silent};

const MODE: &str = "TOLLGATE_PROCESS_TEST_MODE";

/// Not a test of its own: with the variable set it is the process that is killed.
#[test]
fn starts_what_is_guarded_when_it_is_called_so() {
    if std::env::var_os(MODE).is_none() {
        return;
    }
    let family = Family::ending_with_us();
    let group = Running::start(silent("sleep 600 & sleep 600")).unwrap();
    let mut away = silent("exec sleep 600");
    family.mark(&mut away);
    let away = Running::start_released(away).unwrap();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "\npids {} {}", group.pid(), away.pid()).unwrap();
    stdout.flush().unwrap();
    std::thread::park();
}

#[cfg(target_os = "linux")]
#[test]
fn a_test_that_is_killed_leaves_no_process() {
    for force in [Force::Hard, Force::Polite] {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args([
                "--exact",
                "slow::survivors::starts_what_is_guarded_when_it_is_called_so",
            ])
            .arg("--nocapture")
            .env(MODE, "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut test = Running::start(command).unwrap();
        let stdout = BufReader::new(test.take_stdout().unwrap());
        let line = stdout
            .lines()
            .map_while(Result::ok)
            .find(|line| line.starts_with("pids "));
        let line = line.expect("the process prints what it started");
        let ids: Vec<ProcessId> = line
            .split_whitespace()
            .skip(1)
            .map(|pid| ProcessId::of(pid.parse().unwrap()))
            .collect();
        assert!(ids.len() == 2 && ids.iter().all(ProcessId::is_running));
        signal_group(test.pid(), force);
        assert!(test.wait().unwrap().code().is_none(), "a signal ended it");
        expect_gone(&ids);
    }
}
