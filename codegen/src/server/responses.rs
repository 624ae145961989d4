//! The response enum of an operation.

use std::fmt::Write as _;

use super::names::Names;
use crate::ir::{Operation, Response};
use crate::rust::{Rust, doc_lines, literal, member};
use crate::status::status_name;

/// One variant: its name, what it holds, and how it is written.
struct Variant<'a> {
    name: String,
    response: &'a Response,
    body: Option<String>,
    /// The status when the contract fixes it.
    status: Option<u16>,
}

pub(crate) fn response(rust: &Rust<'_>, operation: &Operation, names: &Names) -> String {
    let variants = variants(rust, operation);
    let name = &names.response;
    let docs = format!("What `{}` answers.", operation.id.replace('`', "'"));
    let mut text = format!(
        "\n{}#[derive(Debug, Clone, PartialEq)]\npub enum {name} {{\n",
        doc_lines(&docs, "")
    );
    let mut arms = String::new();
    for variant in &variants {
        let shown = match variant.status {
            Some(status) => format!("{status}: {}", variant.response.docs.text),
            None => format!("A status from the contract: {}", variant.response.docs.text),
        };
        text.push_str(&doc_lines(&shown, "    "));
        let wires: Vec<&str> = variant
            .response
            .headers
            .iter()
            .map(|(wire, ..)| wire.as_str())
            .collect();
        let idents = member(&wires, &["body", "status"]);
        let (declaration, pattern) = declaration(variant, &idents);
        let _ = writeln!(text, "    {}{declaration},", variant.name);
        let _ = writeln!(arms, "            Self::{}{pattern} => {{", variant.name);
        let status = variant
            .status
            .map_or_else(|| "status".to_owned(), |status| status.to_string());
        let media = variant.response.media.as_deref().unwrap_or_default();
        let made = match (&variant.body, &variant.response.ty) {
            (None, _) => format!("extract::empty_response({status})"),
            (Some(_), Some(_)) => format!(
                "extract::json_response({status}, {}, &body)",
                literal(media)
            ),
            (Some(_), None) if media.starts_with("text/") && !media.contains(';') => {
                format!(
                    "extract::bytes_response({status}, {}, body.into())",
                    literal(&format!("{media}; charset=utf-8"))
                )
            }
            (Some(_), None) => format!(
                "extract::bytes_response({status}, {}, body.into())",
                literal(media)
            ),
        };
        if variant.response.headers.is_empty() {
            let _ = writeln!(arms, "                {made}\n            }}");
            continue;
        }
        let _ = writeln!(arms, "                let response = {made};");
        for ((wire, is_required, _), ident) in variant.response.headers.iter().zip(&idents) {
            let wire = literal(&wire.to_lowercase());
            let line = if *is_required {
                format!("let response = extract::with_header(response, {wire}, &{ident});")
            } else {
                format!(
                    "let response = match {ident} {{ Some(value) => extract::with_header(response, {wire}, &value), None => response }};"
                )
            };
            let _ = writeln!(arms, "                {line}");
        }
        arms.push_str("                response\n            }\n");
    }
    if variants.is_empty() {
        text.push_str("    /// 200, without a body.\n    Ok,\n");
        arms.push_str("            Self::Ok => extract::empty_response(200),\n");
    }
    let _ = write!(
        text,
        "}}\n\nimpl IntoResponse for {name} {{\n    fn into_response(self) -> Response {{\n        match self {{\n{arms}        }}\n    }}\n}}\n"
    );
    text
}

fn declaration(variant: &Variant<'_>, idents: &[String]) -> (String, String) {
    if variant.response.headers.is_empty() {
        return match (&variant.body, variant.status) {
            (None, Some(_)) => (String::new(), String::new()),
            (None, None) => ("(u16)".to_owned(), "(status)".to_owned()),
            (Some(body), Some(_)) => (format!("({body})"), "(body)".to_owned()),
            (Some(body), None) => (format!("(u16, {body})"), "(status, body)".to_owned()),
        };
    }
    let mut fields = Vec::new();
    let mut bound = Vec::new();
    if variant.status.is_none() {
        fields.push("status: u16".to_owned());
        bound.push("status".to_owned());
    }
    if let Some(body) = &variant.body {
        fields.push(format!("body: {body}"));
        bound.push("body".to_owned());
    }
    for ((_, is_required, _), ident) in variant.response.headers.iter().zip(idents) {
        let ty = if *is_required {
            "String"
        } else {
            "Option<String>"
        };
        fields.push(format!("{ident}: {ty}"));
        bound.push(ident.clone());
    }
    (
        format!(" {{ {} }}", fields.join(", ")),
        format!(" {{ {} }}", bound.join(", ")),
    )
}

/// Problems without headers share one variant that carries the status.
fn variants<'o>(rust: &Rust<'_>, operation: &'o Operation) -> Vec<Variant<'o>> {
    let mut variants: Vec<Variant<'o>> = Vec::new();
    for response in &operation.responses {
        let body = response.media.as_ref().map(|media| match &response.ty {
            Some(ty) => rust.type_text(ty, None),
            None if media.starts_with("text/") => "String".to_owned(),
            None => "axum::body::Bytes".to_owned(),
        });
        let is_problem = response.media.as_deref() == Some("application/problem+json");
        let status = response.status.parse::<u16>().ok();
        if is_problem && response.headers.is_empty() {
            match variants.iter().find(|variant| variant.name == "Problem") {
                None => {
                    variants.push(Variant {
                        name: "Problem".to_owned(),
                        response,
                        body,
                        status: None,
                    });
                    continue;
                }
                Some(known) if known.body == body => continue,
                Some(_) => {}
            }
        }
        let name = status_name(&response.status);
        variants.push(Variant {
            name,
            response,
            body,
            status,
        });
    }
    variants
}
