//! One file a command: its arguments, its help and its output. The gates decide.

pub mod alert;
pub mod budget;
pub mod canary;
pub mod codegen;
pub mod conform;
pub mod contract;
pub mod diff;
pub mod evidence;
pub mod hook;
pub mod internal;
pub mod lint;
pub mod load;
pub mod lock;
pub mod merge_driver;
pub mod probe;
pub mod ratchet;
pub mod release;
pub mod serve;
pub mod setup;
pub mod ship;
pub mod tier;
