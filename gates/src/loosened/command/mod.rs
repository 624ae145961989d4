//! What a changed command checks no longer: words that it dropped, filters and options that it got,
//! and a status that no longer counts.
//!
//! A longer command, another order, more programs and other words for the same thing (`npm` and
//! `pnpm`, `python -m pytest` and `pytest`) do not loosen it. Everything that the old command did
//! must still be there, where its status counts, and without new exceptions.

mod script;
mod words;

use script::Simple;

/// Why the new command may pass where the old one failed; empty when it can't.
pub(super) fn looser(old: &[String], new: &[String]) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (script::of(old), script::of(new));
    let mut reasons = dropped(&old, &new);
    let has = |commands: &[Simple], it: &String| {
        let mut exceptions = commands.iter().flat_map(|one| one.exceptions.iter());
        exceptions.any(|other| other == it)
    };
    for command in new.iter().filter(|command| command.counts) {
        for exception in &command.exceptions {
            if !has(&old, exception) {
                reasons.push(format!("it got `{exception}`"));
            }
        }
        reasons.extend(narrowed(&old, command));
    }
    reasons.dedup();
    reasons
}

/// Words of the old command whose status counted and that are gone, or whose status is lost.
fn dropped(old: &[Simple], new: &[Simple]) -> Vec<String> {
    let mut left: Vec<&String> = counted(new).collect();
    let mut gone: Vec<&String> = Vec::new();
    for word in counted(old) {
        match left.iter().position(|other| *other == word) {
            Some(position) => {
                left.swap_remove(position);
            }
            None if words::is_stricter(word, &left) => {}
            None => gone.push(word),
        }
    }
    let runs_still = |word: &&String| {
        new.iter()
            .any(|one| !one.counts && one.words.contains(word))
    };
    let (silent, gone): (Vec<&String>, Vec<&String>) = gone.into_iter().partition(runs_still);
    let list = |words: Vec<&String>| {
        let words: Vec<&str> = words.into_iter().map(String::as_str).collect();
        words.join(" ")
    };
    let mut reasons = Vec::new();
    if !silent.is_empty() {
        reasons.push(format!(
            "the failure of `{}` no longer counts",
            list(silent)
        ));
    }
    if !gone.is_empty() {
        reasons.push(format!("it lost `{}`", list(gone)));
    }
    reasons
}

fn counted(commands: &[Simple]) -> impl Iterator<Item = &String> {
    let counting = commands.iter().filter(|command| command.counts);
    counting.flat_map(|command| command.words.iter())
}

/// A runner that took everything and takes some paths or names now.
fn narrowed(old: &[Simple], new: &Simple) -> Option<String> {
    let runner = words::runner(&new.words)?;
    let before = old
        .iter()
        .find(|other| words::runner(&other.words) == Some(runner))?;
    let had = words::operands(&before.words, runner);
    let has = words::operands(&new.words, runner);
    (had.is_empty() && !has.is_empty())
        .then(|| format!("it runs only `{}` instead of everything", has.join(" ")))
}

#[cfg(test)]
mod tests;
