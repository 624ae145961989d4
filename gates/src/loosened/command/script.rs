//! A command as a list of simple commands, each with whether its failure counts.

use super::words;

/// One program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Simple {
    /// Its words in one spelling, without those that do not change what is checked.
    pub words: Vec<String>,
    /// Options that leave something out or let it pass.
    pub exceptions: Vec<String>,
    /// Whether the whole fails when it fails.
    pub counts: bool,
}

/// What follows a simple command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    And,
    Or,
    Pipe,
    Next,
    Background,
    End,
}

const SHELLS: [&str; 6] = ["sh", "bash", "dash", "zsh", "ash", "ksh"];

/// Programs that succeed whatever the code is like.
const ALWAYS_PASS: [&str; 5] = ["true", ":", "echo", "printf", "exit"];

/// The simple commands of a command: one, or those of the text after `sh -c`.
pub(super) fn of(command: &[String]) -> Vec<Simple> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    let option = command
        .iter()
        .position(|word| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c'));
    match option.and_then(|at| command.get(at + 1).map(|text| (at, text))) {
        Some((at, text)) if SHELLS.contains(&name) => script(text, &command[1..=at]),
        _ => vec![simple(command.to_vec(), true)],
    }
}

/// The simple commands of a shell's text.
fn script(text: &str, options: &[String]) -> Vec<Simple> {
    let parts = parts(text);
    let flag = |letter: char| {
        let mut options = options.iter();
        options.any(|it| !it.starts_with("--") && it.contains(letter))
    };
    let mut stops = flag('e');
    let mut pipes = options.iter().any(|it| it == "pipefail");
    let mut commands = Vec::new();
    let mut is_alternative = false;
    for (at, (words, joint)) in parts.iter().enumerate() {
        let rest = &parts[at + 1..];
        let words: Vec<String> = words.iter().filter(|it| !is_brace(it)).cloned().collect();
        if words.is_empty() {
            continue;
        }
        if words.first().is_some_and(|word| word == "set") {
            let has = |text: &str| words.iter().any(|word| word == text);
            let short = |sign: char| {
                let mut words = words.iter().skip(1);
                words.any(|word| word.starts_with(sign) && word.contains('e'))
            };
            stops = (stops || short('-') || has("errexit")) && !short('+');
            pipes |= has("pipefail");
            continue;
        }
        let is_ignored = match joint {
            Joint::And | Joint::End => is_lost(rest, stops),
            Joint::Or => !fails(rest),
            Joint::Pipe => !pipes || is_lost(rest, stops),
            Joint::Next => !stops && !is_over(rest) && !is_kept(rest),
            Joint::Background => true,
        };
        let is_negated = words.first().is_some_and(|word| word == "!");
        let counts = !is_ignored && !is_negated && !is_alternative && !is_idle(&words);
        commands.push(simple(words.clone(), counts));
        is_alternative = *joint == Joint::Or || (is_alternative && *joint == Joint::And);
        if words.first().is_some_and(|word| word == "exit") && !is_alternative && stops_here(*joint)
        {
            break;
        }
    }
    commands
}

/// Whether the end of a list of `&&` is followed by something that hides its status.
fn is_lost(rest: &[(Vec<String>, Joint)], stops: bool) -> bool {
    for (position, (_, joint)) in rest.iter().enumerate() {
        match joint {
            Joint::And | Joint::Pipe => {}
            Joint::Or => return !fails(&rest[position + 1..]),
            Joint::Next => {
                let rest = &rest[position + 1..];
                return !stops && !is_over(rest) && !is_kept(rest);
            }
            Joint::Background => return true,
            Joint::End => return false,
        }
    }
    false
}

/// Whether what runs after `||` ends with a failure: a command, or a group in braces.
fn fails(rest: &[(Vec<String>, Joint)]) -> bool {
    let is_group = rest
        .first()
        .is_some_and(|(words, _)| words.first().is_some_and(|it| it == "{"));
    for (words, joint) in rest {
        let plain: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|it| !is_brace(it))
            .collect();
        match plain.as_slice() {
            ["exit" | "return", code, ..] if *code != "0" => return true,
            ["false", ..] => return true,
            _ => {}
        }
        let ends = words.iter().any(|it| it == "}") || (!is_group && *joint == Joint::Next);
        if ends || *joint == Joint::End {
            break;
        }
    }
    false
}

/// Whether no command follows.
fn is_over(rest: &[(Vec<String>, Joint)]) -> bool {
    rest.iter()
        .all(|(words, _)| words.iter().all(|it| is_brace(it)))
}

/// Whether the status is kept in a variable with which the text exits: `status=$?; …; exit $status`.
fn is_kept(rest: &[(Vec<String>, Joint)]) -> bool {
    let first = rest.first().and_then(|(words, _)| words.first());
    let Some(variable) = first.and_then(|word| word.strip_suffix("=$?")) else {
        return false;
    };
    rest.iter().any(|(words, _)| match words.as_slice() {
        [exit, code, ..] => {
            exit == "exit" && code.trim_start_matches(['$', '{']).starts_with(variable)
        }
        _ => false,
    })
}

fn is_brace(word: &str) -> bool {
    ["{", "}"].contains(&word)
}

fn stops_here(joint: Joint) -> bool {
    matches!(joint, Joint::Next | Joint::End)
}

fn is_idle(words: &[String]) -> bool {
    let program = words.iter().find(|word| !is_assignment(word));
    program.is_none_or(|program| ALWAYS_PASS.contains(&program.as_str()))
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| {
        !name.is_empty()
            && name
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_')
    })
}

fn simple(words: Vec<String>, counts: bool) -> Simple {
    let counts = counts && !is_idle(&words);
    let (words, exceptions) = words::normalised(words);
    Simple {
        words,
        exceptions,
        counts,
    }
}

/// The words of a text between its operators. Quotes keep words together; groups in parentheses are
/// written with braces.
fn parts(text: &str) -> Vec<(Vec<String>, Joint)> {
    let mut parts = Vec::new();
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut depth = 0;
    let mut chars = text.chars().peekable();
    let end_word = |word: &mut String, words: &mut Vec<String>| {
        let done = std::mem::take(word);
        if !done.is_empty() {
            words.push(done);
        }
    };
    while let Some(char) = chars.next() {
        let joint = match (quote, char) {
            (Some(open), _) if char == open => {
                quote = None;
                None
            }
            (Some(_), _) => {
                word.push(char);
                None
            }
            (None, '"' | '\'') => {
                quote = Some(char);
                None
            }
            (None, '\\') => {
                // A line that continues is one line.
                word.extend(chars.next().filter(|next| *next != '\n'));
                None
            }
            (None, '#') if word.is_empty() => {
                while chars.next_if(|next| *next != '\n').is_some() {}
                None
            }
            (None, '&') if word.ends_with('>') || chars.peek() == Some(&'>') => {
                word.push(char);
                None
            }
            (None, '&') if chars.next_if_eq(&'&').is_some() => Some(Joint::And),
            (None, '|') if chars.next_if_eq(&'|').is_some() => Some(Joint::Or),
            (None, '|') => Some(Joint::Pipe),
            (None, '&') => Some(Joint::Background),
            (None, ';' | '\n') => Some(Joint::Next),
            // `$(…)` belongs to its word; a subshell is a group.
            (None, '(') if !word.is_empty() => {
                word.push(char);
                depth += 1;
                None
            }
            (None, ')') if depth > 0 => {
                word.push(char);
                depth -= 1;
                None
            }
            (None, '(' | ')') => {
                end_word(&mut word, &mut words);
                words.push(if char == '(' { "{" } else { "}" }.to_owned());
                None
            }
            (None, _) if char.is_whitespace() => {
                end_word(&mut word, &mut words);
                None
            }
            (None, _) => {
                word.push(char);
                None
            }
        };
        if let Some(joint) = joint {
            end_word(&mut word, &mut words);
            if !words.is_empty() {
                parts.push((std::mem::take(&mut words), joint));
            }
        }
    }
    end_word(&mut word, &mut words);
    if !words.is_empty() {
        parts.push((words, Joint::End));
    }
    parts
}
