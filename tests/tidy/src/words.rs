//! Words to avoid: the table of `docs/STYLE.md`, applied to all that people read: string literals and
//! doc comments of our crates, Markdown, mail and page templates. Text in backticks is not judged.

use crate::code::Text;
use crate::known::Finding;
use crate::tree::{self, Source};

/// The document that holds the table.
pub const STYLE: &str = "docs/STYLE.md";

/// The heading above the table.
const HEADING: &str = "## Word list";

/// One row: phrases to avoid, what to write, and longer phrases that are fine.
pub struct Row {
    avoid: Vec<Vec<String>>,
    write: String,
    fine: Vec<Vec<String>>,
}

/// Reads the table.
///
/// # Panics
/// When the document or its table is missing.
#[must_use]
pub fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string(tree::root().join(STYLE)).expect("docs/STYLE.md exists");
    let (_, table) = text
        .split_once(HEADING)
        .expect("docs/STYLE.md has a word list");
    let rows: Vec<Row> = table
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(row)
        .collect();
    assert!(!rows.is_empty(), "the word list of {STYLE} has no rows");
    rows
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
    let [avoid, write, fine] = cells[..] else {
        panic!("{STYLE}: a row of the word list has three cells: {line}");
    };
    Row {
        avoid: phrases(avoid),
        write: write.trim().to_owned(),
        fine: phrases(fine),
    }
}

/// The phrases in backticks.
fn phrases(cell: &str) -> Vec<Vec<String>> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted
        .map(|phrase| phrase.split_whitespace().map(str::to_lowercase).collect())
        .collect()
}

/// A word with its line; an empty word is a border that no phrase crosses.
struct Word {
    line: usize,
    text: String,
}

fn words(text: &str, first_line: usize) -> Vec<Word> {
    let mut words = Vec::new();
    let mut is_code = false;
    for (n, line) in text.split('\n').enumerate() {
        let mut word = String::new();
        for char in line.chars().chain([' ']) {
            let is_letter = char.is_alphanumeric() || matches!(char, '\'' | '-' | '_');
            if is_letter && !is_code {
                word.extend(char.to_lowercase());
                continue;
            }
            if !word.is_empty() {
                words.push(Word {
                    line: first_line + n,
                    text: std::mem::take(&mut word),
                });
            }
            is_code ^= char == '`';
            if !char.is_whitespace() && !matches!(char, '*' | '/') {
                words.push(Word {
                    line: first_line + n,
                    text: String::new(),
                });
            }
        }
    }
    words
}

fn starts_with(words: &[Word], phrase: &[String]) -> bool {
    words.len() >= phrase.len()
        && words
            .iter()
            .zip(phrase)
            .all(|(word, wanted)| word.text == *wanted)
}

/// The phrases to avoid in one text.
fn judge(path: &str, text: &str, line: usize, rows: &[Row], findings: &mut Vec<Finding>) {
    let words = words(text, line);
    for at in 0..words.len() {
        for row in rows {
            for phrase in &row.avoid {
                if starts_with(&words[at..], phrase) && !is_fine(&words, at, phrase, row) {
                    findings.push(Finding {
                        path: path.to_owned(),
                        line: words[at].line,
                        what: format!(
                            "`{}`: write {} instead: {}",
                            phrase.join(" "),
                            row.write,
                            context(&words, at)
                        ),
                    });
                }
            }
        }
    }
}

/// Whether a longer phrase that is fine covers the one found.
fn is_fine(words: &[Word], at: usize, phrase: &[String], row: &Row) -> bool {
    row.fine.iter().any(|fine| {
        (0..fine.len()).any(|before| {
            before <= at
                && before + phrase.len() <= fine.len()
                && starts_with(&words[at - before..], fine)
        })
    })
}

/// A few words around the place, to find it.
fn context(words: &[Word], at: usize) -> String {
    let shown = &words[at.saturating_sub(4)..words.len().min(at + 6)];
    let shown: Vec<&str> = shown
        .iter()
        .map(|word| {
            if word.text.is_empty() {
                "…"
            } else {
                &word.text
            }
        })
        .collect();
    shown.join(" ")
}

/// All findings in a Rust file.
#[must_use]
pub fn of_rust(path: &str, texts: &[Text], rows: &[Row]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in texts {
        judge(path, &text.text, text.line, rows, &mut findings);
    }
    findings
}

/// All findings in a Markdown file or a template.
#[must_use]
pub fn of_document(source: &Source, rows: &[Row]) -> Vec<Finding> {
    let text = if source.path.ends_with(".md") {
        prose(source)
    } else {
        without_tags(&source.text)
    };
    let mut findings = Vec::new();
    judge(&source.path, &text, 1, rows, &mut findings);
    findings
}

/// Markdown without code blocks and, in the style guide, without the list itself.
fn prose(source: &Source) -> String {
    let mut is_code = false;
    let mut is_list = false;
    let mut text = String::new();
    for line in source.text.lines() {
        if line.starts_with("## ") {
            is_list = source.path == STYLE && line == HEADING;
        }
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        if !is_code && !is_fence && !is_list {
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

/// A template with its tags and expressions replaced by a border.
fn without_tags(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .map(|char| match char {
            '<' | '{' => {
                depth += 1;
                '|'
            }
            '>' | '}' => {
                depth = depth.saturating_sub(1);
                '|'
            }
            '\n' => '\n',
            _ if depth > 0 => '|',
            char => char,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row_of(avoid: &str, fine: &str) -> Row {
        row(&format!("| {avoid} | \"is not a\" | {fine} |"))
    }

    #[track_caller]
    fn lines(row: &Row, text: &str) -> Vec<usize> {
        let mut findings = Vec::new();
        judge("a.md", text, 1, std::slice::from_ref(row), &mut findings);
        findings.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_phrase_is_found_across_lines_and_not_across_sentences() {
        let row = row_of("`is no`", "");
        assert_eq!(lines(&row, "It is no list"), [1]);
        assert_eq!(lines(&row, "One.\nIt IS\nno list"), [2]);
        assert!(lines(&row, "That is. No list").is_empty());
        assert!(lines(&row, "what this is nothing of").is_empty());
    }

    #[test]
    fn a_longer_phrase_may_be_fine() {
        let row = row_of("`is no`", "`there is no` `is no longer`");
        assert!(lines(&row, "there is no list, and it is no longer needed").is_empty());
        assert_eq!(lines(&row, "there it is no list"), [1]);
    }

    #[test]
    fn code_is_not_judged() {
        let row = row_of("`is no`", "");
        assert!(lines(&row, "`is no list`").is_empty());
        let source = Source {
            path: "a.md".to_owned(),
            text: "```\nis no\n```\nis no\n".to_owned(),
        };
        let findings = of_document(&source, &[row]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 4);
    }
}
