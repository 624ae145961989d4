//! Parts of Tollgate that run as processes of their own; not for people.

use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tollgate_canary::proxy::ReadyLine;
use tollgate_report::ExitCode;
use tollgate_tiers::coverage::{Collected, Request, collect};

use crate::commands::serve;
use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::narrator::Voice;

/// Parts of Tollgate that run as processes of their own
#[derive(Debug, Subcommand)]
pub enum InternalCommand {
    /// The embedded reverse proxy
    Proxy {
        /// Its settings, as a JSON file
        #[arg(long)]
        config: PathBuf,
    },
    /// The supervisor of a standing release
    Supervise,
    /// Run the unit tests with coverage and write .tollgate/coverage/lcov.info
    Coverage {
        /// Packages left out
        #[arg(long, value_delimiter = ',')]
        exclude: Vec<String>,
    },
}

pub fn run(context: &Context, command: InternalCommand) -> CommandResult {
    match command {
        InternalCommand::Proxy { config } => crate::runtime::block_on(proxy(context, &config)),
        InternalCommand::Supervise => crate::runtime::block_on(supervise(context)),
        InternalCommand::Coverage { exclude } => coverage(context, &exclude),
    }
}

async fn supervise(context: &Context) -> CommandResult {
    // One that leads a group has no terminal to lose.
    let _ = tollgate_process::own_session();
    let voice = Voice::new(context);
    let hub_binary = serve::finder(context.program);
    let release_context = serve::release_context(context, &voice, &hub_binary);
    tollgate_release::standing::supervise(&release_context).await?;
    Ok(ExitCode::Pass)
}

async fn proxy(context: &Context, config: &Path) -> CommandResult {
    let ready = |line: &ReadyLine| {
        use std::io::Write as _;
        // The starter reads this line from a file; when nobody does, the proxy serves all the same.
        let _ = writeln!(std::io::stdout().lock(), "{}", serde_json::json!(line));
    };
    tollgate_release::proxy::serve(context, config, ready).await?;
    Ok(ExitCode::Pass)
}

fn coverage(context: &Context, exclude: &[String]) -> CommandResult {
    static INTERRUPT: AtomicBool = AtomicBool::new(false);
    let tollgate = context.executable()?;
    let request = Request {
        root: &context.root,
        state_dir: &context.state_dir,
        tollgate: &tollgate,
        exclude,
        target_dir: None,
        interrupt: &INTERRUPT,
    };
    match collect(&request).map_err(Failure::environment)? {
        Collected::Written {
            lcov,
            closing_lines,
            ..
        } => {
            for line in closing_lines {
                context.output.line(line);
            }
            context.output.line(format!("wrote {}", lcov.display()));
            Ok(ExitCode::Pass)
        }
        Collected::NotChecked { tool, hint } => Err(Failure::environment(anyhow::anyhow!(
            "cannot measure coverage: `{tool}` is missing"
        ))
        .hint(hint)),
        Collected::Failed { excerpt, log } => {
            for line in excerpt {
                context.output.line(line);
            }
            context.output.line(format!(
                "error: the tests failed under coverage; all of it is in {}",
                log.display()
            ));
            Ok(ExitCode::Findings)
        }
        Collected::Interrupted => Ok(ExitCode::Inconclusive),
    }
}
