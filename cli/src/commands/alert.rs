//! `alert`: what fires, what waits, silences, and a sample to each receiver.

use clap::Subcommand;
use std::collections::BTreeMap;

use tollgate_alerts::silence::Silence;
use tollgate_alerts::{Dispatcher, Sent};
use tollgate_release::{Narrator, alerting};
use tollgate_report::render::render_table;
use tollgate_report::{Clock, ExitCode};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use crate::narrator::Voice;

/// List alerts, silence them, try the receivers
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: {tollgate} alert test")]
pub enum AlertCommand {
    /// List alerts and what is still to be delivered
    #[command(after_help = "Example: {tollgate} alert list")]
    List,
    /// Suppress the messages of alerts that match
    #[command(
        after_help = "Example: {tollgate} alert silence component=hub --author ada --reason upgrade --for 2h"
    )]
    Silence {
        /// What must match, as label=value
        #[arg(required = true)]
        matchers: Vec<String>,
        /// Who creates the silence
        #[arg(long)]
        author: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// How long
        #[arg(long = "for", default_value = "1h")]
        lasts: tollgate_report::quantity::Span,
    },
    /// Send a sample to each receiver and show the results
    #[command(after_help = "Example: {tollgate} alert test")]
    Test,
}

/// `alert …`.
pub async fn run(context: &Context, command: AlertCommand) -> CommandResult {
    let dispatcher = alerting::open(
        context,
        context.settings.alerts.clone(),
        Voice::new(context).console(),
        context.program.name,
    )
    .await?;
    match command {
        AlertCommand::List => list(context, &dispatcher),
        AlertCommand::Test => test(context, &dispatcher).await,
        AlertCommand::Silence {
            matchers,
            author,
            reason,
            lasts,
        } => {
            let mut silence = Silence {
                component: None,
                name: None,
                labels: BTreeMap::new(),
                author,
                reason,
                expires: context.clock.now().plus(lasts.0),
            };
            for matcher in &matchers {
                let (label, value) = matcher.split_once('=').ok_or_else(|| {
                    Failure::usage(format!(
                        "matcher `{matcher}` is malformed: write LABEL=VALUE"
                    ))
                })?;
                match label {
                    "component" => silence.component = Some(value.to_owned()),
                    "name" => silence.name = Some(value.to_owned()),
                    _ => drop(silence.labels.insert(label.to_owned(), value.to_owned())),
                }
            }
            let until = silence.expires;
            let id = dispatcher
                .silence(silence)
                .await
                .map_err(Failure::environment)?;
            context.output.line(format!("silence {id} until {until}"));
            context
                .output
                .json(&serde_json::json!({ "version": 1, "silence": id, "until": until }));
            Ok(ExitCode::Pass)
        }
    }
}

fn list(context: &Context, dispatcher: &Dispatcher) -> CommandResult {
    let state = dispatcher.list();
    let alerts: Vec<Vec<String>> = state
        .alerts
        .iter()
        .map(|(fingerprint, alert)| {
            vec![
                fingerprint.0.chars().take(12).collect(),
                alert.event.component.clone(),
                alert.event.severity.word().to_owned(),
                format!("{:?}", alert.event.state).to_lowercase(),
                alert.event.since.to_string(),
                alert.event.summary.clone(),
            ]
        })
        .collect();
    let rows: Vec<Vec<String>> = state
        .rows
        .values()
        .map(|row| {
            vec![
                row.id.clone(),
                row.receiver.clone(),
                format!("{:?}", row.status).to_lowercase(),
            ]
        })
        .collect();
    let now = context.clock.now();
    let silences: Vec<Vec<String>> = state
        .silences
        .iter()
        .filter(|(_, silence)| now < silence.expires)
        .map(|(id, silence)| {
            vec![
                id.clone(),
                matchers(silence),
                silence.expires.to_string(),
                silence.author.clone(),
                silence.reason.clone(),
            ]
        })
        .collect();
    context.output.text(|out| {
        if alerts.is_empty() {
            writeln!(out, "no alerts")?;
        } else {
            render_table(
                out,
                &["alert", "component", "severity", "state", "since", "what"],
                &alerts,
            )?;
        }
        if !rows.is_empty() {
            writeln!(out)?;
            render_table(out, &["message", "receiver", "delivery"], &rows)?;
        }
        if !silences.is_empty() {
            writeln!(out)?;
            render_table(out, &["silence", "of", "until", "by", "why"], &silences)?;
        }
        Ok(())
    });
    context
        .output
        .json(&serde_json::json!({ "version": 1, "state": state }));
    Ok(ExitCode::Pass)
}

/// What a silence is about, as the command line takes it.
fn matchers(silence: &Silence) -> String {
    let named = [("component", &silence.component), ("name", &silence.name)];
    named
        .into_iter()
        .filter_map(|(label, value)| value.as_ref().map(|value| format!("{label}={value}")))
        .chain(
            silence
                .labels
                .iter()
                .map(|(label, value)| format!("{label}={value}")),
        )
        .collect::<Vec<_>>()
        .join(" ")
}

async fn test(context: &Context, dispatcher: &Dispatcher) -> CommandResult {
    let tested = dispatcher
        .test_receivers()
        .await
        .map_err(Failure::environment)?;
    let mut is_good = true;
    let mut rows = Vec::new();
    for receiver in &tested {
        let (word, why) = match &receiver.sent {
            Sent::Taken => ("taken", String::new()),
            Sent::Later { why, .. } => ("not taken, would be tried again", why.clone()),
            Sent::Refused { why } => ("refused", why.clone()),
        };
        is_good &= receiver.sent == Sent::Taken;
        rows.push(vec![receiver.receiver.clone(), word.to_owned(), why]);
    }
    context
        .output
        .text(|out| render_table(out, &["receiver", "what happened", "why"], &rows));
    context
        .output
        .json(&serde_json::json!({ "version": 1, "receivers": rows }));
    Ok(if is_good {
        ExitCode::Pass
    } else {
        ExitCode::Environment
    })
}
