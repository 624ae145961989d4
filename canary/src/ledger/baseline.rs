//! What the stable version answers to each operation, and what is unusual compared with it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::facts::AnswerHead;

/// Operations kept apart; further ones share one entry for each method.
const N_OPERATIONS_MAX: usize = 400;
/// An operation is judged when the stable version has answered it so often.
const N_LEARNT: usize = 30;
/// At the end of the warm-up fewer are enough.
const N_LEARNT_WARM: usize = 12;
/// A status with a smaller share of the baseline is unusual.
const USUAL_SHARE: f64 = 0.05;

/// How much slower than the baseline's p95 is slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlowMargin {
    pub(crate) share_ppm: u32,
    pub(crate) min_us: u64,
}

impl Default for SlowMargin {
    fn default() -> Self {
        Self {
            share_ppm: 250_000,
            min_us: 10_000,
        }
    }
}

/// One request of the stable version that has ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Learnt {
    pub(super) head: AnswerHead,
    pub(super) first_us: Option<u64>,
    /// Absent when the answer did not end by itself.
    pub(super) total_us: Option<u64>,
    pub(super) bytes: u64,
    pub(super) gap_us: u64,
}

/// One tunnel of the stable version that has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct LearntTunnel {
    pub(super) first_us: Option<u64>,
    pub(super) lasted_us: u64,
}

#[derive(Debug, Default)]
struct Learning {
    answers: Vec<Learnt>,
    tunnels: Vec<LearntTunnel>,
}

/// What is usual for an operation; limits in microseconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Usual {
    pub(super) statuses: BTreeSet<u16>,
    pub(super) content_types: BTreeSet<Option<String>>,
    pub(super) codings: BTreeSet<String>,
    pub(super) always_location: bool,
    pub(super) first_us: Option<u64>,
    pub(super) total_us: Option<u64>,
    pub(super) gap_us: Option<u64>,
    /// Bytes of a successful body, at least and at most.
    pub(super) bytes: Option<(u64, u64)>,
}

/// What is usual for the tunnels of an operation.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct UsualTunnel {
    /// The service sends something within this time.
    pub(super) first_us: Option<u64>,
    /// The service does not end it sooner.
    pub(super) lasted_us: u64,
}

/// One operation.
#[derive(Debug, Default)]
pub(super) struct Operation {
    pub(super) key: String,
    learning: Mutex<Learning>,
    usual: OnceLock<Usual>,
    usual_tunnel: OnceLock<UsualTunnel>,
}

impl Operation {
    pub(super) fn usual(&self) -> Option<&Usual> {
        self.usual.get()
    }

    pub(super) fn usual_tunnel(&self) -> Option<&UsualTunnel> {
        self.usual_tunnel.get()
    }

    fn learning(&self) -> MutexGuard<'_, Learning> {
        self.learning.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn freeze(&self, n_min: usize, margin: SlowMargin) {
        let mut learning = self.learning();
        if self.usual.get().is_none() && learning.answers.len() >= n_min {
            // Set once; a second value would be judged by the answers that it judges.
            let _ = self.usual.set(usual(&learning.answers, margin));
            learning.answers = Vec::new();
        }
        if self.usual_tunnel.get().is_none() && learning.tunnels.len() >= n_min {
            let _ = self.usual_tunnel.set(usual_tunnel(&learning.tunnels));
            learning.tunnels = Vec::new();
        }
    }
}

/// The baseline of a service, learnt from its stable version.
#[derive(Debug, Default)]
pub(crate) struct Baseline {
    operations: Mutex<HashMap<String, Arc<Operation>>>,
    /// Set at the end of the warm-up.
    warm: OnceLock<SlowMargin>,
}

impl Baseline {
    pub(super) fn operation(&self, key: String, method: &str) -> Arc<Operation> {
        let mut operations = self
            .operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(operation) = operations.get(&key) {
            return operation.clone();
        }
        let key = if operations.len() < N_OPERATIONS_MAX {
            key
        } else {
            format!("{method} …")
        };
        let new = || {
            Arc::new(Operation {
                key: key.clone(),
                ..Operation::default()
            })
        };
        operations.entry(key.clone()).or_insert_with(new).clone()
    }

    /// The warm-up is over: what was learnt is in force. A second call changes nothing.
    pub(crate) fn freeze(&self, margin: SlowMargin) {
        if self.warm.set(margin).is_err() {
            return;
        }
        let operations = self
            .operations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for operation in operations.values() {
            operation.freeze(N_LEARNT_WARM, margin);
        }
    }

    pub(super) fn learn(&self, operation: &Operation, learnt: Learnt) {
        if operation.usual.get().is_some() {
            return;
        }
        let mut learning = operation.learning();
        if learning.answers.len() < 2_000 {
            learning.answers.push(learnt);
        }
        drop(learning);
        self.freeze_learnt(operation);
    }

    pub(super) fn learn_tunnel(&self, operation: &Operation, learnt: LearntTunnel) {
        if operation.usual_tunnel.get().is_some() {
            return;
        }
        operation.learning().tunnels.push(learnt);
        self.freeze_learnt(operation);
    }

    fn freeze_learnt(&self, operation: &Operation) {
        if let Some(margin) = self.warm.get() {
            operation.freeze(N_LEARNT, *margin);
        }
    }
}

fn usual(answers: &[Learnt], margin: SlowMargin) -> Usual {
    let mut by_status = BTreeMap::<u16, usize>::new();
    for learnt in answers {
        *by_status.entry(learnt.head.status).or_default() += 1;
    }
    let is_usual = |n: usize| n as f64 >= USUAL_SHARE * answers.len() as f64;
    let statuses: BTreeSet<u16> = by_status
        .into_iter()
        .filter(|(_, n)| is_usual(*n))
        .map(|(status, _)| status)
        .collect();
    let good: Vec<&Learnt> = answers.iter().filter(|learnt| is_good(learnt)).collect();
    let whole: Vec<u64> = answers
        .iter()
        .filter_map(|learnt| learnt.total_us)
        .collect();
    let slow = |times: Vec<u64>| {
        let p95 = quantile(times, 0.95)?;
        let share = p95.saturating_mul(u64::from(margin.share_ppm)) / 1_000_000;
        Some(p95 + share.max(margin.min_us))
    };
    let sizes = || {
        good.iter()
            .filter(|learnt| learnt.total_us.is_some())
            .map(|learnt| learnt.bytes)
    };
    Usual {
        content_types: good
            .iter()
            .map(|learnt| learnt.head.content_type.clone())
            .collect(),
        codings: good
            .iter()
            .map(|learnt| learnt.head.coding.clone())
            .collect(),
        always_location: !good.is_empty() && good.iter().all(|learnt| learnt.head.has_location),
        first_us: slow(
            answers
                .iter()
                .filter_map(|learnt| learnt.first_us)
                .collect(),
        ),
        // Answers that only clients end, such as event streams, have no usual time to their end.
        total_us: (whole.len() * 2 > answers.len())
            .then(|| slow(whole))
            .flatten(),
        gap_us: quantile(answers.iter().map(|learnt| learnt.gap_us).collect(), 0.95)
            .map(|gap_us| gap_us * 4 + 1_000_000),
        bytes: sizes()
            .min()
            .zip(sizes().max())
            .map(|(min, max)| (min / 2, max * 4 + 256)),
        statuses,
    }
}

pub(super) fn is_good(learnt: &Learnt) -> bool {
    (200..300).contains(&learnt.head.status)
}

fn usual_tunnel(tunnels: &[LearntTunnel]) -> UsualTunnel {
    let firsts: Vec<u64> = tunnels
        .iter()
        .filter_map(|tunnel| tunnel.first_us)
        .collect();
    let always = firsts.len() == tunnels.len();
    UsualTunnel {
        first_us: always
            .then(|| quantile(firsts, 0.95))
            .flatten()
            .map(|first_us| first_us * 4 + 1_000_000),
        lasted_us: quantile(
            tunnels.iter().map(|tunnel| tunnel.lasted_us).collect(),
            0.05,
        )
        .unwrap_or_default()
            / 2,
    }
}

/// The value below which at least this share lies; `None` without values.
fn quantile(mut values: Vec<u64>, share: f64) -> Option<u64> {
    values.sort_unstable();
    let rank = crate::numbers::round_u64((share * values.len() as f64).ceil()).max(1);
    values.get(usize::try_from(rank).ok()? - 1).copied()
}
