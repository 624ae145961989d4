//! The hub: keeps what the gates found out and shows it live, in one axum service.
//!
//! The contract (`contracts/openapi.yaml`, `contracts/asyncapi.yaml`) defines the API; the
//! handlers implement a trait that is generated from it. Apart from tests, only this crate uses axum.

pub mod cli;
pub mod hub;
pub mod settings;

mod accept;
mod admin_key;
mod api;
mod auth;
mod dashboard;
#[cfg(feature = "drill")]
pub mod fault;
mod generated;
mod http;
mod live;
mod problem;
mod store;
mod telemetry;
mod upgrade;

pub use hub::{AdminKey, Hub, Start, StartError, start};
pub use settings::ServeSettings;
