//! Tests that run services or simulations for seconds; a commit does not wait for them.

mod false_alarms;
mod story;
