//! The commands of the built-in steps. Nothing is run here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A step that settings select by name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Builtin {
    /// `cargo fmt --all --check`.
    Fmt,
    /// `cargo clippy` with warnings as errors.
    Lint,
    /// `cargo check`.
    Check,
    /// `cargo nextest run` where it is present, otherwise `cargo test`.
    Test,
    /// The contract's lint.
    Contract,
    /// The contract's difference from the blessed one.
    ContractDiff,
    /// Whether generated files are stale.
    Drift,
    /// Unit tests with coverage.
    Coverage,
    /// The ratchet's check.
    Ratchet,
    /// `cargo mutants`.
    Mutation,
    /// `cargo bench`.
    Bench,
    /// `cargo deny`: bans, licences, sources.
    Audit,
}

impl Builtin {
    /// The name as the settings write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Lint => "lint",
            Self::Check => "check",
            Self::Test => "test",
            Self::Contract => "contract",
            Self::ContractDiff => "contract_diff",
            Self::Drift => "drift",
            Self::Coverage => "coverage",
            Self::Ratchet => "ratchet",
            Self::Mutation => "mutation",
            Self::Bench => "bench",
            Self::Audit => "audit",
        }
    }

    /// Whether the built-in caches each crate apart.
    #[must_use]
    pub fn is_per_crate(self) -> bool {
        matches!(self, Self::Lint | Self::Check | Self::Test)
    }

    /// Why a result of the built-in is not kept: it depends on more than files, variables and
    /// tools. None when it is kept.
    #[must_use]
    pub fn not_cached(self) -> Option<&'static str> {
        match self {
            Self::Ratchet => Some("it reads reports, history and the date"),
            Self::ContractDiff => Some("it depends on the base and the date"),
            Self::Bench => Some("it measures time"),
            Self::Audit => Some("it may use the network"),
            Self::Fmt | Self::Lint | Self::Check | Self::Test => None,
            Self::Contract | Self::Drift | Self::Coverage | Self::Mutation => None,
        }
    }

    /// Files that the built-in writes and other gates read.
    #[must_use]
    pub fn outputs(self) -> &'static [&'static str] {
        match self {
            Self::Coverage => &[".tollgate/coverage/lcov.info"],
            Self::Mutation => &[".tollgate/mutants/mutants.out/outcomes.json"],
            _ => &[],
        }
    }

    /// The command as the settings could write it. Lint, check and nextest build `{workspace}`, not
    /// `-p a -p b`: what is unaffected is fresh and costs nothing, while a narrower selection
    /// changes the unified features and rebuilds dependencies. `cargo test` has no filter by
    /// package, so it takes `{packages}`. For tests, `has_nextest` picks the runner.
    #[must_use]
    pub fn command(self, has_nextest: bool) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Fmt => &["cargo", "fmt", "--all", "--check"],
            Self::Lint => &[
                "cargo",
                "clippy",
                "{workspace}",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
            Self::Check => &["cargo", "check", "{workspace}", "--all-targets"],
            Self::Test if has_nextest => &[
                "cargo",
                "nextest",
                "run",
                "{workspace}",
                "{filter}",
                "--no-fail-fast",
                "--no-tests=pass",
                "{junit}",
            ],
            Self::Test => &["cargo", "test", "{packages}", "--no-fail-fast", "{skip}"],
            Self::Contract => &["{tollgate}", "contract", "lint"],
            Self::ContractDiff => &["{tollgate}", "contract", "check"],
            Self::Drift => &["{tollgate}", "codegen", "--check"],
            Self::Coverage => &["{tollgate}", "internal", "coverage"],
            Self::Ratchet => &["{tollgate}", "ratchet", "check"],
            Self::Mutation => &["cargo", "mutants", "-o", ".tollgate/mutants"],
            Self::Bench => &["cargo", "bench", "--workspace"],
            Self::Audit => &["cargo", "deny", "check", "bans", "licenses", "sources"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Whether the built-in takes part in the one instrumented build of `tiers.coverage`.
    #[must_use]
    pub fn is_instrumented(self) -> bool {
        matches!(self, Self::Lint | Self::Test)
    }

    /// The command when `tiers.coverage` is set: lint builds what the tests run, by clippy in the
    /// compiler's place.
    #[must_use]
    pub fn instrumented_command(self, has_nextest: bool) -> Vec<String> {
        match self {
            Self::Lint => ["cargo", "test", "--no-run", "{workspace}"]
                .map(str::to_owned)
                .to_vec(),
            _ => self.command(has_nextest),
        }
    }
}

/// How to get a tool that is missing.
#[must_use]
pub fn install_hint(tool: &str) -> String {
    let hint = match tool {
        "cargo" | "rustc" | "rustup" => "install Rust from rustup.rs",
        "cargo-nextest" => "cargo install cargo-nextest --locked",
        "cargo-clippy" => "rustup component add clippy",
        "cargo-fmt" | "rustfmt" => "rustup component add rustfmt",
        "cargo-deny" => "cargo install cargo-deny --locked",
        "cargo-mutants" => "cargo install cargo-mutants --locked",
        "llvm-cov" | "llvm-profdata" => "rustup component add llvm-tools",
        "npm" | "npx" | "node" => "install Node.js",
        "pnpm" | "yarn" => return format!("npm install --global {tool}"),
        "ruff" | "pytest" => return format!("pip install {tool}"),
        "swift" => "install Swift from swift.org",
        _ => return format!("install `{tool}` and put it on PATH"),
    };
    hint.to_owned()
}
