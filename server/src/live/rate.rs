//! How fast a client may talk: a token bucket with one warning.

use std::time::Duration;

/// What to do with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Handle it.
    Fine,
    /// Drop it and send one warning.
    Warn,
    /// Drop it silently; the warning was sent before.
    Drop,
    /// Close the connection.
    Close,
}

/// A bucket of `rate` messages that fills at `rate` a second.
#[derive(Debug)]
pub struct RateLimit {
    rate: f64,
    level: f64,
    at: Duration,
    n_over: u32,
}

impl RateLimit {
    /// A full bucket at the monotonic time `now`.
    #[must_use]
    pub fn new(rate: u32, now: Duration) -> Self {
        Self {
            rate: f64::from(rate),
            level: f64::from(rate),
            at: now,
            n_over: 0,
        }
    }

    /// Takes one message. After the warning as many messages again as the rate allows in a second
    /// are dropped, then the connection is closed; a full bucket forgets.
    pub fn take(&mut self, now: Duration) -> Pace {
        let elapsed = now.saturating_sub(self.at).as_secs_f64();
        self.at = now;
        self.level = (self.level + elapsed * self.rate).min(self.rate);
        if self.level >= self.rate {
            self.n_over = 0;
        }
        if self.level >= 1.0 {
            self.level -= 1.0;
            return Pace::Fine;
        }
        self.n_over += 1;
        match self.n_over {
            1 => Pace::Warn,
            n if f64::from(n) <= self.rate => Pace::Drop,
            _ => Pace::Close,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_fine_more_is_warned_and_much_more_is_closed() {
        let mut limit = RateLimit::new(5, Duration::ZERO);
        let got: Vec<Pace> = (0..11).map(|_| limit.take(Duration::ZERO)).collect();
        assert_eq!(got[..5], [Pace::Fine; 5]);
        assert_eq!(got[5], Pace::Warn);
        assert_eq!(got[6..10], [Pace::Drop; 4]);
        assert_eq!(got[10], Pace::Close);
    }

    #[test]
    fn a_client_at_its_rate_is_never_warned() {
        let mut limit = RateLimit::new(20, Duration::ZERO);
        for n in 0..2_000u32 {
            assert_eq!(limit.take(Duration::from_millis(50) * n), Pace::Fine);
        }
    }
}
