//! `release`: the version that serves after `canary run`.

use std::time::Duration;

use clap::Subcommand;
use serde::Serialize;
use tollgate_release::remembered::{GoBack, Home, StandingRelease, Wanted};
use tollgate_release::runs::refuse_unfinished;
use tollgate_release::standing::revive;
use tollgate_report::{Clock, ExitCode};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// How long going back or stopping may take.
const DONE_WITHIN: Duration = Duration::from_secs(90);

/// Show, end or take back the version that serves
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: {tollgate} release status")]
pub enum ReleaseCommand {
    /// Show which version serves, since when, and on what evidence
    #[command(after_help = "Example: {tollgate} release status")]
    Status,
    /// Stop the service: its proxy, its versions and their supervisor
    #[command(after_help = "Example: {tollgate} release stop")]
    Stop {
        /// Forget the promoted version as well, so that the next canary begins anew
        #[arg(long)]
        forget: bool,
    },
    /// Send all traffic back to the version before
    #[command(
        after_help = "Example: {tollgate} release rollback --reason \"orders are counted twice\""
    )]
    Rollback {
        /// Who wants it; by default the user of this machine
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
        /// Why; kept with the release
        #[arg(long, value_name = "TEXT", default_value = "no reason given")]
        reason: String,
    },
}

/// `{tollgate} release …`.
pub async fn run(context: &Context, command: ReleaseCommand) -> CommandResult {
    let home = Home::of(context);
    let Some(release) = home.load()? else {
        let service = &context.settings.service.name;
        return Err(Failure::usage(format!(
            "nothing of the service `{service}` was promoted yet"
        ))
        .hint("release a version: `{tollgate} canary run`"));
    };
    match command {
        ReleaseCommand::Status => Ok(status(context, &home, &release)),
        ReleaseCommand::Stop { forget } => {
            refuse_unfinished(context, "the release can't be stopped")?;
            stop(context, &home, &release, forget).await
        }
        ReleaseCommand::Rollback { by, reason } => {
            refuse_unfinished(context, "the release can't be taken back")?;
            let by = by.unwrap_or_else(super::canary::user);
            rollback(context, &home, &release, GoBack { by, reason }).await
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    version: u32,
    address: String,
    serving: bool,
    supervised: bool,
    release: &'a StandingRelease,
}

fn status(context: &Context, home: &Home, release: &StandingRelease) -> ExitCode {
    let serving = release.proxy.process.is_running() && release.current.is_running();
    let shown = Shown {
        version: 1,
        address: format!("http://{}/", release.proxy.addr),
        serving,
        supervised: home.is_supervised(),
        release,
    };
    context.output.json(&shown);
    context.output.text(|out| {
        for line in lines(context, &shown) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    });
    match serving || release.wanted == Wanted::Stopped {
        true => ExitCode::Pass,
        false => ExitCode::Environment,
    }
}

fn lines(context: &Context, shown: &Shown<'_>) -> Vec<String> {
    let release = shown.release;
    let current = &release.current;
    let is_alone = !shown.supervised && !release.proxy.process.is_running();
    let state = match (release.wanted, shown.serving) {
        (Wanted::Stopped, _) => "is stopped, and the next `{tollgate} canary run` starts it again,",
        (Wanted::Running, true) => "serves",
        (Wanted::Running, false) if is_alone => {
            "does not serve, because its proxy and its supervisor have ended: `{tollgate} canary run` starts it again,"
        }
        (Wanted::Running, false) => {
            "does not serve at the moment, and its supervisor starts it again,"
        }
    };
    let mut lines = vec![
        format!("{} {state} at {}", current.label, shown.address),
        format!(
            "promoted {} at revision {}, digest {}",
            current.promoted_at,
            current.revision,
            current.digest.short()
        ),
    ];
    if let Some(run) = &current.run {
        let evidence = current.evidence.as_deref().unwrap_or("not recorded yet");
        lines.push(format!("by canary {run}, evidence {evidence}"));
    }
    if let Some(until) = release.watch_until
        && until > context.clock.now()
    {
        lines.push(format!(
            "watched until {until}: a breach sends the traffic back by itself"
        ));
    }
    if let Some(back) = &release.went_back {
        lines.push(format!(
            "{} was taken back {} by {}: {}",
            back.from, back.at, back.by, back.reason
        ));
    }
    if let Some(previous) = &release.previous {
        lines.push(format!(
            "before: {}; `{{tollgate}} release rollback` swaps the two",
            previous.label
        ));
    }
    if current.n_restarts > 0 {
        let how = current.last_end.as_deref().unwrap_or("none");
        lines.push(format!(
            "restarted {} times; last lines before the last restart: {how}",
            current.n_restarts
        ));
    }
    lines.push(format!("logs: {}", current.placed.logs.display()));
    if release.wanted == Wanted::Running && !shown.supervised && !is_alone {
        lines.push("its supervisor has stopped; the proxy starts it again".to_owned());
    }
    lines
}

async fn stop(
    context: &Context,
    home: &Home,
    release: &StandingRelease,
    forget: bool,
) -> CommandResult {
    home.edit(|release| release.wanted = Wanted::Stopped)?;
    revive(context, home)?;
    wait(|| {
        let n = processes(release).count();
        Ok((n == 0 && !home.is_supervised()).then_some(()))
    })
    .await?;
    if forget {
        home.update(|_| None)?;
    }
    context.output.line(format!(
        "{} is stopped, nothing of it runs",
        release.current.label
    ));
    Ok(ExitCode::Pass)
}

/// The processes of a release that run.
fn processes(
    release: &StandingRelease,
) -> impl Iterator<Item = &tollgate_release::remembered::Placed> {
    let versions = std::iter::once(&release.current).chain(&release.previous);
    let placed = versions.map(|version| &version.placed);
    std::iter::once(&release.proxy)
        .chain(placed)
        .filter(|placed| placed.process.is_running())
}

/// Sends all traffic back to the version before, and waits until the record is changed.
pub(super) async fn rollback(
    context: &Context,
    home: &Home,
    release: &StandingRelease,
    wanted: GoBack,
) -> CommandResult {
    let Some(previous) = release.previous.as_ref() else {
        return Err(Failure::usage(format!(
            "`{}` has no version before {}",
            release.service, release.current.label
        )));
    };
    if release.wanted == Wanted::Stopped {
        return Err(Failure::usage(format!("`{}` is stopped", release.service))
            .hint("`{tollgate} canary run` starts it again"));
    }
    home.edit(|release| release.go_back = Some(wanted))?;
    revive(context, home)?;
    let addr = previous.placed.addr;
    wait(|| {
        let now = home.load()?;
        Ok(now.filter(|now| now.go_back.is_none() && now.current.placed.addr == addr))
    })
    .await?;
    context.output.line(format!(
        "{} serves again at http://{}/; {} was taken back",
        previous.label, release.proxy.addr, release.current.label
    ));
    Ok(ExitCode::Pass)
}

async fn wait<T>(done: impl Fn() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
    let deadline = tokio::time::Instant::now() + DONE_WITHIN;
    loop {
        if let Some(value) = done()? {
            return Ok(value);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Failure::environment(anyhow::anyhow!(
                "the supervisor of the release did not finish within {} s",
                DONE_WITHIN.as_secs()
            ))
            .hint("read `supervisor.log` below .tollgate/release"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
