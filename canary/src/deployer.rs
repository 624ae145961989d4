//! The interface by which the controller's shell starts and stops versions of a service. The
//! process deployer implements it.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

pub use tollgate_process::Usage;

use crate::events::ProcessId;

/// What takes a while.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A version could not be started or did not become ready.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct DeployFailed {
    /// What happened, with the version's last words.
    pub detail: String,
}

/// Starts the candidate of one run.
pub trait Deployer: Send + Sync {
    /// Starts the candidate; it is not ready yet.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start(&self) -> Result<Box<dyn Instance>, DeployFailed>;

    /// Takes over a candidate that an earlier controller started; `None` when it is gone.
    fn attach(&self, id: &ProcessId) -> Option<Box<dyn Instance>>;
}

/// One running version. Dropping it does not stop it: a version outlives its controller.
pub trait Instance: Debug + Send + Sync {
    /// What the run's record keeps, so that a later controller can attach to it.
    fn id(&self) -> &ProcessId;

    /// Waits until it answers, and returns its address. A version that is not ready in time is stopped.
    fn ready(&mut self) -> Pending<'_, Result<SocketAddr, DeployFailed>>;

    /// How it ended by itself; `None` while it runs.
    fn ended(&mut self) -> Option<String>;

    /// What it uses with all its processes; `None` where that is not known.
    fn usage(&self) -> Option<Usage>;

    /// Stops it gracefully, and kills it after `within`.
    fn stop(&mut self, within: Duration) -> Pending<'_, ()>;
}
