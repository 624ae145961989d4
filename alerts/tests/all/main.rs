//! All tests of alerts, in one binary. What takes longer than a second or sleeps is in a module
//! named `slow`.

mod delivery;
mod laws;
mod messages;
