//! Why nothing could be generated.

/// Why nothing could be generated.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// The part does not exist in this language.
    #[error(
        "`{language}` has no `{part}`: only {languages} has it; \
         remove `{part}` from `emit` of this target"
    )]
    Unsupported {
        /// The language.
        language: &'static str,
        /// The part.
        part: &'static str,
        /// The languages that have it.
        languages: String,
    },
    /// There is nothing to generate from.
    #[error("no contract is given: name at least one under `contracts` of the target")]
    NoContract,
    /// A target names a contract that was not loaded.
    #[error("contract `{0}` of a target is not loaded")]
    NotLoaded(String),
    /// Two targets write one file.
    #[error(
        "the targets `{first}` and `{second}` both write `{path}`; \
         give each a folder of its own under `out`"
    )]
    SameFile {
        /// The file, from the root.
        path: String,
        /// The folder of the target that comes first.
        first: String,
        /// The folder of the other one.
        second: String,
    },
    /// The contract does not state who may call an operation.
    #[error(
        "cannot generate the server: operation `{operation}` has no `x-permission`; \
         add one, or `x-permission: public` if everybody may call the operation"
    )]
    NoPermission {
        /// The operation's id.
        operation: String,
    },
}
