//! Child processes: each runs in a group of its own, within limits, and ends with us.
//!
//! A command starts as a [`Running`] process. Its group is signalled as a whole, first politely
//! and then hard, and it is killed when the value is dropped. When this process itself is killed,
//! a small guardian process ends the groups that it left. [`run`] and [`follow`] are the two usual
//! ways to run a command to its end.
//!
//! The process table is read in one place ([`table`]): who is whose child, whether a process id
//! still means the process that was started, how much memory a group holds, and which processes
//! still carry the mark of a [`Family`].
//!
//! Platforms: Linux reads `/proc`, other Unix systems call `ps`, Windows holds groups as job
//! objects and has no process table (an error of kind `Unsupported`).

mod family;
mod follow;
mod group;
mod guardian;
mod identity;
mod inherit;
mod run;
mod running;
mod table;

pub use family::{FAMILY_ENV, Family, LeftBehind, left_behind};
pub use follow::follow;
pub use group::{Force, Group, own_group, own_session, signal_group, signal_process};
pub use identity::{ProcessId, Usage};
pub use inherit::share_with_children;
pub use run::{Limits, Over, Ran, run};
pub use running::{End, Running};
pub use table::{Entry, descendants, entry, group_resident_bytes, groups_of, table};
