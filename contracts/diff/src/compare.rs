//! Compares two contracts: our own walk and the rules of oasdiff, united into one list.

use tollgate_contracts_model::Contract;
use tollgate_report::both;

use crate::change::Change;
use crate::oasdiff::{PeerFinding, peer_findings};
use crate::settings::DiffSettings;
use crate::{asyncapi, grouping, http, schema, walk, witness};

/// Every change of meaning from `old` to `new`, worst first, then by operation and path. Two
/// equal contracts have none; neither has moving a schema behind a `$ref`, or another order. One
/// edit of a shared schema is one change with the operations that it touches.
#[must_use]
pub fn diff(old: &Contract, new: &Contract) -> Vec<Change> {
    diff_with(old, new, &DiffSettings::default())
}

/// As [`diff`], with the day, deprecation windows and stability levels.
#[must_use]
pub fn diff_with(old: &Contract, new: &Contract, settings: &DiffSettings) -> Vec<Change> {
    diff_and_peer(old, new, settings).0
}

/// As [`diff_with`], with what oasdiff would report, which is made on the way.
#[must_use]
pub fn diff_and_peer(
    old: &Contract,
    new: &Contract,
    settings: &DiffSettings,
) -> (Vec<Change>, Vec<PeerFinding>) {
    // The two comparisons know nothing of each other.
    let (peer, mut found) = both(
        || peer_findings(old, new, settings),
        || own_findings(old, new),
    );
    grouping::add_peer(&mut found, &peer, (old, new), settings);
    let mut groups = grouping::group(found);
    witness::find(&mut groups, old, new, settings.witnesses_max);
    let changes = groups.into_iter().map(|found| found.change);
    (changes.collect(), peer)
}

fn own_findings<'a>(old: &'a Contract, new: &'a Contract) -> Vec<walk::Found<'a>> {
    let mut walk = walk::Walk::new(old, new, schema::step);
    match (old.kind.is_async(), new.kind.is_async()) {
        (false, false) => http::compare(&mut walk),
        (true, true) => asyncapi::compare(&mut walk),
        _ => walk.kind_changed(),
    }
    walk.changes
}
