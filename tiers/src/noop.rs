//! A run that has nothing to do: one key over all that the keys of the steps are made of. When the
//! last run with this key took every step from the cache, the reports of that run are the answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tollgate_report::Digest;
use tollgate_report::atomic::WriteError;

use crate::builtin::Builtin;
use crate::context::{Mode, Shared};
use crate::memo::Content;
use crate::probe::base;
use crate::record::{How, StepReport};
use crate::walk::CACHES;

const VERSION: u32 = 2;
/// After this time the entries of the single steps are looked up again, so that they count as used.
const KEPT: Duration = Duration::from_secs(3600);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    steps: Vec<StepReport>,
}

/// The key of the whole run; none when a step is not cached, or may not be now.
fn key(shared: &Shared<'_>, tree: &Content) -> Option<Digest> {
    let mut text = format!("{VERSION} {}\n", blake3::Hash::from_bytes(*tree).to_hex());
    if shared.cx.mode != Mode::Affected {
        return None;
    }
    for step in &shared.plan.steps {
        if step.not_cached.is_some() {
            return None;
        }
        let base = base(shared, step).ok()?;
        text.push_str(&format!(
            "{} {} {:?} {} {:?} {:?}\n",
            base.key(),
            step.optional,
            step.needs,
            step.per_crate,
            step.exclude,
            step.timeout
        ));
        for path in step.outputs.find(&shared.cx.root).unwrap_or_default() {
            let is_in_cache = path
                .split('/')
                .any(|part| CACHES.contains(&part) || part == "target");
            if is_in_cache {
                text.push_str(&content(&shared.cx.root.join(&path)));
            }
        }
        if step.instrumented == Some(Builtin::Test) {
            text.push_str(&content(&shared.cx.state_dir.join("coverage/lcov.info")));
        }
    }
    Some(Digest::of(text))
}

fn content(path: &std::path::Path) -> String {
    std::fs::read(path).map_or_else(
        |_| "none\n".to_owned(),
        |bytes| format!("{}\n", Digest::of(bytes)),
    )
}

/// The reports of a run that would take every step from the cache.
pub(crate) fn look_up(shared: &Shared<'_>, tree: &Content) -> Option<Vec<StepReport>> {
    let (kept, modified): (Kept, SystemTime) = shared.store.whole(&key(shared, tree)?)?;
    let now = u64::try_from(shared.cx.clock.now().as_micros()).ok()?;
    let now = UNIX_EPOCH + Duration::from_micros(now);
    let base = shared.cx.state_dir.parent()?;
    let logs = kept.steps.iter().filter_map(|step| step.log.as_ref());
    let is_whole = logs.into_iter().all(|log| base.join(log).is_file());
    let is_fresh = now.duration_since(modified).unwrap_or_default() < KEPT;
    (is_whole && is_fresh).then_some(kept.steps)
}

/// Keeps the reports of a run in which every step came from the cache.
pub(crate) fn keep(
    shared: &Shared<'_>,
    tree: &Content,
    steps: &[StepReport],
) -> Result<(), WriteError> {
    if steps.is_empty() || steps.iter().any(|step| step.how != How::Cached) {
        return Ok(());
    }
    let Some(key) = key(shared, tree) else {
        return Ok(());
    };
    let steps = steps.to_vec();
    shared.store.put_whole(&key, &Kept { steps })
}
