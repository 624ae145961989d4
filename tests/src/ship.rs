//! A repository that ships the hub: no Cargo in it, the binaries are there already.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::http;
use crate::process;
use crate::repository::Repository;
use crate::tool::{built, drill_hub, workspace};
use crate::wait::until;

const SETTINGS: &str = include_str!("../fixtures/ship.toml");

/// The repository; whatever still runs in it ends when it is dropped.
#[derive(Debug)]
pub struct Shipyard {
    pub repository: Repository,
}

impl Shipyard {
    /// A repository with settings, the hub's contracts and measured floors.
    ///
    /// # Panics
    /// When the first floors can't be written.
    #[must_use]
    pub fn new() -> Self {
        Self::with_fault_build(&built().join("tollgate-hub"))
    }

    /// The same, with a hub that can misbehave as the fault build.
    #[must_use]
    pub fn with_drill() -> Self {
        Self::with_fault_build(&drill_hub())
    }

    fn with_fault_build(fault: &std::path::Path) -> Self {
        let settings = SETTINGS
            .replace("{hub}", &built().join("tollgate-hub").display().to_string())
            .replace("{fault_hub}", &fault.display().to_string());
        let repository = Repository::new(&[
            ("tollgate.toml", &settings),
            ("words.txt", "good\n"),
            (
                "quality_ratchet.json",
                "{ \"version\": 1, \"metrics\": {} }\n",
            ),
            (".gitignore", ".tollgate/\n/hub\n"),
        ]);
        for name in ["openapi.yaml", "asyncapi.yaml"] {
            let text = fs::read_to_string(workspace().join("contracts").join(name));
            let text = text.expect("our contracts are there");
            repository.write(&format!("contracts/{name}"), &text);
            repository.write(&format!("contracts/blessed/{name}"), &text);
        }
        repository.commit("contracts");
        Self { repository }
    }

    /// The processes that still run of what was started for this repository.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        process::left_in(self.repository.path())
    }

    /// Waits until a canary of this repository has traffic.
    ///
    /// # Panics
    /// When none gets any.
    #[must_use]
    #[track_caller]
    pub fn with_traffic(&self) -> Stage {
        until("a canary with traffic", Duration::from_secs(60), || {
            let stage = self.stage()?;
            (stage.weight()? > 0.0).then_some(stage)
        })
    }

    /// Where the parts of the only run are, once they are placed.
    #[must_use]
    pub fn stage(&self) -> Option<Stage> {
        let runs = self.repository.path().join(".tollgate/canary");
        let mut found: Vec<PathBuf> = fs::read_dir(runs)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join("stage.json").is_file())
            .collect();
        found.sort();
        let folder = found.pop()?;
        let text = fs::read_to_string(folder.join("stage.json")).ok()?;
        let stage: Value = serde_json::from_str(&text).ok()?;
        let addr = |value: &Value| value.as_str()?.parse::<SocketAddr>().ok();
        let pids = ["hub", "stable", "proxy"]
            .iter()
            .filter_map(|part| stage[part]["process"]["pid"].as_u64())
            .filter_map(|pid| u32::try_from(pid).ok())
            .collect();
        Some(Stage {
            run: stage["run"].as_str()?.to_owned(),
            token: fs::read_to_string(folder.join("proxy.token")).ok()?,
            control: addr(&stage["control"])?,
            service: addr(&stage["proxy"]["addr"])?,
            pids,
        })
    }
}

impl Default for Shipyard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Shipyard {
    fn drop(&mut self) {
        for pid in self.processes() {
            process::kill(pid);
        }
    }
}

/// A release in progress, seen from outside.
#[derive(Debug)]
pub struct Stage {
    pub run: String,
    /// Where clients find the service: the proxy.
    pub service: SocketAddr,
    /// The processes that outlive a controller.
    pub pids: Vec<u32>,
    control: SocketAddr,
    token: String,
}

impl Stage {
    /// The canary's share of the traffic in force at the proxy, 0 to 1; absent when it is away.
    #[must_use]
    pub fn weight(&self) -> Option<f64> {
        let (status, body) = http::get(self.control, "/state", Some(self.token.trim())).ok()?;
        let state: Value = serde_json::from_str(&body).ok()?;
        (status == 200).then(|| state["weight"].as_f64())?
    }

    /// Whether the service answers through the proxy.
    #[must_use]
    pub fn serves(&self) -> bool {
        http::get(self.service, "/health", None).is_ok_and(|(status, _)| status == 200)
    }
}
