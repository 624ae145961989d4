//! The processes of a release: the evidence hub, the stable version, the proxy before it.
//!
//! They outlive the controller on purpose. `stage.json` records where they are, so that another
//! controller can take over or clean up.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tollgate_canary::controller::Identity;
use tollgate_canary::deploy::{DeployError, Process, ProcessSpec, Readiness, start, wait_ready};
use tollgate_canary::events::ProcessId;
use tollgate_canary::proxy::{ControlClient, ReadyLine, create_token, read_token};
use tollgate_report::{Digest, Timestamp, write_atomic};

use tollgate_gates::{Failure, Repository, git};

use crate::build::Binaries;
use crate::proxy::ProxyFile;

/// How long a part of the stage may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A process of the stage and where it listens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    pub process: ProcessId,
    pub addr: SocketAddr,
    pub logs: PathBuf,
}

impl Placed {
    /// Its process, if it still runs.
    pub fn process(&self) -> Option<Process> {
        Process::attach(&self.process, &self.logs)
    }
}

/// Everything that a controller needs to take over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    pub version: u32,
    /// Also the id of the canary run, and its folder below `.tollgate/canary`.
    pub run: String,
    pub revision: String,
    pub fault: Option<String>,
    pub started_at: Timestamp,
    /// Whether `ship` or `canary run` began it.
    pub is_ship: bool,
    /// The evidence hub with the dashboard.
    pub hub: Placed,
    /// The deployment's id at the evidence hub.
    pub deployment: Option<String>,
    pub stable: Placed,
    pub proxy: Placed,
    pub control: SocketAddr,
    pub stable_identity: Identity,
    pub candidate_identity: Identity,
    pub candidate: PathBuf,
    /// The database that all versions of the service share.
    pub database: PathBuf,
}

/// What to place.
pub struct Wanted<'a> {
    pub run: &'a str,
    pub binaries: &'a Binaries,
    pub fault: Option<&'a str>,
    pub is_ship: bool,
    pub hub_binary: &'a Path,
    pub port: u16,
    pub dashboard_port: u16,
}

/// The folder of all canary runs.
pub fn canary_folder(repository: &Repository) -> PathBuf {
    repository.state_dir.join("canary")
}

fn run_folder(repository: &Repository, run: &str) -> PathBuf {
    canary_folder(repository).join(run)
}

fn deploy_failure(error: DeployError) -> Failure {
    let is_busy = error.to_string().to_lowercase().contains("in use");
    let failure = Failure::environment(error);
    if is_busy {
        failure.hint("choose another port, or run `ss -ltnp` to find the process that uses it")
    } else {
        failure
    }
}

/// Starts a part and waits for it; `port` is its port when `{port}` is not left to choose one.
async fn place(spec: &ProcessSpec, port: Option<u16>) -> Result<Placed, Failure> {
    let (mut process, free) = start(spec).map_err(deploy_failure)?;
    let addr = wait_ready(&mut process, spec, free.or(port))
        .await
        .map_err(deploy_failure)?;
    Ok(Placed {
        process: process.id.clone(),
        addr,
        logs: spec.log_folder.clone(),
    })
}

impl Stage {
    /// Starts the hub, the stable version and the proxy. What was started is stopped again when a
    /// later part can't be.
    pub async fn start(repository: &Repository, wanted: &Wanted<'_>) -> Result<Self, Failure> {
        let folder = run_folder(repository, wanted.run);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
        let key_file = folder.join("key");
        create_token(&key_file)
            .with_context(|| format!("cannot write the key `{}`", key_file.display()))?;
        create_token(&folder.join("proxy.token")).context("cannot write the proxy's token")?;
        let mut placed: Vec<Placed> = Vec::new();
        let stage = Self::start_parts(repository, wanted, &folder, &mut placed).await;
        if stage.is_err() {
            for part in &placed {
                stop(part).await;
            }
        }
        let stage = stage?;
        stage.save(repository)?;
        Ok(stage)
    }

    async fn start_parts(
        repository: &Repository,
        wanted: &Wanted<'_>,
        folder: &Path,
        placed: &mut Vec<Placed>,
    ) -> Result<Self, Failure> {
        let key = read_key(folder)?;
        let service = &repository.settings.service;
        let hub = place(&hub_spec(wanted, folder, &key), Some(wanted.dashboard_port)).await?;
        placed.push(hub.clone());
        let database = folder.join(format!("{}.db", service.name));
        let stable_spec = version_spec(
            repository,
            folder,
            ("stable", &wanted.binaries.stable),
            &database,
            &key,
            None,
        );
        let stable = place(&stable_spec, None).await?;
        placed.push(stable.clone());
        let (proxy, control) = place_proxy(repository, folder, wanted.port, stable.addr).await?;
        placed.push(proxy.clone());
        let identity = |label: &str, path: &Path| -> Result<Identity, Failure> {
            let bytes =
                fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok(Identity {
                label: label.to_owned(),
                digest: Digest::of(bytes),
            })
        };
        let revision = git::head(&repository.root);
        Ok(Self {
            version: 1,
            run: wanted.run.to_owned(),
            fault: wanted.fault.map(str::to_owned),
            started_at: tollgate_report::Clock::now(&repository.clock),
            is_ship: wanted.is_ship,
            hub,
            deployment: None,
            stable,
            proxy,
            control,
            stable_identity: identity("stable", &wanted.binaries.stable)?,
            candidate_identity: identity(
                &format!("candidate-{revision}"),
                &wanted.binaries.candidate,
            )?,
            candidate: wanted.binaries.candidate.clone(),
            database,
            revision,
        })
    }

    /// Where a run's stage is kept.
    fn path(repository: &Repository, run: &str) -> PathBuf {
        run_folder(repository, run).join("stage.json")
    }

    pub fn save(&self, repository: &Repository) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self).expect("a stage has only string keys");
        write_atomic(&Self::path(repository, &self.run), &text).map_err(Failure::environment)
    }

    pub fn load(repository: &Repository, run: &str) -> Result<Self, Failure> {
        let path = Self::path(repository, run);
        let text = fs::read(&path).map_err(|error| {
            Failure::usage(format!("there is no canary run `{run}`: {error}"))
                .hint("`ls .tollgate/canary` lists the runs")
        })?;
        Ok(serde_json::from_slice(&text)
            .with_context(|| format!("cannot read `{}`", path.display()))?)
    }

    pub fn folder(&self, repository: &Repository) -> PathBuf {
        run_folder(repository, &self.run)
    }

    /// The key of the service and of the evidence hub.
    pub fn key(&self, repository: &Repository) -> Result<String, Failure> {
        read_key(&self.folder(repository))
    }

    pub fn control_client(&self, repository: &Repository) -> Result<ControlClient, Failure> {
        let token = read_token(&self.folder(repository).join("proxy.token"))
            .context("cannot read the proxy's token")?;
        Ok(ControlClient::new(self.control, token))
    }

    /// How the candidate of this run is started.
    pub fn candidate_spec(&self, repository: &Repository) -> Result<ProcessSpec, Failure> {
        let folder = self.folder(repository);
        let key = self.key(repository)?;
        let canary = if self.is_ship {
            &repository.settings.ship.canary
        } else {
            &repository.settings.canary
        };
        let spec = version_spec(
            repository,
            &folder,
            ("candidate", &self.candidate),
            &self.database,
            &key,
            self.fault.as_deref(),
        );
        Ok(ProcessSpec {
            ready_within: canary.ready_within.0,
            ..spec
        })
    }

    /// Stops the proxy, the stable version and the hub, in this order; returns how many still ran.
    pub async fn clear(&self) -> usize {
        let mut n_stopped = 0;
        for part in [&self.proxy, &self.stable, &self.hub] {
            n_stopped += usize::from(stop(part).await);
        }
        n_stopped
    }
}

async fn stop(part: &Placed) -> bool {
    match part.process() {
        Some(mut process) => {
            process.stop(STOP_WITHIN).await;
            true
        }
        None => false,
    }
}

fn read_key(folder: &Path) -> Result<String, Failure> {
    let path = folder.join("key");
    let text = fs::read_to_string(&path)
        .with_context(|| format!("cannot read the key `{}`", path.display()))?;
    // The hub knows its keys by this beginning.
    Ok(format!("tg_{}", text.trim()))
}

fn hub_spec(wanted: &Wanted<'_>, folder: &Path, key: &str) -> ProcessSpec {
    let listen = match wanted.dashboard_port {
        0 => "127.0.0.1:{port}".to_owned(),
        port => format!("127.0.0.1:{port}"),
    };
    let args = [
        "--listen",
        &listen,
        "--database",
        &folder.join("evidence-hub.db").display().to_string(),
        "--version-label",
        "evidence",
    ];
    ProcessSpec {
        program: wanted.hub_binary.to_owned(),
        args: args.map(str::to_owned).to_vec(),
        env: vec![("TOLLGATE_HUB_ADMIN_KEY".to_owned(), key.to_owned())],
        folder: None,
        log_folder: folder.join("logs/evidence-hub"),
        readiness: Readiness::Http {
            path: "/ready".to_owned(),
        },
        ready_within: READY_WITHIN,
    }
}

fn version_spec(
    repository: &Repository,
    folder: &Path,
    (version, program): (&str, &Path),
    database: &Path,
    key: &str,
    fault: Option<&str>,
) -> ProcessSpec {
    let service = &repository.settings.service;
    let fault_args = service.fault_args.iter().filter(|_| fault.is_some());
    let fill = |text: &String| {
        text.replace("{database}", &database.display().to_string())
            .replace("{version}", version)
            .replace("{fault}", fault.unwrap_or_default())
    };
    ProcessSpec {
        program: program.to_owned(),
        args: service.args.iter().chain(fault_args).map(fill).collect(),
        env: vec![(service.key_env.clone(), key.to_owned())],
        folder: None,
        log_folder: folder.join("logs").join(version),
        readiness: Readiness::Http {
            path: service.ready.clone(),
        },
        ready_within: READY_WITHIN,
    }
}

async fn place_proxy(
    repository: &Repository,
    folder: &Path,
    port: u16,
    stable: SocketAddr,
) -> Result<(Placed, SocketAddr), Failure> {
    let loopback = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let file = ProxyFile {
        listen: loopback(port),
        control_listen: loopback(0),
        stable,
        token_file: folder.join("proxy.token"),
    };
    let config = folder.join("proxy.json");
    let text = serde_json::to_vec_pretty(&file).expect("the proxy's settings are JSON");
    write_atomic(&config, &text).map_err(Failure::environment)?;
    let spec = ProcessSpec {
        program: repository.executable()?,
        args: vec![
            "internal".into(),
            "proxy".into(),
            "--config".into(),
            config.display().to_string(),
        ],
        env: Vec::new(),
        folder: None,
        log_folder: folder.join("logs/proxy"),
        readiness: Readiness::Line {
            key: "address".to_owned(),
        },
        ready_within: READY_WITHIN,
    };
    let placed = place(&spec, None).await?;
    let said = fs::read_to_string(placed.logs.join("stdout.log"))
        .context("cannot read the output of the proxy")?;
    let line = said
        .lines()
        .find_map(|line| serde_json::from_str::<ReadyLine>(line).ok());
    let line = line.context("cannot find the proxy's addresses in its output")?;
    Ok((placed, line.control))
}
