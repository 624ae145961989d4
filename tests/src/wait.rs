//! The one way to wait: ask again until it is so, or until the deadline.

use std::time::{Duration, Instant};

const BETWEEN: Duration = Duration::from_millis(20);

/// Asks until there is an answer, and returns it.
///
/// # Panics
/// When there is none `within` this time; `what` is in the message.
#[track_caller]
pub fn until<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "{what} did not come within {within:?}"
        );
        std::thread::sleep(BETWEEN);
    }
}
