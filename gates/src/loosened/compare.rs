//! Compares the settings of the base with those of now, section by section.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_contracts_lint::{LintSettings, Ruleset};
use tollgate_report::Finding;
use tollgate_report::quantity::Span;
use tollgate_tiers::settings::{StepSettings, Tier};

use super::compared::{Compared, Section, TIERS};
use super::diff::Diff;
use super::{command, probe, steps, values};
use crate::ruleset::RulesetText;
use crate::settings::Settings;

/// What the settings loosen, each with its key.
pub(super) fn settings(
    compared: &Compared,
    old: &Settings,
    new: &Settings,
    sections: &BTreeSet<Section>,
) -> Vec<(String, Finding)> {
    let text = compared.settings.now.as_deref().unwrap_or_default();
    let mut diff = Diff::new(&compared.settings.file, text);
    for section in sections {
        match section {
            Section::Contracts => contracts(&mut diff, compared, old, new),
            Section::Codegen => codegen(&mut diff, old, new),
            Section::Tiers => tiers(&mut diff, compared, old, new),
            Section::Ratchet => {
                ratchet(&mut diff, old, new);
                ratchet_bounds(&mut diff, old, new);
            }
            Section::Budgets => budgets(&mut diff, old, new),
            Section::Probes => probes(&mut diff, old, new),
            Section::Canary => {
                values::canary(&mut diff, "canary", &old.canary, &new.canary);
                values::release(&mut diff, old, new);
            }
            Section::Alerts => values::alerts(&mut diff, &old.alerts, &new.alerts),
            Section::Waivers => waivers(&mut diff, old, new),
        }
    }
    diff.found()
}

const MOVED: &str = "a file of another name has no history, so nothing is compared with it";

fn contracts(diff: &mut Diff<'_>, compared: &Compared, old: &Settings, new: &Settings) {
    let files = |settings: &Settings, usual: &[String]| match &settings.contracts.files[..] {
        [] => usual.to_vec(),
        files => files.to_vec(),
    };
    let before = files(old, &compared.default_contracts.0);
    let after = files(new, &compared.default_contracts.1);
    let why = "a contract that is not listed is neither linted nor compared";
    let code = "settings-contract-removed";
    diff.removed(code, "contracts.files", &before, &after, why);
    let (old, new) = (&old.contracts, &new.contracts);
    if old.blessed != new.blessed {
        let values = (&old.blessed, &new.blessed);
        diff.plain("settings-file-moved", "contracts.blessed", values, MOVED);
    }
    rules(diff, compared, &old.lint, &new.lint);
    let (old, new) = (&old.diff, &new.diff);
    let code = "settings-contract-diff";
    let why = "changes that broke clients are accepted";
    for (key, before, after) in [
        (
            "deprecation_days_beta",
            old.deprecation_days_beta,
            new.deprecation_days_beta,
        ),
        (
            "deprecation_days_stable",
            old.deprecation_days_stable,
            new.deprecation_days_stable,
        ),
    ] {
        if after < before {
            let key = format!("contracts.diff.{key}");
            diff.plain(code, &key, (before, after), why);
        }
    }
    if new.stability_level > old.stability_level {
        let values = (old.stability_level.word(), new.stability_level.word());
        diff.plain(code, "contracts.diff.stability_level", values, why);
    }
    let added = new
        .allow
        .iter()
        .filter(|it| !old.allow.contains(it))
        .count();
    if added > 0 {
        let values = (old.allow.len(), new.allow.len());
        diff.plain(code, "contracts.diff.allow", values, why);
    }
}

/// With more rules than these that find less, a ruleset is one finding.
const RULES_MAX: usize = 8;

/// Rules that find less: in the settings, and in the rulesets that both sides name.
fn rules(diff: &mut Diff<'_>, compared: &Compared, old: &LintSettings, new: &LintSettings) {
    let code = "settings-rule-lowered";
    let why = "what the rule found before passes now";
    // A rule that the settings do not name has the level of its ruleset.
    let ruleset = |text: &Option<RulesetText>, settings| {
        let read = text.as_ref().and_then(|text| text.read().ok());
        read.unwrap_or_else(Ruleset::recommended)
            .with_settings(settings, "")
    };
    let of_old = ruleset(&compared.rulesets.0, old);
    // All own rules that are off are one finding, below.
    let with_own = LintSettings {
        own_rules: new.own_rules || old.own_rules,
        ..new.clone()
    };
    let of_new = ruleset(&compared.rulesets.1, &with_own);
    let names: BTreeSet<&String> = old.rules.keys().chain(new.rules.keys()).collect();
    let mut changes = of_old.loosened(&of_new);
    let rulesets = [&compared.rulesets.1, &compared.rulesets.0];
    let ruleset_file = rulesets
        .into_iter()
        .flatten()
        .next()
        .map(|text| text.entry.as_str());
    if let Some(file) = ruleset_file
        && changes.len() > RULES_MAX
    {
        let (named, others): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|it| names.contains(&it.rule));
        let rules: Vec<&str> = others.iter().map(|it| it.rule.as_str()).collect();
        let values = (format!("{} rules", rules.len()), "off, lower or other ones");
        let why = format!("what they found before passes now: {}", rules.join(", "));
        diff.elsewhere(code, (file, "rules"), values, &why);
        changes = named;
    }
    for change in changes {
        let values = (change.before.as_str(), change.after.as_str());
        if names.contains(&change.rule) {
            let key = format!("contracts.lint.rules.{}", change.rule);
            let path = ["contracts", "lint", "rules", change.rule.as_str()];
            diff.add(code, (&key, &path), values, why);
        } else if let Some(file) = ruleset_file {
            let key = format!("rules.{}", change.rule);
            diff.elsewhere(code, (file, &key), values, why);
        } else {
            let key = format!("contracts.lint.rules.{}", change.rule);
            diff.add(code, (&key, &["contracts", "lint"]), values, why);
        }
    }
    if old.own_rules && !new.own_rules {
        diff.plain(code, "contracts.lint.own_rules", (true, false), why);
    }
}

fn codegen(diff: &mut Diff<'_>, old: &Settings, new: &Settings) {
    let outs = |settings: &Settings| -> Vec<String> {
        let targets = settings.codegen.targets.iter();
        targets.map(|target| target.out.clone()).collect()
    };
    let why = "generated files that are not listed are not compared with the contract";
    let (before, after) = (outs(old), outs(new));
    diff.removed(
        "settings-target-removed",
        "codegen.targets",
        &before,
        &after,
        why,
    );
}

fn tiers<'c>(diff: &mut Diff<'_>, compared: &'c Compared, old: &Settings, new: &Settings) {
    for tier in TIERS {
        let (before, after) = (old.tiers.tier(tier), new.tiers.tier(tier));
        let word = tier.word();
        let (target, critical) = tier.default_budget();
        let longest = (
            before.critical.unwrap_or(critical),
            after.critical.unwrap_or(critical),
        );
        for (name, usual, before, after) in [
            ("target", target, before.target, after.target),
            ("critical", critical, before.critical, after.critical),
        ] {
            let key = format!("tiers.{word}.{name}");
            let path = ["tiers", word, name];
            let values = (before.unwrap_or(usual), after.unwrap_or(usual));
            let why = "a tier that takes longer passes";
            diff.raised("settings-time-raised", (&key, &path), values, why);
        }
        let usual = |steps: &'c BTreeMap<Tier, Vec<StepSettings>>| {
            steps.get(&tier).map_or(&[][..], Vec::as_slice)
        };
        let old_steps = compared.default_steps_before.as_ref();
        let before_usual = usual(old_steps.unwrap_or(&compared.default_steps));
        let before = before.steps.as_deref().unwrap_or(before_usual);
        let after_usual = usual(&compared.default_steps);
        let after = after.steps.as_deref().unwrap_or(after_usual);
        steps::compare(diff, word, (before, after), longest);
        scripts(diff, compared, after);
    }
    let (old, new) = (&old.tiers, &new.tiers);
    diff.unmeasured("tiers", &old.unmeasured, &new.unmeasured);
    let at = ("tiers.may_be_missing", &["tiers", "may_be_missing"][..]);
    let values = (&old.may_be_missing[..], &new.may_be_missing[..]);
    diff.grown(
        "settings-may-be-missing",
        at,
        values,
        "a check without its tool passes",
    );
    if old.leaks > new.leaks {
        let why = "a step that leaves processes running passes";
        let values = ("fail", "report");
        diff.plain("settings-leaks-allowed", "tiers.leaks", values, why);
    }
    if old.coverage && !new.coverage {
        let why = "line coverage is no longer measured";
        diff.plain(
            "settings-coverage-off",
            "tiers.coverage",
            (true, false),
            why,
        );
    }
    let why = "the times of the tiers are meant for a slower machine, which gives them longer";
    let (before, after) = (old.reference, new.reference);
    if after.work_us > before.work_us {
        let values = (before.work_us, after.work_us);
        diff.plain(
            "settings-time-raised",
            "tiers.reference.work_us",
            values,
            why,
        );
    }
    if after.cores > before.cores {
        let values = (before.cores, after.cores);
        diff.plain("settings-time-raised", "tiers.reference.cores", values, why);
    }
}

/// The scripts of `package.json` that steps run: they are commands of the steps.
fn scripts(diff: &mut Diff<'_>, compared: &Compared, steps: &[StepSettings]) {
    let package = &compared.package;
    let read = |text: &Option<String>| -> Option<serde_json::Value> {
        serde_json::from_str(text.as_deref()?).ok()
    };
    let (Some(old), Some(new)) = (read(&package.before), read(&package.now)) else {
        return;
    };
    for step in steps {
        let words = &step.command;
        let is_manager = words
            .first()
            .is_some_and(|it| ["npm", "pnpm", "yarn", "bun"].contains(&it.as_str()));
        let script = words
            .iter()
            .skip(1)
            .find(|it| *it != "run" && !it.starts_with('-'));
        let Some(script) = script.filter(|_| is_manager) else {
            continue;
        };
        let text = |package: &serde_json::Value| -> Option<Vec<String>> {
            let text = package["scripts"][script].as_str()?;
            Some(["sh", "-c", text].map(str::to_owned).to_vec())
        };
        let (Some(before), Some(after)) = (text(&old), text(&new)) else {
            continue;
        };
        let reasons = command::looser(&before, &after);
        if !reasons.is_empty() {
            let key = format!("scripts.{script}");
            diff.elsewhere(
                "settings-step-command",
                (&package.file, &key),
                (&before[2], &after[2]),
                &reasons.join("; "),
            );
        }
    }
}

fn ratchet(diff: &mut Diff<'_>, old: &Settings, new: &Settings) {
    let (old, new) = (&old.ratchet, &new.ratchet);
    for (key, before, after) in [
        ("ratchet.file", &old.file, &new.file),
        ("ratchet.waivers", &old.waivers, &new.waivers),
    ] {
        if before != after {
            diff.plain("settings-file-moved", key, (before, after), MOVED);
        }
    }
    let why = "what the report measured is no longer counted";
    let code = "settings-report-removed";
    diff.removed(code, "ratchet.reports", &old.reports, &new.reports, why);
    for (name, before) in &old.metrics {
        let key = format!("ratchet.metrics.{name}");
        let path = ["ratchet", "metrics", name.as_str()];
        let code = "settings-metric-loosened";
        let Some(after) = new.metrics.get(name) else {
            let why = "the metric is no longer measured, or as the built-in one of its name";
            diff.add(code, (&key, &path), ("a metric", "none"), why);
            continue;
        };
        if before.direction != after.direction || before.unit != after.unit {
            let form = |metric: &tollgate_ratchet::settings::UserMetric| {
                format!("{} {}", metric.unit, metric.direction.arrow())
            };
            let why = "values are compared another way";
            diff.add(code, (&key, &path), (form(before), form(after)), why);
        }
        if !before.command.is_empty() && after.command.is_empty() {
            let values = (before.command.join(" "), "none");
            diff.add(
                code,
                (&key, &path),
                values,
                "the metric is no longer measured",
            );
        }
    }
    for (name, after) in &new.metrics {
        let before = old.metrics.get(name).and_then(|metric| metric.tolerance);
        if let Some(after) = after.tolerance
            && before.is_none_or(|before| after > before)
            && old.metrics.contains_key(name)
        {
            let key = format!("ratchet.metrics.{name}.tolerance");
            let path = ["ratchet", "metrics", name.as_str(), "tolerance"];
            let before = before.map_or_else(|| "none".to_owned(), |before| before.to_string());
            let why = "a worse value passes";
            diff.add(
                "settings-metric-loosened",
                (&key, &path),
                (before, after),
                why,
            );
        }
    }
}

/// The bounds of what counts as measured, and of waivers.
fn ratchet_bounds(diff: &mut Diff<'_>, old: &Settings, new: &Settings) {
    let (old, new) = (&old.ratchet, &new.ratchet);
    diff.unmeasured("ratchet", &old.unmeasured, &new.unmeasured);
    let at = (
        "ratchet.waiver_days_max",
        &["ratchet", "waiver_days_max"][..],
    );
    let values = (old.waiver_days_max, new.waiver_days_max);
    diff.raised(
        "settings-waivers-longer",
        at,
        values,
        "waivers may last longer",
    );
    for (name, before) in &old.report_files {
        let after = new.report_files.get(name).copied().unwrap_or(1);
        if after < *before {
            let key = format!("ratchet.report_files.{name}");
            let path = ["ratchet", "report_files", name.as_str()];
            let why = "a report that is missing is no longer noticed";
            diff.add(
                "settings-report-removed",
                (&key, &path),
                (before, after),
                why,
            );
        }
    }
    let is_looser = match (old.report_age_max, new.report_age_max) {
        (Some(before), Some(after)) => after > before,
        (before, after) => before.is_some() && after.is_none(),
    };
    if is_looser {
        let word =
            |age: Option<Span>| age.map_or_else(|| "any age".to_owned(), |it| it.to_string());
        let values = (word(old.report_age_max), word(new.report_age_max));
        let why = "older reports count";
        diff.plain(
            "settings-report-removed",
            "ratchet.report_age_max",
            values,
            why,
        );
    }
    if new.noise.p_max < old.noise.p_max {
        let values = (old.noise.p_max, new.noise.p_max);
        let why = "a noisy metric fails only with more certainty";
        diff.plain(
            "settings-metric-loosened",
            "ratchet.noise.p_max",
            values,
            why,
        );
    }
}

fn budgets(diff: &mut Diff<'_>, old: &Settings, new: &Settings) {
    let (old, new) = (&old.budgets, &new.budgets);
    if old.file != new.file {
        diff.plain(
            "settings-file-moved",
            "budgets.file",
            (&old.file, &new.file),
            MOVED,
        );
    }
    let at = ("budgets.confidence", &["budgets", "confidence"][..]);
    let why = "a limit fails only with more certainty";
    let values = (old.confidence, new.confidence);
    diff.raised("settings-confidence-raised", at, values, why);
    for (name, before) in &old.slo {
        let key = format!("budgets.slo.{name}");
        let path = ["budgets", "slo", name.as_str()];
        let code = "settings-objective-loosened";
        let Some(after) = new.slo.get(name) else {
            let why = "the objective is no longer judged";
            diff.add(code, (&key, &path), (before.objective, "none"), why);
            continue;
        };
        if after.objective < before.objective {
            let values = (before.objective, after.objective);
            diff.add(code, (&key, &path), values, "more events may be bad");
        }
        if after.measurement_id(name) != before.measurement_id(name) {
            let values = (before.measurement_id(name), after.measurement_id(name));
            diff.add(code, (&key, &path), values, "other events are counted");
        }
        if after.bad_events_min > before.bad_events_min {
            let values = (before.bad_events_min, after.bad_events_min);
            diff.add(
                code,
                (&key, &path),
                values,
                "more events may be bad where there are few",
            );
        }
        if before.rules.iter().any(|rule| !after.rules.contains(rule)) {
            let values = (before.rules.len(), after.rules.len());
            let why =
                "a rule for burn rates was removed or changed; the numbers are those of the rules";
            diff.add(code, (&key, &path), values, why);
        }
    }
    diff.unmeasured("budgets", &old.unmeasured, &new.unmeasured);
}

fn probes(diff: &mut Diff<'_>, old: &Settings, new: &Settings) {
    for before in &old.probes {
        let key = format!("probes.{}", before.name);
        let position = new.probes.iter().position(|it| it.name == before.name);
        let Some(position) = position else {
            let why = "what the probe checked is no longer checked";
            let values = ("a probe", "none");
            diff.add("settings-probe-removed", (&key, &["probes"]), values, why);
            continue;
        };
        let after = &new.probes[position];
        let index = position.to_string();
        let path = ["probes", index.as_str()];
        probe::compare(diff, &path, before, after);
        let is_raised = match (before.target, after.target) {
            (Some(before), Some(after)) => after > before,
            (before, after) => before.is_some() && after.is_none(),
        };
        if is_raised {
            let word = |target: Option<_>| {
                target.map_or_else(|| "none".to_owned(), |it: Span| it.to_string())
            };
            let values = (word(before.target), word(after.target));
            diff.add(
                "settings-time-raised",
                (&key, &path),
                values,
                "a slower answer passes",
            );
        }
    }
}

fn waivers(diff: &mut Diff<'_>, old: &Settings, new: &Settings) {
    let (old, new) = (&old.waivers, &new.waivers);
    let at = ("waivers.days_max", &["waivers", "days_max"][..]);
    let values = (old.days_max, new.days_max);
    diff.raised(
        "settings-waivers-longer",
        at,
        values,
        "waivers may last longer",
    );
    if old.folder != new.folder {
        let values = (&old.folder, &new.folder);
        let why = "the waivers of the old folder are no longer checked";
        diff.plain("settings-file-moved", "waivers.folder", values, why);
    }
}
