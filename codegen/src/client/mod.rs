//! The client in Rust: one method for each operation, over reqwest; channels over any transport.
//!
//! The only folder of this crate whose output uses reqwest.

pub(crate) mod channels;
mod names;
mod pages;
mod replies;
mod requests;

use std::fmt::Write as _;

use crate::ir::{Content, Ir, Location, Operation, Parameter, SecurityScheme};
use crate::rust::{Rust, doc_lines, literal};
use crate::{Artifact, HEADER};

use names::{Names, fields, operation_names};

/// What `Client::new` does first in a package with a manifest, where the feature is known.
const PROVIDER: &str = "#[cfg(feature = \"rustls\")]\n        let _ = rustls::crypto::ring::default_provider().install_default();";

/// The file of the client; the models are in the crate `models`, or in the same one.
pub(crate) fn emit(ir: &Ir, models: &str, path: &str, has_manifest: bool) -> Artifact {
    let rust = Rust::new(ir, &format!("{models}::"));
    let names = operation_names(ir);
    let mut text = format!("// {HEADER}\n{}", include_str!("templates/client.rs"));
    if has_manifest {
        let mark = "        // tls: a process";
        text = text.replace(mark, &format!("        {PROVIDER}\n{mark}"));
    }
    text = text.replace("// tls: a", "// A");
    let mut methods = String::new();
    for (operation, names) in ir.operations.iter().zip(&names) {
        if operation.is_websocket {
            continue;
        }
        let reply = replies::reply(&rust, operation, names);
        text.push_str(&requests::request(&rust, operation, names));
        text.push_str(&reply.declarations);
        let request = format!("{}Request", names.ty);
        text.push_str(&pages::next(&rust, operation, &request, &reply));
        methods.push_str(&method(ir, operation, names, &reply));
        if let Some(media) = event_stream(operation) {
            methods.push_str(&events(ir, operation, names, media));
        }
    }
    let base = ir.servers.first().map_or(String::new(), |server| {
        format!(
            "    /// The first server of the contract.\n    pub const SERVER: &'static str = {};\n\n",
            literal(server)
        )
    });
    if !(base.is_empty() && methods.is_empty()) {
        let _ = write!(
            text,
            "\nimpl Client {{\n{base}{}}}\n",
            methods.trim_start_matches('\n')
        );
    }
    Artifact::new(path, text)
}

fn event_stream(operation: &Operation) -> Option<&Content> {
    let contents = operation.responses.iter().flat_map(|r| &r.contents);
    contents
        .into_iter()
        .find(|content| content.media.starts_with("text/event-stream"))
}

fn method(ir: &Ir, operation: &Operation, names: &Names, reply: &replies::Replies) -> String {
    let Names { function, ty } = names;
    let mut text = docs(operation);
    let argument = argument(operation, ty);
    let (good, bad) = (&reply.good, &reply.bad);
    let _ = write!(
        text,
        "    pub async fn {function}(&self{argument}) -> Result<Reply<{good}>, Error<{bad}>> {{\n        let reply = self\n"
    );
    text.push_str(&chain(ir, operation, &accepted(operation)));
    let _ = write!(
        text,
        "            .send()\n            .await?;\n{}    }}\n",
        reply.decision
    );
    text
}

fn events(ir: &Ir, operation: &Operation, names: &Names, content: &Content) -> String {
    let Names { function, ty } = names;
    let function = function.trim_start_matches("r#");
    let mut text = docs(operation);
    let argument = argument(operation, ty);
    let _ = write!(
        text,
        "    ///\n    /// The same call, answered by a stream of server-sent events.\n    pub async fn {function}_events(&self{argument}) -> Result<Events, Error<std::convert::Infallible>> {{\n        self\n"
    );
    text.push_str(&chain(ir, operation, &content.media));
    text.push_str("            .events()\n            .await\n    }\n");
    text
}

fn docs(operation: &Operation) -> String {
    let docs = format!(
        "`{} {}`: {}",
        operation.method, operation.path, operation.docs.text
    );
    let mut text = format!("\n{}", doc_lines(&docs, "    "));
    if operation.docs.is_deprecated {
        text.push_str("    ///\n    /// Deprecated.\n");
    }
    text
}

fn argument(operation: &Operation, ty: &str) -> String {
    if operation.parameters.is_empty() && operation.body.is_none() {
        String::new()
    } else {
        format!(", request: {ty}Request")
    }
}

/// The media types that the caller can read, JSON first.
fn accepted(operation: &Operation) -> String {
    let contents = operation.responses.iter().flat_map(|r| &r.contents);
    let mut medias: Vec<&str> = Vec::new();
    for content in contents {
        let media = content.media.as_str();
        let is_text = media.is_ascii() && !media.contains(char::is_control);
        if is_text && !medias.contains(&media) && !media.starts_with("text/event-stream") {
            medias.push(media);
        }
    }
    medias.sort_by_key(|media| !media.contains("json"));
    medias.join(", ")
}

/// The calls that fill a request, one in a line.
fn chain(ir: &Ir, operation: &Operation, accept: &str) -> String {
    let mut text = format!(
        "            .call({}, {})\n",
        literal(&operation.method),
        literal(&operation.path)
    );
    for (ident, parameter) in fields(operation) {
        let wire = literal(&parameter.wire);
        let style = style(parameter);
        let value = if parameter.is_required {
            format!("Some(&request.{ident})")
        } else {
            format!("request.{ident}.as_ref()")
        };
        let _ = match parameter.location {
            Location::Path => {
                writeln!(text, "            .path({wire}, &request.{ident}, {style})")
            }
            Location::Query => writeln!(text, "            .query({wire}, {value}, {style})"),
            Location::Header => writeln!(text, "            .header({wire}, {value}, {style})"),
            Location::Cookie => writeln!(text, "            .cookie({wire}, {value}, {style})"),
            Location::QueryString => writeln!(text, "            .query_string({value})"),
        };
    }
    if let Some(body) = &operation.body {
        let _ = writeln!(text, "            {}", requests::send_body(ir, body));
    }
    if !accept.is_empty() {
        let _ = writeln!(text, "            .accept({})", literal(accept));
    }
    text.push_str(&secured(ir, operation));
    text
}

fn style(parameter: &Parameter) -> String {
    if parameter.media.is_some() {
        return "Style::Json".to_owned();
    }
    let explode = parameter.is_exploded;
    match (parameter.style.as_str(), parameter.location) {
        ("spaceDelimited", _) => "Style::Delimited(\"%20\")".to_owned(),
        ("pipeDelimited", _) => "Style::Delimited(\"%7C\")".to_owned(),
        ("deepObject", _) => "Style::DeepObject".to_owned(),
        ("label", _) => format!("Style::Label({explode})"),
        ("matrix", _) => format!("Style::Matrix({explode})"),
        (_, Location::Path | Location::Header) => format!("Style::Simple({explode})"),
        _ => format!("Style::Form({explode})"),
    }
}

/// What proves the caller: one set of schemes after another, as the contract orders them.
fn secured(ir: &Ir, operation: &Operation) -> String {
    let mut sets = Vec::new();
    for requirement in &operation.security {
        let mut secrets = Vec::new();
        for scheme in requirement.keys() {
            let place = match ir.security_schemes.get(scheme) {
                Some(SecurityScheme::ApiKey { location, wire }) => {
                    let place = match location {
                        Location::Query | Location::QueryString => "Query",
                        Location::Cookie => "Cookie",
                        Location::Header | Location::Path => "Header",
                    };
                    format!("Secret::{place}({})", literal(wire))
                }
                Some(SecurityScheme::Basic | SecurityScheme::Bearer) => {
                    "Secret::Authorization".to_owned()
                }
                // The transport proves it, or nobody knows how.
                Some(SecurityScheme::Other(_)) | None => continue,
            };
            secrets.push(format!("({}, {place})", literal(scheme)));
        }
        if !secrets.is_empty() {
            sets.push(format!("&[{}]", secrets.join(", ")));
        }
    }
    if sets.is_empty() {
        return String::new();
    }
    format!("            .secured(&[{}])\n", sets.join(", "))
}
