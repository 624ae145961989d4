//! TCP probes: a port accepts connections and, where the settings want it, greets or answers.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::attempt::RunCheck;
use crate::context::{Context, Encode, Vars};
use crate::http::dial::{Io, Target, dial};
use crate::json::shortened;
use crate::result::{Cause, Observation};
use crate::settings::TcpCheck;

impl RunCheck for TcpCheck {
    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        _timeout: Duration,
    ) -> Result<(), Cause> {
        run(self, cx, vars, seen).await
    }
}

async fn run(
    check: &TcpCheck,
    cx: &Context,
    vars: &Vars,
    seen: &mut Observation,
) -> Result<(), Cause> {
    let target = target(check, cx, vars)?;
    let label = format!("`{}`", target.authority);
    let mut on_phase = |name: &str, time| seen.phase(name, time);
    let mut stream = dial(&target, cx.tls(), &mut on_phase)
        .await
        .map_err(|error| error.to_cause(&label))?;
    let broken = |error: std::io::Error| {
        Cause::target(
            "reset",
            format!("connection to {label}"),
            "it stays open",
            error.to_string(),
        )
    };
    if let Some(text) = &check.send {
        let text = vars.expand(text, Encode::Plain)?;
        stream.write_all(text.as_bytes()).await.map_err(broken)?;
    }
    if let Some(expected) = &check.expect {
        let expected = vars.expand(expected, Encode::Plain)?;
        let started = Instant::now();
        let answer = read_until(&mut stream, expected.as_bytes(), check).await;
        seen.phase("message", started.elapsed());
        answer.map_err(broken)?.map_err(|got| {
            let got = match got.is_empty() {
                true => "nothing before the connection ended".to_owned(),
                false => format!("`{}`", shortened(&String::from_utf8_lossy(&got), 200)),
            };
            let what = format!("answer of {label}");
            Cause::target("answer", what, format!("`{expected}` in it"), got)
        })?;
    }
    Ok(())
}

/// The address of the settings, otherwise that of the base URL.
fn target(check: &TcpCheck, cx: &Context, vars: &Vars) -> Result<Target, Cause> {
    let scheme = if check.tls { "https" } else { "http" };
    match &check.address {
        Some(address) => {
            let address = vars.expand(address, Encode::Plain)?;
            Target::parse(&format!("{scheme}://{address}"))
        }
        None => {
            let mut target = Target::parse(cx.base_url())?;
            target.is_tls |= check.tls;
            Ok(target)
        }
    }
}

/// Reads until `expected` was received. The inner error is what came instead: the connection
/// ended, or the answer was longer than the settings allow.
async fn read_until(
    stream: &mut Box<dyn Io>,
    expected: &[u8],
    check: &TcpCheck,
) -> Result<Result<(), Vec<u8>>, std::io::Error> {
    let size_max = usize::try_from(check.answer_size_max.0).unwrap_or(usize::MAX);
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while !contains(&received, expected) {
        let n_bytes = match received.len() < size_max {
            true => stream.read(&mut chunk).await?,
            false => 0,
        };
        if n_bytes == 0 {
            return Ok(Err(received));
        }
        received.extend_from_slice(&chunk[..n_bytes]);
    }
    Ok(Ok(()))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}
