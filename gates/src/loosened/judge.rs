//! Judges what is compared: loosenings, waivers, and promises that disagree with the settings.

use std::collections::{BTreeMap, BTreeSet};

use tollgate_budgets::{BudgetFile, TierTime, check_tier_times};
use tollgate_report::{Finding, Place};
use tollgate_tiers::settings::Tier;

use super::compare;
use super::compared::{Compared, Section, TIERS};
use super::waiver::{Waiver, Waivers};
use crate::failure::Failure;
use crate::settings::{self, Settings};

/// What the change loosens in these sections, where settings and promises disagree, and the
/// waivers. `found` is what the gate itself found loosened, each with the scope that a waiver
/// names. Pure.
pub fn judge(
    compared: &Compared,
    sections: &BTreeSet<Section>,
    mut found: Vec<(String, Finding)>,
) -> Result<Vec<Finding>, Failure> {
    let (new, old) = read(compared)?;
    if let Some(old) = &old
        && compared.is_changed()
    {
        found.extend(compare::settings(compared, old, &new, sections));
    }
    let has_budgets = sections.contains(&Section::Budgets);
    let mut agreement = Vec::new();
    if has_budgets || sections.contains(&Section::Tiers) {
        let file = &compared.budgets.file;
        let parse = |text: &String| BudgetFile::parse(text, file);
        let now = compared.budgets.now.as_ref().map(parse).transpose();
        let now = now.map_err(Failure::settings)?;
        if let Some(now) = &now {
            agreement = check_tier_times(now, &tier_times(&new), file);
        }
        // Promises of the base that can't be read are replaced by those that can.
        let before = compared.budgets.before.as_ref();
        let before = before.and_then(|text| parse(text).ok());
        if has_budgets && let Some(before) = before {
            found.extend(promises(compared, &before, now.as_ref()));
        }
    }
    found.extend(reclassified(compared));
    let waivers = waivers_of(compared, &new, old.as_ref())?;
    let mut findings: Vec<Finding> = found
        .into_iter()
        .map(|(scope, finding)| waivers.apply(&scope, finding))
        .collect();
    findings.extend(agreement);
    findings.extend(waivers.findings());
    findings.sort();
    Ok(findings)
}

/// Operations that the contract moves to a slower class.
fn reclassified(compared: &Compared) -> Vec<(String, Finding)> {
    let budgets = compared.budgets.now.as_ref();
    let budgets = budgets.and_then(|text| BudgetFile::parse(text, &compared.budgets.file).ok());
    let Some(budgets) = budgets else {
        return Vec::new();
    };
    let (before, now) = (&compared.operations_before, &compared.operations);
    tollgate_budgets::reclassified(&budgets, before, now)
}

fn promises(
    compared: &Compared,
    before: &BudgetFile,
    now: Option<&BudgetFile>,
) -> Vec<(String, Finding)> {
    let file = compared.budgets.file.as_str();
    let Some(now) = now else {
        let message = format!("the promises in `{file}` were removed");
        let finding = Finding::error("budget-file-removed", message).at(Place::file(file));
        return vec![(file.to_owned(), finding)];
    };
    let text = compared.budgets.now.as_deref().unwrap_or_default();
    tollgate_budgets::loosened(before, now, &compared.operations, (text, file))
}

/// The times that the tiers are held to.
#[must_use]
pub fn tier_times(settings: &Settings) -> Vec<TierTime> {
    let time = |tier: Tier| {
        let (target, critical) = tier.default_budget();
        let of_tier = settings.tiers.tier(tier);
        TierTime {
            name: tier.word().to_owned(),
            target: of_tier.target.unwrap_or(target).0,
            critical: Some(of_tier.critical.unwrap_or(critical).0),
        }
    };
    TIERS.map(time).into()
}

fn waivers_of(
    compared: &Compared,
    new: &Settings,
    old: Option<&Settings>,
) -> Result<Waivers, Failure> {
    let parse = |texts: &BTreeMap<String, String>| -> Result<Vec<Waiver>, Failure> {
        let parsed = texts.iter().map(|(file, text)| Waiver::parse(file, text));
        parsed.collect()
    };
    let before = parse(&compared.waivers.1).unwrap_or_default();
    let bounds = [Some(new), old].into_iter().flatten();
    let days_max = bounds.map(|settings| settings.waivers.days_max).min();
    Ok(Waivers {
        now: parse(&compared.waivers.0)?,
        before: before.into_iter().map(|it| (it.file.clone(), it)).collect(),
        days_max: days_max.unwrap_or_default(),
        at: compared.now,
        folder: new.waivers.folder.clone(),
    })
}

fn read(compared: &Compared) -> Result<(Settings, Option<Settings>), Failure> {
    let new = compared.settings.now.as_deref().unwrap_or_default();
    let new = settings::parse(&compared.settings.file, new)?;
    let old = compared
        .settings
        .before
        .as_deref()
        .map(settings::parse_leniently);
    Ok((new, old))
}
