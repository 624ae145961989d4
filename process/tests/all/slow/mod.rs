//! Tests that take seconds; tier 0 leaves them out.

mod survivors;
