//! The process deployer: starts, watches and stops one version of a service. A started process has
//! its own group and log files, so that it survives the controller.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tollgate_process::{Force, ProcessId, Running, Usage};

use crate::deployer::{DeployFailed, Deployer, Instance, Pending};

/// How one version is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSpec {
    /// The binary.
    pub program: PathBuf,
    /// Arguments; `{port}` becomes a free port.
    pub args: Vec<String>,
    /// Variables added to ours; `{port}` becomes a free port.
    pub env: Vec<(String, String)>,
    /// The working folder; ours when absent.
    pub folder: Option<PathBuf>,
    /// Where `stdout.log` and `stderr.log` go.
    pub log_folder: PathBuf,
    /// How it reports that it is ready.
    pub readiness: Readiness,
    /// How long it may take.
    pub ready_within: Duration,
}

/// How a version reports that it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// A line on stdout that is a JSON object with this key, holding its address.
    Line {
        /// Such as `address`.
        key: String,
    },
    /// `GET` of this path on `127.0.0.1:{port}` answers 200.
    Http {
        /// Such as `/ready`.
        path: String,
    },
}

/// A version could not be started.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The binary cannot be run.
    #[error("cannot start `{program}`")]
    Start {
        /// The binary.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its log files cannot be made.
    #[error("cannot write logs to `{path}`")]
    Logs {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended before it was ready.
    #[error(
        "cannot start `{program}`: it ended ({status}) before it was ready{busy}; its last lines: {tail}"
    )]
    Ended {
        /// The binary.
        program: PathBuf,
        /// How it ended.
        status: String,
        /// A hint when the log speaks of a taken port, else empty.
        busy: &'static str,
        /// The end of its logs.
        tail: String,
    },
    /// It was not ready in time and was stopped.
    #[error(
        "cannot start `{program}`: it was not ready within {seconds:.1} s; its last lines: {tail}"
    )]
    NotReady {
        /// The binary.
        program: PathBuf,
        /// The deadline.
        seconds: f64,
        /// The end of its logs.
        tail: String,
    },
}

/// A process that was started here or attached to.
#[derive(Debug)]
pub struct Process {
    /// Which one.
    pub id: ProcessId,
    child: Option<Running>,
    log_folder: PathBuf,
    /// Where its part of `stdout.log` begins: the log is appended to.
    log_from: usize,
}

/// Starts the binary; it is not ready yet. Returns the port that `{port}` became, if it was used.
pub fn start(spec: &ProcessSpec) -> Result<(Process, Option<u16>), DeployError> {
    let logs = |source| DeployError::Logs {
        path: spec.log_folder.clone(),
        source,
    };
    let failed = |source| DeployError::Start {
        program: spec.program.clone(),
        source,
    };
    fs::create_dir_all(&spec.log_folder).map_err(logs)?;
    // Appended to, so that a version that is started again keeps its log and the log can be rotated.
    let log = |name: &str| {
        let mut options = File::options();
        options
            .create(true)
            .append(true)
            .open(spec.log_folder.join(name))
    };
    let (stdout, stderr) = (
        log("stdout.log").map_err(logs)?,
        log("stderr.log").map_err(logs)?,
    );
    let log_from = stdout.metadata().map_err(logs)?.len();
    let wants_port = spec
        .args
        .iter()
        .chain(spec.env.iter().map(|(_, value)| value))
        .any(|text| text.contains("{port}"));
    let port = wants_port.then(free_port).transpose().map_err(failed)?;
    let filled = |text: &str| match port {
        Some(port) => text.replace("{port}", &port.to_string()),
        None => text.to_owned(),
    };
    let mut command = Command::new(&spec.program);
    command
        .args(spec.args.iter().map(|text| filled(text)))
        .envs(spec.env.iter().map(|(name, value)| (name, filled(value))))
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr);
    if let Some(folder) = &spec.folder {
        command.current_dir(folder);
    }
    // It serves on when the controller ends; the next controller attaches to it.
    let child = Running::start_released(command).map_err(failed)?;
    let id = child.id().clone();
    let process = Process {
        id,
        child: Some(child),
        log_folder: spec.log_folder.clone(),
        log_from: usize::try_from(log_from).unwrap_or(usize::MAX),
    };
    Ok((process, port))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until the process reports that it is ready. A process that is not ready in time is stopped.
pub async fn wait_ready(
    process: &mut Process,
    spec: &ProcessSpec,
    port: Option<u16>,
) -> Result<SocketAddr, DeployError> {
    let deadline = Instant::now() + spec.ready_within;
    loop {
        if let Some(addr) = look(process, spec, port).await {
            return Ok(addr);
        }
        if let Some(status) = process.ended() {
            let tail = process.log_tail();
            let is_busy = tail.to_ascii_lowercase().contains("in use");
            return Err(DeployError::Ended {
                program: spec.program.clone(),
                status,
                busy: if is_busy {
                    ", its port is in use (`ss -ltnp` shows by which process)"
                } else {
                    ""
                },
                tail,
            });
        }
        if Instant::now() >= deadline {
            let tail = process.log_tail();
            process.stop(Duration::from_secs(1)).await;
            return Err(DeployError::NotReady {
                program: spec.program.clone(),
                seconds: spec.ready_within.as_secs_f64(),
                tail,
            });
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn look(process: &Process, spec: &ProcessSpec, port: Option<u16>) -> Option<SocketAddr> {
    match &spec.readiness {
        Readiness::Line { key } => {
            let text = fs::read_to_string(process.log_folder.join("stdout.log")).ok()?;
            let whole = text.get(process.log_from..=text.rfind('\n')?)?;
            whole.lines().find_map(|line| {
                let value: serde_json::Value = serde_json::from_str(line).ok()?;
                value.get(key)?.as_str()?.parse().ok()
            })
        }
        Readiness::Http { path } => {
            let addr = SocketAddr::from(([127, 0, 0, 1], port?));
            (crate::exchange::get_status(addr, path).await? == StatusCode::OK).then_some(addr)
        }
    }
}

impl Process {
    /// Takes a running process over after a restart; absent when it is gone or its pid was reused.
    #[must_use]
    pub fn attach(id: &ProcessId, log_folder: &Path) -> Option<Self> {
        id.is_running().then(|| Self {
            id: id.clone(),
            child: None,
            log_folder: log_folder.to_owned(),
            log_from: 0,
        })
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<String> {
        match &mut self.child {
            Some(child) => match child.try_wait() {
                Ok(Some(status)) => Some(status.to_string()),
                Ok(None) => None,
                Err(error) => Some(error.to_string()),
            },
            None => (!self.id.is_running()).then(|| "it is gone".to_owned()),
        }
    }

    /// What the process and all that it started use; absent where the system does not report it.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.id.usage()
    }

    /// The last lines of its logs, stderr first, on one line.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let mut lines = Vec::new();
        for name in ["stderr.log", "stdout.log"] {
            let bytes = fs::read(self.log_folder.join(name)).unwrap_or_default();
            let text =
                String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4096)..]).into_owned();
            let from = text.lines().count().saturating_sub(5);
            lines.extend(text.lines().skip(from).map(str::to_owned));
        }
        if lines.is_empty() {
            "none".to_owned()
        } else {
            tollgate_report::render::printable(&lines.join(" | "))
        }
    }

    /// Stops it with all its processes: SIGTERM, and SIGKILL after `within`. Workers that outlive
    /// their parent would continue to answer on its port.
    pub async fn stop(&mut self, within: Duration) {
        self.id.signal_members(Force::Polite);
        if self.has_ended_by(Instant::now() + within).await {
            return;
        }
        self.id.signal_members(Force::Hard);
        self.has_ended_by(Instant::now() + Duration::from_secs(5))
            .await;
    }

    async fn has_ended_by(&mut self, deadline: Instant) -> bool {
        loop {
            // Waited for first: what has ended must not count as a member.
            if self.ended().is_some() && self.id.members().is_empty() {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Starts candidates as processes of this machine.
#[derive(Debug, Clone)]
pub struct ProcessDeployer {
    spec: ProcessSpec,
}

impl ProcessDeployer {
    /// A deployer of processes like this one.
    #[must_use]
    pub fn new(spec: ProcessSpec) -> Self {
        Self { spec }
    }
}

impl Deployer for ProcessDeployer {
    fn start(&self) -> Result<Box<dyn Instance>, DeployFailed> {
        let (process, port) = start(&self.spec)?;
        let spec = Some(self.spec.clone());
        Ok(Box::new(ProcessInstance {
            process,
            spec,
            port,
        }))
    }

    fn attach(&self, id: &ProcessId) -> Option<Box<dyn Instance>> {
        Process::attach(id, &self.spec.log_folder).map(Process::instance)
    }
}

impl Process {
    /// The running process as the shell uses it, such as the stable version.
    #[must_use]
    pub fn instance(self) -> Box<dyn Instance> {
        Box::new(ProcessInstance {
            process: self,
            spec: None,
            port: None,
        })
    }
}

#[derive(Debug)]
struct ProcessInstance {
    process: Process,
    /// How it was started; absent when an earlier controller did it.
    spec: Option<ProcessSpec>,
    port: Option<u16>,
}

impl Instance for ProcessInstance {
    fn id(&self) -> &ProcessId {
        &self.process.id
    }

    fn ready(&mut self) -> Pending<'_, Result<SocketAddr, DeployFailed>> {
        Box::pin(async {
            let Some(spec) = &self.spec else {
                return Err(DeployFailed {
                    detail: "it was started by an earlier controller".to_owned(),
                });
            };
            Ok(wait_ready(&mut self.process, spec, self.port).await?)
        })
    }

    fn ended(&mut self) -> Option<String> {
        self.process.ended()
    }

    fn usage(&self) -> Option<Usage> {
        self.process.usage()
    }

    fn stop(&mut self, within: Duration) -> Pending<'_, ()> {
        Box::pin(self.process.stop(within))
    }
}

impl From<DeployError> for DeployFailed {
    fn from(error: DeployError) -> Self {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self {
            detail: format!("{error}{}", cause.unwrap_or_default()),
        }
    }
}
