//! Command probes: any program, its exit code and its numbers. No shell is involved, and nothing of
//! the program outlives the probe.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tollgate_process::{Group, own_group};

use crate::attempt::{RunCheck, no_end};
use crate::context::{Context, Encode, Vars};
use crate::json::shortened;
use crate::result::{Cause, Observation};
use crate::settings::CommandCheck;

/// Environment variable with the base URL of the target.
pub const BASE_URL_ENV: &str = "TOLLGATE_BASE_URL";
impl RunCheck for CommandCheck {
    async fn run(
        &self,
        cx: &Context,
        vars: &mut Vars,
        seen: &mut Observation,
        _timeout: Duration,
    ) -> Result<(), Cause> {
        run(self, cx, vars, seen).await
    }

    fn over_time(&self, limit: Duration, _seen: &Observation) -> Cause {
        no_end(limit)
    }
}

/// Runs the program. When this future is dropped, as a timeout does, its process group is killed.
async fn run(
    check: &CommandCheck,
    cx: &Context,
    vars: &Vars,
    seen: &mut Observation,
) -> Result<(), Cause> {
    let label = format!("`{}`", check.program);
    let mut command = Command::new(&check.program);
    for arg in &check.args {
        command.arg(vars.expand(arg, Encode::Plain)?);
    }
    for (name, value) in &check.env {
        command.env(name, vars.expand(value, Encode::Plain)?);
    }
    command
        .env(BASE_URL_ENV, cx.base_url())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    own_group(command.as_std_mut());
    let broken = |error: std::io::Error| {
        Cause::prober(
            "command",
            format!("program {label}"),
            "it runs",
            error.to_string(),
        )
    };
    let mut child = command.spawn().map_err(broken)?;
    let mut group = child.id().map(Group::guard);
    let size_max = usize::try_from(check.output_size_max.0).unwrap_or(usize::MAX);
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    let (stdout, stderr, status) = tokio::join!(
        read_bounded(stdout, size_max),
        read_bounded(stderr, size_max),
        child.wait()
    );
    let (stdout, stderr, status) = (
        stdout.map_err(broken)?,
        stderr.map_err(broken)?,
        status.map_err(broken)?,
    );
    if let Some(group) = &mut group {
        group.end();
    }

    let code = status.code();
    seen.measurements
        .insert("exit".to_owned(), code.map_or(-1.0, f64::from));
    let measured = if check.measurements {
        measure(&stdout, &label, seen)
    } else {
        Ok(())
    };
    if !code.is_some_and(|code| check.exit.contains(&code)) {
        let expected = check
            .exit
            .iter()
            .map(i32::to_string)
            .collect::<Vec<_>>()
            .join(" or ");
        let got = format!("{status}{}", last_words(&stderr, size_max, vars));
        return Err(Cause::target(
            "exit",
            format!("exit code of {label}"),
            expected,
            got,
        ));
    }
    measured
}

/// Reads to the end, keeps the first `size_max` bytes.
async fn read_bounded(
    mut stream: impl AsyncRead + Unpin,
    size_max: usize,
) -> Result<Vec<u8>, std::io::Error> {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let n_bytes = stream.read(&mut chunk).await?;
        if n_bytes == 0 {
            return Ok(kept);
        }
        let n_kept = n_bytes.min(size_max - kept.len());
        kept.extend_from_slice(&chunk[..n_kept]);
    }
}

/// The last complete line, without secrets. Of output that was cut off, the cut line is left out: it
/// may end inside a secret.
fn last_words(stderr: &[u8], size_max: usize, vars: &Vars) -> String {
    const N_CHARS: usize = 200;
    let text = String::from_utf8_lossy(stderr);
    let whole = match text.rfind('\n') {
        Some(end) if stderr.len() >= size_max => &text[..end],
        None if stderr.len() >= size_max => "",
        _ => &text,
    };
    match whole.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!(
            ", last line of stderr: {}",
            shortened(&vars.redact(line), N_CHARS)
        ),
        None => String::new(),
    }
}

fn measure(stdout: &[u8], label: &str, seen: &mut Observation) -> Result<(), Cause> {
    let text = String::from_utf8_lossy(stdout);
    let line = text
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let fields = match serde_json::from_str(line) {
        Ok(Value::Object(fields)) => fields,
        _ => {
            let what = format!("last line of stdout of {label}");
            return Err(Cause::prober(
                "measurements",
                what,
                "a JSON object of numbers",
                "something else",
            ));
        }
    };
    for (name, value) in fields {
        let Some(number) = value.as_f64() else {
            let what = format!("measurement `{name}` of {label}");
            return Err(Cause::prober(
                "measurements",
                what,
                "a number",
                "something else",
            ));
        };
        seen.measurements.insert(name, number);
    }
    Ok(())
}
