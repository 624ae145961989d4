//! What can be typed: clap types without logic.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// From contract to promoted release, each step proved
#[derive(Debug, Parser)]
#[command(
    name = "tollgate",
    bin_name = "cargo xtask",
    version,
    max_term_width = 100,
    after_help = "Example: cargo xtask ship\n\nExit codes: 0 pass, 2 usage, 3 findings, 4 generated files stale, 5 bad settings or contract,\n6 environment, 7 inconclusive, 70 our bug"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Clone, Args)]
pub struct Global {
    /// How results are written to standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, env = "TOLLGATE_FORMAT")]
    pub format: Format,
    /// Print only results and failures
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, env = "TOLLGATE_COLOR")]
    pub color: Color,
    /// The settings file; by default `tollgate.toml` of the repository
    #[arg(long, global = true, value_name = "FILE", env = "TOLLGATE_SETTINGS")]
    pub settings: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// SARIF 2.1.0, for `contract lint`
    Sarif,
    /// Annotations of GitHub Actions, for `contract lint`
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take this repository from contract to a promoted release of the hub, on this machine
    #[command(after_help = "Example: cargo xtask ship --fault errors")]
    Ship(ShipArgs),
    /// Check what changed, before a commit: format, lint, contract, unit tests
    #[command(after_help = "Example: cargo xtask tier0 --staged")]
    Tier0(TierArgs),
    /// Check a pull request: all tests, contract against the blessed one, coverage
    #[command(after_help = "Example: cargo xtask tier1")]
    Tier1(TierArgs),
    /// Check the night's work: mutation and end to end
    #[command(after_help = "Example: cargo xtask tier2 --explain")]
    Tier2(TierArgs),
    /// Check the week's work: load, licences and unused dependencies
    #[command(after_help = "Example: cargo xtask tier3")]
    Tier3(TierArgs),
    /// Lint, compare and bless contracts
    #[command(
        subcommand,
        after_help = "Example: cargo xtask contract diff old.yaml new.yaml"
    )]
    Contract(ContractCommand),
    /// Generate models and server trait from the contracts
    #[command(after_help = "Example: cargo xtask codegen --check")]
    Codegen(Box<CodegenArgs>),
    /// Measure our commands beside their peers
    #[command(
        subcommand,
        after_help = "Example: cargo run --release -p tollgate -- bench codegen --install"
    )]
    Bench(BenchCommand),
    /// Compare measurements with the committed floor
    #[command(subcommand, after_help = "Example: cargo xtask ratchet show")]
    Ratchet(RatchetCommand),
    /// Compare measurements with promises
    #[command(
        subcommand,
        after_help = "Example: cargo xtask budget check measurements.json"
    )]
    Budget(BudgetCommand),
    /// Run synthetic probes
    #[command(
        subcommand,
        after_help = "Example: cargo xtask probe run --base http://127.0.0.1:8080"
    )]
    Probe(ProbeCommand),
    /// Put load on an address of this machine and measure it
    #[command(
        after_help = "Example: cargo xtask load http://127.0.0.1:8080/health --rate 200 --duration 10s"
    )]
    Load(LoadArgs),
    /// Drive a canary to promotion or rollback
    #[command(subcommand, after_help = "Example: cargo xtask canary status")]
    Canary(CanaryCommand),
    /// List alerts, silence them, try the receivers
    #[command(subcommand, after_help = "Example: cargo xtask alert test")]
    Alert(AlertCommand),
    /// Run the hub and its dashboard
    #[command(after_help = "Example: cargo xtask serve --listen 127.0.0.1:8080")]
    Serve(ServeArgs),
    /// Install the tools that the tests and gates use
    #[command(
        after_help = "Examples: cargo xtask setup --hook\n          cargo xtask setup --swift"
    )]
    Setup(SetupArgs),
    /// Tell what this machine has and what is missing
    #[command(after_help = "Example: cargo xtask doctor")]
    Doctor,
    /// Show why a gate decided as it did
    #[command(after_help = "Example: cargo xtask explain 3fa94c01b2d7")]
    Explain(IdArgs),
    /// Compute a verdict again from its recorded inputs
    #[command(after_help = "Example: cargo xtask replay 3fa94c01b2d7")]
    Replay(IdArgs),
    /// Print shell completions
    #[command(after_help = "Example: cargo xtask completions bash")]
    Completions { shell: clap_complete::Shell },
    /// Parts of Tollgate that run as processes of their own
    #[command(subcommand, hide = true)]
    Internal(InternalCommand),
}

#[derive(Debug, Clone, Args)]
pub struct ShipArgs {
    /// Start a candidate that misbehaves so, and watch it be caught
    #[arg(long, value_enum)]
    pub fault: Option<Fault>,
    /// The port of the embedded proxy; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// The port of the dashboard; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub dashboard_port: u16,
    /// Run every step, whatever the cache holds
    #[arg(long)]
    pub all: bool,
    /// Keep the dashboard open this long after the end, such as 60s
    #[arg(long, value_name = "SPAN")]
    pub hold: Option<tollgate_report::quantity::Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Answers 500 to every request
    Errors,
    /// Answers late
    Latency,
    /// Never gives memory back
    Memory,
    /// Ends by itself
    Crash,
    /// Breaks the contract where only probes look
    Probe,
}

#[derive(Debug, Clone, Args)]
pub struct TierArgs {
    /// Check the content of the index, not the working tree
    #[arg(long, conflicts_with = "since")]
    pub staged: bool,
    /// Check only what changed since this revision
    #[arg(long, value_name = "REV")]
    pub since: Option<String>,
    /// Run every step, whatever the cache holds
    #[arg(long, conflicts_with = "since")]
    pub all: bool,
    /// Say for each step why it ran, was cached or was skipped
    #[arg(long)]
    pub explain: bool,
}

#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Check contracts against the rules of Spectral, ours, or a ruleset
    #[command(
        after_help = "Example: cargo xtask contract lint openapi.yaml --format sarif\n\nWith FILE nothing is recorded, and any OpenAPI 3 or AsyncAPI document will do. The rules are\nthose of --ruleset, else of tollgate.toml for the contracts it names, else of a .spectral.yaml\nbeside you, else the recommended ones."
    )]
    Lint(LintArgs),
    /// List what changed between two contracts, and what breaks
    #[command(
        after_help = "Example: cargo xtask contract diff origin/main:contracts/openapi.yaml contracts/openapi.yaml"
    )]
    Diff(DiffArgs),
    /// Compare the local contracts with the blessed ones; fails on a break without a new major version
    #[command(after_help = "Example: cargo xtask contract check")]
    Check,
    /// Agree to the local contracts: copy them to the blessed folder
    #[command(after_help = "Example: cargo xtask contract bless")]
    Bless,
    /// Fetch the URLs that contracts refer to, from allowed hosts, and lock their digests
    #[command(after_help = "Example: cargo xtask contract lock --update")]
    Lock {
        /// Accept texts that have changed since they were locked
        #[arg(long)]
        update: bool,
    },
    /// Run a folder of oasdiff's pairs and show where our ids, levels and counts differ
    #[command(after_help = "Example: cargo xtask contract agreement ../shared/vectors/oasdiff")]
    Agreement {
        /// The folder: `pairs_expected.json`, `mutated_expected.json`, `data/`
        folder: PathBuf,
    },
    /// Compare consecutive revisions of contracts in a git repository, and count what is found
    #[command(after_help = "Example: cargo xtask contract history ../api openapi.yaml --max 500")]
    History {
        /// The repository; a folder without a work tree will do
        repository: PathBuf,
        /// Contracts in it, as paths from its root
        #[arg(required = true)]
        paths: Vec<String>,
        /// The most pairs of revisions for each contract
        #[arg(long, default_value_t = 200, value_name = "N")]
        max: usize,
    },
    /// Send requests derived from contracts to a running service, and check what it answers
    #[command(
        after_help = "Example: cargo xtask contract conform http://127.0.0.1:7700 --contract contracts/openapi.yaml --seed 1"
    )]
    Conform(ConformArgs),
}

#[derive(Debug, Clone, Args)]
pub struct ConformArgs {
    /// The address that the paths of the contract are below
    pub url: String,
    /// Contracts: `OpenAPI` for requests, `AsyncAPI` for WebSocket messages; by default those of the settings
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub contract: Vec<PathBuf>,
    /// The same seed asks the same
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// The most requests, and the most messages
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub max_requests: usize,
    /// Stop after this time, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub time_max: u64,
    /// A header of every request, such as `authorization: Bearer KEY`; `@FILE` reads the value from a file
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// A host beside this machine that may be asked
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// The old contract: a file, or REVISION:PATH
    pub old: String,
    /// The new contract: a file, or REVISION:PATH
    pub new: String,
    /// Lines of an oasdiff ignore file: breaking changes that they name are left out
    #[arg(long, value_name = "FILE")]
    pub err_ignore: Option<PathBuf>,
    /// Lines of an oasdiff ignore file: warnings that they name are left out
    #[arg(long, value_name = "FILE")]
    pub warn_ignore: Option<PathBuf>,
    /// Also list each finding as oasdiff counts it
    #[arg(long)]
    pub oasdiff: bool,
}

#[derive(Debug, Clone, Args)]
pub struct LintArgs {
    /// Documents; by default the contracts of the settings
    pub files: Vec<PathBuf>,
    /// A ruleset in the format of Spectral, such as .spectral.yaml
    #[arg(long, value_name = "FILE")]
    pub ruleset: Option<PathBuf>,
    /// The least severity that fails
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Error,
    Warning,
    Info,
}

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct CodegenArgs {
    #[command(subcommand)]
    pub command: Option<CodegenCommand>,
    /// Write nothing; exit 4 when committed files differ
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Write nothing; list what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Contracts to generate from, without settings
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "out")]
    pub contract: Vec<PathBuf>,
    /// Languages, without settings
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LANGUAGES",
        default_value = "rust,swift,typescript"
    )]
    pub language: Vec<String>,
    /// What to emit, without settings: models, client, server
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "WHAT",
        default_value = "models"
    )]
    pub emit: Vec<String>,
    /// The folder to write to, without settings; each language gets a package in DIR/LANGUAGE
    #[arg(long, value_name = "DIR", requires = "contract")]
    pub out: Option<PathBuf>,
    /// The package's name, without settings
    #[arg(long, value_name = "NAME", requires = "out")]
    pub package: Option<String>,
    /// The folder that references may not leave; by default that of the contract
    #[arg(long, value_name = "DIR", requires = "contract")]
    pub root: Option<PathBuf>,
    /// Generate again whenever a contract changes, until ctrl-c
    #[arg(long, conflicts_with_all = ["check", "dry_run"])]
    pub watch: bool,
    /// With --watch: stop after this many rounds; 0 goes on
    #[arg(long, default_value_t = 0, requires = "watch")]
    pub rounds: u32,
}

#[derive(Debug, Clone, Subcommand)]
pub enum BenchCommand {
    /// Generate models of one document with ours and the peers: seconds, memory, size
    #[command(after_help = "Example: cargo run --release -p tollgate -- bench codegen --install")]
    Codegen(BenchCodegenArgs),
}

#[derive(Debug, Clone, Args)]
pub struct BenchCodegenArgs {
    /// The document
    #[arg(
        default_value = "../shared/corpus/github-2026.json",
        value_name = "FILE"
    )]
    pub document: PathBuf,
    /// An older one, to measure the comparison of both
    #[arg(long, value_name = "FILE")]
    pub old: Option<PathBuf>,
    /// How often each is run; the fastest counts
    #[arg(long, default_value_t = 3)]
    pub runs: u32,
    /// Install the peers first (npm, pip, cargo)
    #[arg(long)]
    pub install: bool,
    /// Where the peers are; by default the user's cache
    #[arg(long, value_name = "DIR")]
    pub tools: Option<PathBuf>,
    /// Also measure documents of ×1 to ×16 and draw the cost here
    #[arg(long, value_name = "FILE")]
    pub chart: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum CodegenCommand {
    /// Compile generated packages and prove that values keep their shape on the wire
    #[command(after_help = "Example: cargo xtask codegen verify out")]
    Verify(VerifyArgs),
    /// Take every document of a folder through every language: generate, compile, wire
    #[command(
        after_help = "Example: cargo xtask codegen corpus ../shared/corpus --only 'asyncapi*'"
    )]
    Corpus(CorpusArgs),
}

#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Folders that hold generated packages
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// The contracts; by default those that the packages name
    #[arg(long, value_name = "FILE")]
    pub contract: Vec<PathBuf>,
    #[command(flatten)]
    pub proof: ProofArgs,
}

#[derive(Debug, Clone, Args)]
pub struct CorpusArgs {
    /// The folder: documents, and folders with documents of several files
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Languages
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LANGUAGES",
        default_value = "rust,swift,typescript"
    )]
    pub language: Vec<String>,
    /// What to emit: models, client, server
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "WHAT",
        default_value = "models"
    )]
    pub emit: Vec<String>,
    /// Only documents whose path below the folder fits this pattern, such as '*petstore*' or '{a,b}.json'
    #[arg(long, value_name = "GLOB")]
    pub only: Option<String>,
    /// How many documents at once
    #[arg(long, default_value_t = 1)]
    pub jobs: usize,
    /// The folder that keeps the packages for reading; by default .tollgate/corpus
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also keep the folders in which was compiled
    #[arg(long)]
    pub keep_work: bool,
    #[command(flatten)]
    pub proof: ProofArgs,
}

#[derive(Debug, Clone, Args)]
pub struct ProofArgs {
    /// The longest time for one compiler or driver
    #[arg(long, value_name = "SPAN", default_value = "600s")]
    pub time: tollgate_report::quantity::Span,
    /// The most memory of one compiler or driver
    #[arg(long, value_name = "SIZE", default_value = "6GiB")]
    pub memory: tollgate_report::quantity::Size,
    /// The seed of made-up instances
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The most made-up instances of one type, and the most broken ones
    #[arg(long, default_value_t = 8)]
    pub per_type: usize,
    /// Compile only
    #[arg(long)]
    pub no_wire: bool,
    /// Under CI=true, don't fail where a compiler is missing
    #[arg(long)]
    pub may_be_missing: bool,
}

#[derive(Debug, Subcommand)]
pub enum RatchetCommand {
    /// Fail when a measurement is worse than its floor
    #[command(
        after_help = "Example: cargo xtask ratchet check --report .tollgate/coverage/lcov.info"
    )]
    Check {
        /// Reports to read; by default those that the last tiers left
        #[arg(long = "report", value_name = "FILE")]
        reports: Vec<PathBuf>,
    },
    /// Raise the floors that have been passed, and write quality_ratchet.json
    #[command(after_help = "Example: cargo xtask ratchet tighten")]
    Tighten {
        /// Reports to read; by default those that the last tiers left
        #[arg(long = "report", value_name = "FILE")]
        reports: Vec<PathBuf>,
        /// Write nothing; show the new floors
        #[arg(long)]
        dry_run: bool,
    },
    /// Show each metric with floor, value, delta and trend
    #[command(after_help = "Example: cargo xtask ratchet show")]
    Show,
    /// Excuse a metric for a while
    #[command(
        after_help = "Example: cargo xtask ratchet waive lint_warnings_max --owner ada --reason \"new lint\" --expires 2027-01-31"
    )]
    Waive {
        /// The metric
        metric: String,
        /// Who answers for it
        #[arg(long)]
        owner: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// The last day it holds, as YYYY-MM-DD
        #[arg(long)]
        expires: String,
    },
    /// Merge two versions of the floor file, as git's merge driver
    #[command(
        after_help = "Example: cargo xtask ratchet merge ancestor.json ours.json theirs.json"
    )]
    Merge {
        ancestor: PathBuf,
        ours: PathBuf,
        theirs: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum BudgetCommand {
    /// Compare measurements with performance_sla.json
    #[command(after_help = "Example: cargo xtask budget check .tollgate/measurements.json")]
    Check {
        /// Measurements; by default those of the last ship
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum ProbeCommand {
    /// Run the probes once
    #[command(after_help = "Example: cargo xtask probe run --base http://127.0.0.1:8080")]
    Run(ProbeArgs),
    /// Run the probes again and again
    #[command(
        after_help = "Example: cargo xtask probe watch --base http://127.0.0.1:8080 --every 5s"
    )]
    Watch {
        #[command(flatten)]
        probe: ProbeArgs,
        /// Time between two runs
        #[arg(long, default_value = "30s")]
        every: tollgate_report::quantity::Span,
        /// Stop after this many rounds; 0 goes on until Ctrl-C
        #[arg(long, default_value_t = 0)]
        rounds: u32,
    },
    /// List the probes of the settings
    #[command(after_help = "Example: cargo xtask probe list")]
    List,
}

#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// Only probes with these names
    pub names: Vec<String>,
    /// The service's address
    #[arg(long, env = "TOLLGATE_BASE")]
    pub base: Option<String>,
    /// Values for the probes' `{name}` placeholders
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Also write the results as JUnit
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct LoadArgs {
    /// Where to send requests; loopback, unless --allow-host names the host
    pub url: String,
    /// Requests a second, at a constant rate (open model)
    #[arg(long, default_value_t = 50.0)]
    pub rate: f64,
    /// How long
    #[arg(long, default_value = "10s")]
    pub duration: tollgate_report::quantity::Span,
    /// The most connections at once
    #[arg(long, default_value_t = 16)]
    pub connections: usize,
    /// Fail when p95 is over this
    #[arg(long, value_name = "SPAN")]
    pub p95: Option<tollgate_report::quantity::Span>,
    /// Fail when more than this share of requests fails, such as 0.1%
    #[arg(long, value_name = "PERCENT")]
    pub errors: Option<tollgate_report::quantity::Percent>,
    /// A host other than this machine that may be loaded
    #[arg(long, value_name = "HOST")]
    pub allow_host: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum CanaryCommand {
    /// Canary of the hub by the plan of the settings
    #[command(after_help = "Example: cargo xtask canary run")]
    Run {
        /// The binary that serves now; by default this repository's hub
        #[arg(long, value_name = "FILE")]
        stable: Option<PathBuf>,
        /// The binary that wants to serve; by default this repository's hub
        #[arg(long, value_name = "FILE")]
        candidate: Option<PathBuf>,
        /// The port of the embedded proxy; 0 takes a free one
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Show the canary in progress, or the last one
    #[command(after_help = "Example: cargo xtask canary status")]
    Status {
        /// The run; by default the last
        id: Option<String>,
    },
    /// Take the canary's traffic away, now
    #[command(after_help = "Example: cargo xtask canary abort")]
    Abort {
        /// The run; by default the last
        id: Option<String>,
    },
    /// Go on with a canary whose controller has died
    #[command(after_help = "Example: cargo xtask canary resume")]
    Resume {
        /// The run; by default the last
        id: Option<String>,
    },
    /// Compute a canary's verdict again from its events
    #[command(after_help = "Example: cargo xtask canary replay .tollgate/canary/ID/events.ndjson")]
    Replay {
        /// The events file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum AlertCommand {
    /// List alerts and what is still to be delivered
    #[command(after_help = "Example: cargo xtask alert list")]
    List,
    /// Send nothing for alerts that match
    #[command(
        after_help = "Example: cargo xtask alert silence component=hub --author ada --reason upgrade --for 2h"
    )]
    Silence {
        /// What must match, as label=value
        #[arg(required = true)]
        matchers: Vec<String>,
        /// Who silences
        #[arg(long)]
        author: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// How long
        #[arg(long = "for", default_value = "1h")]
        lasts: tollgate_report::quantity::Span,
    },
    /// Send a sample to each receiver and say what happened
    #[command(after_help = "Example: cargo xtask alert test")]
    Test,
}

#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The database file; by default .tollgate/hub.db
    #[arg(long, value_name = "FILE")]
    pub database: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct SetupArgs {
    /// Install only into the repository, and packages of the system only under CI=true
    #[arg(long)]
    pub auto: bool,
    /// Also install the git hook that runs tier 0 before each commit
    #[arg(long)]
    pub hook: bool,
    /// Print what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only make a Swift 6 compiler available: that in PATH, or Debian's in a folder of its own
    #[arg(long, conflicts_with_all = ["auto", "hook"])]
    pub swift: bool,
    /// The folder of that compiler; by default `tollgate/swift` in the user's cache
    #[arg(long, value_name = "DIR", env = "TOLLGATE_SWIFT_DIR")]
    pub folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct IdArgs {
    /// The evidence id, or its first digits
    pub id: String,
}

#[derive(Debug, Subcommand)]
pub enum InternalCommand {
    /// The embedded reverse proxy
    Proxy {
        /// Its settings, as a JSON file
        #[arg(long)]
        config: PathBuf,
    },
    /// Run the unit tests with coverage and write .tollgate/coverage/lcov.info
    Coverage {
        /// Packages left out
        #[arg(long, value_delimiter = ',')]
        exclude: Vec<String>,
    },
    /// Print the JSON Schema of tollgate.toml
    Schema,
    /// Send broken documents through load, lint, diff and codegen for a bounded time
    Fuzz(FuzzArgs),
}

#[derive(Debug, Clone, Args)]
pub struct FuzzArgs {
    /// Documents to break, beside our own contracts and a few odd ones
    pub files: Vec<PathBuf>,
    /// How long to go on, in seconds
    #[arg(long, default_value_t = 60)]
    pub seconds: u64,
    /// What the broken documents are derived from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Run this case of the seed alone
    #[arg(long)]
    pub case: Option<u64>,
}
