//! Computes the verdict of a run again from its events: the same events give the same verdict, byte
//! for byte, and another plan may give another one. Pure apart from reading the file.

use std::path::{Path, PathBuf};

use crate::controller::{Action, Record, State, step};
use crate::persist::{Header, Line, PersistError, read_lines};
use crate::settings::Plan;

/// What a replay found.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The verdict lines as they were recorded, each a line of JSON.
    pub recorded: Vec<String>,
    /// The verdict lines computed again.
    pub computed: Vec<String>,
    /// The state at the end.
    pub state: State,
}

impl Replay {
    /// Both are the same. Not meaningful with another plan.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.recorded == self.computed
    }
}

/// Computes the verdicts of an evidence file again, with its own plan or with `plan`. With another
/// plan the data stay what they were: weights that it would have set were not tried.
pub fn replay(path: &Path, plan: Option<Plan>) -> Result<Replay, PersistError> {
    replay_lines(&read_lines(path)?, path, plan)
}

/// Like [`replay`], from lines that were read elsewhere; `path` is named in errors.
pub fn replay_lines(
    lines: &[Line],
    path: &Path,
    plan: Option<Plan>,
) -> Result<Replay, PersistError> {
    let Some(Line::Header(header)) = lines.first() else {
        return Err(PersistError::NoHeader {
            path: PathBuf::from(path),
        });
    };
    let mut state = new_state(header, plan);
    let (mut recorded, mut computed) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Header(_) => {}
            Line::Record(record) => recorded.push(to_line(record)),
            Line::Event { now, event, .. } => {
                let (next, actions) = step(state, event, *now);
                state = next;
                computed.extend(actions.iter().filter_map(|action| match action {
                    Action::Record(record) => Some(to_line(record)),
                    _ => None,
                }));
            }
        }
    }
    Ok(Replay {
        recorded,
        computed,
        state,
    })
}

fn to_line(record: &Record) -> String {
    serde_json::to_string(record).expect("a record is JSON")
}

/// The state a run begins with.
pub(crate) fn new_state(header: &Header, plan: Option<Plan>) -> State {
    State::new(
        &header.run,
        plan.unwrap_or_else(|| header.plan.clone()),
        (header.stable.clone(), header.candidate.clone()),
        header.epoch,
        header.at,
    )
}
