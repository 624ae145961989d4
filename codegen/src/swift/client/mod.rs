//! The Swift client: one async method for each operation, and typed channels.

mod call;
mod channels;
mod pages;
mod replies;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::scope::{RESERVED, Swift};
use super::text::{docs, literal, parameters};
use crate::ir::{Docs, Location, SecurityScheme};
use crate::names::{self, Case};
use crate::{Artifact, HEADER};

use call::{Call, unique};

/// Names of the client's own members, which methods can't have.
const MEMBERS: [&str; 12] = [
    "baseURL",
    "credentials",
    "headers",
    "init",
    "pages",
    "prepare",
    "retries",
    "securitySchemes",
    "self",
    "send",
    "stream",
    "transport",
];

/// The files of the client.
pub(super) fn emit(swift: &Swift<'_>, module: &str) -> Vec<Artifact> {
    let source = |name: &str| format!("Sources/{module}/{name}.swift");
    let mut artifacts = Vec::new();
    let ir = swift.ir;
    if !ir.operations.is_empty() || ir.channels.is_empty() {
        for (name, text) in [
            ("Client", include_str!("../templates/Client.swift")),
            ("Request", include_str!("../templates/Request.swift")),
        ] {
            let path = source(&format!("Support/{name}"));
            artifacts.push(Artifact::new(path, format!("// {HEADER}\n{text}")));
        }
        artifacts.push(Artifact::new(source("Support/Security"), security(swift)));
        for (tag, text) in operations(swift) {
            artifacts.push(Artifact::new(source(&format!("Client/{tag}")), text));
        }
    }
    if !ir.channels.is_empty() {
        let text = include_str!("../templates/Channels.swift");
        let path = source("Support/ChannelMessage");
        artifacts.push(Artifact::new(path, format!("// {HEADER}\n{text}")));
        let text = channels::emit(swift);
        artifacts.push(Artifact::new(source("Channels"), text));
    }
    artifacts
}

/// The methods by tag: file name to text.
fn operations(swift: &Swift<'_>) -> BTreeMap<String, String> {
    let ir = swift.ir;
    let ids: Vec<String> = unique(ir.operations.iter().map(|operation| operation.id.as_str()));
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let methods = parameters(&ids, &MEMBERS);
    let known_methods: BTreeSet<String> = methods.iter().cloned().collect();
    let models: Vec<&str> = swift.names.iter().map(String::as_str).collect();
    let models: Vec<&str> = RESERVED.split_whitespace().chain(models).collect();
    let types = names::members(&ids, Case::Pascal, &[], "Call");
    let tags: Vec<&str> = ir.operations.iter().map(|o| o.tag.as_str()).collect();
    let mut distinct = tags.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let files = names::members(&distinct, Case::Pascal, &[], "Calls");
    // File systems that ignore case would make one file of two.
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let files: BTreeMap<&str, String> = distinct
        .iter()
        .copied()
        .zip(files)
        .map(|(tag, file)| {
            let n_before = known.entry(file.to_ascii_lowercase()).or_default();
            *n_before += 1;
            let suffix = if *n_before > 1 {
                n_before.to_string()
            } else {
                String::new()
            };
            (tag, format!("{file}Calls{suffix}"))
        })
        .collect();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for ((operation, method), ty) in ir.operations.iter().zip(methods).zip(types) {
        let wires: Vec<String> = unique(operation.parameters.iter().map(|p| p.wire.as_str()));
        let wires: Vec<&str> = wires.iter().map(String::as_str).collect();
        let taken = [
            "reply", "request", "body", "form", "response", "send", "stream", "pages",
        ];
        let call = Call {
            operation,
            method,
            ty: free_prefix(&ty, &models),
            idents: parameters(&wires, &taken),
            body: "body".to_owned(),
            pages: String::new(),
        };
        let base = call.method.trim_matches('`');
        let pages = ["Pages", "PageSequence", "AllPages"].map(|end| format!("{base}{end}"));
        let is_free = |name: &&String| !known_methods.contains(*name);
        let call = Call {
            pages: pages.iter().find(is_free).unwrap_or(&pages[1]).clone(),
            ..call
        };
        let text = texts
            .entry(files[operation.tag.as_str()].clone())
            .or_insert_with(|| {
                format!("// {HEADER}\nimport Foundation\n\nextension APIClient {{\n")
            });
        if !text.ends_with("{\n") {
            text.push('\n');
        }
        text.push_str(&method_text(swift, &call));
    }
    for text in texts.values_mut() {
        text.push_str("}\n");
    }
    texts
}

/// A prefix with which no model's name begins in the ways we continue it.
fn free_prefix(ty: &str, models: &[&str]) -> String {
    let is_taken = |prefix: &str| {
        ["Reply", "Refusal", "Form"].iter().any(|end| {
            let name = format!("{prefix}{end}");
            models.contains(&name.as_str())
        })
    };
    let mut prefix = ty.to_owned();
    while is_taken(&prefix) {
        prefix.push_str("Call");
    }
    prefix
}

fn method_text(swift: &Swift<'_>, call: &Call<'_>) -> String {
    let operation = call.operation;
    let replies = replies::replies(swift, call);
    let request = requests::request(swift, call);
    let pages = pages::pages(swift, call, &request, &replies);
    let shown = Docs {
        text: format!(
            "{}\n\n`{} {}`",
            operation.docs.text, operation.method, operation.path
        ),
        is_deprecated: operation.docs.is_deprecated,
    };
    let mut text = String::new();
    for declaration in [&request.declaration, &replies.declarations] {
        text.push_str(declaration);
    }
    text.push_str(&docs(&shown, "    "));
    let tail = format!(" async throws -> APIResponse<{}> {{", replies.good);
    let head = format!("public func {}", call.method);
    text.push_str(&super::text::wrapped(
        "    ",
        &head,
        &request.arguments,
        &tail,
    ));
    text.push_str(&request.build);
    let send = if replies.is_stream { "stream" } else { "send" };
    let _ = writeln!(text, "        let reply = try await {send}(request)");
    text.push_str(&replies.decision);
    text.push_str("    }\n");
    text.push_str(&pages);
    text
}

/// The security schemes of the contract.
fn security(swift: &Swift<'_>) -> String {
    let mut lines = String::new();
    for (name, scheme) in &swift.ir.security_schemes {
        let scheme = match scheme {
            SecurityScheme::ApiKey { location, wire } => {
                let wire = literal(wire);
                match location {
                    Location::Query | Location::QueryString => format!(".query({wire})"),
                    Location::Cookie => format!(".cookie({wire})"),
                    Location::Header | Location::Path => format!(".header({wire})"),
                }
            }
            SecurityScheme::Basic => ".basic".to_owned(),
            SecurityScheme::Bearer => ".bearer".to_owned(),
            SecurityScheme::Other(_) => ".other".to_owned(),
        };
        let _ = writeln!(lines, "        {}: {scheme},", literal(name));
    }
    let body = if lines.is_empty() {
        "[:]".to_owned()
    } else {
        format!("[\n{lines}    ]")
    };
    let mut servers = String::new();
    for server in &swift.ir.servers {
        let _ = write!(servers, "\n        {},", literal(server));
    }
    let servers = if servers.is_empty() {
        "[]".to_owned()
    } else {
        format!("[{servers}\n    ]")
    };
    format!(
        "// {HEADER}\n\nextension APIClient {{\n    /// The addresses that the contract names.\n    public static let servers: [String] = {servers}\n\n    /// How each security scheme is written into a request.\n    static let securitySchemes: [String: APISecurityScheme] = {body}\n}}\n"
    )
}
