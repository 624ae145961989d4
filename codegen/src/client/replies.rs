//! What a method returns: the types of good and bad replies, and how a status picks one.

use std::fmt::Write as _;

use super::names::Names;
use crate::ir::{Operation, Response};
use crate::rust::{Rust, doc_lines};
use crate::status::status_name;

/// The types of an operation's replies.
pub(super) struct Replies {
    /// The type of a good body.
    pub(super) good: String,
    /// The type of a declared bad body.
    pub(super) bad: String,
    /// The variant of the first good reply, where the good type is an enum.
    pub(super) first: Option<String>,
    /// Enums that the two need.
    pub(super) declarations: String,
    /// The end of the method, from `reply`.
    pub(super) decision: String,
}

/// One declared answer: which statuses, and how its body is read.
struct Case<'o> {
    response: &'o Response,
    variant: String,
    ty: String,
    read: &'static str,
}

pub(super) fn reply(rust: &Rust<'_>, operation: &Operation, names: &Names) -> Replies {
    let mut cases: Vec<Case<'_>> = operation
        .responses
        .iter()
        .map(|response| case(rust, response))
        .collect();
    // An exact status is asked first, then a range, then the default.
    cases.sort_by_key(|case| match case.response.status.as_str() {
        "default" => 2,
        status if status.parse::<u16>().is_ok() => 0,
        _ => 1,
    });
    let has_good = cases
        .iter()
        .any(|case| case.response.status.starts_with('2'));
    let is_good = |case: &&Case<'_>| {
        let status = &case.response.status;
        status.starts_with('2') || (status == "default" && !has_good)
    };
    let good: Vec<&Case<'_>> = cases.iter().filter(is_good).collect();
    // A default beside good statuses, and one that is the only answer, stands for bad ones too.
    let bad: Vec<&Case<'_>> = cases
        .iter()
        .filter(|case| !case.response.status.starts_with('2'))
        .collect();
    let good_side = side(&good, &format!("{}Reply", names.ty), "()");
    let bad_side = side(
        &bad,
        &format!("{}Refusal", names.ty),
        "std::convert::Infallible",
    );
    let docs = |what: &str| format!("What `{}` {what}.", operation.id.replace('`', "'"));
    let mut declarations = String::new();
    declarations.push_str(&declaration(&good, &good_side, &docs("answers")));
    declarations.push_str(&declaration(
        &bad,
        &bad_side,
        &docs("answers when it refuses"),
    ));
    let mut arms: Vec<(String, String)> = Vec::new();
    for case in &good {
        let pattern = match case.response.status.as_str() {
            "default" => "200..=299".to_owned(),
            status => pattern(status),
        };
        let (read, ty, variant) = (case.read, &good_side.ty, &case.variant);
        let arm = if good_side.is_enum {
            format!("{read}(reply).map(|reply| reply.map({ty}::{variant}))")
        } else {
            format!("{read}(reply)")
        };
        arms.push((pattern, arm));
    }
    if cases.is_empty() {
        arms.push(("200..=299".to_owned(), "no_body(reply)".to_owned()));
    }
    for case in &bad {
        let pattern = match case.response.status.as_str() {
            "default" => "100..=199 | 300..".to_owned(),
            status => pattern(status),
        };
        let change = if bad_side.is_enum {
            format!("{}::{}", bad_side.ty, case.variant)
        } else {
            "|body| body".to_owned()
        };
        arms.push((
            pattern,
            format!("Err(refused({}(reply), {change}))", case.read),
        ));
    }
    let decision = decision(&arms);
    let mut responses = operation.responses.iter();
    let first = responses.find(|response| response.status.starts_with('2'));
    let is_first = |case: &&&Case<'_>| first.is_some_and(|it| std::ptr::eq(it, case.response));
    let first = good.iter().find(is_first).filter(|_| good_side.is_enum);
    Replies {
        first: first.map(|case| case.variant.clone()),
        good: good_side.ty,
        bad: bad_side.ty,
        declarations,
        decision,
    }
}

/// The match over the status; neighbours that do the same share an arm.
fn decision(arms: &[(String, String)]) -> String {
    let mut text = "        match reply.status {\n".to_owned();
    for group in arms.chunk_by(|one, other| one.1 == other.1) {
        let patterns: Vec<&str> = group.iter().map(|(pattern, _)| pattern.as_str()).collect();
        let _ = writeln!(
            text,
            "            {} => {},",
            patterns.join(" | "),
            group[0].1
        );
    }
    text.push_str("            _ => Err(Error::Undeclared(reply)),\n        }\n");
    text
}

struct Side {
    ty: String,
    is_enum: bool,
}

/// One type when all cases have it, else an enum of the cases.
fn side(cases: &[&Case<'_>], name: &str, none: &str) -> Side {
    let Some(first) = cases.first() else {
        return Side {
            ty: none.to_owned(),
            is_enum: false,
        };
    };
    let is_enum = cases
        .iter()
        .any(|case| case.ty != first.ty || case.read != first.read);
    Side {
        ty: if is_enum {
            name.to_owned()
        } else {
            first.ty.clone()
        },
        is_enum,
    }
}

fn declaration(cases: &[&Case<'_>], side: &Side, docs: &str) -> String {
    if !side.is_enum {
        return String::new();
    }
    let mut text = format!(
        "\n{}#[derive(Debug, Clone, PartialEq)]\npub enum {} {{\n",
        doc_lines(docs, ""),
        side.ty
    );
    for case in cases {
        let docs = format!("{}: {}", case.response.status, case.response.docs.text);
        text.push_str(&doc_lines(&docs, "    "));
        let _ = writeln!(text, "    {}({}),", case.variant, case.ty);
    }
    text.push_str("}\n");
    text
}

fn case<'o>(rust: &Rust<'_>, response: &'o Response) -> Case<'o> {
    let (ty, read) = match response.media.as_deref() {
        None => ("()".to_owned(), "no_body"),
        Some(media) if media.contains("json") => {
            let ty = response.ty.as_ref().map_or_else(
                || "serde_json::Value".to_owned(),
                |ty| rust.type_text(ty, None),
            );
            (ty, "json_body")
        }
        Some(media) if media.starts_with("text/") => ("String".to_owned(), "text_body"),
        Some(_) => ("Vec<u8>".to_owned(), "bytes_body"),
    };
    Case {
        response,
        variant: status_name(&response.status),
        ty,
        read,
    }
}

/// The statuses of a declared answer as a pattern.
fn pattern(status: &str) -> String {
    match status.parse::<u16>() {
        Ok(status) => status.to_string(),
        Err(_) => match status.chars().next().and_then(|c| c.to_digit(10)) {
            Some(digit @ 1..=5) => format!("{digit}00..={digit}99"),
            _ => "600..".to_owned(),
        },
    }
}
