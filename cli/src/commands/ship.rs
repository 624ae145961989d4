//! `ship`: the main job, from contract to a promoted release, on this machine.

use clap::{Args, ValueEnum};
use tollgate_release::ship::{self, ShipRequest};

use crate::commands::{serve, tier};
use crate::context::Context;
use crate::failure::CommandResult;
use crate::narrator::Voice;

/// Take this repository from contract to a promoted release of its service, on this machine
///
/// The service is stopped at the end; `canary run` makes a release that serves on.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: {tollgate} ship --fault errors")]
pub struct ShipArgs {
    /// Start a candidate with this fault, which must be rolled back
    #[arg(long, value_enum)]
    pub fault: Option<Fault>,
    /// The port of the embedded proxy; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// The port of the dashboard; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub dashboard_port: u16,
    /// Run every step, even when its result is cached
    #[arg(long)]
    pub all: bool,
    /// Keep the dashboard open this long after the end, such as 60s
    #[arg(long, value_name = "SPAN")]
    pub hold: Option<tollgate_report::quantity::Span>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Answers 500 to every request
    Errors,
    /// Answers slowly
    Latency,
    /// Never frees memory
    Memory,
    /// Exits
    Crash,
    /// Breaks the contract in a place that only probes check
    Probe,
}

impl Fault {
    fn word(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::Memory => "memory",
            Self::Crash => "crash",
            Self::Probe => "probe",
        }
    }
}

/// Runs the ship; what happens is shown as it happens.
pub async fn run(context: &Context, args: &ShipArgs) -> CommandResult {
    tier::catch_interrupt();
    let request = ShipRequest {
        fault: args.fault.map(Fault::word),
        port: args.port,
        dashboard_port: args.dashboard_port,
        all: args.all,
        hold: args.hold,
    };
    let voice = Voice::new(context);
    let hub_binary = serve::finder(context.program);
    ship::run(
        serve::release_context(context, &voice, &hub_binary),
        &request,
    )
    .await
}
