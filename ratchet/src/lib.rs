//! The ratchet: reports in, floors out; quality only goes up.
//!
//! Readers turn report bytes into measurements. `check` compares them with the committed floors,
//! `tighten` raises floors on evidence, `merge` joins two versions, and nothing here loosens one:
//! `base` reports what a change loosens. A ratchet compares with the values of yesterday; a promise is a matter of `tollgate-budgets`.
//! Only functions named `load`, `load_all`, `save` and `append` do IO.

pub mod metric;
pub mod settings;

pub mod catalogue;
pub mod measure;
pub mod measurement;

pub mod reader;

pub mod floors;
pub mod history;
pub mod waiver;

pub mod noise;
pub mod tighten;

pub mod base;
pub mod check;
pub mod gap;
pub mod merge;
pub mod patch;

pub mod show;
pub mod trend;

pub use base::{BaseInput, Version, compare_with_base, diff_floors};
pub use catalogue::{Catalogue, scope_of};
pub use check::{CheckInput, Checked, Status, check};
pub use floors::{Floor, Floors, FloorsError};
pub use gap::{GapKind, ReportGap};
pub use history::{History, HistoryEntry};
pub use measure::{Together, measure};
pub use measurement::Measurement;
pub use merge::{Merged, merge, merge_driver};
pub use metric::{Direction, Metric, Unit};
pub use patch::Patch;
pub use reader::{ReadError, Report, ReportKind, detect, read};
pub use settings::RatchetSettings;
pub use tighten::{TightenInput, Tightened, adopt, tighten};
pub use waiver::Waiver;
