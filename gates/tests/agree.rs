//! The times of the tiers in `tollgate.toml` are those that `budgets/performance_sla.json` promises.

use std::path::Path;

use tollgate_budgets::{BudgetFile, check_tier_times};
use tollgate_gates::{loosened, settings};

#[test]
fn tiers_are_held_to_the_times_that_the_budgets_promise() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let settings = settings::load(&root, None).unwrap();
    let budgets = BudgetFile::load(&root.join(&settings.budgets.file)).unwrap();
    let times = loosened::tier_times(&settings);
    let findings = check_tier_times(&budgets, &times, &settings.budgets.file);
    assert!(findings.is_empty(), "{findings:#?}");
}
