//! The rules that come with Tollgate, as documentation and reports list them.

use crate::rule::RuleLevel;
use crate::rules;
use crate::ruleset::Ruleset;

/// The names of all rules that come with Tollgate, sorted.
#[must_use]
pub fn rule_codes() -> Vec<&'static str> {
    let mut codes: Vec<&str> = rules::names().into_iter().map(|(name, _)| name).collect();
    codes.sort_unstable();
    codes
}

/// One rule that comes with Tollgate, as documentation and SARIF show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its name.
    pub name: String,
    /// The set it belongs to, such as `spectral:oas`.
    pub set: String,
    /// Its level.
    pub level: RuleLevel,
    /// Whether it is on by default.
    pub is_recommended: bool,
    /// Why it matters; empty when nobody said.
    pub why: String,
}

/// All rules that come with Tollgate, by set and name.
#[must_use]
pub fn rule_infos() -> Vec<RuleInfo> {
    let mut infos: Vec<RuleInfo> = Ruleset::all()
        .rules
        .values()
        .map(|rule| RuleInfo {
            name: rule.name.clone(),
            set: rule.set.clone(),
            level: rule.level,
            is_recommended: rule.is_recommended,
            why: rule.why.unwrap_or_default().to_owned(),
        })
        .collect();
    infos.sort_by(|left, right| (&left.set, &left.name).cmp(&(&right.set, &right.name)));
    infos
}
