//! Tests of conformance.

mod session;
