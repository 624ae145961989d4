//! A Rust package from its parts: models, client, server, manifest.
//!
//! It must not know how a part is printed.

use super::models;
use crate::ir::Ir;
use crate::{Artifact, CodegenError, Emit, HEADER, Request, client, names, server};

/// The files that a request asks for, paths relative to the target's folder.
///
/// With a manifest, or beside the models, client and server are modules of the models' package;
/// alone they are files for a package that depends on the models' one.
pub(crate) fn emit(ir: &Ir, request: &Request) -> Result<Vec<Artifact>, CodegenError> {
    let has = |part| request.emit.contains(&part);
    let is_inside = request.has_manifest || has(Emit::Models);
    let mut artifacts = Vec::new();
    if is_inside {
        artifacts.extend(models(ir, request));
    }
    if has(Emit::Client) {
        artifacts.push(if is_inside {
            client::emit(ir, "crate", "src/client.rs", request.has_manifest)
        } else {
            client::emit(ir, &request.package.replace('-', "_"), "client.rs", false)
        });
    }
    if has(Emit::Server) {
        let (models, folder) = if is_inside {
            ("crate".to_owned(), "src/server/")
        } else {
            (request.package.replace('-', "_"), "")
        };
        artifacts.extend(server::emit(ir, &models, folder)?);
    }
    if request.has_manifest {
        artifacts.push(Artifact::new("Cargo.toml", manifest(request)));
    }
    Ok(artifacts)
}

fn manifest(request: &Request) -> String {
    let has = |part| request.emit.contains(&part);
    let name = names::identifier(&request.package, names::Case::Snake).replace('_', "-");
    let mut text = format!(
        "# {HEADER}\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"
    );
    if has(Emit::Client) {
        text.push_str(
            "\n[features]\ndefault = [\"rustls\"]\n# HTTPS; without it, bring a `reqwest::Client` of your own\nrustls = [\"dep:rustls\", \"reqwest/rustls-no-provider\"]\n",
        );
    }
    text.push_str("\n[dependencies]\n");
    let mut dependencies = vec!["serde = \"1\"", "serde_json = \"1\""];
    if has(Emit::Client) {
        dependencies.push("reqwest = { version = \"0.13\", default-features = false }");
        dependencies.push("rustls = { version = \"0.23\", default-features = false, features = [\"ring\", \"std\", \"tls12\"], optional = true }");
        dependencies.push("tokio = { version = \"1\", features = [\"time\"] }");
    }
    if has(Emit::Server) {
        dependencies.push("axum = { version = \"0.8\", default-features = false, features = [\"json\", \"query\"] }");
        dependencies.push("http-body-util = \"0.1\"");
    }
    dependencies.sort_unstable();
    text.push_str(&dependencies.join("\n"));
    text.push('\n');
    text
}
