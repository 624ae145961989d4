//! The ratchet: reports in, floors out; quality only goes up.
//!
//! Readers turn report bytes into measurements. `check` compares them with the committed floors,
//! `tighten` raises floors on evidence, `merge` joins two versions, and nothing here loosens one.
//! This crate must not know tokio, a socket, the system clock, or any budget: a ratchet compares
//! with yesterday, a budget with a promise. Only functions named `load`, `save` and `append` do IO.

pub mod measure;
pub mod metric;
pub mod settings;

pub mod reader;

pub mod floors;
pub mod history;
pub mod waiver;

pub mod check;
pub mod merge;
pub mod tighten;

pub mod show;
pub mod trend;

pub use check::{CheckInput, Checked, Status, check};
pub use floors::{Floor, Floors, FloorsError};
pub use history::{History, HistoryEntry};
pub use measure::{Measurement, measure};
pub use merge::{diff_floors, merge, merge_driver};
pub use metric::{Catalogue, Direction, Metric, Unit};
pub use reader::{ReadError, Report, ReportKind, detect, read};
pub use settings::RatchetSettings;
pub use tighten::{TightenInput, Tightened, adopt, tighten};
pub use waiver::Waiver;
