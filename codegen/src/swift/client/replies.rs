//! What a method returns: the types of good and bad replies, and how a status picks one.

use std::fmt::Write as _;

use super::super::scope::Swift;
use super::super::text::quote;
use super::call::{Call, is_json, is_text};
use crate::ir::Response;
use crate::names::{self, Case};
use crate::status::status_name;

/// The types of an operation's replies.
pub(super) struct Replies {
    /// The type of a good body.
    pub(super) good: String,
    /// The case of the first good reply, where the good type is an enum.
    pub(super) first: Option<String>,
    /// Enums that the replies need.
    pub(super) declarations: String,
    /// The end of the method, from `reply`.
    pub(super) decision: String,
    /// Whether a good reply is a stream of events.
    pub(super) is_stream: bool,
}

/// One declared answer: which statuses, and how its body is read.
struct Answer {
    pattern: String,
    rank: u8,
    status: String,
    ty: String,
    read: &'static str,
}

/// The answers of one side, good or bad, as one type.
struct Side {
    ty: String,
    /// The case of each answer when they are an enum.
    cases: Vec<Option<String>>,
    declaration: String,
}

pub(super) fn replies(swift: &Swift<'_>, call: &Call<'_>) -> Replies {
    let mut answers: Vec<Answer> = call
        .operation
        .responses
        .iter()
        .map(|response| answer(swift, response))
        .collect();
    // An exact status is asked first, then a range, then the default.
    answers.sort_by_key(|answer| answer.rank);
    answers.dedup_by(|one, other| one.pattern == other.pattern);
    let has_good = answers.iter().any(|answer| answer.status.starts_with('2'));
    let is_good =
        |answer: &Answer| answer.status.starts_with('2') || (answer.rank == 2 && !has_good);
    let good: Vec<&Answer> = answers.iter().filter(|a| is_good(a)).collect();
    let bad: Vec<&Answer> = answers
        .iter()
        .filter(|a| !a.status.starts_with('2'))
        .collect();
    let good_side = side(&good, &format!("{}Reply", call.ty), "Void");
    let bad_side = side(&bad, &format!("{}Refusal", call.ty), "Void");
    let decision = decision(&answers, (&good, &good_side), (&bad, &bad_side));
    let mut responses = call.operation.responses.iter();
    let first = responses.find(|response| response.status.starts_with('2'));
    let index = good
        .iter()
        .position(|answer| first.is_some_and(|first| first.status == answer.status));
    Replies {
        first: index.and_then(|index| good_side.cases[index].clone()),
        is_stream: good_side.ty == "ServerSentEvents"
            || good.iter().any(|answer| answer.ty == "ServerSentEvents"),
        good: good_side.ty,
        declarations: good_side.declaration + &bad_side.declaration,
        decision,
    }
}

/// The `switch` over the status; statuses that are read alike share a case.
fn decision(
    answers: &[Answer],
    (good, good_side): (&[&Answer], &Side),
    (bad, bad_side): (&[&Answer], &Side),
) -> String {
    let place = |side: &[&Answer], answer: &Answer| {
        side.iter().position(|other| std::ptr::eq(*other, answer))
    };
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut add = |pattern: &str, act: String| match lines.last_mut() {
        Some((patterns, last)) if *last == act && pattern != "default" => {
            patterns.push_str(", ");
            patterns.push_str(pattern);
        }
        _ => lines.push((pattern.to_owned(), act)),
    };
    for answer in answers {
        let is_default = answer.rank == 2;
        if let Some(index) = place(good, answer) {
            let read = returned(&wrapped(answer.read, good_side.cases[index].as_ref()));
            let pattern = if is_default {
                "200..<300"
            } else {
                &answer.pattern
            };
            add(pattern, format!("return {read}"));
            if !is_default {
                continue;
            }
        }
        if let Some(index) = place(bad, answer) {
            let read = returned(&wrapped(answer.read, bad_side.cases[index].as_ref()));
            let ty = &bad_side.ty;
            let act = format!("throw APIStatusError<{ty}>(response: {read})");
            add(&answer.pattern, act);
        }
    }
    if answers.is_empty() {
        add("200..<300", "return reply.with(())".to_owned());
    }
    if !answers.iter().any(|answer| answer.rank == 2) {
        add("default", "throw reply.unexpected()".to_owned());
    }
    let mut text = "        switch reply.status {\n".to_owned();
    for (pattern, act) in lines {
        let word = if pattern == "default" { "" } else { "case " };
        let _ = writeln!(text, "        {word}{pattern}: {act}");
    }
    text.push_str("        }\n");
    text
}

fn returned(read: &str) -> String {
    if read.contains("json()") {
        format!("try reply.with({read})")
    } else {
        format!("reply.with({read})")
    }
}

fn wrapped(read: &str, case: Option<&String>) -> String {
    match case {
        None => read.to_owned(),
        Some(case) if read == "()" => format!(".{case}"),
        Some(case) => format!(".{case}({read})"),
    }
}

fn answer(swift: &Swift<'_>, response: &Response) -> Answer {
    let status = response.status.clone();
    let (pattern, rank) = match status.parse::<u16>() {
        Ok(number) => (number.to_string(), 0),
        Err(_) => match status.chars().next().and_then(|c| c.to_digit(10)) {
            Some(class) => (format!("{class}00..<{}00", class + 1), 1),
            None => ("default".to_owned(), 2),
        },
    };
    let content = response.contents.first();
    let (ty, read) = match content {
        None => ("Void".to_owned(), "()"),
        Some(content) if content.media.starts_with("text/event-stream") => {
            ("ServerSentEvents".to_owned(), "reply.events()")
        }
        Some(content) if is_json(&content.media) => match &content.ty {
            Some(ty) => (swift.type_text(ty), "reply.json()"),
            None => ("JSONValue".to_owned(), "reply.json()"),
        },
        Some(content) if is_text(&content.media) => ("String".to_owned(), "reply.text()"),
        Some(_) => ("Data".to_owned(), "reply.data"),
    };
    // What can't have a body has none, whatever the document says.
    let (ty, read) = if matches!(status.as_str(), "204" | "205" | "304") {
        ("Void".to_owned(), "()")
    } else {
        (ty, read)
    };
    Answer {
        pattern,
        rank,
        status,
        ty,
        read,
    }
}

fn side(answers: &[&Answer], name: &str, none: &str) -> Side {
    let Some(first) = answers.first() else {
        return Side {
            ty: none.to_owned(),
            cases: Vec::new(),
            declaration: String::new(),
        };
    };
    if answers.iter().all(|answer| answer.ty == first.ty) {
        return Side {
            ty: first.ty.clone(),
            cases: vec![None; answers.len()],
            declaration: String::new(),
        };
    }
    let labels: Vec<String> = answers.iter().map(|a| status_name(&a.status)).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let idents: Vec<String> = names::members(&labels, Case::Camel, &["init", "self"], "Status")
        .iter()
        .map(|ident| quote(ident))
        .collect();
    let mut declaration = format!("    public enum {name}: Sendable {{\n");
    for (answer, ident) in answers.iter().zip(&idents) {
        let _ = if answer.ty == "Void" {
            writeln!(declaration, "        case {ident}")
        } else {
            writeln!(declaration, "        case {ident}({})", answer.ty)
        };
    }
    declaration.push_str("    }\n\n");
    Side {
        ty: name.to_owned(),
        cases: idents
            .into_iter()
            .map(|ident| Some(ident.trim_matches('`').to_owned()))
            .collect(),
        declaration,
    }
}
