//! Commands that run to their end, and commands that are stopped.

use std::io;
use std::process::Command;
use std::time::Duration;

use tollgate_process::{End, Force, Limits, Over, Running, follow, groups_of, run};

use crate::support::{expect_gone, shell, silent, until};

const LIMITS: Limits = Limits {
    time: Duration::from_secs(60),
    memory_bytes: 1 << 30,
    stdout_max_bytes: 1 << 20,
    stderr_max_bytes: 1 << 20,
};

#[test]
fn a_command_gets_its_input_and_returns_both_outputs() {
    let ran = run(
        shell("cat; echo no >&2; exit 3"),
        b"yes\n".to_vec(),
        &LIMITS,
    )
    .unwrap();
    assert_eq!(ran.end, End::Exited(Some(3)));
    assert_eq!(
        (ran.stdout.as_slice(), ran.stderr.as_slice()),
        (&b"yes\n"[..], &b"no\n"[..])
    );
    assert_eq!(ran.reason(&LIMITS), "exit code 3");
    assert_eq!(ran.text(), "yes\nno\n");
}

#[test]
fn output_above_the_limit_is_read_and_dropped() {
    let limits = Limits {
        stdout_max_bytes: 10,
        ..LIMITS
    };
    let ran = run(shell("head -c 1000000 /dev/zero"), Vec::new(), &limits).unwrap();
    assert_eq!((ran.end, ran.stdout.len()), (End::Exited(Some(0)), 10));
}

#[test]
fn a_command_over_its_time_is_stopped_with_all_that_it_started() {
    let limits = Limits {
        time: Duration::from_millis(50),
        ..LIMITS
    };
    let ran = run(shell("sleep 600 & sleep 600"), Vec::new(), &limits).unwrap();
    assert_eq!(ran.end, End::Stopped(Over::Time));
}

#[cfg(target_os = "linux")]
#[test]
fn a_command_over_its_memory_is_stopped() {
    let limits = Limits {
        memory_bytes: 16 << 20,
        ..LIMITS
    };
    let script = "x=$(head -c 100000000 /dev/zero | tr '\\0' x); sleep 600";
    let ran = run(shell(script), Vec::new(), &limits).unwrap();
    assert_eq!(ran.end, End::Stopped(Over::Memory));
    assert!(ran.peak_bytes > limits.memory_bytes);
}

#[test]
fn a_missing_program_is_an_end_and_a_missing_folder_an_error() {
    let ran = run(Command::new("no-such-program"), Vec::new(), &LIMITS).unwrap();
    assert_eq!(ran.end, End::Missing);
    let follow = |command| follow(command, Duration::ZERO, |_| Ok(()), || None::<()>);
    let end = follow(Command::new("no-such-program")).unwrap();
    assert_eq!(end, End::Missing);
    let mut command = shell("true");
    command.current_dir("/no/such/folder");
    assert_eq!(follow(command).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn both_outputs_arrive_in_order_and_a_reason_stops_the_command() {
    let seen = std::cell::RefCell::new(Vec::new());
    let end = follow(
        shell("echo one; echo two >&2; sleep 600"),
        Duration::from_millis(500),
        |bytes| {
            seen.borrow_mut().extend_from_slice(bytes);
            Ok(())
        },
        || (seen.borrow().len() == 8).then_some("enough"),
    )
    .unwrap();
    assert_eq!(end, End::Stopped("enough"));
    assert_eq!(seen.into_inner(), b"one\ntwo\n");
}

#[test]
fn a_process_that_ignores_the_polite_signal_is_killed_after_its_grace() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready");
    let script = format!(
        "trap '' TERM; touch {}; while :; do sleep 600; done",
        ready.display()
    );
    let mut running = Running::start(silent(&script)).unwrap();
    until("the trap", || ready.is_file().then_some(()));
    running.signal(Force::Polite);
    assert_eq!(running.try_wait().unwrap(), None);
    running.stop(Duration::from_millis(100), || ());
    assert!(running.wait().unwrap().code().is_none());
    expect_gone(&[running.id().clone()]);
}

#[test]
fn a_dropped_command_ends_with_its_group_and_a_released_one_goes_on() {
    let running = Running::start(silent("sleep 600 & wait")).unwrap();
    let id = running.id().clone();
    assert!(id.is_running());
    assert!(groups_of(id.pid).contains(&id.pid));
    drop(running);
    expect_gone(&[id]);

    let released = Running::start_released(silent("exec sleep 600")).unwrap();
    let id = released.id().clone();
    drop(released);
    assert!(id.is_running());
    assert!(id.resident_bytes().is_some());
    let later = tollgate_process::ProcessId {
        start_ticks: id.start_ticks.map(|ticks| ticks + 1),
        ..id.clone()
    };
    assert!(
        !later.is_running(),
        "the id is used again by another process"
    );
    id.signal_group(Force::Hard);
    expect_gone(&[id]);
}
