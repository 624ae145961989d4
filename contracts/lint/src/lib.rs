//! Style and structure of one contract: the rules of Spectral under their names, ours, and those
//! of rulesets that projects have.
//!
//! `tree` is an index over the nodes of all files; `jsonpath` (with `expression` and `evaluate`)
//! finds the nodes that a rule is about, `functions` and `validate` check them (with `values`, of
//! any value), `rules` holds the rules, `ruleset` which of them are on and `ruleset_file` reads a
//! project's own, `engine` runs one rule and `run` all, `report` is for machines.

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
pub use report::{LintedFile, github_text, json_report, sarif_report};
pub use rule::RuleLevel;
pub use rules::NOT_HERE;
pub use ruleset::{LintSettings, Ruleset};
pub use ruleset_file::{ReadText, RulesetError, load_ruleset, read_ruleset};
pub use run::{lint, lint_with};
