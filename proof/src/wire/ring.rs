//! Sends values around the ring of languages: each reads what the one before wrote, and the last
//! result must equal what was sent.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Serialize;
use tollgate_codegen::Language;
use tollgate_contracts_instance::Json;
use tollgate_contracts_model::source::unescape_token;
use tollgate_process::{self as process, Limits};

use crate::wire::cases::{BrokenCase, Cases};
use crate::wire::value;

/// How often a driver that ended early is started again.
const RESTARTS_MAX: usize = 20;
/// How many failures of one kind are reported for one language.
const TOLD_MAX: usize = 12;
/// How much of a failure's JSON is shown to people; the JSON form has all of it.
const JSON_SHOWN_MAX: usize = 400;

/// A compiled driver of one language, and how it is started.
#[derive(Debug, Clone)]
pub struct Driver {
    pub language: Language,
    program: OsString,
    args: Vec<OsString>,
    folder: Option<PathBuf>,
}

impl Driver {
    /// A driver that this command starts: its program, arguments and current folder.
    #[must_use]
    pub fn new(language: Language, command: &Command) -> Self {
        Self {
            language,
            program: command.get_program().to_owned(),
            args: command.get_args().map(OsStr::to_owned).collect(),
            folder: command.get_current_dir().map(Path::to_owned),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// A driver's answer about one value.
#[derive(Debug, Clone)]
pub enum Answer {
    Ok {
        json: Json,
        violations: Vec<Said>,
    },
    Refused {
        text: String,
        violations: Vec<Said>,
    },
    /// It did not answer, or its answer could not be parsed.
    Lost(String),
}

/// One violation that a driver names.
#[derive(Debug, Clone)]
pub struct Said {
    /// A JSON Pointer (RFC 6901).
    path: String,
    message: String,
}

/// The results of one language.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Share {
    /// Values that must come back as they are.
    pub instances: usize,
    /// Those that did, without a violation where they are valid.
    pub equal: usize,
    /// Values broken in one place.
    pub broken: usize,
    /// Those that were refused.
    pub refused: usize,
    /// Those that were refused with a violation at the broken place.
    pub right_path: usize,
    /// Those that were refused at a place around the broken one, where the contract gives
    /// alternatives: the intended alternative is unknown.
    pub around_path: usize,
    /// How many broken values were let through, by the keyword that should have refused them.
    pub let_through: BTreeMap<&'static str, usize>,
    /// How many of those are let through for a reason that the reference lists, by its code.
    pub explained: BTreeMap<&'static str, usize>,
    /// The first failures of each kind.
    pub failures: Vec<Trouble>,
}

/// One value that failed, with what a person needs to try it again.
#[derive(Debug, Clone, Serialize)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// The declaration's place.
    pub place: String,
    /// What the value was sent for: why it is valid, or the keyword that refuses it.
    pub why: &'static str,
    /// Where it is broken, as a JSON Pointer; absent for a value that should come back.
    pub pointer: Option<String>,
    /// Its result.
    pub said: String,
    /// The value as JSON text.
    pub json: String,
}

/// The expected behaviour that a value did not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// It should have come back as it was.
    RoundTrip,
    /// It is valid, but a violation was reported.
    Objected,
    /// It is invalid, but was accepted.
    LetThrough,
    /// It was refused at another place than the broken one.
    OtherPath,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let json: String = match self.json.char_indices().nth(JSON_SHOWN_MAX) {
            Some((end, _)) => format!("{}…", &self.json[..end]),
            None => self.json.clone(),
        };
        let Self {
            place, why, said, ..
        } = self;
        match &self.pointer {
            Some(pointer) => write!(f, "{place}: broken at `{pointer}` ({why}): {said}: {json}"),
            None => write!(f, "{place}: {why}: {said}: {json}"),
        }
    }
}

impl Share {
    /// How many were let through for a reason that is known.
    pub fn n_explained(&self) -> usize {
        self.explained.values().sum()
    }

    fn tell(&mut self, trouble: Trouble) {
        let same = self
            .failures
            .iter()
            .filter(|told| told.kind == trouble.kind);
        if same.count() < TOLD_MAX {
            self.failures.push(trouble);
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
            let (kind, said, json) = match answer {
                Answer::Ok { json, violations } => match value::difference(&case.json, &json) {
                    Some(difference) => (TroubleKind::RoundTrip, difference, None),
                    None if violations.is_empty() || !case.why.is_valid() => {
                        share.equal += 1;
                        next.push(json);
                        continue;
                    }
                    None => (TroubleKind::Objected, all(&violations), Some(json)),
                },
                Answer::Refused { .. } if case.why.may_be_refused() => {
                    share.equal += 1;
                    next.push(case.json.clone());
                    continue;
                }
                Answer::Refused { text, .. } | Answer::Lost(text) => {
                    (TroubleKind::RoundTrip, text, None)
                }
            };
            share.tell(Trouble {
                kind,
                place: case.place.clone(),
                why: case.why.word(),
                pointer: None,
                said,
                json: case.json.to_string(),
            });
            next.push(json.unwrap_or_else(|| case.json.clone()));
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
        let (violations, text) = match answer {
            Answer::Ok { violations, .. } => (violations, "is accepted".to_owned()),
            Answer::Refused { text, violations } => (violations, text),
            Answer::Lost(text) => (Vec::new(), text),
        };
        let (kind, said) = if violations.is_empty() {
            *share.let_through.entry(case.keyword).or_default() += 1;
            if let Some(reason) = case.may_pass {
                *share.explained.entry(reason).or_default() += 1;
                continue;
            }
            (TroubleKind::LetThrough, text)
        } else {
            share.refused += 1;
            if violations.iter().any(|said| is_at(said, case)) {
                share.right_path += 1;
                continue;
            }
            if violations.iter().any(|said| is_around(said, case)) {
                share.around_path += 1;
                continue;
            }
            (TroubleKind::OtherPath, all(&violations))
        };
        share.tell(Trouble {
            kind,
            place: case.place.clone(),
            why: case.keyword,
            pointer: Some(case.pointer.clone()),
            said,
            json: case.json.to_string(),
        });
    }
}

/// Violations as one text.
fn all(violations: &[Said]) -> String {
    let texts = violations.iter().map(|said| match said.path.as_str() {
        "" => said.message.clone(),
        path => format!("`{path}`: {}", said.message),
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// Whether a violation names the broken place: the pointer, the pointer with the key that is
/// missing or too many, or an item of a list whose items are wrong together.
fn is_at(said: &Said, case: &BrokenCase) -> bool {
    let below = said.path.strip_prefix(case.pointer.as_str());
    let Some(below) = below.and_then(|below| match below {
        "" => Some(None),
        below => below.strip_prefix('/').map(Some),
    }) else {
        return false;
    };
    match below {
        None => true,
        Some(token) if token.contains('/') => false,
        Some(token) => {
            let token = unescape_token(token);
            let is_item = token.bytes().all(|byte| byte.is_ascii_digit());
            case.key.as_deref() == Some(&*token) || (case.keyword == "uniqueItems" && is_item)
        }
    }
}

/// Whether a violation names a place around the broken one at which the schema has alternatives.
fn is_around(said: &Said, case: &BrokenCase) -> bool {
    case.around.iter().any(|pointer| {
        let below = case.pointer.strip_prefix(pointer.as_str());
        said.path == *pointer
            && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    })
}

/// Sends values to a driver, which is restarted after a value that ends it.
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
        let ran = match process::run(driver.command(), input.into_bytes(), &limits) {
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
    let violations = match answer.get("violations") {
        Some(Json::Array(violations)) => violations.iter().map(said).collect(),
        _ => Vec::new(),
    };
    match (answer.get("ok"), answer.get("error")) {
        (None, Some(Json::String(text))) if !violations.is_empty() => Answer::Refused {
            text: text.clone(),
            violations,
        },
        (None, Some(Json::String(text))) => Answer::Lost(text.clone()),
        (Some(json), None) => Answer::Ok {
            json: json.clone(),
            violations,
        },
        _ => Answer::Lost(format!(
            "the answer has neither `ok` nor `error`: {}",
            value::short(&answer)
        )),
    }
}

fn said(violation: &Json) -> Said {
    let text = |key| match violation.get(key) {
        Some(Json::String(text)) => text.clone(),
        _ => String::new(),
    };
    Said {
        path: text("path"),
        message: text("message"),
    }
}
