//! The times of the tiers in `tollgate.toml` are those that `budgets/performance_sla.json` promises.

use std::path::Path;

use tollgate_budgets::{BudgetFile, TierTime, check_tier_times};
use tollgate_tiers::Settings;
use tollgate_tiers::settings::Tier;

#[derive(serde::Deserialize)]
struct File {
    tiers: Settings,
}

#[test]
fn tiers_are_held_to_the_times_that_the_budgets_promise() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let file: File = toml::from_str(&read("tollgate.toml")).unwrap();
    let path = "budgets/performance_sla.json";
    let budgets = BudgetFile::parse(&read(path), path).unwrap();
    let tiers = [Tier::Tier0, Tier::Tier1, Tier::Tier2, Tier::Tier3].map(|tier| {
        let (target, critical) = tier.default_budget();
        let settings = file.tiers.tier(tier);
        TierTime {
            name: tier.word().to_owned(),
            target: settings.target.unwrap_or(target).0,
            critical: Some(settings.critical.unwrap_or(critical).0),
        }
    });
    let findings = check_tier_times(&budgets, &tiers, path);
    assert!(findings.is_empty(), "{findings:#?}");
}
