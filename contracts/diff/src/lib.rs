//! What changed between two contracts, for whom it breaks, and which version bump it requires. The
//! comparison is by meaning: resolved schemas, by direction.

mod agreement;
mod aliases;
mod allow;
mod async_parts;
mod asyncapi;
mod bless;
mod bodies;
mod called;
mod change;
mod compare;
mod flat;
mod grouping;
mod http;
mod json;
mod keys;
mod keywords;
mod leaf;
mod limits;
mod oasdiff;
mod operation_facts;
mod properties;
mod schema;
mod security;
mod servers;
mod settings;
mod sides;
mod unions;
mod variants;
mod walk;
mod witness;

pub use agreement::{CaseResult, judge_case};
pub use allow::{Allowed, CompareSettings, take_allowed, take_ignored};
pub use bless::check_blessed;
pub use change::{Bump, Change, Level, Witness, WitnessShare, suggest_bump, witness_share};
pub use compare::{diff, diff_and_peer, diff_with};
pub use json::diff_json;
pub use oasdiff::{PeerFinding, Rule, peer_counts, peer_findings, rule, rules};
pub use settings::{DiffSettings, Stability};
pub use walk::oasdiff_alias;
