//! Rules about what a crate may contain: who prints, who writes files, who names the program, and
//! which files of a crate may not use which.

use std::collections::BTreeMap;

use crate::code;
use crate::known::Finding;
use crate::tree::{self, Source};
use crate::words;

pub const WORDS: &str = "words";
pub const PROGRAM_NAME: &str = "program-name";
pub const MUST_NOT_KNOW: &str = "must-not-know";
pub const PRINTS: &str = "prints";
pub const WRITES: &str = "writes";

/// The rules whose findings are counted.
pub const RULES: &[&str] = &[WORDS, PROGRAM_NAME, MUST_NOT_KNOW, PRINTS, WRITES];

/// How to repair a finding.
#[must_use]
pub fn hint(rule: &str) -> &'static str {
    match rule {
        WORDS => "see the word list of docs/STYLE.md",
        PROGRAM_NAME => "write `{tollgate}` (see report/src/program.rs)",
        MUST_NOT_KNOW => {
            "describe what the module is for; walls belong in docs/ARCHITECTURE.md and in this crate"
        }
        PRINTS => "return the text, or write it to the `Write` that the caller passes",
        _ => "call `tollgate_report::write_atomic`, or name the file in WRITERS with the reason",
    }
}

/// Folders whose code may print, and name the program: the command line, the workshop, the binary of the hub.
const PRINTERS: &[&str] = &["cli/", "xtask/", "server/src/bin/"];

/// Calls that print.
const PRINT_CALLS: &[&str] = &["println", "eprintln", "print", "eprint"];

/// Files that may write a file in place, and why.
pub const WRITERS: &[(&str, &str)] = &[
    (
        "report/src/atomic.rs",
        "replaces files atomically for all others",
    ),
    (
        "xtask/src/bench/noop.rs",
        "makes the files of a repository to measure",
    ),
];

/// A file or folder, and those of the same crate that it must not use.
pub const WALLS: &[(&str, &[&str])] = &[
    (
        "canary/src/analysis/",
        &[
            "canary/src/controller/",
            "canary/src/proxy/",
            "canary/src/shell/",
            "canary/src/deploy.rs",
        ],
    ),
    (
        "canary/src/controller/",
        &[
            "canary/src/proxy/",
            "canary/src/shell/",
            "canary/src/deploy.rs",
        ],
    ),
    (
        "canary/src/shell/",
        &["canary/src/proxy/", "canary/src/deploy.rs"],
    ),
];

/// Our Rust files without those that are compiled for tests only.
fn product() -> Vec<Source> {
    let mut files = tree::files(&["*.rs"]);
    files.retain(|source| !tree::is_test_code(&source.path));
    files
}

fn module(source: &Source) -> code::Module {
    code::parse(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path))
}

/// A module and those written inside it.
fn flat(module: code::Module) -> Vec<code::Module> {
    let mut open = vec![module];
    let mut all = Vec::new();
    while let Some(mut module) = open.pop() {
        let inner = std::mem::take(&mut module.modules);
        open.extend(inner.into_iter().filter_map(|one| one.inline));
        all.push(module);
    }
    all
}

/// The findings of all rules that are counted, by rule. Each file is read once.
#[must_use]
pub fn findings() -> BTreeMap<&'static str, Vec<Finding>> {
    let rows = words::rows();
    let mut findings: BTreeMap<_, Vec<_>> = RULES.iter().map(|rule| (*rule, Vec::new())).collect();
    let mut add = |rule, found: Vec<Finding>| findings.entry(rule).or_default().extend(found);
    for source in product() {
        let may_print = PRINTERS
            .iter()
            .any(|folder| source.path.starts_with(folder));
        let may_write = WRITERS.iter().any(|(path, _)| source.path == *path);
        for module in flat(module(&source)) {
            add(WORDS, words::of_rust(&source.path, &module.texts, &rows));
            add(MUST_NOT_KNOW, texts(&source, &module, promises_a_wall));
            if !may_print {
                add(PROGRAM_NAME, texts(&source, &module, names_the_program));
                add(PRINTS, calls(&source, &module, is_print));
            }
            if !may_write {
                add(WRITES, calls(&source, &module, is_write));
            }
        }
    }
    for source in tree::files(&["*.md", "*.html", "*.tera", "alerts/templates/*"]) {
        add(WORDS, words::of_document(&source, &rows));
    }
    findings
}

/// A library names the program by which it is called; it should write `{tollgate}`.
fn names_the_program(line: &str) -> bool {
    line.contains("xtask") || line.contains("cargo tollgate")
}

/// A module's docs state a wall which nothing may enforce.
fn promises_a_wall(line: &str) -> bool {
    line.to_lowercase().contains("must not know")
}

fn is_print(path: &[String]) -> bool {
    matches!(path, [name] if PRINT_CALLS.contains(&name.as_str()))
}

/// Writes a file in place: a crash leaves half of it.
fn is_write(path: &[String]) -> bool {
    matches!(path, [.., module, function] if module == "fs" && function == "write")
}

/// The lines of texts that match.
fn texts(source: &Source, module: &code::Module, matches: fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in &module.texts {
        for (n, line) in text.text.split('\n').enumerate() {
            if matches(line) {
                findings.push(Finding {
                    path: source.path.clone(),
                    line: text.line + n,
                    what: line.trim().to_owned(),
                });
            }
        }
    }
    findings
}

/// The calls that match.
fn calls(source: &Source, module: &code::Module, matches: fn(&[String]) -> bool) -> Vec<Finding> {
    let paths = module.paths.iter().filter(|path| matches(path));
    paths
        .map(|path| Finding {
            path: source.path.clone(),
            line: line_of(&source.text, &path.join("::")),
            what: path.join("::"),
        })
        .collect()
}

fn line_of(text: &str, call: &str) -> usize {
    text.lines()
        .position(|line| line.contains(call))
        .map_or(1, |n| n + 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::known::Known;
    use crate::modules::Modules;
    use crate::picture;

    #[test]
    fn every_file_starts_with_its_purpose() {
        let silent: Vec<String> = tree::files(&["*.rs"])
            .into_iter()
            .filter(|source| !source.text.starts_with("//!"))
            .map(|source| source.path)
            .collect();
        assert!(
            silent.is_empty(),
            "begin these files with `//!` and a sentence: {silent:#?}"
        );
    }

    #[test]
    fn words_walls_names_prints_and_writes_only_get_fewer() {
        let known = Known::load();
        let mut report = String::new();
        for (rule, findings) in findings() {
            let too_many = known.too_many(rule, &findings);
            if !too_many.is_empty() {
                report.push_str(&format!(
                    "{rule}: {}
{too_many}",
                    hint(rule)
                ));
            }
        }
        assert!(report.is_empty(), "{report}");
    }

    #[test]
    fn the_system_clock_is_read_in_one_file() {
        let readers: Vec<String> = product()
            .into_iter()
            .filter(|source| {
                source.text.contains("SystemTime::now")
                    || source.text.contains("jiff::Timestamp::now")
            })
            .map(|source| source.path)
            .collect();
        assert_eq!(readers, ["report/src/clock.rs"]);
    }

    #[test]
    fn walls_inside_crates_hold() {
        let mut crossed = Vec::new();
        let is_walled = |root_file: &String| {
            let folder = tree::area(root_file);
            WALLS.iter().any(|(from, _)| tree::area(from) == folder)
        };
        for root_file in picture::crate_roots().into_iter().filter(is_walled) {
            let uses = Modules::load(tree::root(), &root_file).unwrap().uses();
            for (file, targets) in uses {
                let walls = WALLS.iter().filter(|(from, _)| file.starts_with(from));
                for (_, forbidden) in walls {
                    for (target, path) in &targets {
                        if forbidden.iter().any(|wall| target.starts_with(wall)) {
                            crossed.push(format!("{file} uses {target}: {path}"));
                        }
                    }
                }
            }
        }
        assert!(crossed.is_empty(), "{crossed:#?}");
    }

    #[test]
    fn rules_name_files_that_exist() {
        let walls = WALLS.iter().flat_map(|(from, to)| to.iter().chain([from]));
        let writers = WRITERS.iter().map(|(path, _)| path);
        let missing: Vec<&&str> = walls
            .chain(writers)
            .chain(PRINTERS)
            .filter(|path| !Path::new(tree::root()).join(path).exists())
            .collect();
        assert!(
            missing.is_empty(),
            "rules in tests/tidy/src/seams.rs name files that do not exist: {missing:?}"
        );
    }
}
