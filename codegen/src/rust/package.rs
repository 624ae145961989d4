//! A Rust package from its parts: models, client, server, manifest.

use super::{Needs, crate_name, driver, models};
use crate::ir::Ir;
use crate::{Artifact, CodegenError, Emit, HEADER, Request, client, server};

/// The files of the requested parts, with paths relative to the target's folder.
///
/// With a manifest, or together with the models, client and server are modules of the models'
/// package. Without both, they are files for a package that depends on the models' package.
pub(super) fn emit(ir: &Ir, request: &Request) -> Result<Vec<Artifact>, CodegenError> {
    let modules = modules(ir, request);
    let has = |module| modules.contains(&module);
    let is_inside = request.has_manifest || request.emit.contains(&Emit::Models);
    let crate_name = request.package.replace('-', "_");
    let (models_crate, folder) = if is_inside {
        ("crate", "src/")
    } else {
        (crate_name.as_str(), "")
    };
    let mut artifacts = Vec::new();
    let needs = Needs::of(ir);
    if is_inside {
        artifacts.extend(models(ir, &modules, needs, request.has_manifest));
    }
    if request.emit.contains(&Emit::Wire) {
        artifacts.push(driver(ir, &request.package));
    }
    if has("channels") {
        let path = format!("{folder}channels.rs");
        artifacts.push(client::channels::emit(ir, models_crate, &path));
    }
    if has("client") {
        let path = format!("{folder}client.rs");
        artifacts.push(client::emit(ir, models_crate, &path, request.has_manifest));
    }
    if has("server") {
        let folder = if is_inside { "src/server/" } else { "" };
        artifacts.extend(server::emit(ir, models_crate, folder)?);
    }
    if request.has_manifest {
        artifacts.push(Artifact::new(
            "Cargo.toml",
            manifest(request, needs, &modules),
        ));
    }
    Ok(artifacts)
}

/// The modules in addition to the models: those that are requested and for which the contracts have
/// content.
fn modules(ir: &Ir, request: &Request) -> Vec<&'static str> {
    let has = |part| request.emit.contains(&part);
    let has_calls = !ir.operations.is_empty() || ir.channels.is_empty();
    let is_whole = request.has_manifest || has(Emit::Models);
    let asked = [
        (
            "channels",
            is_whole && !ir.channels.is_empty() && (has(Emit::Client) || has(Emit::Server)),
        ),
        ("client", has(Emit::Client) && has_calls),
        ("server", has(Emit::Server) && has_calls),
    ];
    asked
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(module, _)| module)
        .collect()
}

fn manifest(request: &Request, needs: Needs, modules: &[&str]) -> String {
    let has = |module| modules.contains(&module);
    let mut dependencies = Vec::new();
    let mut features = include_str!("templates/features.toml").to_owned();
    if needs.is_fancy {
        // A pattern looks ahead, behind or back.
        dependencies.push("fancy-regex = \"0.19\"");
    } else if needs.has_pattern {
        dependencies.push("regex = \"1\"");
    }
    if has("client") {
        features = features.replace(
            "\"arbitrary-precision\"]",
            "\"arbitrary-precision\", \"rustls\"]",
        );
        features.push_str("# HTTPS; without it, bring a `reqwest::Client` of your own.\nrustls = [\"dep:rustls\", \"reqwest/rustls-no-provider\"]\n");
        dependencies.push("reqwest = { version = \"0.13\", default-features = false }");
        dependencies.push("rustls = { version = \"0.23\", default-features = false, features = [\"ring\", \"std\", \"tls12\"], optional = true }");
        dependencies.push("tokio = { version = \"1\", features = [\"time\"] }");
    }
    if has("server") {
        dependencies.push("axum = { version = \"0.8\", default-features = false, features = [\"json\", \"query\"] }");
        dependencies.push("http-body-util = \"0.1\"");
    }
    dependencies.extend(include_str!("templates/dependencies.toml").lines());
    dependencies.sort_unstable();
    format!(
        "# {HEADER}\n[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n{features}\n[dependencies]\n{}\n",
        crate_name(&request.package),
        dependencies.join("\n")
    )
}
