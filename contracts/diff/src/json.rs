//! A comparison as JSON, for machines and records.

use serde_json::{Value, json};
use tollgate_report::Place;

use crate::change::{Change, Witness, suggest_bump, witness_share};
use crate::oasdiff::{PeerFinding, peer_counts, rule};

/// The stored form of a diff, version 1. `peer` is what oasdiff would report.
#[must_use]
pub fn diff_json(changes: &[Change], peer: &[PeerFinding]) -> Value {
    let rows: Vec<Value> = changes.iter().map(change_json).collect();
    let counts: Vec<Value> = peer_counts(peer)
        .into_iter()
        .map(|(id, (level, n))| json!({"id": id, "level": level.word(), "count": n}))
        .collect();
    let share = witness_share(changes);
    json!({
        "version": 1,
        "bump": suggest_bump(changes).word(),
        "changes": rows,
        "witnesses": {"found": share.n_found, "sought": share.n_sought},
        "oasdiff": counts,
    })
}

fn change_json(change: &Change) -> Value {
    let place = |place: &Option<Place>| place.as_ref().map(ToString::to_string);
    let level = change.alias_oasdiff.as_deref().and_then(rule);
    let witness = match &change.witness {
        Witness::NotAsked => Value::Null,
        Witness::NotFound => json!({"found": false}),
        Witness::BeyondBound => json!({"found": false, "sought": false}),
        Witness::Found {
            instance,
            is_refused_by_new,
        } => json!({
            "found": true,
            "instance": serde_json::from_str::<Value>(instance).unwrap_or(Value::Null),
            "refused_by": if *is_refused_by_new { "new" } else { "old" },
        }),
    };
    json!({
        "code": change.code,
        "level": change.level.word(),
        "aliases": {
            "oasdiff": change.alias_oasdiff,
            "oasdiff_level": level.map(|rule| rule.level.word()),
        },
        "operation": change.operation,
        "operations": change.operations,
        "path": change.path,
        "place": {"old": place(&change.place_old), "new": place(&change.place_new)},
        "message": change.message,
        "breaks": change.breaks,
        "fingerprint": change.fingerprint(),
        "witness": witness,
    })
}
