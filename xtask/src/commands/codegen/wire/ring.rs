//! The proof: what one language writes, the next reads, and what comes back is what was sent.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use tollgate_codegen::Language;
use tollgate_contracts::instance::Json;

use crate::commands::codegen::child::{self, Limits};
use crate::commands::codegen::wire::cases::{BrokenCase, Cases};
use crate::commands::codegen::wire::value;
use crate::swift::Toolchain;

/// How often a driver that ended early is started again.
const RESTARTS_MAX: usize = 20;
/// How many failures of one language are told.
const TOLD_MAX: usize = 25;

/// A compiled driver of one language.
#[derive(Debug, Clone)]
pub struct Driver {
    pub language: Language,
    /// What is started: the binary, or the script for node.
    pub program: PathBuf,
    /// Its working folder.
    pub folder: PathBuf,
    /// The toolchain that a Swift driver runs in.
    pub swift: Option<Toolchain>,
}

impl Driver {
    fn command(&self) -> Command {
        match (&self.swift, self.language) {
            (Some(swift), Language::Swift) => swift.command(&self.program, &self.folder),
            (_, Language::TypeScript) => {
                let mut command = Command::new("node");
                command.arg(&self.program).current_dir(&self.folder);
                command
            }
            _ => {
                let mut command = Command::new(&self.program);
                command.current_dir(&self.folder);
                command
            }
        }
    }
}

/// What a driver says about one value.
#[derive(Debug, Clone)]
pub enum Answer {
    Ok {
        json: Json,
        violations: Vec<String>,
    },
    Refused(String),
    /// It said nothing, or nothing that can be understood.
    Lost(String),
}

/// What one language did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Share {
    /// Values that must come back as they are.
    pub instances: usize,
    /// Those that did, with nothing to object where they are valid.
    pub equal: usize,
    /// Values broken in one place.
    pub broken: usize,
    /// Those that were refused.
    pub refused: usize,
    /// Those that were refused with the right path.
    pub right_path: usize,
    /// How many broken values were let through, by the keyword that should have refused them.
    pub let_through: BTreeMap<String, usize>,
    /// The first failures, for a person.
    pub failures: Vec<String>,
}

impl Share {
    fn tell(&mut self, text: String) {
        if self.failures.len() < TOLD_MAX {
            self.failures.push(text);
        }
    }
}

/// Sends every value around the ring, and every broken one to each language.
pub fn run(drivers: &[Driver], cases: &Cases, limits: &Limits) -> BTreeMap<&'static str, Share> {
    let mut shares: BTreeMap<&'static str, Share> = BTreeMap::new();
    let mut current: Vec<Json> = cases.kept.iter().map(|case| case.json.clone()).collect();
    // Rust → TypeScript → Swift → Rust: the first one reads at the end what the last one wrote.
    let last = drivers.first().filter(|_| drivers.len() > 1);
    for driver in drivers.iter().chain(last) {
        let share = shares.entry(driver.language.word()).or_default();
        let asked: Vec<(&str, &Json)> = cases
            .kept
            .iter()
            .zip(&current)
            .map(|(case, json)| (case.place.as_str(), json))
            .collect();
        let answers = ask(driver, &asked, limits);
        let mut next = Vec::with_capacity(answers.len());
        for (case, answer) in cases.kept.iter().zip(answers) {
            share.instances += 1;
            let what = || {
                format!(
                    "{} {} {}",
                    case.place,
                    case.why.word(),
                    value::short(&case.json)
                )
            };
            match answer {
                Answer::Ok { json, violations } => {
                    let difference = value::difference(&case.json, &json);
                    if let Some(difference) = difference {
                        share.tell(format!("{}: {difference}", what()));
                        next.push(case.json.clone());
                    } else {
                        if violations.is_empty() || !case.why.is_valid() {
                            share.equal += 1;
                        } else {
                            share.tell(format!("{}: {}", what(), violations.join("; ")));
                        }
                        next.push(json);
                    }
                }
                Answer::Refused(_) if case.why.may_be_refused() => {
                    share.equal += 1;
                    next.push(case.json.clone());
                }
                Answer::Refused(text) | Answer::Lost(text) => {
                    share.tell(format!("{}: {text}", what()));
                    next.push(case.json.clone());
                }
            }
        }
        current = next;
    }
    for driver in drivers {
        let share = shares.entry(driver.language.word()).or_default();
        refuse(driver, &cases.broken, limits, share);
    }
    shares
}

fn refuse(driver: &Driver, broken: &[BrokenCase], limits: &Limits, share: &mut Share) {
    let asked: Vec<(&str, &Json)> = broken
        .iter()
        .map(|case| (case.place.as_str(), &case.json))
        .collect();
    for (case, answer) in broken.iter().zip(ask(driver, &asked, limits)) {
        share.broken += 1;
        let said = match answer {
            Answer::Ok { violations, .. } => violations,
            Answer::Refused(text) => vec![text],
            Answer::Lost(text) => {
                share.tell(format!(
                    "{} broken {}: {text}",
                    case.place,
                    value::short(&case.json)
                ));
                Vec::new()
            }
        };
        if said.is_empty() {
            *share
                .let_through
                .entry(case.keyword.to_owned())
                .or_default() += 1;
            share.tell(format!(
                "{}: let through {} broken at `{}` ({})",
                case.place,
                value::short(&case.json),
                case.pointer,
                case.keyword
            ));
        } else {
            share.refused += 1;
            share.right_path += usize::from(said.iter().any(|text| names(text, case)));
        }
    }
}

/// Whether what was said names the broken place: the pointer, or the pointer with the key. A text
/// may name several places, each as `` `POINTER`: message `` or `POINTER: message`.
fn names(text: &str, case: &BrokenCase) -> bool {
    let with_key = case.key.as_ref().map(|key| {
        let key = key.replace('~', "~0").replace('/', "~1");
        format!("{}/{key}", case.pointer)
    });
    text.split("; ").any(|part| {
        let part = part.strip_prefix('`').unwrap_or(part);
        let at = |pointer: &str| {
            let rest = part.strip_prefix(pointer);
            rest.is_some_and(|rest| rest.starts_with(['`', ':']))
        };
        at(&case.pointer) || with_key.as_deref().is_some_and(at)
    })
}

/// Asks a driver about values; it is started again behind a value on which it ends.
fn ask(driver: &Driver, asked: &[(&str, &Json)], limits: &Limits) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::with_capacity(asked.len());
    let mut n_starts = 0;
    while answers.len() < asked.len() {
        let rest = &asked[answers.len()..];
        if n_starts > RESTARTS_MAX {
            answers.extend(
                rest.iter()
                    .map(|_| Answer::Lost("the driver ended too often".into())),
            );
            break;
        }
        n_starts += 1;
        let mut input = String::new();
        for (place, json) in rest {
            let place = Json::String((*place).to_owned());
            input.push_str(&format!("{{\"type\":{place},\"value\":{json}}}\n"));
        }
        let time = limits.time.max(Duration::from_secs(60));
        let limits = Limits { time, ..*limits };
        let ran = match child::run(driver.command(), input.into_bytes(), &limits) {
            Ok(ran) => ran,
            Err(error) => {
                let text = format!("start the driver: {error}");
                answers.extend(rest.iter().map(|_| Answer::Lost(text.clone())));
                break;
            }
        };
        let text = String::from_utf8_lossy(&ran.stdout);
        let lines: Vec<&str> = text.lines().take(rest.len()).collect();
        answers.extend(lines.iter().map(|line| understand(line)));
        if lines.len() < rest.len() {
            let errors = String::from_utf8_lossy(&ran.stderr);
            let last = errors.lines().rfind(|line| !line.trim().is_empty());
            let text = format!(
                "the driver ended: {}: {}",
                ran.reason(&limits),
                last.unwrap_or("")
            );
            answers.push(Answer::Lost(text));
        }
    }
    answers
}

fn understand(line: &str) -> Answer {
    let answer = match value::read(line) {
        Ok(answer) => answer,
        Err(error) => return Answer::Lost(format!("the answer is not JSON: {error}")),
    };
    if let Some(Json::String(text)) = answer.get("error") {
        return Answer::Refused(text.clone());
    }
    match (answer.get("ok"), answer.get("violations")) {
        (Some(json), Some(Json::Array(violations))) => Answer::Ok {
            json: json.clone(),
            violations: violations
                .iter()
                .map(|violation| match violation {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                })
                .collect(),
        },
        _ => Answer::Lost(format!(
            "the answer has neither `ok` nor `error`: {}",
            value::short(&answer)
        )),
    }
}
