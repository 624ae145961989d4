//! Whether the version in `info` announces breaking changes.

use tollgate_contracts_model::Node;

use super::sink::{At, Sink};
use crate::change::Level;

/// A break that the version does not announce, if both versions are semantic.
pub(super) fn versions(old: &Node, new: &Node, sink: &mut Sink) {
    let version = |root: &Node| {
        let text = root.pointer("/info/version").and_then(Node::scalar_text);
        text.unwrap_or_default().to_owned()
    };
    let (from, to) = (version(old), version(new));
    let (Some(old), Some(new)) = (semantic(&from), semantic(&to)) else {
        return;
    };
    if !sink
        .findings
        .iter()
        .any(|finding| finding.level == Level::Breaking)
    {
        return;
    }
    let is_major = if old[0] == 0 && new[0] == 0 {
        new[1] > old[1]
    } else {
        new[0] > old[0]
    };
    let id = if from == to {
        "api-version-not-bumped"
    } else if new <= old {
        "api-version-decreased"
    } else if !is_major {
        "api-major-version-not-bumped"
    } else {
        return;
    };
    sink.push(id, &At::DOCUMENT, vec![from, to]);
}

/// Major, minor and patch of a semantic version (semver.org 2.0.0), without a leading `v`.
fn semantic(text: &str) -> Option<[u64; 3]> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    let (core, before) = match text.split_once('-') {
        Some((core, before)) => (core, Some(before)),
        None => (text, None),
    };
    let is_word = |word: &str| {
        let mut letters = word.bytes();
        !word.is_empty() && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_plain = |word: &str| {
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        !(is_number && word.len() > 1 && word.starts_with('0'))
    };
    let is_good = |text: Option<&str>, is_before: bool| {
        text.is_none_or(|text| {
            let mut words = text.split('.');
            words.all(|word| is_word(word) && (!is_before || is_plain(word)))
        })
    };
    if !is_good(build, false) || !is_good(before, true) {
        return None;
    }
    let mut numbers = core.split('.');
    let mut next = || {
        let word = numbers.next()?;
        let is_digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        (is_digits && is_plain(word)).then(|| word.parse().ok())?
    };
    let version = [next()?, next()?, next()?];
    numbers.next().is_none().then_some(version)
}
