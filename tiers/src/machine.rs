//! The machine's speed: a fixed amount of work, timed once and recorded in `.tollgate/machine.json`.
//!
//! The work is done by code that the standard library brings compiled (numbers to text and back,
//! UTF-8, copies of memory) and by a few small files, so that it takes about the same time in a
//! debug and in a release build. The shortest of many short rounds counts: other load lengthens
//! some rounds and shortens none.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tollgate_report::{Clock, SystemClock, Timestamp, write_atomic};

use crate::load::{LoadSample, sample_of_system};

/// Form of the record and of the work; a new one is measured again.
const VERSION: u32 = 1;
/// Rounds that make up the recorded work.
const N_ROUNDS: u64 = 10;
/// How long rounds are repeated, alone and on all cores.
const ALONE: Duration = Duration::from_millis(150);
const TOGETHER: Duration = Duration::from_millis(250);

/// What can be measured of a machine. Tests choose the answers.
pub trait Gauge: Sync {
    /// The machine as it is without other load; `folder` takes small files for a moment.
    fn machine(&self, folder: &Path) -> Measured;
    /// How long one round takes now on every core at once, in ns on average.
    fn round_now_ns(&self, cores: u64) -> u64;
    /// The running totals of CPU time and waiting; none where the system does not count them.
    fn load(&self) -> Option<LoadSample>;
}

/// One measurement of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The fixed work, in microseconds.
    pub work_us: u64,
    /// One round on every core at once, in ns: the median of the cores' shortest.
    pub round_ns: u64,
}

/// The recorded machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Form of this record.
    pub version: u32,
    /// The processor's name.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: u64,
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured.
    pub measured: Measured,
}

/// The record at `path` when it is of this machine; otherwise measures and records.
pub fn recorded(path: &Path, gauge: &dyn Gauge, now: Timestamp) -> Machine {
    let kept = fs::read(path)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Machine>(&bytes).ok());
    let (cpu, cores) = (cpu_name(), cores());
    if let Some(kept) = kept
        && (kept.version, kept.cores, &kept.cpu) == (VERSION, cores, &cpu)
    {
        return kept;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let machine = Machine {
        version: VERSION,
        cpu,
        cores,
        at: now,
        measured: gauge.machine(folder),
    };
    if let Ok(bytes) = serde_json::to_vec_pretty(&machine) {
        // Without the record the machine is measured again next time.
        let _ = write_atomic(path, &bytes);
    }
    machine
}

fn cores() -> u64 {
    thread::available_parallelism().map_or(1, |cores| u64::try_from(cores.get()).unwrap_or(1))
}

fn cpu_name() -> String {
    // The first core's record is enough; the kernel measures each core that it reports.
    let name = fs::File::open("/proc/cpuinfo").ok().and_then(|file| {
        let lines = BufReader::with_capacity(512, file).lines();
        let mut lines = lines.map_while(Result::ok);
        lines.find_map(|line| {
            let (_, name) = line.strip_prefix("model name")?.split_once(": ")?;
            Some(name.trim().to_owned())
        })
    });
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The machine that this process runs on.
#[derive(Debug, Default)]
pub struct SystemGauge {
    clock: SystemClock,
}

impl Gauge for SystemGauge {
    fn machine(&self, folder: &Path) -> Measured {
        let alone = *self.rounds(ALONE).iter().min().unwrap_or(&1);
        let files = (0..3).map(|_| self.files(&folder.join("calibration")));
        let files = files.min().unwrap_or_default();
        let mut shortest: Vec<u64> = self
            .rounds_on(cores())
            .iter()
            .filter_map(|rounds| rounds.iter().min().copied())
            .collect();
        shortest.sort_unstable();
        Measured {
            work_us: (alone * N_ROUNDS + files) / 1_000,
            round_ns: shortest.get(shortest.len() / 2).copied().unwrap_or(alone),
        }
    }

    fn round_now_ns(&self, cores: u64) -> u64 {
        let rounds = self.rounds_on(cores).concat();
        let n = u64::try_from(rounds.len()).unwrap_or(u64::MAX).max(1);
        rounds.iter().sum::<u64>() / n
    }

    fn load(&self) -> Option<LoadSample> {
        sample_of_system()
    }
}

impl SystemGauge {
    fn ns_since(&self, started: Duration) -> u64 {
        let elapsed = self.clock.monotonic().saturating_sub(started);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Times of the rounds that fit into `length`; at least one.
    fn rounds(&self, length: Duration) -> Vec<u64> {
        let began = self.clock.monotonic();
        let mut work = Work::new();
        let mut times = Vec::new();
        while times.is_empty() || self.clock.monotonic().saturating_sub(began) < length {
            let started = self.clock.monotonic();
            work.round();
            times.push(self.ns_since(started));
        }
        times
    }

    fn rounds_on(&self, cores: u64) -> Vec<Vec<u64>> {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..cores)
                .map(|_| scope.spawn(|| self.rounds(TOGETHER)))
                .collect();
            threads
                .into_iter()
                .filter_map(|thread| thread.join().ok())
                .collect()
        })
    }

    /// Writes, reads and removes 32 small files. A folder that can't be written costs nothing.
    fn files(&self, folder: &Path) -> u64 {
        let started = self.clock.monotonic();
        if fs::create_dir_all(folder).is_err() {
            return 0;
        }
        for n in 0..32 {
            let path = folder.join(n.to_string());
            let written = fs::write(&path, [b'x'; 4_096]).and_then(|()| fs::read(&path));
            let _ = black_box(written);
            let _ = fs::remove_file(&path);
        }
        let _ = fs::remove_dir(folder);
        self.ns_since(started)
    }
}

struct Work {
    text: String,
    bytes: Vec<u8>,
}

impl Work {
    fn new() -> Self {
        Self {
            text: String::with_capacity(32),
            bytes: vec![b'a'; 1 << 18],
        }
    }

    /// About a millisecond on the reference machine.
    fn round(&mut self) {
        let mut number = 0.1_f64;
        for _ in 0..1_500 {
            self.text.clear();
            let _ = write!(self.text, "{number:e}");
            number = self.text.parse::<f64>().unwrap_or(0.1) * 1.017;
        }
        black_box(number);
        let half = self.bytes.len() / 2;
        for _ in 0..4 {
            self.bytes.copy_within(..half, half);
            black_box(std::str::from_utf8(&self.bytes).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU64);

    impl Gauge for Counting {
        fn machine(&self, _: &Path) -> Measured {
            let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Measured {
                work_us: 1_000 + n,
                round_ns: 1,
            }
        }
        fn round_now_ns(&self, _: u64) -> u64 {
            1
        }
        fn load(&self) -> Option<LoadSample> {
            None
        }
    }

    #[test]
    fn a_machine_is_measured_once_and_another_processor_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("machine.json");
        let gauge = Counting(0.into());
        let first = recorded(&path, &gauge, Timestamp::EPOCH);
        assert_eq!(recorded(&path, &gauge, Timestamp::EPOCH), first);
        let other = fs::read_to_string(&path)
            .unwrap()
            .replace(&first.cpu, "other");
        fs::write(&path, other).unwrap();
        let again = recorded(&path, &gauge, Timestamp::EPOCH);
        assert_eq!(again.measured.work_us, first.measured.work_us + 1);
    }

    #[test]
    fn the_work_takes_time_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let measured = SystemGauge::default().machine(folder.path());
        assert!(
            measured.work_us > 0 && measured.round_ns > 0,
            "{measured:?}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
