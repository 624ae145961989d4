//! Finds the entry documents of a folder by their content; fragments are ignored.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A document to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub path: PathBuf,
    /// Its path from the folder, with `/`.
    pub name: String,
    /// The specification, by the key that the document declares: `openapi`, `asyncapi` or
    /// `swagger`.
    pub word: &'static str,
}

/// What a folder holds.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    pub entries: Vec<Entry>,
    /// How many JSON and YAML files are not entry documents.
    pub n_fragments: usize,
}

/// Searches a folder and everything below it, in the order of names.
pub fn discover(root: &Path) -> io::Result<Discovered> {
    let mut found = Discovered::default();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> = fs::read_dir(&folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        paths.sort();
        for path in paths.into_iter().rev() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if !path.is_symlink() && !name.starts_with('.') && name != "node_modules" {
                    folders.push(path);
                }
            } else if has_known_ending(&path) {
                match word_of(&String::from_utf8_lossy(&fs::read(&path)?)) {
                    Some(word) => found.entries.push(Entry {
                        name: name_of(root, &path),
                        path,
                        word,
                    }),
                    None => found.n_fragments += 1,
                }
            }
        }
    }
    found
        .entries
        .sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

fn has_known_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| {
        ["json", "yaml", "yml"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

fn name_of(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

const WORDS: [&str; 3] = ["openapi", "asyncapi", "swagger"];

/// The specification that a text names at its top level, whatever else is wrong with it.
fn word_of(text: &str) -> Option<&'static str> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{') {
        return word_in_braces(text);
    }
    text.lines().find_map(|line| {
        let line = line.trim_start_matches(['"', '\'']);
        WORDS.into_iter().find(|word| {
            let rest = line.strip_prefix(word);
            let rest = rest.map(|rest| rest.trim_start_matches(['"', '\'']).trim_start());
            rest.is_some_and(|rest| rest.strip_prefix(':').is_some_and(is_version))
        })
    })
}

/// Whether what follows the key starts a version, as in `3.1.0` or `"2.6.0"`.
fn is_version(value: &str) -> bool {
    let value = value.trim_start().trim_start_matches(['"', '\'']);
    value.starts_with(|letter: char| letter.is_ascii_digit())
}

/// The word among the keys of the outermost braces, JSON or YAML's flow style.
fn word_in_braces(text: &str) -> Option<&'static str> {
    let (mut depth, mut quoted, mut is_escaped) = (0_usize, None, false);
    let mut start = 0;
    for (idx, letter) in text.char_indices() {
        if let Some(quote) = quoted {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                _ if letter == quote => quoted = None,
                _ => {}
            }
            continue;
        }
        match letter {
            '"' => quoted = Some('"'),
            '{' | '[' => {
                depth += 1;
                start = idx + 1;
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' => start = idx + 1,
            ':' if depth == 1 => {
                let key = text[start..idx].trim().trim_matches(['"', '\'']);
                let found = WORDS.into_iter().find(|word| *word == key);
                if found.is_some() && is_version(&text[idx + 1..]) {
                    return found;
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_document_is_told_by_its_content() {
        for (text, word) in [
            ("openapi: 3.1.0\n", Some("openapi")),
            (
                "\u{feff}# a comment\r\n---\r\n'asyncapi': '2.6.0'\r\n",
                Some("asyncapi"),
            ),
            (
                "{\"info\":{\"x\":\"{\"},\"openapi\":\"3.0.0\"}",
                Some("openapi"),
            ),
            ("{\"openapi\": \"3.0.0\", \"paths\": {", Some("openapi")),
            ("{openapi: 3.0.0, info: {}}", Some("openapi")),
            ("swagger: '2.0'", Some("swagger")),
            ("type: object\nproperties:\n  openapi: 3\n", None),
            ("{\"components\":{\"openapi\":\"3.0.0\"}}", None),
            ("openapi:\n  description: a schema of that name\n", None),
            ("", None),
        ] {
            assert_eq!(word_of(text), word, "{text}");
        }
    }
}
