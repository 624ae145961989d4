//! The process table of this machine, read in one place: `/proc` on Linux, `ps` on other Unix
//! systems.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub pid: u32,
    /// The process that started it, or 1 when that one has ended.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// It has ended and nobody has waited for it yet.
    pub is_zombie: bool,
    /// When it started, see [`crate::ProcessId::start_ticks`].
    pub start_ticks: Option<u64>,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// CPU time that it used, together with the children that it waited for; zero where only `ps`
    /// is available.
    pub used: Duration,
}

/// All processes, by ascending id. Processes that end meanwhile may be missing.
///
/// # Errors
/// Of kind `Unsupported` where neither `/proc` nor `ps` is available.
pub fn table() -> io::Result<Vec<Entry>> {
    let mut entries = system::table()?;
    entries.sort_by_key(|entry| entry.pid);
    Ok(entries)
}

/// One process; absent when it does not exist or the table cannot be read.
#[must_use]
pub fn entry(pid: u32) -> Option<Entry> {
    system::entry(pid)
}

/// A process and all that it started, directly or not, as far as the table still shows it: when a
/// process ends, its children no longer lead back to it.
#[must_use]
pub fn descendants(table: &[Entry], pid: u32) -> BTreeSet<u32> {
    let mut family = BTreeSet::from([pid]);
    loop {
        let n_before = family.len();
        for entry in table {
            if family.contains(&entry.parent) {
                family.insert(entry.pid);
            }
        }
        if family.len() == n_before {
            return family;
        }
    }
}

/// The process groups of a process and its descendants, its own id included, our own group not.
#[must_use]
pub fn groups_of(pid: u32) -> BTreeSet<u32> {
    let table = table().unwrap_or_default();
    let ours = table.iter().find(|entry| entry.pid == std::process::id());
    let our_group = ours.map(|entry| entry.group);
    let family = descendants(&table, pid);
    table
        .iter()
        .filter(|entry| family.contains(&entry.pid) && Some(entry.group) != our_group)
        .map(|entry| entry.group)
        .chain([pid])
        .collect()
}

/// Resident memory of all processes of a group, in bytes; 0 where the table cannot be read.
#[must_use]
pub fn group_resident_bytes(group: u32) -> u64 {
    let table = table().unwrap_or_default();
    table
        .iter()
        .filter(|entry| entry.group == group)
        .map(|entry| entry.resident_bytes)
        .sum()
}

/// Memory of one process in bytes, of which pages shared with others count in parts; its resident
/// memory where the system does not report that.
pub(crate) fn proportional_bytes(entry: &Entry) -> u64 {
    system::proportional_bytes(entry.pid).unwrap_or(entry.resident_bytes)
}

/// The processes whose environment, as raw text, passes this check, with their command lines.
/// Only those whose environment we may read.
pub(crate) fn with_environment(is_wanted: impl Fn(&str) -> bool) -> io::Result<Vec<(u32, String)>> {
    system::with_environment(is_wanted)
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;
    use std::io;
    use std::time::Duration;

    use super::Entry;

    pub(super) fn table() -> io::Result<Vec<Entry>> {
        Ok(pids()?.filter_map(entry).collect())
    }

    fn pids() -> io::Result<impl Iterator<Item = u32>> {
        Ok(fs::read_dir("/proc")?
            .flatten()
            .filter_map(|file| file.file_name().to_str()?.parse().ok()))
    }

    pub(super) fn entry(pid: u32) -> Option<Entry> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        parse(&stat, page_bytes())
    }

    /// See proc_pid_smaps(5): processes that were forked share pages, which would count for each.
    pub(super) fn proportional_bytes(pid: u32) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kib * 1024)
    }

    fn page_bytes() -> u64 {
        u64::try_from(rustix::param::page_size()).unwrap_or(4096)
    }

    /// `pid (name) state parent group …`, see proc(5). The name may contain spaces and
    /// parentheses; the fields behind it are counted from `state`, number 3 of the page.
    fn parse(stat: &str, page_bytes: u64) -> Option<Entry> {
        let (pid, rest) = stat.split_once(" (")?;
        let fields: Vec<&str> = rest.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).copied();
        let n_pages: u64 = field(24)?.parse().ok()?;
        Some(Entry {
            pid: pid.parse().ok()?,
            is_zombie: matches!(field(3)?, "Z" | "X"),
            parent: field(4)?.parse().ok()?,
            group: field(5)?.parse().ok()?,
            start_ticks: field(22)?.parse().ok(),
            resident_bytes: n_pages * page_bytes,
            used: used(&field),
        })
    }

    /// User and system time, and both of the children, in hundredths of a second on every Linux.
    fn used<'a>(field: &impl Fn(usize) -> Option<&'a str>) -> Duration {
        let ticks = (14..=17).filter_map(|number| field(number)?.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    pub(super) fn with_environment(
        is_wanted: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<(u32, String)>> {
        let text = |pid: u32, name: &str| {
            let bytes = fs::read(format!("/proc/{pid}/{name}")).ok()?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let read = |pid| {
            is_wanted(&text(pid, "environ")?).then_some(())?;
            let command = text(pid, "cmdline")?.replace('\0', " ");
            Some((pid, command.trim().to_owned()))
        };
        Ok(pids()?.filter_map(read).collect())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_name_with_parentheses_does_not_shift_the_fields() {
            let stat = "12 (a) b) S 1 77 77 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9 1000 42 18446";
            let want = Entry {
                pid: 12,
                parent: 1,
                group: 77,
                is_zombie: false,
                start_ticks: Some(9),
                resident_bytes: 42 * 4096,
                used: Duration::from_millis(260),
            };
            assert_eq!(parse(stat, 4096), Some(want));
        }
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod system {
    use std::io;
    use std::process::Command;

    use super::Entry;
    use super::ps::{COLUMNS, parse};

    fn ps(args: &[&str]) -> io::Result<String> {
        let output = Command::new("ps").args(args).env("LC_ALL", "C").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(super) fn proportional_bytes(_pid: u32) -> Option<u64> {
        None
    }

    pub(super) fn table() -> io::Result<Vec<Entry>> {
        Ok(ps(&["-axo", COLUMNS])?.lines().filter_map(parse).collect())
    }

    pub(super) fn entry(pid: u32) -> Option<Entry> {
        let text = ps(&["-o", COLUMNS, "-p", &pid.to_string()]).ok()?;
        text.lines().find_map(parse)
    }

    /// `ps -E` prints the variables behind the arguments, and only those of our own processes.
    pub(super) fn with_environment(
        is_wanted: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<(u32, String)>> {
        let text = ps(&["-axEww", "-o", "pid=,command="])?;
        let read = |line: &str| {
            let (pid, rest) = line.trim_start().split_once(' ')?;
            is_wanted(rest).then_some(())?;
            let n_words = rest
                .split(' ')
                .take_while(|word| !word.contains('='))
                .count();
            let command: Vec<&str> = rest.split(' ').take(n_words).collect();
            Some((pid.parse().ok()?, command.join(" ")))
        };
        Ok(text.lines().filter_map(read).collect())
    }
}

/// The output of `ps`; compiled on Linux for its test.
#[cfg(all(unix, any(test, not(target_os = "linux"))))]
mod ps {
    use std::time::Duration;

    use super::Entry;

    #[cfg_attr(
        target_os = "linux",
        expect(dead_code, reason = "only its parser is tested here")
    )]
    pub(super) const COLUMNS: &str = "pid=,ppid=,pgid=,rss=,stat=,lstart=";

    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];

    /// `pid parent group KiB state Tue Dec 1 04:20:56 2026`
    pub(super) fn parse(line: &str) -> Option<Entry> {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let number = |idx: usize| fields.get(idx)?.parse::<u64>().ok();
        let id = |idx: usize| u32::try_from(number(idx)?).ok();
        Some(Entry {
            pid: id(0)?,
            parent: id(1)?,
            group: id(2)?,
            resident_bytes: number(3)? * 1024,
            used: Duration::ZERO,
            is_zombie: fields.get(4)?.starts_with('Z'),
            start_ticks: fields.get(6..10).and_then(date),
        })
    }

    /// `Dec 1 04:20:56 2026` as the number 20261201042056.
    fn date(fields: &[&str]) -> Option<u64> {
        let month = MONTHS.iter().position(|month| *month == fields[0])? + 1;
        let day: u64 = fields[1].parse().ok()?;
        let time: u64 = fields[2].replace(':', "").parse().ok()?;
        let year: u64 = fields[3].parse().ok()?;
        let month = u64::try_from(month).ok()?;
        Some(((year * 100 + month) * 100 + day) * 1_000_000 + time)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_line_of_ps_gives_group_memory_and_start() {
            let line = "  501   1   77  2048 S+   Tue Dec  1 04:20:56 2026";
            let want = Entry {
                pid: 501,
                parent: 1,
                group: 77,
                is_zombie: false,
                start_ticks: Some(20_261_201_042_056),
                resident_bytes: 2 << 20,
                used: Duration::ZERO,
            };
            assert_eq!(parse(line), Some(want));
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    use super::Entry;

    fn unsupported<T>() -> io::Result<T> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "reading the process table is not supported on this system",
        ))
    }

    pub(super) fn proportional_bytes(_pid: u32) -> Option<u64> {
        None
    }

    pub(super) fn table() -> io::Result<Vec<Entry>> {
        unsupported()
    }

    pub(super) fn entry(_pid: u32) -> Option<Entry> {
        None
    }

    pub(super) fn with_environment(
        _is_wanted: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<(u32, String)>> {
        unsupported()
    }
}
