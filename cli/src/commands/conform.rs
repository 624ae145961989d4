//! `contract conform`: carries out the conversation that `tollgate-contracts-conform` plans. It decides
//! nothing about answers.

use clap::Args;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::{Client, Method, Url};
use tollgate_contracts_conform::{
    Answer, ConformSettings, Heard, MessageReport, Report, Request, Session, Talk, findings,
    judge_messages, report_json, talks,
};
use tollgate_contracts_model::Contract;
use tollgate_probes::converse::{Came, Conversation, Patience, converse};
use tollgate_report::{Clock, ExitCode};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};
use tollgate_gates::conform::{Found, judge};
use tollgate_gates::{Decision, Inputs, contracts, record};

#[derive(Debug, Clone, Args)]
pub struct ConformArgs {
    /// The base address of the service, to which the paths of the contract are added
    pub url: String,
    /// Contracts: `OpenAPI` for requests, `AsyncAPI` for WebSocket messages; by default those of the settings
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub contract: Vec<PathBuf>,
    /// The seed; the same seed sends the same requests
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// The maximum number of requests, and of messages
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub max_requests: usize,
    /// Stop after this time, in seconds
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub time_max: u64,
    /// A header of every request, such as `authorization: Bearer KEY`; `@FILE` reads the value from a file
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,
    /// A host other than this machine that may receive requests
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<String>,
}

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const ANSWER_SIZE_MAX_BYTES: usize = 16 << 20;
/// After so many requests without an answer the service is taken for dead.
const LOST_MAX: usize = 5;
/// How long the first answer to a message is waited for, and each further one.
const PATIENCE: Patience = Patience {
    first: Duration::from_millis(150),
    next: Duration::from_millis(30),
};

/// What a run works with.
struct Target {
    base: String,
    headers: Vec<(String, String)>,
    ends_at: Duration,
}

/// `contract conform URL`.
pub async fn run(context: &Context, args: &ConformArgs) -> CommandResult {
    let started = context.clock.monotonic();
    let base = allowed(&args.url, &args.allow_host)?;
    let headers = headers(context, &args.header)?;
    let contracts = contracts(context, &args.contract)?;
    let target = Target {
        base,
        headers,
        ends_at: started + Duration::from_secs(args.time_max),
    };
    let settings = ConformSettings {
        seed: args.seed,
        n_requests_max: args.max_requests,
    };
    let mut report = Report::default();
    for contract in &contracts {
        if contract.kind.is_async() {
            let talks = talks(contract, args.seed);
            report.messages = Some(speak(context, &target, &talks, args.max_requests).await?);
        } else {
            let messages = report.messages.take();
            report = ask(context, &target, Session::new(contract, settings.clone())).await?;
            report.messages = messages;
        }
    }
    let names: Vec<String> = target
        .headers
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    let found = Found {
        findings: findings(&report, &target.base, &names),
        n_requests: report.n_requests,
        n_operations: report.n_asked,
    };
    let inputs = Inputs::json("conform", &found).with_settings(&serde_json::json!({
        "seed": args.seed, "max_requests": args.max_requests,
    }));
    let verdict = judge(&found);
    let evidence = context.evidence()?;
    let subject: Vec<&str> = contracts
        .iter()
        .map(|contract| contract.entry.as_str())
        .collect();
    let duration = context.clock.monotonic().saturating_sub(started);
    let run_id = context.new_run_id("conform");
    let subject = subject.join(", ");
    let gate = record(
        context,
        &evidence,
        &run_id,
        ("conform", &subject),
        inputs,
        verdict,
        duration,
    )?;
    show(context, &report, &target.base, &names, &gate);
    Ok(ExitCode::from_outcome(gate.outcome()))
}

fn show(context: &Context, report: &Report, base: &str, names: &[String], gate: &Decision) {
    let mut json = report_json(report, base, names);
    if let Some(map) = json.as_object_mut() {
        map.insert("evidence".to_owned(), gate.evidence.clone().into());
        map.insert("outcome".to_owned(), serde_json::json!(gate.outcome()));
    }
    context.output.json(&json);
    context
        .output
        .findings(&gate.verdict.findings, &context.root);
    let statuses: Vec<String> = report
        .statuses
        .iter()
        .map(|(status, count)| format!("{status}: {count}"))
        .collect();
    context.output.line(format!(
        "seed {}: {} requests ({} to make failures smaller) to {} of {} operations; answers {}",
        report.seed,
        report.n_requests,
        report.n_shrinks,
        report.n_asked,
        report.n_operations,
        statuses.join(", "),
    ));
    if !report.not_reached.is_empty() {
        context.output.line(format!(
            "never answered with success: {}",
            report.not_reached.join(", ")
        ));
    }
    if let Some(messages) = &report.messages {
        context.output.line(format!(
            "messages: {} sent, {} received",
            messages.n_sent, messages.n_heard
        ));
    }
    let outcome = context.output.paint.outcome(gate.outcome());
    context.output.line(format!(
        "conform: {outcome}: {} (evidence {})",
        gate.verdict.reason, gate.evidence
    ));
}

/// The address without a slash at its end, if it is on this machine or explicitly allowed.
fn allowed(url: &str, hosts: &[String]) -> Result<String, Failure> {
    let parsed: Url = url
        .parse()
        .map_err(|error| Failure::usage(format!("the address `{url}` is malformed: {error}")))?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() {
        return Err(Failure::usage(format!(
            "the address `{url}` is not supported: it must start with `http://` or `https://` and have no query"
        )));
    }
    let host = parsed.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = bare == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    if !is_here
        && !hosts
            .iter()
            .any(|allowed| allowed == host || allowed == bare)
    {
        return Err(Failure::usage(format!(
            "`{host}` is not this machine: conform writes, deletes and sends malformed requests, so other hosts must be allowed"
        ))
        .hint(format!("if that service may be tested, add `--allow-host {bare}`")));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn headers(context: &Context, given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    given
        .iter()
        .map(|text| {
            let (name, value) = text.split_once(':').ok_or_else(|| {
                Failure::usage(format!(
                    "header `{}` is malformed: write `NAME: VALUE`",
                    text.split(' ').next().unwrap_or_default()
                ))
            })?;
            let value = value.trim();
            let value = match value.strip_prefix('@') {
                Some(file) => {
                    let path = context.here.join(file);
                    std::fs::read_to_string(&path)
                        .with_context(|| {
                            format!("cannot read the header's value from `{}`", path.display())
                        })?
                        .trim()
                        .to_owned()
                }
                None => value.to_owned(),
            };
            Ok((name.trim().to_ascii_lowercase(), value))
        })
        .collect()
}

fn contracts(context: &Context, files: &[PathBuf]) -> Result<Vec<Contract>, Failure> {
    let contracts = if files.is_empty() {
        contracts::load_all(context)?
    } else {
        files
            .iter()
            .map(|file| contracts::load(context, &context.here.join(file)))
            .collect::<Result<Vec<_>, _>>()?
    };
    let n_http = contracts
        .iter()
        .filter(|contract| !contract.kind.is_async())
        .count();
    if n_http > 1 || contracts.is_empty() {
        return Err(Failure::usage(format!(
            "conform needs exactly one OpenAPI contract, and there are {}: choose one with `--contract FILE`",
            n_http
        )));
    }
    Ok(contracts)
}

/// Carries out the requests of a session, one after the other.
async fn ask(context: &Context, target: &Target, mut session: Session) -> Result<Report, Failure> {
    let client = Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("tollgate-conform/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("cannot create an HTTP client")?;
    let bar = context.output.bar("conform");
    let mut n_lost = 0;
    let mut n_answers = 0;
    while context.clock.monotonic() < target.ends_at {
        let Some(request) = session.next_request() else {
            break;
        };
        bar.message(&format!("{} {}", request.method, request.target));
        match send(&client, target, &request).await {
            Ok(answer) => {
                n_lost = 0;
                n_answers += 1;
                session.receive(&answer);
            }
            Err(error) => {
                n_lost += 1;
                if n_lost >= LOST_MAX && n_answers == 0 {
                    bar.finish();
                    return Err(Failure::environment(
                        anyhow::Error::new(error)
                            .context(format!("cannot reach `{}`", target.base)),
                    )
                    .hint("start the service, or check the address"));
                }
                session.lose(reason(&error));
                if n_lost >= LOST_MAX {
                    break;
                }
            }
        }
    }
    bar.finish();
    Ok(session.report())
}

/// Why no answer came, without addresses.
fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "it took longer than 10 s"
    } else if error.is_connect() {
        "the connection was refused"
    } else {
        "the connection broke before the whole answer was there"
    }
}

async fn send(
    client: &Client,
    target: &Target,
    request: &Request,
) -> Result<Answer, reqwest::Error> {
    let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::GET);
    let mut builder = client.request(method, format!("{}{}", target.base, request.target));
    for (name, value) in &target.headers {
        let is_other = request.without.contains(name)
            || request.headers.iter().any(|(known, _)| known == name);
        if !is_other {
            builder = builder.header(name, value);
        }
    }
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(body) = &request.body {
        builder = builder.body(body.clone());
    }
    let mut response = builder.send().await?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_SIZE_MAX_BYTES {
            break;
        }
    }
    Ok(Answer {
        status,
        headers,
        body,
    })
}

/// Speaks on every channel, in one conversation while it lasts.
async fn speak(
    context: &Context,
    target: &Target,
    talks: &[Talk],
    n_max: usize,
) -> Result<MessageReport, Failure> {
    let mut report = MessageReport::default();
    for talk in talks {
        let url = format!("{}{}", target.base, talk.address);
        let mut open: Option<Conversation> = None;
        for line in talk.lines.iter().take(n_max) {
            if context.clock.monotonic() >= target.ends_at {
                break;
            }
            let mut conversation = match open.take() {
                Some(conversation) => conversation,
                None => {
                    let mut conversation = converse(&url, &target.headers, PATIENCE)
                        .await
                        .map_err(|cause| {
                            Failure::environment(anyhow!(
                                "cannot open the channel `{}`: expected {}, got {}",
                                talk.channel,
                                cause.expected,
                                cause.got
                            ))
                        })?;
                    let heard = heard(conversation.listen().await);
                    note(&mut report, talk, None, &heard);
                    conversation
                }
            };
            report.n_sent += 1;
            let heard = heard(conversation.say(&line.text).await);
            note(&mut report, talk, Some(line), &heard);
            if !conversation.is_over() {
                open = Some(conversation);
            }
        }
        if let Some(conversation) = open {
            conversation.end().await;
        }
    }
    report.failures.sort();
    Ok(report)
}

fn note(
    report: &mut MessageReport,
    talk: &Talk,
    line: Option<&tollgate_contracts_conform::Line>,
    heard: &[Heard],
) {
    report.n_heard += heard
        .iter()
        .filter(|one| matches!(one, Heard::Text(_)))
        .count();
    for failure in judge_messages(talk, line, heard) {
        let is_known = report.failures.iter().any(|known| {
            known.check == failure.check
                && known.channel == failure.channel
                && known.check != "message-invalid"
                || *known == failure
        });
        if !is_known {
            report.failures.push(failure);
        }
    }
}

fn heard(came: Vec<Came>) -> Vec<Heard> {
    came.into_iter()
        .map(|one| match one {
            Came::Text(text) => Heard::Text(text),
            Came::Closed(code) => Heard::Closed(code),
            Came::Dropped(reason) => Heard::Dropped(reason),
        })
        .collect()
}
