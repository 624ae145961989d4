//! The asynchronous runtime of a command.

use crate::failure::{CommandResult, Failure};

/// Runs the asynchronous part of a command; what it leaves behind has two seconds to end.
pub(crate) fn block_on(command: impl Future<Output = CommandResult>) -> CommandResult {
    // The one place that chooses a cryptography provider for the whole process; a second
    // choice would be refused and is harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::environment(
                anyhow::Error::new(error).context("cannot start the async runtime"),
            )
        })?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}
