//! The rules of oasdiff as data: id, level and its four axes, in `rules.tsv` (509 rows, from
//! oasdiff 4553c69d).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::change::Level;

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// oasdiff's id.
    pub id: &'static str,
    /// oasdiff's level: `err` is breaking.
    pub level: Level,
    /// `request`, `response` or `none`.
    pub direction: &'static str,
    /// `schema`, `parameters`, `paths`, ...
    pub area: &'static str,
    /// `constraints`, `existence`, `lifecycle`, `mutability`, `requiredness`, `structure`, `type`
    /// or `values`.
    pub kind: &'static str,
    /// `add`, `remove`, `change`, `increase`, ...
    pub action: &'static str,
}

static RULES: LazyLock<BTreeMap<&'static str, Rule>> = LazyLock::new(|| {
    let rows = include_str!("rules.tsv").lines().skip(1);
    rows.filter_map(parse).map(|rule| (rule.id, rule)).collect()
});

fn parse(row: &'static str) -> Option<Rule> {
    let mut cells = row.split('\t');
    let (id, level) = (cells.next()?, cells.next()?);
    Some(Rule {
        id,
        level: match level {
            "err" => Level::Breaking,
            "warn" => Level::Warning,
            _ => Level::Info,
        },
        direction: cells.next()?,
        area: cells.next()?,
        kind: cells.next()?,
        action: cells.next()?,
    })
}

/// The rule with this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.get(id)
}

/// All rules by id.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.values()
}
