//! Processes that are found by the mark that they inherit.
#![cfg(target_os = "linux")]

use std::time::Duration;

use tollgate_process::{Family, Running, left_behind};

use crate::support::{expect_gone, silent, until};

#[test]
fn a_daemon_that_left_its_group_and_its_parent_is_still_found_by_its_mark() {
    let family = Family::ending_with_us();
    let mut command = silent("setsid sleep 600 & setsid sleep 601 & wait");
    family.mark(&mut command);
    let mut running = Running::start(command).unwrap();
    let members = until("both daemons", || {
        let members = family.members().unwrap();
        let n_sleeps = members
            .iter()
            .filter(|member| member.command.starts_with("sleep"));
        (n_sleeps.count() == 2).then_some(members)
    });
    running.kill();
    let left = family.left_after(Duration::from_millis(100)).unwrap();
    let commands: Vec<&str> = left.iter().map(|left| left.command.as_str()).collect();
    assert_eq!(commands, ["sleep 600", "sleep 601"]);
    assert_eq!(
        left[0].to_string(),
        format!("pid {}: `sleep 600`", left[0].pid)
    );
    let ids: Vec<_> = members
        .iter()
        .map(|member| tollgate_process::ProcessId::of(member.pid))
        .collect();
    drop(family);
    expect_gone(&ids);
}

#[test]
fn a_family_inside_a_family_belongs_to_both() {
    let (outer, inner) = (Family::ending_with_us(), Family::new());
    let both = format!("{},{}", outer.variable(), inner.variable());
    let mut command = silent("exec sleep 600");
    command.env(tollgate_process::FAMILY_ENV, both);
    let running = Running::start(command).unwrap();
    let pid = running.pid();
    let is_member = |mark: &str| {
        let members = left_behind(mark).unwrap();
        members.iter().any(|member| member.pid == pid)
    };
    let own_mark = |family: &Family| family.variable().rsplit(',').next().unwrap().to_owned();
    // The environment of a program that is about to start reads as empty.
    until("membership of both", || {
        (is_member(&own_mark(&outer)) && is_member(&own_mark(&inner))).then_some(())
    });
    assert!(!is_member("another"));
}
