//! The canary gate: the verdict that the events of a canary lead to.

use std::path::PathBuf;

use anyhow::Context as _;
use tollgate_canary::replay;
use tollgate_canary::report::verdict;
use tollgate_report::{Verdict, write_atomic};

use crate::failure::Failure;
use crate::gate::{Gate, NoSettings};

/// The canary gate; its input is the events file of a run.
#[derive(Debug)]
pub struct Canary;

impl Gate for Canary {
    const NAMES: &'static [&'static str] = &["canary"];
    const INPUT: &'static str = "events";
    type Inputs = Vec<u8>;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        Ok(bytes.to_vec())
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        let folder = temporary_folder()?;
        let path = folder.join("events.ndjson");
        write_atomic(&path, inputs).map_err(Failure::environment)?;
        let replayed = replay::replay(&path, None).map_err(Failure::settings);
        // The folder is ours and of no use after this.
        let _ = std::fs::remove_dir_all(&folder);
        Ok(verdict(&replayed?.state))
    }
}

fn temporary_folder() -> Result<PathBuf, Failure> {
    let folder = std::env::temp_dir().join(format!("tollgate-replay-{}", std::process::id()));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    Ok(folder)
}
