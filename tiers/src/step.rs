//! Runs one step that is not in the cache, and stores its result when it passed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tollgate_report::atomic::WriteError;
use tollgate_report::quantity::Span;
use tollgate_report::unchecked::{ALLOWED_ENV, LIST_ENV};
use tollgate_report::{ExitCode, Outcome, write_atomic};

use crate::builtin::Builtin;
use crate::cold::ColdWatch;
use crate::context::{Shared, TierError};
use crate::counts;
use crate::environment;
use crate::outputs::is_executable;
use crate::plan::Step;
use crate::probe::{Inputs, Job, missing_tool, sum};
use crate::process::{self, End, Spawn};
use crate::profiles::{self, Covered};
use crate::record::{How, StepReport};
use crate::settings::Leaks;
use crate::stopped::{self, Deadline, Stopped};
use crate::store::{Entry, Output};
use crate::tools::cargo_subcommand;

/// Lines shown of a step that was stopped while nothing had failed.
const N_LINES_BEFORE_STOP: usize = 5;

/// Variables that only commands of this program get: the base of the change, and whether what is
/// unmeasured fails.
const OWN_ENV: [&str; 3] = ["TOLLGATE_BASE", "TOLLGATE_AGAINST", "TOLLGATE_STRICT"];

/// Why and when a step was stopped before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stop {
    reason: Reason,
    times: Times,
    /// Lines of output until then.
    n_lines: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Interrupted,
    Deadline(Deadline),
}

/// A step's time up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    /// Without cold time.
    warm: Duration,
    /// The part of it that was lost to other work.
    waited: Duration,
}

/// Runs the step and gives its report.
pub(crate) fn run(shared: &Shared<'_>, step: &Step, job: &Job) -> Result<StepReport, TierError> {
    let log_path = shared.run_folder.join(format!("{}.log", step.name));
    let list_path = shared.run_folder.join(format!("{}.not-checked", step.name));
    let spawn = Spawn {
        argv: expand(shared, step, job)?,
        folder: shared.cx.root.clone(),
        env: environment_of(shared, step, &list_path)?,
    };
    let started = shared.now();
    let is_first_build = step.lock.as_deref() == Some("cargo") && shared.is_first_build;
    let watch = RefCell::new(ColdWatch::new(&shared.cold, is_first_build, started));
    let n_lines = Cell::new(0);
    let waited_before = shared.load.waited();
    let ran = process::run(
        &spawn,
        &log_path,
        |line| {
            n_lines.set(n_lines.get() + 1);
            watch.borrow_mut().line(line, shared.now());
        },
        || {
            shared.tick();
            let now = shared.now();
            let times = Times {
                warm: now
                    .saturating_sub(started)
                    .saturating_sub(watch.borrow().total(now)),
                waited: shared.load.waited().saturating_sub(waited_before),
            };
            let reason = should_stop(shared, step, times)?;
            Some(Stop {
                reason,
                times,
                n_lines: n_lines.get(),
            })
        },
    );
    shared.is_stale.store(true, Ordering::Relaxed);
    let ended = shared.now();
    let cold = watch.into_inner().finish(ended);
    let ran = ran.map_err(|source| TierError::Step {
        step: step.name.clone(),
        source,
    })?;
    let log = fs::read(&log_path).unwrap_or_default();
    let text = counts::without_escapes(&String::from_utf8_lossy(&log));
    let mut report = judge(shared.plan.critical, step, &spawn, &ran.end, &text);
    report.left_behind = ran.left_behind.iter().map(ToString::to_string).collect();
    judge_leaks(shared.plan.leaks, &mut report);
    if report.how == How::Ran {
        report.explanation.clone_from(&job.explanation);
    }
    report.duration_ms = whole_ms(ended.saturating_sub(started));
    report.cold_ms = whole_ms(cold);
    report.log = Some(shared.shown(&log_path));
    let junit = junit_path(shared, step);
    report.junit = junit.is_file().then(|| shared.shown(&junit));
    report.not_checked = read_lines(&list_path);
    report.crates_run.clone_from(&job.crates_run);
    report.crates_cached.clone_from(&job.crates_cached);
    let mut covered = Covered::default();
    if step.instrumented == Some(Builtin::Test) && report.outcome == Outcome::Pass {
        covered = profiles::collect(shared, step, job)?;
        report.not_checked.extend(covered.not_checked.clone());
    }
    judge_rewritten(shared, step, &mut report)?;
    if let Some(why) = keep(shared, step, job, &report, &text, &covered)? {
        report.explanation.push_str(&format!("; not kept: {why}"));
    }
    report.counts = sum(report.counts, job.counts_cached);
    let all: BTreeSet<String> = report
        .not_checked
        .into_iter()
        .chain(job.not_checked_cached.clone())
        .collect();
    report.not_checked = all.into_iter().collect();
    Ok(report)
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn should_stop(shared: &Shared<'_>, step: &Step, times: Times) -> Option<Reason> {
    if shared.is_interrupted() {
        return Some(Reason::Interrupted);
    }
    if shared.is_over(shared.judged(), shared.plan.critical.0) {
        return Some(Reason::Deadline(Deadline::Critical));
    }
    let judged = shared.pace().scaled(times.warm, times.waited);
    let is_over = shared.is_over(judged, step.timeout);
    is_over.then_some(Reason::Deadline(Deadline::Timeout))
}

fn judge(critical: Span, step: &Step, spawn: &Spawn, end: &End<Stop>, log: &str) -> StepReport {
    let mut report = StepReport::new(&step.name, How::Ran, Outcome::Pass, "");
    match end {
        End::Missing => {
            report = missing_tool(step, &spawn.argv[0]);
        }
        End::Exited(Some(0)) if step.instrumented == Some(Builtin::Lint) => {
            judge_warnings(&mut report, log);
        }
        End::Exited(Some(0)) => {}
        End::Exited(status) => match (missing_in_log(spawn, log), *status) {
            (Some(tool), _) => report = missing_tool(step, &tool),
            (None, Some(status)) if is_own(step) => judge_own(&mut report, status, log),
            (None, status) => {
                report.outcome = Outcome::Fail;
                report.cause = Some(status.map_or_else(
                    || "its command was ended by a signal".to_owned(),
                    |status| format!("its command ended with exit code {status}"),
                ));
            }
        },
        End::Stopped(stop) => {
            judge_stopped(&mut report, critical, step, stop, log);
            report.optional = step.optional;
            report.command.clone_from(&spawn.argv);
            return report;
        }
    }
    report.optional = step.optional;
    report.command.clone_from(&spawn.argv);
    report.counts = counts::parse(log);
    report.closing_lines = counts::closing_lines(log);
    if matches!(report.outcome, Outcome::Fail | Outcome::Inconclusive) {
        report.excerpt = counts::excerpt(log);
        if let Some(counts) = report.counts.filter(|counts| counts.failed > 0) {
            report.cause = Some(format!("{} of {} tests failed", counts.failed, counts.run));
        }
    }
    report
}

fn judge_leaks(leaks: Leaks, report: &mut StepReport) {
    let n_left = report.left_behind.len();
    if leaks == Leaks::Report || n_left == 0 || report.outcome != Outcome::Pass {
        return;
    }
    report.outcome = Outcome::Fail;
    let first = &report.left_behind[0];
    report.cause = Some(match n_left {
        1 => format!("it left a process running ({first})"),
        _ => format!("it left {n_left} processes running, such as {first}"),
    });
    report.hint = Some(
        "let the step wait for what it starts, or set `leaks = \"report\"` in `[tiers]`".to_owned(),
    );
}

/// The shared build only warns, so that tests run whatever clippy finds; the lint step fails for it.
fn judge_warnings(report: &mut StepReport, log: &str) {
    let n_crates = log
        .lines()
        .filter(|line| line.starts_with("warning: `") && line.contains(" generated "))
        .count();
    if n_crates > 0 {
        report.outcome = Outcome::Fail;
        report.cause = Some(format!("clippy warns in {n_crates} targets"));
    }
}

/// A step that was stopped did not fail, unless a test had failed before.
fn judge_stopped(report: &mut StepReport, critical: Span, step: &Step, stop: &Stop, log: &str) {
    let lines: Vec<&str> = log.lines().collect();
    let (before, after) = lines.split_at(stop.n_lines.min(lines.len()));
    let progress = stopped::progress(before, after);
    let n_failed = progress.counts.map_or(0, |counts| counts.failed);
    report.outcome = Outcome::Inconclusive;
    report.counts = progress.counts;
    let why = match stop.reason {
        Reason::Interrupted => "it was interrupted".to_owned(),
        Reason::Deadline(deadline) => {
            let limit = match deadline {
                Deadline::Critical => critical,
                Deadline::Timeout => Span(step.timeout),
            };
            let stopped = Stopped {
                deadline,
                limit,
                warm_ms: whole_ms(stop.times.warm),
                waited_ms: whole_ms(stop.times.waited),
                progress,
            };
            let why = stopped.describe();
            report.stopped = Some(stopped);
            why
        }
    };
    if n_failed > 0 {
        report.outcome = Outcome::Fail;
        report.excerpt = counts::excerpt(&before.join("\n"));
        let n_run = report.counts.map_or(0, |counts| counts.run);
        report.cause = Some(format!("{n_failed} of {n_run} tests failed before {why}"));
    } else {
        let n_skipped = before.len().saturating_sub(N_LINES_BEFORE_STOP);
        let last = before[n_skipped..].iter().map(|line| (*line).to_owned());
        report.excerpt = last.collect();
        report.cause = Some(why);
    }
}

fn is_own(step: &Step) -> bool {
    step.command
        .first()
        .is_some_and(|word| word == "{tollgate}")
}

/// In a snapshot, a step that rewrites a staged file has not checked what is staged: it fails with
/// the difference, or its work is staged.
fn judge_rewritten(
    shared: &Shared<'_>,
    step: &Step,
    report: &mut StepReport,
) -> Result<(), TierError> {
    let Some(staged) = shared.cx.staged else {
        return Ok(());
    };
    let tree = shared.tree()?;
    let mut known = shared.known_staged();
    let mut rewritten = known.differences(&tree);
    rewritten.retain(|path| staged.is_staged(path));
    if rewritten.is_empty() {
        return Ok(());
    }
    *known = tree;
    drop(known);
    let names = match rewritten.as_slice() {
        [one] => format!("`{one}`"),
        [first, rest @ ..] => format!("`{first}` and {} more", rest.len()),
        [] => String::new(),
    };
    if step.stage_fixed && report.outcome == Outcome::Pass {
        let edited = staged.stage(&rewritten)?;
        report
            .explanation
            .push_str(&format!("; staged what it rewrote: {names}"));
        for path in edited {
            let why = format!("; `{path}` has unstaged edits, so the file itself is not changed");
            report.explanation.push_str(&why);
        }
        return Ok(());
    }
    let was = report.cause.take();
    report.outcome = Outcome::Fail;
    report.cause = Some(match was {
        Some(cause) => format!("{cause}; and while it ran, staged files were rewritten: {names}"),
        None => format!("while it ran, staged files were rewritten: {names}"),
    });
    report.excerpt.extend(staged.difference(&rewritten)?);
    report.hint = Some(
        "run it in the working tree and `git add` the files, or set `stage_fixed = true` for the step"
            .to_owned(),
    );
    Ok(())
}

/// Our own commands say by their exit code why they did not pass.
fn judge_own(report: &mut StepReport, status: i32, log: &str) {
    let is = |code: ExitCode| status == i32::from(code.code());
    let last_error = log
        .lines()
        .find(|line| line.starts_with("error"))
        .unwrap_or("its command found something");
    report.cause = Some(last_error.to_owned());
    report.outcome = Outcome::Fail;
    if is(ExitCode::Inconclusive) {
        report.outcome = Outcome::Inconclusive;
    } else if is(ExitCode::Stale) {
        report.cause = Some("generated files are stale".to_owned());
    } else if is(ExitCode::Environment) {
        report.outcome = Outcome::NotChecked;
        report.missing = Some(report.name.clone());
        report.hint = log
            .lines()
            .find_map(|line| line.trim().strip_prefix("hint: "))
            .map(str::to_owned);
    }
}

/// cargo and rustup report a missing plugin in words only.
fn missing_in_log(spawn: &Spawn, log: &str) -> Option<String> {
    let says_so = log.lines().any(|line| {
        line.starts_with("error: no such command: ")
            || line.starts_with("error: 'cargo-") && line.contains("is not installed for the")
    });
    says_so.then(|| cargo_subcommand(&spawn.argv)).flatten()
}

fn junit_path(shared: &Shared<'_>, step: &Step) -> std::path::PathBuf {
    shared.run_folder.join(format!("{}.junit.xml", step.name))
}

/// The command with its placeholders replaced.
fn expand(shared: &Shared<'_>, step: &Step, job: &Job) -> Result<Vec<String>, WriteError> {
    let is_all = job.crates_cached.is_empty();
    let mut argv = Vec::new();
    for word in &step.command {
        match word.as_str() {
            "{tollgate}" => argv.push(shared.cx.tollgate.display().to_string()),
            "{workspace}" => argv.extend(whole_workspace(step)),
            "{packages}" if is_all => argv.extend(whole_workspace(step)),
            "{packages}" => {
                argv.extend(
                    job.crates_run
                        .iter()
                        .flat_map(|name| ["-p".to_owned(), name.clone()]),
                );
            }
            "{filter}" => {
                let filter = filter(step, job, is_all);
                argv.extend(
                    filter
                        .into_iter()
                        .flat_map(|filter| ["-E".to_owned(), filter]),
                );
            }
            "{skip}" if step.skip.is_empty() => {}
            "{skip}" => {
                argv.push("--".to_owned());
                let skipped = step.skip.iter();
                argv.extend(skipped.flat_map(|text| ["--skip".to_owned(), text.clone()]));
            }
            "{junit}" => argv.extend(junit_options(shared, step)?),
            word => argv.push(word.to_owned()),
        }
    }
    Ok(argv)
}

/// nextest's filter for the crates that run and the tests that don't; none when all run.
fn filter(step: &Step, job: &Job, is_all: bool) -> Option<String> {
    let mut terms = Vec::new();
    if !is_all {
        let packages = job.crates_run.iter();
        let packages = packages.map(|name| format!("package(={name})"));
        terms.push(format!("({})", packages.collect::<Vec<_>>().join(" + ")));
    } else if step.instrumented.is_some() {
        let excluded = step.exclude.iter();
        terms.extend(excluded.map(|name| format!("not package(={name})")));
    }
    terms.extend(step.skip.iter().map(|text| format!("not test(~{text})")));
    (!terms.is_empty()).then(|| terms.join(" & "))
}

/// In the instrumented build every step selects every crate: another selection would change the
/// unified features and build dependencies again.
fn whole_workspace(step: &Step) -> Vec<String> {
    if step.instrumented.is_some() && step.command.iter().any(|word| word != "{packages}") {
        return vec!["--workspace".to_owned()];
    }
    let excluded = step.exclude.iter();
    let excluded = excluded.flat_map(|name| ["--exclude".to_owned(), name.clone()]);
    std::iter::once("--workspace".to_owned())
        .chain(excluded)
        .collect()
}

/// A tool's configuration lies below the repository's own, which so stays in force.
fn junit_options(shared: &Shared<'_>, step: &Step) -> Result<[String; 2], WriteError> {
    let path = shared
        .run_folder
        .join(format!("{}.nextest.toml", step.name));
    let junit = serde_json::Value::from(junit_path(shared, step).display().to_string());
    write_atomic(
        &path,
        format!("[profile.default.junit]\npath = {junit}\n").as_bytes(),
    )?;
    let config = format!("tollgate:{}", path.display());
    Ok(["--tool-config-file".to_owned(), config])
}

fn environment_of(
    shared: &Shared<'_>,
    step: &Step,
    list_path: &Path,
) -> Result<BTreeMap<String, String>, TierError> {
    let mut env = environment::base(&shared.env);
    env.extend(environment::allowed(&shared.env, &step.env));
    let local = environment::local_tools(&shared.cx.root);
    if !local.is_empty() {
        let path = env.get("PATH").map_or("", String::as_str);
        env.insert("PATH".to_owned(), environment::path_with(&local, path));
    }
    // Plain text can be parsed and stored; colour cannot.
    env.insert("CARGO_TERM_COLOR".to_owned(), "never".to_owned());
    env.insert("NO_COLOR".to_owned(), "1".to_owned());
    env.insert("TERM".to_owned(), "dumb".to_owned());
    env.insert(LIST_ENV.to_owned(), list_path.display().to_string());
    let allowed: Vec<&str> = shared
        .plan
        .may_be_missing
        .iter()
        .map(String::as_str)
        .collect();
    env.insert(ALLOWED_ENV.to_owned(), allowed.join(","));
    env.extend(shared.cx.env.clone());
    if !is_own(step) {
        // They are about this program's own verdicts, and no part of the key of another command.
        env.retain(|name, _| !OWN_ENV.contains(&name.as_str()));
    }
    if step.instrumented.is_some() {
        env.extend(profiles::environment(shared)?);
    }
    env.extend(step.set.clone());
    Ok(env)
}

fn read_lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: BTreeSet<String> = text
        .lines()
        .map(|line| {
            line.strip_prefix("not checked: ")
                .unwrap_or(line)
                .to_owned()
        })
        .collect();
    lines.into_iter().collect()
}

/// Stores a pass, unless an input was edited while the step ran: then it is unknown which content
/// the step read. A failure leaves only a note. Returns the reason why a pass is not stored.
fn keep(
    shared: &Shared<'_>,
    step: &Step,
    job: &Job,
    report: &StepReport,
    log: &str,
    covered: &Covered,
) -> Result<Option<String>, TierError> {
    if report.outcome == Outcome::Fail {
        for manifest in &job.manifests {
            shared.store.note_failure(manifest)?;
        }
    }
    if report.outcome != Outcome::Pass {
        return Ok(None);
    }
    if shared.not_cached(step).is_some() {
        return Ok(None);
    }
    let tree = shared.tree()?;
    let now = Inputs::of(shared, step, &tree);
    if let Some(path) = job.inputs.first_difference(&now) {
        return Ok(Some(format!("`{path}` changed while it ran")));
    }
    // An output that was not written cannot be put back, so the result is not kept.
    let written = match step.outputs.find(&shared.cx.root) {
        Ok(written) => written,
        Err(path) => return Ok(Some(format!("it did not write its output `{path}`"))),
    };
    let mut outputs = Vec::new();
    for path in written {
        let full = shared.cx.root.join(&path);
        let Ok(bytes) = fs::read(&full) else {
            return Ok(Some(format!("its output `{path}` cannot be read")));
        };
        outputs.push(Output {
            content: shared.store.put_blob(&bytes)?,
            executable: is_executable(&full),
            path,
        });
    }
    let log_digest = shared.store.put_blob(log.as_bytes())?;
    let by_package = counts::by_package(log);
    let warm_ms = report.duration_ms.saturating_sub(report.cold_ms);
    for manifest in &job.manifests {
        let mut entry = Entry::new(
            &step.name,
            shared.cx.clock.now(),
            warm_ms,
            log_digest.clone(),
        );
        entry.outputs.clone_from(&outputs);
        entry.not_checked.clone_from(&report.not_checked);
        entry.profile = covered.profile_of(manifest.package.as_deref());
        match &manifest.package {
            Some(package) => entry.counts = by_package.get(package).copied(),
            None => {
                entry.counts = report.counts;
                entry.closing_lines.clone_from(&report.closing_lines);
            }
        }
        shared.store.put(&manifest.key(), &entry, manifest)?;
    }
    profiles::keep_report(shared, step, job, covered, log_digest)?;
    Ok(None)
}
