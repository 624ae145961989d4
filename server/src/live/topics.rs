//! Topics and patterns.

use std::collections::BTreeSet;

/// The most patterns one session may hold.
pub const PATTERNS_MAX: usize = 100;

/// Whether a pattern covers a topic: parts are divided by `.`, a `*` stands for one part, and a
/// `*` at the end for one or more.
#[must_use]
pub fn covers(pattern: &str, topic: &str) -> bool {
    let mut wanted = pattern.split('.').peekable();
    let mut parts = topic.split('.');
    while let Some(want) = wanted.next() {
        let Some(part) = parts.next() else {
            return false;
        };
        if want == "*" && wanted.peek().is_none() {
            return true;
        }
        if want != "*" && want != part {
            return false;
        }
    }
    parts.next().is_none()
}

/// Whether any of the patterns covers the topic.
#[must_use]
pub fn any_covers(patterns: &BTreeSet<String>, topic: &str) -> bool {
    patterns.iter().any(|pattern| covers(pattern, topic))
}

/// Whether a text may be a pattern: not empty, no empty part, no blank or control character.
#[must_use]
pub fn is_pattern(text: &str) -> bool {
    text.len() <= 200
        && text.split('.').all(|part| {
            !part.is_empty()
                && (part == "*" || !part.contains('*'))
                && !part.chars().any(|c| c.is_whitespace() || c.is_control())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, topic: &str, want: bool) {
        assert_eq!(covers(pattern, topic), want, "`{pattern}` on `{topic}`");
    }

    #[test]
    fn a_star_stands_for_one_part_and_at_the_end_for_the_rest() {
        check("run.01", "run.01", true);
        check("run.01", "run.012", false);
        check("run.*", "run.01", true);
        check("run.*", "run", false);
        check("run.*", "probe.01", false);
        check("*", "alerts.critical", true);
        check("*.critical", "alerts.critical", true);
        check("*.critical", "alerts.warning", false);
        check("probe.*", "probe.hub.health", true);
        check("probe", "probe.hub", false);
    }

    #[test]
    fn a_pattern_has_no_empty_part_and_no_star_inside_a_part() {
        assert!(is_pattern("run.*") && is_pattern("*") && is_pattern("a.b.c"));
        for bad in ["", ".", "run.", "ru*n", "a b", "run.\n"] {
            assert!(!is_pattern(bad), "`{bad}`");
        }
    }
}
