//! Real misbehaviour on demand, for drills of the canary. It is compiled only with
//! the feature `drill`.

use std::time::Duration;

use tokio::time::Instant;

/// How a candidate misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FaultKind {
    /// Answers 500 to the API and to health requests
    Errors,
    /// Answers each request 400 ms late
    Latency,
    /// Leaks 24 MiB a second
    Memory,
    /// Aborts the process
    Crash,
    /// Breaks the contract where only probes look
    Probe,
}

/// A fault that begins some time after the hub is ready.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// How the hub misbehaves.
    pub kind: FaultKind,
    /// From when on.
    pub begins: Instant,
}

/// What a fault does to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Answer 500.
    Fail,
    /// Wait first.
    Delay(Duration),
    /// Answer with a body that breaks the contract.
    BreakContract,
}

/// How late each answer is under [`FaultKind::Latency`].
const DELAY: Duration = Duration::from_millis(400);
/// How often and how much [`FaultKind::Memory`] leaks: 24 MiB a second.
const LEAK_INTERVAL: Duration = Duration::from_millis(250);
const LEAK_BYTES: usize = 6 << 20;
const PAGE_BYTES: usize = 4_096;

impl Fault {
    /// What it does to a request for `path` now. `/ready` always works, so that the candidate
    /// becomes ready and the canary has to find out.
    #[must_use]
    pub fn effect(&self, path: &str) -> Effect {
        if Instant::now() < self.begins || path == "/ready" {
            return Effect::None;
        }
        let is_api = path.starts_with("/api/") || path.starts_with("/health");
        match self.kind {
            FaultKind::Errors if is_api => Effect::Fail,
            FaultKind::Latency => Effect::Delay(DELAY),
            FaultKind::Probe if path == "/health/complete" => Effect::BreakContract,
            FaultKind::Probe if path == "/ws" => Effect::Fail,
            _ => Effect::None,
        }
    }

    /// Runs the faults that need no request. Never returns.
    pub async fn run(self) {
        tokio::time::sleep_until(self.begins).await;
        match self.kind {
            FaultKind::Crash => std::process::abort(),
            FaultKind::Memory => leak().await,
            FaultKind::Errors | FaultKind::Latency | FaultKind::Probe => {
                std::future::pending().await
            }
        }
    }
}

async fn leak() {
    let mut kept = Vec::new();
    loop {
        let mut block = vec![0_u8; LEAK_BYTES];
        // A page counts as resident only once it was written.
        for page in block.chunks_mut(PAGE_BYTES) {
            page[0] = 1;
        }
        kept.push(std::hint::black_box(block));
        tokio::time::sleep(LEAK_INTERVAL).await;
    }
}
