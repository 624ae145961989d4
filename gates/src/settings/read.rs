//! Reads `tollgate.toml` and the variables that override it; errors name the key and its place.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use tollgate_budgets::SloError;
use tollgate_report::{Finding, Place, suggest};
use toml::de::{DeTable, DeValue};

use super::{FILE, Settings};
use crate::failure::Failure;

/// Reads the settings of the repository at `root`; the defaults when there is no file.
pub fn load(root: &Path, flag: Option<&Path>) -> Result<Settings, Failure> {
    let path = flag.map_or_else(|| root.join(FILE), Path::to_owned);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && flag.is_none() => {
            String::new()
        }
        Err(error) => {
            let error = anyhow::Error::new(error)
                .context(format!("cannot read settings `{}`", path.display()));
            return Err(Failure::settings(error)
                .hint("pass an existing file to --settings, or leave the flag out"));
        }
    };
    let name = path
        .strip_prefix(root)
        .unwrap_or(&path)
        .display()
        .to_string();
    let settings = parse(&name, &text)?;
    let settings = with_environment(settings, &text, env::vars())?;
    match fault_of(&settings) {
        Some((_, finding)) => Err(Failure::at(finding, None)),
        None => Ok(settings),
    }
}

/// Reads settings that an earlier or later version may have written: what can't be read is left
/// out.
pub(crate) fn parse_leniently(text: &str) -> Settings {
    let mut text = text.to_owned();
    // Each round leaves out one key, so a file of that many bytes needs no more rounds.
    for _ in 0..text.len() {
        let error = match toml::from_str::<Settings>(&text) {
            Ok(settings) => return settings,
            Err(error) => error,
        };
        let offset = error.span().map_or(0, |span| span.start);
        let shorter = key_at(&text, offset).and_then(|key| {
            let mut value = toml::Value::Table(toml::from_str(&text).ok()?);
            remove(&mut value, &key)?;
            toml::to_string(&value).ok()
        });
        match shorter {
            Some(shorter) => text = shorter,
            None => break,
        }
    }
    Settings::default()
}

/// Takes out the value at a key as [`key_at`] writes it, such as `probes[0].name`.
fn remove(value: &mut toml::Value, key: &str) -> Option<()> {
    let key = key.replace('[', ".").replace(']', "");
    let (parent, last) = match key.rsplit_once('.') {
        Some((parent, last)) => (parent, last),
        None => ("", key.as_str()),
    };
    let mut value = value;
    for name in parent.split('.').filter(|name| !name.is_empty()) {
        value = match value {
            toml::Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?)?,
            other => other.get_mut(name)?,
        };
    }
    match value {
        toml::Value::Table(table) => table.remove(last).map(|_| ()),
        toml::Value::Array(items) => {
            let idx = last
                .parse::<usize>()
                .ok()
                .filter(|idx| *idx < items.len())?;
            items.remove(idx);
            Some(())
        }
        _ => None,
    }
}

/// Line and column of the value that a path leads to, or of the nearest that there is: names, and
/// positions of lists as digits.
pub(crate) fn place_of(text: &str, path: &[&str]) -> (u32, u32) {
    let Ok(table) = DeTable::parse(text) else {
        return (0, 0);
    };
    let mut offset = None;
    let mut table = Some(table.get_ref());
    let mut items = None;
    for name in path {
        let next = match (table, items) {
            (Some(table), _) => {
                let mut entries = table.iter();
                let found = entries.find(|(key, _)| key.get_ref() == name);
                found.map(|(key, value)| (key.span().start, value.get_ref()))
            }
            (None, Some(items)) => name.parse::<usize>().ok().and_then(|idx| {
                let items: &toml::de::DeArray<'_> = items;
                let item = items.get(idx)?;
                Some((item.span().start, item.get_ref()))
            }),
            (None, None) => None,
        };
        let Some((at, value)) = next else { break };
        offset = Some(at);
        (table, items) = match value {
            DeValue::Table(table) => (Some(table), None),
            DeValue::Array(items) => (None, Some(items)),
            _ => (None, None),
        };
    }
    offset.map_or((0, 0), |offset| line_and_column(text, offset))
}

/// What is wrong with settings although each value has the right form, with the path of its key.
fn fault_of(settings: &Settings) -> Option<(Vec<String>, Finding)> {
    if let Some(finding) = portless(&settings.service) {
        let path = ["service", "args"].map(str::to_owned);
        return Some((path.into(), finding));
    }
    for (name, slo) in &settings.budgets.slo {
        let Err(error) = slo.validate() else { continue };
        let text = error.to_string();
        let (message, hint) = text.split_once("\n\nhint: ").unwrap_or((&text, ""));
        let finding = Finding::error(
            "settings-invalid",
            format!("`budgets.slo.{name}`: {message}"),
        );
        let finding = match (hint, &error) {
            (_, SloError::Objective { .. }) => {
                finding.fix("an objective such as `99.9%` leaves an error budget to spend")
            }
            ("", _) => finding,
            (hint, _) => finding.fix(hint),
        };
        let key = match error {
            SloError::Objective { .. } => "objective",
            _ => "rules",
        };
        let path = ["budgets", "slo", name, key].map(str::to_owned);
        return Some((path.into(), finding));
    }
    None
}

/// A service that is not given its port can't be found by the proxy: it would never become ready.
fn portless(service: &super::ServiceSettings) -> Option<Finding> {
    let is_given = service.args.iter().any(|arg| arg.contains("{port}"));
    if service.binary.is_empty() || is_given {
        return None;
    }
    let message = format!(
        "`service.args` of `{}` has no `{{port}}`: each version of the service is started on a free port of its own",
        service.name
    );
    let fix = "pass the port to the service, for example `args = [\"--port\", \"{port}\"]`";
    Some(Finding::error("settings-invalid", message).fix(fix))
}

pub(crate) fn parse(name: &str, text: &str) -> Result<Settings, Failure> {
    // Read as it is written first: only then errors have their places.
    let read = toml::from_str::<Settings>(text).and_then(|settings| {
        let table: toml::Table = toml::from_str(text)?;
        let has_plan = table.get("ship").and_then(|ship| ship.get("canary"));
        match has_plan {
            Some(_) => toml::Value::Table(with_short_plan(table)).try_into(),
            None => Ok(settings),
        }
    });
    let settings = read.map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let (line, column) = line_and_column(text, offset);
        let finding = finding_of(error.message(), key_at(text, offset).as_deref());
        Failure::at(
            finding.at(Place::at(name, line, column)),
            Some(text.to_owned()),
        )
    })?;
    match fault_of(&settings) {
        Some((path, finding)) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let (line, column) = place_of(text, &path);
            let finding = finding.at(Place::at(name, line, column));
            Err(Failure::at(finding, Some(text.to_owned())))
        }
        None => Ok(settings),
    }
}

/// The key whose value or name is at an offset of a text, such as `canary.alpha`.
fn key_at(text: &str, offset: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    let mut path = String::new();
    below_table(table.get_ref(), offset, &mut path).then_some(path)
}

fn below_table(table: &DeTable<'_>, offset: usize, path: &mut String) -> bool {
    let length = path.len();
    for (key, value) in table {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key.get_ref());
        let is_here = key.span().contains(&offset) || value.span().contains(&offset);
        if below(value.get_ref(), offset, path) || is_here {
            return true;
        }
        path.truncate(length);
    }
    false
}

fn below(value: &DeValue<'_>, offset: usize, path: &mut String) -> bool {
    match value {
        DeValue::Table(table) => below_table(table, offset, path),
        DeValue::Array(items) => items.iter().enumerate().any(|(idx, item)| {
            let length = path.len();
            path.push_str(&format!("[{idx}]"));
            let is_here = below(item.get_ref(), offset, path) || item.span().contains(&offset);
            if !is_here {
                path.truncate(length);
            }
            is_here
        }),
        _ => false,
    }
}

/// What `[ship.canary]` leaves out is as in the short plan, not as in the long one of `[canary]`.
fn with_short_plan(mut table: toml::Table) -> toml::Table {
    let plan = table
        .get_mut("ship")
        .and_then(|ship| ship.get_mut("canary"))
        .and_then(toml::Value::as_table_mut);
    if let Some(plan) = plan {
        let short = toml::Table::try_from(tollgate_canary::Settings::short())
            .expect("the short plan has only string keys");
        for (key, value) in short {
            plan.entry(key).or_insert(value);
        }
    }
    table
}

/// Turns serde's sentence into a finding that names the key, with a suggestion for an unknown one.
fn finding_of(message: &str, key: Option<&str>) -> Finding {
    let first = message.lines().next().unwrap_or_default();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match (is_unknown, quoted.next()) {
        (true, Some(unknown)) => {
            let section = key.and_then(|key| key.strip_suffix(unknown)?.strip_suffix('.'));
            let section = section.map_or_else(String::new, |section| format!(" in [{section}]"));
            let finding = Finding::error(
                "settings-unknown-key",
                format!("unknown key `{unknown}`{section}"),
            );
            let known: Vec<&str> = quoted.collect();
            match suggest::nearest(unknown, known.iter().copied()) {
                Some(near) => finding.fix(format!("did you mean `{near}`?")),
                None => finding.fix(format!("the valid keys are `{}`", known.join("`, `"))),
            }
        }
        _ => {
            let text = match key {
                Some(key) => format!("`{key}`: {}", plain(first)),
                None => plain(first),
            };
            Finding::error("settings-invalid", text)
                .fix("`{tollgate} schema` prints a description of every key")
        }
    }
}

/// Serde's sentence about a wrong type or a missing key, in the words of the settings.
fn plain(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("missing field") {
        return format!("missing key{rest}");
    }
    let wrong = ["invalid type: ", "invalid value: "];
    let rest = wrong.iter().find_map(|start| message.strip_prefix(start));
    match rest.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, wanted)) => {
            let wanted = match wanted {
                "f32" | "f64" => "a number",
                "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" => {
                    "a whole number"
                }
                "a boolean" => "`true` or `false`",
                "a sequence" => "a list",
                "a map" => "a table",
                other if other.starts_with("struct ") => "a table",
                other => other,
            };
            format!("expected {wanted}, got {found}")
        }
        None => message.to_owned(),
    }
}

fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |position| position + 1);
    let column = 1 + String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count();
    (
        u32::try_from(line).unwrap_or(u32::MAX),
        u32::try_from(column).unwrap_or(u32::MAX),
    )
}

/// Lays `TOLLGATE_SECTION__KEY=value` over the file, one `__` between two levels.
fn with_environment(
    settings: Settings,
    text: &str,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Settings, Failure> {
    let mut overrides: Vec<(String, Vec<String>, String)> = variables
        .filter_map(|(name, value)| {
            let path = name.strip_prefix("TOLLGATE_")?;
            let parts: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
            (parts.len() > 1).then_some((name, parts, value))
        })
        .collect();
    if overrides.is_empty() {
        return Ok(settings);
    }
    overrides.sort();
    let mut table: toml::Table = toml::from_str(text)
        .context("cannot read the settings again")
        .map_err(Failure::settings)?;
    let mut settings = settings;
    for (name, parts, value) in overrides {
        set(&mut table, &parts, &value);
        // One variable at a time, so that the message names the one that is wrong.
        settings = toml::Value::Table(with_short_plan(table.clone()))
            .try_into()
            .map_err(|error: toml::de::Error| {
                let finding = finding_of(error.message(), Some(&parts.join(".")));
                Failure::at(
                    Finding {
                        message: format!("variable `{name}`: {}", finding.message),
                        ..finding
                    },
                    None,
                )
            })?;
    }
    Ok(settings)
}

fn set(table: &mut toml::Table, parts: &[String], value: &str) {
    match parts {
        [] => {}
        [key] => {
            // A value that reads as TOML is that value; anything else is a string.
            let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
            let parsed = parsed.and_then(|mut parsed| parsed.remove("value"));
            table.insert(
                key.clone(),
                parsed.unwrap_or_else(|| toml::Value::String(value.to_owned())),
            );
        }
        [key, rest @ ..] => {
            let entry = table
                .entry(key.clone())
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let toml::Value::Table(inner) = entry {
                set(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure_of(text: &str) -> (Finding, String) {
        let failure = parse(FILE, text).unwrap_err();
        let (finding, _) = failure.findings[0].clone();
        let place = finding.place.clone().unwrap().to_string();
        (finding, place)
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        let (finding, place) = failure_of("[ship]\nprobe_evry = \"1s\"\n");
        assert_eq!(place, "tollgate.toml:2:1");
        assert_eq!(finding.message, "unknown key `probe_evry` in [ship]");
        assert_eq!(
            finding.fix.unwrap().description,
            "did you mean `probe_every`?"
        );
    }

    #[test]
    fn a_wrong_unit_names_its_line_and_the_forms_that_work() {
        let (finding, place) = failure_of("[ship]\nprobe_every = \"1 hour\"\n");
        assert!(place.starts_with("tollgate.toml:2:"), "{place}");
        assert!(
            finding.message.contains("a duration such as"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_names_its_key_and_place() {
        for (text, place, message) in [
            (
                "[canary]\nalpha = \"x\"\n",
                "tollgate.toml:2:9",
                "`canary.alpha`: expected a percentage from `0%` to `100%`",
            ),
            (
                "[contracts]\nfiles = \"a.yaml\"\n",
                "tollgate.toml:2:9",
                "`contracts.files`: expected a list, got string \"a.yaml\"",
            ),
            (
                "[tiers.tier0]\ntarget = 5\n",
                "tollgate.toml:2:10",
                "`tiers.tier0.target`: ",
            ),
            (
                "[ratchet]\nfile = 1\n",
                "tollgate.toml:2:8",
                "`ratchet.file`: expected a string, got integer `1`",
            ),
            (
                "[budgets]\nfile = []\n",
                "tollgate.toml:2:8",
                "`budgets.file`: expected a string, got sequence",
            ),
            (
                "[alerts]\njournal = 3\n",
                "tollgate.toml:2:11",
                "`alerts.journal`: ",
            ),
            (
                "[service]\nargs = \"a\"\n",
                "tollgate.toml:2:8",
                "`service.args`: expected a list, got string \"a\"",
            ),
            (
                "[service]\nname = \"shop\"\nbinary = \"shop\"\nargs = [\"--listen\"]\n",
                "tollgate.toml:4:1",
                "`service.args` of `shop` has no `{port}`",
            ),
            (
                "[ship]\nprobe_every = true\n",
                "tollgate.toml:2:15",
                "`ship.probe_every`: ",
            ),
            (
                "[[codegen.targets]]\ncontracts = 1\n",
                "tollgate.toml:2:13",
                "`codegen.targets[0].contracts`: ",
            ),
            (
                "[[probes]]\nname = 1\n",
                "tollgate.toml:2:8",
                "`probes[0].name`: ",
            ),
        ] {
            let (finding, found) = failure_of(text);
            assert_eq!(found, place, "{text}");
            assert!(
                finding.message.starts_with(message),
                "{text}: {}",
                finding.message
            );
        }
    }

    #[test]
    fn a_variable_of_the_wrong_type_is_named_with_its_key() {
        let variable = ("TOLLGATE_CANARY__ALPHA".into(), "x".into());
        let failure =
            with_environment(Settings::default(), "", [variable].into_iter()).unwrap_err();
        assert_eq!(
            failure.findings[0].0.message,
            "variable `TOLLGATE_CANARY__ALPHA`: `canary.alpha`: expected a percentage from `0%` to `100%` such as `5%`, got `x`"
        );
    }

    #[test]
    fn an_objective_that_leaves_no_error_budget_names_its_key_and_place() {
        let (finding, place) = failure_of("[budgets.slo.api]\nobjective = \"100%\"\n");
        assert_eq!(place, "tollgate.toml:2:1");
        assert_eq!(
            finding.message,
            "`budgets.slo.api`: `objective` is `100%`: it must be above 0% and below 100%"
        );
        let rule = "[budgets.slo.api]\nobjective = \"90%\"\n";
        let (finding, place) = failure_of(rule);
        assert_eq!(place, "tollgate.toml:1:14");
        assert!(
            finding.message.contains("can never fire"),
            "{}",
            finding.message
        );
        assert!(
            finding
                .fix
                .unwrap()
                .description
                .starts_with("use a factor below")
        );
    }

    #[test]
    fn settings_of_another_version_are_read_without_what_is_unknown() {
        let text = "[tiers]\ncoverage = true\nfuture = 1\n[[tiers.tier0.steps]]\nname = \"a\"\ncommand = [\"true\"]\nfuture = 1\n[new]\nx = 1\n";
        let settings = parse_leniently(text);
        assert!(settings.tiers.coverage);
        let steps = settings.tiers.tier0.steps.unwrap();
        assert_eq!(steps[0].name, "a");
        assert!(parse_leniently("[broken").tiers.tier0.steps.is_none());
    }

    #[test]
    fn a_place_is_that_of_the_nearest_key_there_is() {
        let text = "[a]\nb = 1\n[[c.d]]\nx = 1\n[[c.d]]\ny = 2\n";
        assert_eq!(place_of(text, &["a", "b"]), (2, 1));
        assert_eq!(place_of(text, &["c", "d", "1", "y"]), (6, 1));
        assert_eq!(place_of(text, &["a", "missing"]).0, 1);
        assert_eq!(place_of(text, &["missing"]), (0, 0));
    }

    #[test]
    fn broken_toml_is_a_finding_with_a_place() {
        let (finding, place) = failure_of("[ship\n");
        assert_eq!(finding.code, "settings-invalid");
        assert!(place.starts_with("tollgate.toml:1:"), "{place}");
    }

    #[test]
    fn a_changed_short_plan_stays_short() {
        let short = tollgate_canary::Settings::short();
        assert_eq!(parse(FILE, "").unwrap().ship.canary, short);
        let text = "[ship.canary]\nlease = \"2s\"\n";
        let changed = parse(FILE, text).unwrap();
        assert_eq!(changed.ship.canary.lease.to_string(), "2s");
        assert_eq!(changed.ship.canary.steps, short.steps);
        let variable = ("TOLLGATE_SHIP__CANARY__DRAIN_WITHIN".into(), "1s".into());
        let changed = with_environment(changed, text, [variable].into_iter()).unwrap();
        assert_eq!(changed.ship.canary.drain_within.to_string(), "1s");
        assert_eq!(changed.ship.canary.lease.to_string(), "2s");
        assert_eq!(changed.ship.canary.steps, short.steps);
    }

    #[test]
    fn the_environment_is_stronger_than_the_file_and_is_checked_too() {
        let text = "[ship]\nprobe_every = \"5s\"\n";
        let settings = parse(FILE, text).unwrap();
        let with = |name: &str, value: &str| {
            with_environment(
                settings.clone(),
                text,
                [(name.to_owned(), value.to_owned())].into_iter(),
            )
        };
        assert_eq!(
            with("TOLLGATE_SHIP__PROBE_EVERY", "7s")
                .unwrap()
                .ship
                .probe_every
                .to_string(),
            "7s"
        );
        let failure = with("TOLLGATE_SHIP__PROBE_EVRY", "7s").unwrap_err();
        assert!(
            failure.findings[0]
                .0
                .message
                .contains("TOLLGATE_SHIP__PROBE_EVRY")
        );
        assert_eq!(
            with("TOLLGATE_HUB", "http://127.0.0.1:1")
                .unwrap()
                .ship
                .probe_every
                .to_string(),
            "5s"
        );
    }
}
