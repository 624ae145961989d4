//! The flags of every command: format, colour, how much is printed, and which settings file.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};

/// The flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// How results are written to standard output
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, env = "TOLLGATE_FORMAT")]
    pub format: Format,
    /// Print only results and failures
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, env = "TOLLGATE_COLOR")]
    pub color: Color,
    /// The settings file; by default `tollgate.toml` of the repository
    #[arg(long, global = true, value_name = "FILE", env = "TOLLGATE_SETTINGS")]
    pub settings: Option<PathBuf>,
    /// Compare floors, contracts and settings with the merge base of this revision; by default the
    /// target branch that the CI names, else the default branch
    #[arg(long, global = true, value_name = "REV", env = "TOLLGATE_AGAINST")]
    pub against: Option<String>,
    /// Fail when something was not measured, as under CI=true
    #[arg(long, global = true, env = "TOLLGATE_STRICT", value_parser = FalseyValueParser::new())]
    pub strict: bool,
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
