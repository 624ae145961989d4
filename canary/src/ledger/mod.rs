//! What one version's answers were like, whatever engine carries them. An engine reports each
//! request by a few calls: [`Arm::open`] when it is routed, [`Exchange::head`] when the answer
//! begins, [`Exchange::data`] for each piece of its body, and [`Exchange::end`]. One that is dropped
//! without an end was given up by the client. A request that switched protocols continues as a
//! [`Tunnel`].
//!
//! What is unusual is decided against a [`Baseline`]: what the stable version answered to the same
//! operation before. It is fixed before the first answer that it judges, so that two equal versions
//! are found unusual equally often.

mod arm;
mod baseline;
mod counts;
mod exchange;
mod facts;
mod frames;
mod operation;
mod tunnel;

#[cfg(test)]
mod tests;

pub(crate) use arm::{Arm, Thresholds};
pub(crate) use baseline::{Baseline, SlowMargin};
pub use counts::VersionCounts;
pub(crate) use exchange::Exchange;
pub(crate) use facts::{AnswerHead, End, RequestHead};
pub(crate) use tunnel::{Side, Tunnel};
