//! Words of settings and flags that are not in a list.

use tollgate_report::suggest;

/// A word that is not in a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {kind} of generated code; possible values are {}", listed(.known))]
pub struct UnknownWord {
    word: String,
    kind: &'static str,
    known: &'static [&'static str],
}

impl UnknownWord {
    /// A word that is not one of the known ones.
    pub(crate) fn new(word: &str, kind: &'static str, known: &'static [&'static str]) -> Self {
        Self {
            word: word.to_owned(),
            kind,
            known,
        }
    }

    /// The known word that is nearest, as a question.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let nearest = suggest::nearest(&self.word, self.known.iter().copied())?;
        Some(format!("did you mean `{nearest}`?"))
    }
}

/// Words as a list for people: `rust, swift and typescript`.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
