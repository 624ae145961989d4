//! The watch after a promotion: what of the promoted version sends the traffic back. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// Cumulative counts of the promoted version at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Milliseconds on the supervisor's clock.
    pub at_ms: u64,
    /// Finished requests.
    pub n: u64,
    /// Server errors, broken answers, refused connections and timeouts.
    pub n_bad: u64,
    /// Answered requests.
    pub n_answered: u64,
    /// Answers above the critical latency.
    pub n_over_critical: u64,
}

/// Limits, from the plan of the canary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// A share of bad answers above this is critical.
    pub error_rate: f64,
    /// Over how long it is measured.
    pub error_rate_for: Duration,
    /// How long the p95 must be critical.
    pub latency_for: Duration,
    /// Memory above this is critical.
    pub memory: u64,
}

/// Fewer answers decide nothing.
const N_MIN: u64 = 20;
/// Fewer bad answers decide nothing.
const N_BAD_MIN: u64 = 3;

/// What was seen since the promotion, as far back as the longest window.
#[derive(Debug, Default)]
pub struct Watch {
    samples: VecDeque<Sample>,
}

impl Watch {
    /// Takes a sample; the answer is the reason to go back.
    pub fn add(&mut self, sample: Sample, memory: Option<u64>, limits: &Limits) -> Option<String> {
        // Counts that went back are those of a restarted proxy: what was before can't be compared.
        if self.samples.back().is_some_and(|last| last.n > sample.n) {
            self.samples.clear();
        }
        self.samples.push_back(sample);
        let longest = millis(limits.error_rate_for.max(limits.latency_for));
        while self.samples.len() > 2 && self.samples[1].at_ms + longest <= sample.at_ms {
            self.samples.pop_front();
        }
        memory_reason(memory, limits)
            .or_else(|| self.errors(sample, limits))
            .or_else(|| self.latency(sample, limits))
    }

    /// The oldest sample within `window`; what came before it is not of the window.
    fn since(&self, now: Sample, window: Duration) -> Sample {
        let from = now.at_ms.saturating_sub(millis(window));
        let found = self.samples.iter().find(|sample| sample.at_ms >= from);
        *found.unwrap_or(&now)
    }

    fn errors(&self, now: Sample, limits: &Limits) -> Option<String> {
        let then = self.since(now, limits.error_rate_for);
        let (n, n_bad) = (now.n - then.n, now.n_bad.saturating_sub(then.n_bad));
        let share = n_bad as f64 / n.max(1) as f64;
        (n >= N_MIN && n_bad >= N_BAD_MIN && share > limits.error_rate).then(|| {
            format!(
                "{n_bad} of {n} requests were answered badly ({:.1}%, critical above {:.1}%)",
                100.0 * share,
                100.0 * limits.error_rate
            )
        })
    }

    fn latency(&self, now: Sample, limits: &Limits) -> Option<String> {
        let oldest = self.samples.front()?;
        if now.at_ms - oldest.at_ms < millis(limits.latency_for) {
            return None;
        }
        let then = self.since(now, limits.latency_for);
        let n = now.n_answered.saturating_sub(then.n_answered);
        let n_over = now.n_over_critical.saturating_sub(then.n_over_critical);
        let share = n_over as f64 / n.max(1) as f64;
        (n >= N_MIN && share > 0.05).then(|| {
            format!(
                "the p95 is above the critical latency: {:.1}% of {n} answers took longer",
                100.0 * share
            )
        })
    }
}

fn memory_reason(memory: Option<u64>, limits: &Limits) -> Option<String> {
    let mib = |bytes: u64| bytes / (1 << 20);
    let memory = memory.filter(|memory| *memory > limits.memory)?;
    Some(format!(
        "it holds {} MiB of memory, critical above {} MiB",
        mib(memory),
        mib(limits.memory)
    ))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        error_rate: 0.05,
        error_rate_for: Duration::from_secs(10),
        latency_for: Duration::from_secs(10),
        memory: 100 << 20,
    };

    fn sample(second: u64, n: u64, n_bad: u64, n_over_critical: u64) -> Sample {
        Sample {
            at_ms: second * 1_000,
            n,
            n_bad,
            n_answered: n,
            n_over_critical,
        }
    }

    #[test]
    fn a_version_that_turns_bad_is_noticed_and_one_bad_answer_in_a_hundred_is_not() {
        let mut watch = Watch::default();
        for second in 0..100 {
            let seen = watch.add(sample(second, second * 100, second, 0), None, &LIMITS);
            assert_eq!(seen, None, "second {second}");
        }
        let reason = watch
            .add(sample(100, 10_000, 199, 0), None, &LIMITS)
            .unwrap();
        assert!(reason.contains("of 1000 requests"), "{reason}");
    }

    #[test]
    fn a_few_requests_decide_nothing() {
        let mut watch = Watch::default();
        assert_eq!(watch.add(sample(0, 0, 0, 0), None, &LIMITS), None);
        assert_eq!(watch.add(sample(1, 19, 19, 0), None, &LIMITS), None);
    }

    #[test]
    fn slow_answers_must_last_and_memory_need_not() {
        let mut watch = Watch::default();
        for second in 0..10 {
            let slow = sample(second, second * 10, 0, second * 10);
            assert_eq!(watch.add(slow, Some(50 << 20), &LIMITS), None);
        }
        let reason = watch.add(sample(10, 100, 0, 100), None, &LIMITS).unwrap();
        assert!(reason.contains("p95"), "{reason}");
        let reason = Watch::default().add(sample(0, 0, 0, 0), Some(101 << 20), &LIMITS);
        assert_eq!(
            reason.as_deref(),
            Some("it holds 101 MiB of memory, critical above 100 MiB")
        );
    }

    #[test]
    fn counts_of_a_restarted_proxy_begin_anew() {
        let mut watch = Watch::default();
        assert_eq!(watch.add(sample(0, 1_000, 0, 0), None, &LIMITS), None);
        assert_eq!(watch.add(sample(1, 10, 1, 0), None, &LIMITS), None);
        assert!(watch.add(sample(2, 40, 31, 0), None, &LIMITS).is_some());
    }
}
