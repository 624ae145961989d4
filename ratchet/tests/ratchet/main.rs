//! The ratchet by data and by law, in one test binary: linking a second one costs more than its
//! tests.

mod floors;
mod readers;
