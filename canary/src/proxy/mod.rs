//! The embedded reverse proxy: HTTP/1.1 and HTTP/2, two versions, one weight, held by a lease. It runs in its
//! own process and outlives the controller.
//!
//! **Invariant**: without a call from the controller within the lease the canary's weight is 0.

mod backend;
mod client;
mod control;
mod downstream;
mod forward;
mod headers;
mod hop;
mod kept;
mod multiplex;
mod refuse;
mod samples;
mod serve;
mod shard;
mod shards;
mod shared;
mod table;
mod tracked;
mod traffic;
mod tunnel;
mod wire;

pub use client::{ControlClient, ControlError};
pub use control::{create_token, read_token};
pub use serve::{Proxy, ProxyConfig, ProxyError, ReadyLine, bind_proxy, run_proxy};
pub use shared::ProxyLimits;
pub use traffic::ProxyTraffic;
pub use wire::{
    Counts, Drain, Drained, Promote, ProxyState, RenewLease, SetThresholds, SetVersion, SetWeight,
    VersionCounts, VersionName,
};
