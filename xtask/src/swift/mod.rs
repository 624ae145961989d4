//! `swift`: Debian's Swift 6 compiler in a folder of its own, for machines whose `PATH` has none.

mod apt;
mod effects;
mod install;

use std::path::PathBuf;

use clap::Args;
use tollgate::{CommandResult, Context};
use tollgate_report::ExitCode;

use install::{Plan, install};

#[derive(Debug, Clone, Args)]
pub struct SwiftArgs {
    /// Print what would be done, do nothing
    #[arg(long)]
    dry_run: bool,
    /// The folder of the compiler; by default `tollgate/swift` in the user's cache
    #[arg(long, value_name = "DIR", env = "TOLLGATE_SWIFT_DIR")]
    folder: Option<PathBuf>,
}

/// Makes a Swift 6 compiler available, so that generated Swift can be checked.
pub fn run(context: &Context, args: &SwiftArgs) -> CommandResult {
    let plan = Plan {
        folder: args.folder.as_ref().map(|path| context.here.join(path)),
        is_dry_run: args.dry_run,
    };
    let toolchain = install(&context.output, &plan)?;
    context.output.json(&serde_json::json!({
        "version": 1,
        "swift": toolchain.as_ref().map(|toolchain| &toolchain.version),
        "folder": toolchain.as_ref().and_then(|toolchain| toolchain.root()),
    }));
    if let Some(toolchain) = toolchain {
        let place = toolchain
            .root()
            .map_or("of this machine".to_owned(), |root| {
                format!("in {}", root.display())
            });
        context
            .output
            .line(format!("{}, {place}", toolchain.version));
    }
    Ok(ExitCode::Pass)
}
