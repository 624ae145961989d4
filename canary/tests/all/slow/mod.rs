//! Tests that run services for seconds; a commit does not wait for them.

mod story;
