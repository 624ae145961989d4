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
use tollgate_canary::proxy::{ControlClient, ReadyLine, create_token, read_token};
use tollgate_report::{Digest, Timestamp, write_atomic};

use tollgate_gates::{Failure, Repository, git};
use tollgate_process::FAMILY_ENV;

use crate::build::Binaries;
use crate::proxy::ProxyFile;
use crate::remembered::{Home, Placed, StandingRelease, candidate_mark};

/// How long a part of the stage may take to become ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);

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
    /// The binary of the stable version.
    pub stable_program: PathBuf,
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
    /// The release that serves already; the canary is compared with its version.
    pub standing: Option<&'a StandingRelease>,
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
async fn place(spec: &ProcessSpec, port: Option<u16>) -> Result<(Placed, Process), Failure> {
    let (mut process, free) = start(spec).map_err(deploy_failure)?;
    let addr = wait_ready(&mut process, spec, free.or(port))
        .await
        .map_err(deploy_failure)?;
    let placed = Placed {
        process: process.id.clone(),
        addr,
        logs: spec.log_folder.clone(),
    };
    Ok((placed, process))
}

impl Stage {
    /// Starts the hub, the stable version and the proxy. What was started is stopped again when a
    /// later part can't be.
    pub async fn start(repository: &Repository, wanted: &Wanted<'_>) -> Result<Self, Failure> {
        let folder = run_folder(repository, wanted.run);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
        for name in ["key", "proxy.token"] {
            secret(repository, wanted, &folder, name)
                .with_context(|| format!("cannot write `{}`", folder.join(name).display()))?;
        }
        let mut placed: Vec<Placed> = Vec::new();
        let stage = Self::start_parts(repository, wanted, &folder, &mut placed).await;
        if stage.is_err() {
            for part in &placed {
                if !wanted.standing.is_some_and(|release| release.owns(part)) {
                    stop(part).await;
                }
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
        let hub = place(&hub_spec(wanted, folder, &key), Some(wanted.dashboard_port))
            .await?
            .0;
        placed.push(hub.clone());
        let database = match wanted.is_ship {
            true => folder.join(format!("{}.db", service.name)),
            false => Home::of(repository).database(&service.name),
        };
        let (stable, proxy, control) = match wanted.standing {
            Some(release) => (
                release.current.placed.clone(),
                release.proxy.clone(),
                release.control,
            ),
            None => {
                let stable_spec = version_spec(
                    repository,
                    folder,
                    ("stable", &wanted.binaries.stable),
                    &database,
                    &key,
                    None,
                );
                let stable = place(&stable_spec, None).await?.0;
                placed.push(stable.clone());
                let ((proxy, _), control) =
                    place_proxy(repository, folder, wanted, stable.addr).await?;
                placed.push(proxy.clone());
                (stable, proxy, control)
            }
        };
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
            stable_identity: match wanted.standing {
                Some(release) => Identity {
                    label: release.current.label.clone(),
                    digest: release.current.digest.clone(),
                },
                None => identity("stable", &wanted.binaries.stable)?,
            },
            stable_program: wanted.binaries.stable.clone(),
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
        let outer = std::env::var(FAMILY_ENV).unwrap_or_default();
        let mark = candidate_mark(&self.run);
        let mut env = spec.env;
        env.push((FAMILY_ENV.to_owned(), format!("{outer},{mark}")));
        Ok(ProcessSpec {
            ready_within: canary.ready_within.0,
            env,
            ..spec
        })
    }

    /// Stops the proxy, the stable version and the hub, in this order, except what a standing
    /// release needs; returns how many still ran.
    pub async fn clear(&self, repository: &Repository) -> usize {
        let standing = Home::of(repository).load().ok().flatten();
        let mut n_stopped = 0;
        for part in [&self.proxy, &self.stable, &self.hub] {
            if !standing.as_ref().is_some_and(|release| release.owns(part)) {
                n_stopped += usize::from(stop(part).await);
            }
        }
        n_stopped
    }
}

/// Writes a secret of the run: that of the service's release, or a new one for a ship.
fn secret(
    repository: &Repository,
    wanted: &Wanted<'_>,
    folder: &Path,
    name: &str,
) -> std::io::Result<()> {
    if wanted.is_ship {
        return create_token(&folder.join(name));
    }
    let kept = Home::of(repository).folder().join(name);
    if !kept.is_file() {
        create_token(&kept)?;
    }
    // A copy keeps the permissions of its owner only.
    fs::copy(&kept, folder.join(name)).map(|_| ())
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
    wanted: &Wanted<'_>,
    stable: SocketAddr,
) -> Result<((Placed, Process), SocketAddr), Failure> {
    let loopback = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let home = Home::of(repository);
    let is_standing = !wanted.is_ship;
    let folder = if is_standing { home.folder() } else { folder };
    let file = ProxyFile {
        listen: loopback(wanted.port),
        control_listen: loopback(0),
        stable,
        token_file: folder.join("proxy.token"),
        supervised: is_standing,
    };
    start_proxy(repository, folder, &file).await
}

/// The proxy of a standing release again, at its addresses.
pub async fn restart_proxy(
    repository: &Repository,
    home: &Home,
    release: &StandingRelease,
    stable: SocketAddr,
) -> Result<(Placed, Process), Failure> {
    let file = ProxyFile {
        listen: release.proxy.addr,
        control_listen: release.control,
        stable,
        token_file: home.token_file(),
        supervised: true,
    };
    Ok(start_proxy(repository, home.folder(), &file).await?.0)
}

async fn start_proxy(
    repository: &Repository,
    folder: &Path,
    file: &ProxyFile,
) -> Result<((Placed, Process), SocketAddr), Failure> {
    let config = folder.join("proxy.json");
    let text = serde_json::to_vec_pretty(file).expect("the proxy's settings are JSON");
    write_atomic(&config, &text).map_err(Failure::environment)?;
    let mut args = vec!["internal".into(), "proxy".into(), "--config".into()];
    args.push(config.display().to_string());
    let kept = Home::of(repository).settings_file();
    if file.supervised && kept.is_file() {
        args.extend(["--settings".into(), kept.display().to_string()]);
    }
    let spec = ProcessSpec {
        program: repository.executable()?,
        args,
        env: Vec::new(),
        folder: None,
        log_folder: folder.join("logs/proxy"),
        readiness: Readiness::Line {
            key: "address".to_owned(),
        },
        ready_within: READY_WITHIN,
    };
    // The line with the addresses is that of this start; an earlier one is absent as a rule.
    let _ = fs::remove_file(spec.log_folder.join("stdout.log"));
    let (placed, process) = place(&spec, None).await?;
    let said = fs::read_to_string(placed.logs.join("stdout.log"))
        .context("cannot read the output of the proxy")?;
    let line = said
        .lines()
        .find_map(|line| serde_json::from_str::<ReadyLine>(line).ok());
    let line = line.context("cannot find the proxy's addresses in its output")?;
    Ok(((placed, process), line.control))
}
