//! What a language needs so that its packages can be compiled and run.

use std::fmt::Debug;

use tollgate_process::{Limits, Ran};

use crate::ProofError;
use crate::package::{Built, Package};

/// How packages of one language are compiled. The package's files are in [`Package::folder`].
pub trait Toolchain: Debug + Send + Sync {
    /// How to install what is missing on this machine; absent when packages can be compiled.
    fn missing(&self) -> Option<String>;

    /// Compiles the package and its driver, and returns the driver when both compile.
    ///
    /// # Errors
    /// The compiler can't be started or followed, or a file can't be written.
    fn build(&self, package: &Package<'_>, limits: &Limits) -> Result<Built, ProofError>;

    /// Compiles the package alone, without an output.
    ///
    /// # Errors
    /// The compiler can't be started or followed, or a file can't be written.
    fn check(&self, package: &Package<'_>, limits: &Limits) -> Result<Ran, ProofError>;
}
