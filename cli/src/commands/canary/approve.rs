//! `canary approve`: a person promotes a canary that waits for one.

use std::time::Duration;

use clap::Args;
use tollgate_canary::persist::{RunFolder, is_locked};
use tollgate_release::runs::{chosen, load};
use tollgate_release::stage::canary_folder;
use tollgate_report::ExitCode;

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// How long a controller may take to accept the approval.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// What is approved, by whom and why.
#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    /// The run; by default the last
    pub id: Option<String>,
    /// Who approves; by default the user of this machine
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why; kept as evidence
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `{tollgate} canary approve`.
pub async fn run(context: &Context, args: ApproveArgs) -> CommandResult {
    let id = chosen(context, args.id)?;
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(
            Failure::usage("cannot approve without a reason: `--reason` is empty")
                .hint("state why in a few words; they are kept as evidence"),
        );
    }
    refuse_unasked(context, &id)?;
    let by = args.by.unwrap_or_else(user);
    let folder = RunFolder::new(&canary_folder(context), &id);
    folder
        .request_approval(&by, reason)
        .map_err(Failure::environment)?;
    if !is_locked(&canary_folder(context)) {
        context.output.line(format!(
            "canary {id}: the approval of `{by}` is kept, but its controller has stopped; `{{tollgate}} canary resume` continues it"
        ));
        return Ok(ExitCode::Pass);
    }
    let deadline = tokio::time::Instant::now() + TAKEN_WITHIN;
    loop {
        // Its state is written before the canary's weight changes.
        let state = load(context, &id)?;
        if !state.is_waiting() {
            break;
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Failure::environment(anyhow::anyhow!(
                "the controller of canary `{id}` did not take the approval within {} s",
                TAKEN_WITHIN.as_secs()
            ))
            .hint("`{tollgate} canary status` shows its state"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    context.output.line(format!(
        "canary {id}: approved by `{by}`: {reason}; it is promoted now"
    ));
    Ok(ExitCode::Pass)
}

fn refuse_unasked(context: &Context, id: &str) -> Result<(), Failure> {
    let state = load(context, id)?;
    if state.is_waiting() {
        return Ok(());
    }
    let phase = state.phase;
    let why = if state.is_over() {
        format!("it has ended: {phase}")
    } else if let Some(by) = &state.approved_by {
        format!("`{by}` has approved it")
    } else if state.plan.manual_gate {
        format!("its bake is not over ({phase})")
    } else {
        format!("it is in phase {phase}, and its plan has no manual gate")
    };
    Err(
        Failure::usage(format!("canary `{id}` does not wait for approval: {why}"))
            .hint("`{tollgate} canary status` shows its state"),
    )
}

/// The user of this machine, as git or the system names them.
pub fn user() -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|name| !name.is_empty());
    ["GIT_AUTHOR_NAME", "USER", "LOGNAME"]
        .into_iter()
        .find_map(named)
        .unwrap_or_else(|| "a person on this machine".to_owned())
}
