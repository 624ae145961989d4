//! The manifest and the compiler's settings.

use serde_json::{Map, Value, json};

use crate::ir::Ir;
use crate::{Artifact, Emit, HEADER, Request};

/// `package.json` and `tsconfig.json`: `npm run build` needs nothing but the compiler.
pub(super) fn manifests(request: &Request, ir: &Ir) -> Vec<Artifact> {
    vec![
        Artifact::new("package.json", manifest(request, ir)),
        Artifact::new("tsconfig.json", compiler_settings(request)),
    ]
}

fn entry(stem: &str) -> Value {
    json!({"types": format!("./dist/{stem}.d.ts"), "default": format!("./dist/{stem}.js")})
}

fn manifest(request: &Request, ir: &Ir) -> String {
    let mut exports = Map::new();
    exports.insert(".".to_owned(), entry("index"));
    if request.emit.contains(&Emit::Client) {
        if !ir.operations.is_empty() || ir.channels.is_empty() {
            exports.insert("./client".to_owned(), entry("client"));
        }
        if !ir.channels.is_empty() {
            exports.insert("./channels".to_owned(), entry("channels"));
        }
    }
    let manifest = json!({
        "//": HEADER,
        "name": request.package,
        "version": "0.1.0",
        "private": true,
        "type": "module",
        "sideEffects": false,
        "exports": exports,
        "files": ["dist", "src"],
        "scripts": {"build": "tsc"},
        "devDependencies": {"typescript": "^5.9.3"},
    });
    format!("{manifest:#}\n")
}

fn compiler_settings(request: &Request) -> String {
    let lib = if request.emit.contains(&Emit::Client) {
        vec!["es2022", "dom", "dom.iterable"]
    } else {
        vec!["es2022"]
    };
    let settings = json!({"compilerOptions": {
        "declaration": true,
        "exactOptionalPropertyTypes": true,
        "isolatedModules": true,
        "lib": lib,
        "module": "nodenext",
        "noUncheckedIndexedAccess": true,
        "outDir": "dist",
        "rootDir": "src",
        "skipLibCheck": true,
        "strict": true,
        "target": "es2022",
        "types": [],
        "verbatimModuleSyntax": true,
    }, "include": ["src"]});
    format!("// {HEADER}\n{settings:#}\n")
}
