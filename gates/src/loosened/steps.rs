//! Compares the steps of a tier: which are gone, and which check less.

use tollgate_report::quantity::Span;
use tollgate_tiers::settings::{AlsoReads, StepSettings};

use super::command;
use super::diff::Diff;

/// Programs that succeed whatever the code is like.
const ALWAYS_PASS: [&str; 4] = ["true", ":", "echo", "printf"];

/// Variables in which a tool takes options, and the tool.
const OPTIONS_IN: [(&str, &str); 7] = [
    ("PYTEST_ADDOPTS", "pytest"),
    ("RUSTFLAGS", "cargo"),
    ("RUSTDOCFLAGS", "cargo"),
    ("CARGO_ENCODED_RUSTFLAGS", "cargo"),
    ("GOFLAGS", "go"),
    ("MAKEFLAGS", "make"),
    ("NODE_OPTIONS", "node"),
];

/// Variables that let tools skip checks, or take a run for one of a person.
const SWITCHES: [&str; 5] = [
    "CI",
    "NPM_CONFIG_SCRIPT_SHELL",
    "SKIP",
    "npm_config_ignore_scripts",
    "npm_config_script_shell",
];

/// What the steps of a tier check no longer.
pub(super) fn compare(
    diff: &mut Diff<'_>,
    tier: &str,
    (before, after): (&[StepSettings], &[StepSettings]),
    longest: (Span, Span),
) {
    for old in before.iter().filter(|step| !name(step).is_empty()) {
        let key = format!("tiers.{tier}.steps.{}", name(old));
        let position = find(old, before, after);
        let Some(position) = position else {
            let why = "what the step checked is no longer checked in this tier";
            let path = ["tiers", tier, "steps"];
            let values = (words(old), "none");
            diff.add("settings-step-removed", (&key, &path), values, why);
            continue;
        };
        let index = position.to_string();
        step(
            diff,
            &key,
            &["tiers", tier, "steps", &index],
            (old, &after[position]),
            longest,
        );
    }
}

/// The name of a step: its own or that of the built-in.
fn name(step: &StepSettings) -> &str {
    match step.builtin {
        Some(builtin) if step.name.is_empty() => builtin.word(),
        _ => &step.name,
    }
}

fn words(step: &StepSettings) -> String {
    match step.builtin {
        Some(builtin) => format!("builtin {}", builtin.word()),
        None => step.command.join(" "),
    }
}

/// The step of that name, or one that does the same under a new name.
fn find(old: &StepSettings, before: &[StepSettings], after: &[StepSettings]) -> Option<usize> {
    let same = after.iter().position(|step| name(step) == name(old));
    same.or_else(|| {
        after.iter().position(|step| {
            let is_new = before.iter().all(|other| name(other) != name(step));
            is_new && step.builtin == old.builtin && step.command == old.command
        })
    })
}

fn step(
    diff: &mut Diff<'_>,
    key: &str,
    path: &[&str],
    (old, new): (&StepSettings, &StepSettings),
    longest: (Span, Span),
) {
    let with = |name: &'static str| {
        let path: Vec<&str> = path.iter().copied().chain([name]).collect();
        (format!("{key}.{name}"), path)
    };
    let passes = |step: &StepSettings| {
        let program = step.command.first().map(String::as_str).unwrap_or_default();
        step.builtin.is_none() && ALWAYS_PASS.contains(&program)
    };
    let is_other = old.builtin.is_some() && new.builtin != old.builtin;
    let is_replaced = is_other || (passes(new) && !passes(old));
    let mut reasons = command::looser(&run_by(old), &run_by(new));
    reasons.extend(variables(old, new));
    let (code, why) = if is_replaced {
        let why = "another command takes the step's place under its name".to_owned();
        ("settings-step-replaced", why)
    } else {
        ("settings-step-command", reasons.join("; "))
    };
    if is_replaced || !reasons.is_empty() {
        let (key, path) = with("command");
        diff.add(code, (&key, &path), (words(old), words(new)), &why);
    }
    cached(diff, key, path, (old, new));
    if new.optional && !old.optional {
        let (key, path) = with("optional");
        let why = "the step is left out when the target time is over";
        diff.add("settings-step-optional", (&key, &path), (false, true), why);
    }
    inputs(diff, with("inputs"), (old, new));
    let list = |items: &[String]| items.to_vec();
    for (name, code, before, after, why) in [
        (
            "exclude",
            "settings-step-excludes",
            list(&old.exclude),
            list(&new.exclude),
            "more packages are left out",
        ),
        (
            "skip",
            "settings-step-excludes",
            list(&old.skip),
            list(&new.skip),
            "more tests are left out",
        ),
        (
            "may_be_missing",
            "settings-may-be-missing",
            list(&old.may_be_missing),
            list(&new.may_be_missing),
            "a check without its tool passes",
        ),
    ] {
        let (key, path) = with(name);
        diff.grown(code, (&key, &path), (&before, &after), why);
    }
    let limits = (
        old.timeout.unwrap_or(longest.0),
        new.timeout.unwrap_or(longest.1),
    );
    // A longer time of the whole tier is a finding of its own.
    if old.timeout.is_some() || new.timeout.is_some() {
        let (key, path) = with("timeout");
        let why = "a step that takes longer passes";
        diff.raised("settings-time-raised", (&key, &path), limits, why);
    }
}

/// What a step runs.
fn run_by(step: &StepSettings) -> Vec<String> {
    match step.builtin {
        Some(builtin) => builtin.command(true),
        None => step.command.clone(),
    }
}

/// What variables of the step let pass: options of its tools, and switches.
fn variables(old: &StepSettings, new: &StepSettings) -> Vec<String> {
    let mut reasons = Vec::new();
    for (name, tool) in OPTIONS_IN {
        let options = |step: &StepSettings| -> Vec<String> {
            let text = step.set.get(name).map(String::as_str).unwrap_or_default();
            let words = text.split([' ', '\u{1f}']).filter(|word| !word.is_empty());
            [tool].into_iter().chain(words).map(str::to_owned).collect()
        };
        let found = command::looser(&options(old), &options(new));
        reasons.extend(
            found
                .into_iter()
                .map(|reason| format!("in `{name}`, {reason}")),
        );
    }
    for name in SWITCHES {
        if let Some(value) = new.set.get(name)
            && old.set.get(name) != Some(value)
        {
            reasons.push(format!("it got `{name}={value}`"));
        }
    }
    reasons
}

/// A pass that is kept although the step depends on more than its key holds.
fn cached(
    diff: &mut Diff<'_>,
    key: &str,
    path: &[&str],
    (old, new): (&StepSettings, &StepSettings),
) {
    let code = "settings-step-cached";
    let why = "an earlier pass answers although a fresh run may fail";
    let mut add = |name: &str, values: (String, String)| {
        let path: Vec<&str> = path.iter().copied().chain([name]).collect();
        diff.add(code, (&format!("{key}.{name}"), &path), values, why);
    };
    let is_kept = |step: &StepSettings| {
        let by_itself = step
            .builtin
            .is_none_or(|builtin| builtin.not_cached().is_none());
        step.cache.unwrap_or(by_itself)
    };
    if is_kept(new) && !is_kept(old) {
        add("cache", ("false".to_owned(), "true".to_owned()));
    }
    let reads = |step: &StepSettings| -> Vec<AlsoReads> {
        let is_open = step.builtin.is_none() && step.inputs.is_empty();
        let usual = || {
            if is_open {
                vec![AlsoReads::History, AlsoReads::Day]
            } else {
                Vec::new()
            }
        };
        step.also_reads.clone().unwrap_or_else(usual)
    };
    let (before, after) = (reads(old), reads(new));
    let is_named = old.also_reads.is_some() || new.also_reads.is_some();
    if is_named && is_kept(new) && before.iter().any(|it| !after.contains(it)) {
        let shown = |reads: &[AlsoReads]| format!("{reads:?}").to_lowercase();
        add("also_reads", (shown(&before), shown(&after)));
    }
    let lost = old.tools.iter().any(|tool| !new.tools.contains(tool));
    if lost && old.command == new.command && old.builtin == new.builtin {
        let shown = |step: &StepSettings| {
            let tools: Vec<String> = step.tools.iter().map(|tool| tool.join(" ")).collect();
            format!("[{}]", tools.join(", "))
        };
        add("tools", (shown(old), shown(new)));
    }
}

/// Fewer inputs: a change of a file that no glob names no longer runs the step.
fn inputs(
    diff: &mut Diff<'_>,
    (key, path): (String, Vec<&str>),
    (old, new): (&StepSettings, &StepSettings),
) {
    let shown = |step: &StepSettings| match &step.inputs[..] {
        [] if step.builtin.is_some() => "those of the built-in".to_owned(),
        [] => "every file".to_owned(),
        globs => format!("[{}]", globs.join(", ")),
    };
    let is_narrower = match (&old.inputs[..], &new.inputs[..]) {
        (_, []) => false,
        // A built-in with inputs of its own has fewer than before only if it read every file.
        ([], globs) => !globs.iter().any(|glob| covers(glob, "**")),
        (before, after) => before
            .iter()
            .any(|glob| !after.iter().any(|wider| covers(wider, glob))),
    };
    if is_narrower {
        let why = "a change of the other files no longer runs the step";
        diff.add(
            "settings-step-inputs",
            (&key, &path),
            (shown(old), shown(new)),
            why,
        );
    }
}

/// Whether a glob surely matches all that another one does.
fn covers(wider: &str, glob: &str) -> bool {
    if wider == glob || wider == "**" || wider == "**/*" {
        return true;
    }
    let folder = wider
        .strip_suffix("/**")
        .or_else(|| wider.strip_suffix("/**/*"));
    let folder = folder.filter(|folder| !folder.contains(['*', '?', '[', '{']));
    folder.is_some_and(|folder| {
        glob.strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
    })
}
