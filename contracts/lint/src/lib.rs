//! Checks the style and structure of one contract with the rules of Spectral under their names, our
//! own rules, and the rulesets of projects.
//!
//! `tree` is an index over the nodes of all files. `jsonpath` (with `expression` and `evaluate`)
//! finds the nodes that a rule applies to; `functions` and `validate` (with `values`) check them.
//! `rules` holds the rules, `ruleset` decides which of them are on, and `ruleset_file` reads the
//! ruleset of a project. `engine` runs one rule, `run` runs all of them, and `report` writes
//! machine formats.

mod catalogue;
mod context;
mod document_formats;
mod engine;
mod evaluate;
mod expression;
mod facts;
mod finding;
mod formats;
mod forms;
mod function_options;
mod functions;
mod hit;
mod jsonpath;
mod loosened;
mod report;
mod rule;
mod rules;
mod ruleset;
mod ruleset_file;
mod run;
mod tree;
mod validate;
mod values;

pub use catalogue::{RuleInfo, rule_codes, rule_infos};
pub use finding::{LintFinding, has_errors};
pub use loosened::RuleChange;
pub use report::{LintedFile, github_text, json_report, sarif_report};
pub use rule::RuleLevel;
pub use rules::NOT_HERE;
pub use ruleset::{LintSettings, Ruleset};
pub use ruleset_file::{ReadText, RulesetError, load_ruleset, read_ruleset};
pub use run::{lint, lint_with};
