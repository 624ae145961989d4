//! The axum server: a trait for each tag, typed requests and responses, and the router.
//!
//! The only folder of this crate whose output uses axum.

mod names;
mod responses;
mod routes;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::ir::{Body, Ir, Location, Operation, Parameter, Shape, Struct, Type, TypeKind};
use crate::rust::{Rust, doc_lines, literal, member};
use crate::{Artifact, CodegenError, HEADER};

use names::{Names, operation_names, trait_names};

/// The body limit of operations that state none: 1 MiB.
const BODY_SIZE_MAX_BYTES: u64 = 1 << 20;

/// The files of the server module, paths relative to its folder.
pub(crate) fn emit(ir: &Ir, models: &str, folder: &str) -> Result<Vec<Artifact>, CodegenError> {
    // A contract that decides who may call one operation decides it for each.
    let is_decided = |operation: &Operation| operation.permission.is_some();
    let undecided = ir.operations.iter().find(|o| !is_decided(o));
    if let Some(operation) = undecided
        && ir.operations.iter().any(is_decided)
    {
        return Err(CodegenError::NoPermission {
            operation: operation.id.clone(),
        });
    }
    let rust = Rust::new(ir, "models::");
    let names = operation_names(&ir.operations);
    let mut api = format!("// {HEADER}\n{}", include_str!("templates/api.rs"));
    api = api.replace("models_crate", models);
    api.push_str(&operations_table(&ir.operations));
    let served: Vec<(usize, &Operation)> = ir
        .operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| !operation.is_websocket)
        .collect();
    api.push_str(&traits(&served, &names));
    let trait_names = trait_names(&served);
    for (index, operation) in &served {
        let names = &names[*index];
        let trait_name = &trait_names[operation.tag.as_str()];
        api.push_str(&request(&rust, operation, names));
        api.push_str(&responses::response(&rust, operation, names));
        api.push_str(&handler(&rust, (*index, operation), names, trait_name));
    }
    api.push_str(&routes::router(&served, &names));
    let extract = include_str!("templates/extract.rs").replace("models_crate", models);
    Ok(vec![
        Artifact::new(format!("{folder}api.rs"), api),
        Artifact::new(
            format!("{folder}extract.rs"),
            format!("// {HEADER}\n{extract}"),
        ),
        Artifact::new(
            format!("{folder}mod.rs"),
            format!(
                "// {HEADER}\n//! Generated from the contract: what the server must answer.\n\n#[rustfmt::skip]\npub mod api;\n#[rustfmt::skip]\npub mod extract;\n"
            ),
        ),
    ])
}

fn operations_table(operations: &[Operation]) -> String {
    let mut text = "\n/// All operations of the contract, in its order, those that upgrade to a WebSocket too.\npub const OPERATIONS: &[OperationInfo] = &[\n".to_owned();
    for operation in operations {
        let permission = permission(operation);
        let option = |text: Option<&String>| match text {
            Some(text) => format!("Some({})", literal(text)),
            None => "None".to_owned(),
        };
        let statuses: Vec<&str> = operation
            .responses
            .iter()
            .map(|response| response.status.as_str())
            .filter(|status| status.parse::<u16>().is_ok())
            .collect();
        let _ = writeln!(
            text,
            "    OperationInfo {{ id: {}, method: {}, path: {}, tag: {}, permission: {}, budget: {}, body_size_max_bytes: {}, is_websocket: {}, statuses: &[{}] }},",
            literal(&operation.id),
            literal(&operation.method),
            literal(&operation.path),
            literal(&operation.tag),
            option(permission.as_ref()),
            option(operation.budget.as_ref()),
            operation.body_size_max_bytes.unwrap_or(BODY_SIZE_MAX_BYTES),
            operation.is_websocket,
            statuses.join(", "),
        );
    }
    text.push_str("];\n");
    text
}

fn traits(served: &[(usize, &Operation)], names: &[Names]) -> String {
    let mut text = String::new();
    for (tag, name) in trait_names(served) {
        let _ = write!(
            text,
            "\n/// The operations tagged `{}`.\npub trait {name}: Authorize {{\n",
            tag.replace('`', "'")
        );
        for (index, operation) in served.iter().filter(|(_, operation)| operation.tag == tag) {
            let names = &names[*index];
            let docs = format!(
                "`{} {}`: {}",
                operation.method, operation.path, operation.docs.text
            );
            text.push_str(&doc_lines(&docs, "    "));
            let caller = if is_public(operation) {
                ""
            } else {
                "caller: Self::Caller, "
            };
            let _ = writeln!(
                text,
                "    fn {}(&self, {caller}request: {}) -> impl Future<Output = {}> + Send;",
                names.function, names.request, names.response
            );
        }
        text.push_str("}\n");
    }
    text
}

fn is_public(operation: &Operation) -> bool {
    permission(operation).is_none()
}

/// The permission that a caller needs: the contract's `x-permission`, or the scopes of its
/// first security requirement; nothing when everybody may call.
fn permission(operation: &Operation) -> Option<String> {
    if let Some(permission) = &operation.permission {
        return (permission != "public").then(|| permission.clone());
    }
    let is_optional = operation.security.iter().any(BTreeMap::is_empty);
    let requirement = operation.security.first().filter(|_| !is_optional)?;
    let scopes: Vec<&str> = requirement.values().flatten().map(String::as_str).collect();
    Some(if scopes.is_empty() {
        "authenticated".to_owned()
    } else {
        scopes.join(" ")
    })
}

/// Parameters with their identifiers.
fn fields(operation: &Operation) -> Vec<(String, &Parameter)> {
    let wires: Vec<&str> = operation
        .parameters
        .iter()
        .map(|p| p.wire.as_str())
        .collect();
    member(&wires, &["body"])
        .into_iter()
        .zip(&operation.parameters)
        .collect()
}

fn request(rust: &Rust<'_>, operation: &Operation, names: &Names) -> String {
    let docs = format!("What `{}` gets.", operation.id.replace('`', "'"));
    let mut text = format!(
        "\n{}#[derive(Debug, Clone, PartialEq)]\npub struct {} {{\n",
        doc_lines(&docs, ""),
        names.request
    );
    for (ident, parameter) in fields(operation) {
        let docs = format!(
            "`{}` in the {}. {}",
            parameter.wire,
            place(parameter.location).to_lowercase(),
            parameter.docs.text
        );
        text.push_str(&doc_lines(&docs, "    "));
        let ty = rust.type_text(&parameter.ty, None);
        let ty = if parameter.is_required {
            ty
        } else {
            format!("Option<{ty}>")
        };
        let _ = writeln!(text, "    pub {ident}: {ty},");
    }
    if let Some(body) = &operation.body {
        let ty = match kind(rust, body) {
            BodyKind::Json(ty) | BodyKind::Form(ty, _) => rust.type_text(ty, None),
            BodyKind::AnyJson => "serde_json::Value".to_owned(),
            BodyKind::Text => "String".to_owned(),
            BodyKind::Bytes => "axum::body::Bytes".to_owned(),
        };
        let ty = if body.is_required {
            ty
        } else {
            format!("Option<{ty}>")
        };
        let _ = writeln!(
            text,
            "    /// The body, `{}`.\n    pub body: {ty},",
            body.media.replace('`', "'")
        );
    }
    text.push_str("}\n");
    text
}

fn handler(
    rust: &Rust<'_>,
    (index, operation): (usize, &Operation),
    names: &Names,
    trait_name: &str,
) -> String {
    let function = names.function.trim_start_matches("r#");
    let body_name = if operation.body.is_some() {
        "body"
    } else {
        "_body"
    };
    let has_input = operation.body.is_some() || !operation.parameters.is_empty();
    let mut text = format!(
        "\nasync fn serve_{function}<A: {trait_name}>(api: &A, request: Request) -> Result<Response, Refusal> {{\n"
    );
    if has_input || !is_public(operation) {
        let _ = writeln!(
            text,
            "    let operation = &OPERATIONS[{index}];\n    let (parts, {body_name}) = request.into_parts();"
        );
    } else {
        text.push_str("    drop(request);\n");
    }
    if !is_public(operation) {
        text.push_str("    let caller = api.authorize(operation, &parts.headers).await?;\n");
    }
    if has_input {
        text.push_str("    let input = Input::read(operation, parts)?;\n");
    }
    let mut literal_text = String::new();
    let mut checks = String::new();
    for (ident, parameter) in fields(operation) {
        let take = if parameter.is_required {
            "required"
        } else {
            "optional"
        };
        let _ = writeln!(
            literal_text,
            "        {ident}: input.{take}(Place::{}, {}, {})?,",
            place(parameter.location),
            literal(&parameter.wire),
            form(rust, parameter)
        );
        checks.push_str(&parameter_checks(rust, &ident, parameter));
    }
    if let Some(body) = &operation.body {
        let media = literal(&body.media);
        let (read, fields) = match kind(rust, body) {
            BodyKind::Json(_) | BodyKind::AnyJson => ("json", String::new()),
            BodyKind::Form(_, object) => ("form", form_fields(rust, object)),
            BodyKind::Text => ("text", String::new()),
            BodyKind::Bytes => ("bytes", String::new()),
        };
        let need = if body.is_required {
            ".ok_or_else(|| input.no_body())?"
        } else {
            ""
        };
        let _ = writeln!(
            literal_text,
            "        body: input.{read}(body, {media}{fields}).await?{need},"
        );
        if let BodyKind::Json(ty) | BodyKind::Form(ty, _) = kind(rust, body) {
            let own = value_checks(rust, "body", body.is_required, ty, "path");
            if !own.is_empty() {
                checks.push_str("    let path = &Path::Root;\n");
            }
            checks.push_str(&own);
        }
    }
    let _ = write!(
        text,
        "    let request = {} {{\n{literal_text}    }};\n",
        names.request
    );
    if !checks.is_empty() {
        for location in [
            Location::Path,
            Location::Query,
            Location::Header,
            Location::Cookie,
        ] {
            let word = place(location).to_lowercase();
            if checks.contains(&format!("{word}_path")) {
                let _ = writeln!(text, "    let {word}_path = Path::Root.field(\"{word}\");");
            }
        }
        let _ = write!(
            text,
            "    let violations = &mut Vec::new();\n{checks}    input.check(violations)?;\n"
        );
    }
    let caller = if is_public(operation) { "" } else { "caller, " };
    let _ = write!(
        text,
        "    Ok(api.{}({caller}request).await.into_response())\n}}\n",
        names.function
    );
    text
}

fn parameter_checks(rust: &Rust<'_>, ident: &str, parameter: &Parameter) -> String {
    let word = place(parameter.location).to_lowercase();
    let path = format!("&{word}_path.field({})", literal(&parameter.wire));
    value_checks(rust, ident, parameter.is_required, &parameter.ty, &path)
}

fn value_checks(rust: &Rust<'_>, ident: &str, is_required: bool, ty: &Type, path: &str) -> String {
    if is_required {
        return rust.type_checks(ty, &format!("&request.{ident}"), path, 1);
    }
    let checks = rust.type_checks(ty, "value", path, 2);
    if checks.is_empty() {
        return checks;
    }
    format!("    if let Some(value) = &request.{ident} {{\n{checks}    }}\n")
}

fn place(location: Location) -> &'static str {
    match location {
        Location::Path => "Path",
        Location::Query | Location::QueryString => "Query",
        Location::Header => "Header",
        Location::Cookie => "Cookie",
    }
}

/// How a body is read.
enum BodyKind<'a> {
    Json(&'a Type),
    AnyJson,
    /// `application/x-www-form-urlencoded` with the fields of an object.
    Form(&'a Type, &'a Struct),
    Text,
    Bytes,
}

fn kind<'a>(rust: &Rust<'a>, body: &'a Body) -> BodyKind<'a> {
    if let Some(ty) = &body.ty {
        return BodyKind::Json(ty);
    }
    let media = body.media.to_ascii_lowercase();
    if media.contains("json") {
        return BodyKind::AnyJson;
    }
    let declared = body
        .contents
        .first()
        .and_then(|content| content.ty.as_ref());
    if media.starts_with("application/x-www-form-urlencoded")
        && let Some(ty) = declared
        && let TypeKind::Named(id) = plain(rust, ty).kind
        && let Shape::Struct(object) = &rust.ir.decls[id].shape
    {
        return BodyKind::Form(ty, object);
    }
    if media.starts_with("text/") {
        BodyKind::Text
    } else {
        BodyKind::Bytes
    }
}

/// How each field of a form is written, as a last argument.
fn form_fields(rust: &Rust<'_>, object: &Struct) -> String {
    let fields = object.fields.iter().map(|field| {
        let form = form_of(rust, &field.ty, false);
        format!("({}, {form})", literal(&field.wire))
    });
    format!(", &[{}]", fields.collect::<Vec<_>>().join(", "))
}

fn form(rust: &Rust<'_>, parameter: &Parameter) -> String {
    if parameter.media.is_some() {
        return "Form::One(Scalar::Json)".to_owned();
    }
    form_of(rust, &parameter.ty, parameter.is_comma_separated)
}

fn form_of(rust: &Rust<'_>, ty: &Type, is_comma_separated: bool) -> String {
    let ty = plain(rust, ty);
    let (how, item) = match &ty.kind {
        TypeKind::Array(item) if is_comma_separated => ("Commas", plain(rust, item)),
        TypeKind::Array(item) => ("Repeated", plain(rust, item)),
        _ => ("One", ty),
    };
    let scalar = match &item.kind {
        TypeKind::String(_) => "Text",
        TypeKind::Boolean => "Boolean",
        TypeKind::Integer(_) | TypeKind::Number { .. } => "Number",
        TypeKind::Named(id) if matches!(rust.ir.decls[*id].shape, Shape::Enum(_)) => "Text",
        _ => "Json",
    };
    format!("Form::{how}(Scalar::{scalar})")
}

/// A type with its aliases followed.
fn plain<'t>(rust: &Rust<'t>, mut ty: &'t Type) -> &'t Type {
    for _ in 0..rust.ir.decls.len() {
        match &ty.kind {
            TypeKind::Named(id) => match &rust.ir.decls[*id].shape {
                Shape::Alias(inner) => ty = inner,
                _ => return ty,
            },
            _ => return ty,
        }
    }
    ty
}
