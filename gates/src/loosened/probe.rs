//! A probe that exists in the base and now: what it tolerates, and what it expects.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_probes::settings::{Check, Comparison, HttpCheck, Probe};
use tollgate_report::quantity::Size;

use super::command;
use super::diff::Diff;
use super::values::{less, more};

/// Compares a probe with what it was.
pub(super) fn compare(diff: &mut Diff<'_>, path: &[&str], old: &Probe, new: &Probe) {
    let code = "settings-probe-loosened";
    let key = format!("probes.{}", old.name);
    let mut add = |name: &str, values: (String, String), why: &str| {
        let path: Vec<&str> = path.iter().copied().chain([name]).collect();
        let key = format!("{key}.{name}");
        diff.add(code, (&key, &path), values, why);
    };
    let failures = (old.failures_before_down, new.failures_before_down);
    for value in [
        more("timeout", old.timeout, new.timeout),
        more("retries", old.retries, new.retries),
        more("failures_before_down", failures.0, failures.1),
        less(
            "passes_before_up",
            old.passes_before_up,
            new.passes_before_up,
        ),
        more("every", old.every, new.every),
    ] {
        if value.is_looser {
            add(
                value.key,
                (value.before, value.after),
                "a failure is noticed later, or never",
            );
        }
    }
    let after = expectations(&new.check);
    for (name, before) in expectations(&old.check) {
        let after = after.get(&name);
        if after.is_none_or(|after| before.is_looser(after)) {
            let after = after.map_or_else(|| "none".to_owned(), |it| it.shown(&name));
            let values = (before.shown(&name), after);
            add(new.check.kind().word(), values, "more answers pass");
        }
    }
}

/// One thing that a check expects.
enum Expected {
    Present,
    OneOf(BTreeSet<String>),
    AtMost(f64, String),
    AtLeast(f64, String),
    Command(Vec<String>),
}

impl Expected {
    /// Whether `new` lets pass what this one does not.
    fn is_looser(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::Present, Self::Present) => false,
            (Self::OneOf(old), Self::OneOf(new)) => !new.is_subset(old),
            (Self::AtMost(old, _), Self::AtMost(new, _)) => new > old,
            (Self::AtLeast(old, _), Self::AtLeast(new, _)) => new < old,
            (Self::Command(old), Self::Command(new)) => !command::looser(old, new).is_empty(),
            _ => true,
        }
    }

    fn shown(&self, name: &str) -> String {
        match self {
            Self::Present => name.to_owned(),
            Self::OneOf(values) => {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                format!("{name} {}", values.join(" or "))
            }
            Self::AtMost(_, value) => format!("{name} ≤ {value}"),
            Self::AtLeast(_, value) => format!("{name} ≥ {value}"),
            Self::Command(words) => words.join(" "),
        }
    }
}

type Expectations = BTreeMap<String, Expected>;

fn expectations(check: &Check) -> Expectations {
    let mut found = Expectations::new();
    let mut has = |name: &str, is_set: bool| {
        if is_set {
            found.insert(name.to_owned(), Expected::Present);
        }
    };
    match check {
        Check::Http(check) => http("", check, &mut found),
        Check::Journey(check) => {
            for step in &check.steps {
                found.insert(format!("step {}", step.name), Expected::Present);
                http(&format!("{}: ", step.name), step, &mut found);
            }
        }
        Check::Websocket(check) => {
            has("a reply", check.expect.is_some());
            has("a message of the contract", check.message.is_some());
            has("a schema", check.schema.is_some());
        }
        Check::Metrics(check) => {
            for it in &check.checks {
                let expected = bound(it.op, it.value.as_deref());
                found.insert(it.metric.clone(), expected);
            }
        }
        Check::Tcp(check) => has("an answer", check.expect.is_some()),
        Check::Command(check) => {
            let words = [&check.program].into_iter().chain(&check.args);
            let words = Expected::Command(words.cloned().collect());
            found.insert("command".to_owned(), words);
        }
        Check::Load(check) => {
            for (name, limit) in [("p95", check.budget.p95), ("p99", check.budget.p99)] {
                let limit = limit.map(|it| Expected::AtMost(it.0.as_secs_f64(), it.to_string()));
                found.extend(limit.map(|limit| (name.to_owned(), limit)));
            }
            let limit = check.budget.error_rate;
            let limit = limit.map(|it| Expected::AtMost(it.0, it.to_string()));
            found.extend(limit.map(|limit| ("error rate".to_owned(), limit)));
            http("", &check.request, &mut found);
        }
    }
    found
}

/// A bound of a metric; one that is not a number is compared as text.
fn bound(op: Option<Comparison>, value: Option<&str>) -> Expected {
    let Some(text) = value else {
        return Expected::Present;
    };
    let size = || text.parse::<Size>().ok().map(|size| size.0 as f64);
    let number = text.parse::<f64>().ok().or_else(size);
    match (op, number) {
        (Some(Comparison::Less | Comparison::LessEqual), Some(number)) => {
            Expected::AtMost(number, text.to_owned())
        }
        (Some(Comparison::Greater | Comparison::GreaterEqual), Some(number)) => {
            Expected::AtLeast(number, text.to_owned())
        }
        _ => Expected::OneOf(BTreeSet::from([text.to_owned()])),
    }
}

fn http(of: &str, check: &HttpCheck, found: &mut Expectations) {
    let expect = &check.expect;
    if !expect.status.is_empty() {
        let codes = expect.status.iter().map(ToString::to_string).collect();
        found.insert(format!("{of}status"), Expected::OneOf(codes));
    }
    let mut names: Vec<String> = Vec::new();
    names.extend(expect.headers.keys().map(|name| format!("header {name}")));
    let texts = expect.body_contains.iter().chain(&expect.body_matches);
    names.extend(texts.map(|text| format!("body `{text}`")));
    names.extend(
        expect
            .json
            .iter()
            .map(|it| format!("value of `{}`", it.pointer)),
    );
    names.extend(check.schema.is_some().then(|| "a schema".to_owned()));
    names.extend(check.operation.iter().map(|id| format!("answer of `{id}`")));
    found.extend(
        names
            .into_iter()
            .map(|name| (format!("{of}{name}"), Expected::Present)),
    );
}
