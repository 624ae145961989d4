//! The name of the program in texts: libraries write a marker, the command line replaces it.
//!
//! A message of a library names a command as `{tollgate} ratchet show`. People call the
//! same library by several names, and a record outlives the command that wrote it, so the name is
//! filled in where a text is shown.

use std::borrow::Cow;

/// Stands for the program's name in every message, hint and record.
pub const MARKER: &str = "{tollgate}";

/// Replaces the marker with the name by which the program was called.
#[must_use]
pub fn spell<'a>(text: &'a str, program: &str) -> Cow<'a, str> {
    if text.contains(MARKER) {
        Cow::Owned(text.replace(MARKER, program))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker_becomes_the_name_of_the_program() {
        let text = "hint: run `{tollgate} ratchet tighten`";
        assert_eq!(
            spell(text, "cargo xtask"),
            "hint: run `cargo xtask ratchet tighten`"
        );
        assert!(matches!(spell("no command", "tollgate"), Cow::Borrowed(_)));
    }
}
