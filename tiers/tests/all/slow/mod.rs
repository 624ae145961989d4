//! Tests that compile packages with this machine's cargo; tier 0 leaves them out.

#[cfg(unix)]
mod coverage;
mod rust;
#[cfg(unix)]
mod shared_build;
