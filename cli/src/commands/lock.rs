//! `contract lock`: fetches the URLs that references of the contracts name, from allowed hosts,
//! and keeps their digests in `contracts.lock`. The texts themselves are not read.
//!
//! The texts stay in `.tollgate/cache/remote/` under their digests; where they are missing, such
//! as on another machine, the command brings them again and refuses what has changed.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Url, redirect::Policy};
use tollgate_contracts_model::Contract;
use tollgate_contracts_model::remote::{Lock, digest, missing_urls, named_urls};
use tollgate_gates::contracts::{self, LOCK, kept, read_lock};
use tollgate_report::{ExitCode, Finding, write_atomic};

use crate::context::Context;
use crate::failure::{CommandResult, Failure};

/// The longest one fetch may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest text that is fetched, in bytes.
const SIZE_MAX_BYTES: usize = 16 << 20;
/// The most URLs that the contracts of one repository may reach.
const URLS_MAX: usize = 200;

/// Exit 3 when a text has changed, comes from a host that is not allowed, or can't be fetched.
///
/// `contracts.lock` is whole at every moment: a run that is cut off leaves what was locked.
pub async fn run(context: &Context, update: bool) -> CommandResult {
    let mut lock = read_lock(context)?;
    let mut findings = Vec::new();
    let client = Client::builder()
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .build()
        .context("cannot create an HTTP client")?;
    // An update looks first at what the contracts name, kept or not, then at what that names.
    let mut wanted = match update {
        true => urls(context, named_urls)?,
        false => urls(context, missing_urls)?,
    };
    let mut used = BTreeSet::new();
    while !wanted.is_empty() {
        used.extend(wanted.iter().cloned());
        if used.len() > URLS_MAX {
            let error = anyhow::anyhow!("the contracts refer to more than {URLS_MAX} URLs");
            return Err(Failure::settings(error));
        }
        let before = lock.clone();
        for url in wanted {
            match fetch(context, &client, &url).await {
                Err(error) => findings.push(refused(&url, &error)),
                Ok(bytes) => {
                    let is_new = update || !lock.urls.contains_key(&url);
                    if is_new {
                        lock.urls.insert(url.clone(), digest(&bytes));
                    }
                    match lock.check(&url, &bytes) {
                        Some(finding) => findings.push(finding),
                        None => keep(context, &bytes)?,
                    }
                }
            }
        }
        // What was fetched may name more, and is read by the digests of the file.
        if lock != before {
            write(context, &lock)?;
        }
        wanted = urls(context, missing_urls)?;
        wanted.retain(|url| !used.contains(url));
    }
    if update {
        let named = urls(context, named_urls)?;
        let n_before = lock.urls.len();
        lock.urls.retain(|url, _| named.contains(url));
        if lock.urls.len() < n_before {
            write(context, &lock)?;
        }
    }
    context.output.findings(&findings, &context.root);
    let n_urls = lock.urls.len();
    context.output.line(format!("{LOCK}: {n_urls} URLs"));
    Ok(if findings.is_empty() {
        ExitCode::Pass
    } else {
        ExitCode::Findings
    })
}

fn write(context: &Context, lock: &Lock) -> anyhow::Result<()> {
    write_atomic(&context.root.join(LOCK), lock.to_text().as_bytes())
        .with_context(|| format!("cannot write `{LOCK}`"))
}

fn keep(context: &Context, bytes: &[u8]) -> anyhow::Result<()> {
    let path = kept(context, &digest(bytes));
    let folder = path
        .parent()
        .context("cannot find the cache of remote texts")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create `{}`", folder.display()))?;
    write_atomic(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

/// The URLs of the contracts of the settings: those that they name, or those that are not kept.
fn urls(
    context: &Context,
    of: impl Fn(&Contract) -> Vec<String>,
) -> Result<BTreeSet<String>, Failure> {
    let contracts = contracts::load_all(context)?;
    Ok(contracts.iter().flat_map(of).collect())
}

async fn fetch(context: &Context, client: &Client, url: &str) -> anyhow::Result<Vec<u8>> {
    let parsed = Url::parse(url).context("cannot read the URL")?;
    check_host(&parsed, &context.settings.contracts.remote_hosts)?;
    let mut response = client.get(parsed).send().await?.error_for_status()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > SIZE_MAX_BYTES {
            bail!("the text has more than {SIZE_MAX_BYTES} bytes");
        }
        bytes.extend_from_slice(&chunk);
    }
    ensure!(
        response.status().is_success(),
        "the server answered `{}`",
        response.status()
    );
    Ok(bytes)
}

/// Whether a URL may be fetched: its host is allowed, as `name` or `name:port`, and the way to it is
/// `https`; plain `http` stays on this machine.
fn check_host(url: &Url, allowed: &[String]) -> anyhow::Result<()> {
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port().map(|port| format!("{host}:{port}"));
    let shown = with_port.as_deref().unwrap_or(host);
    ensure!(
        allowed.iter().any(|name| name == host || name == shown),
        "the host `{shown}` is not allowed: add it to `remote_hosts` in [contracts] of tollgate.toml"
    );
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = address
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        scheme => {
            bail!("`{scheme}` is not fetched; only `https` is, and `http` from 127.0.0.1 or [::1]")
        }
    }
}

fn refused(url: &str, error: &anyhow::Error) -> Finding {
    Finding::error("ref-remote", format!("`{url}` is not fetched: {error:#}"))
        .because("a reference to it stays unresolved")
        .fix("fix the URL, or keep a copy next to the contract")
}
