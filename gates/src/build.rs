//! The build gate: whether the service was built, and from which command it failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tollgate_report::{Digest, Finding, Outcome, Verdict};

use crate::failure::Failure;
use crate::gate::{Gate, NoSettings, from_json};

/// The build gate.
#[derive(Debug)]
pub struct Build;

impl Gate for Build {
    const NAMES: &'static [&'static str] = &["build"];
    const INPUT: &'static str = "build";
    type Inputs = BuildResult;
    type Settings = NoSettings;

    fn read(bytes: &[u8]) -> Result<Self::Inputs, Failure> {
        from_json("the recorded build", bytes)
    }

    fn judge(inputs: &Self::Inputs, _settings: &Self::Settings) -> Result<Verdict, Failure> {
        Ok(judge(inputs))
    }
}

/// How a build ended: all that its verdict depends on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildResult {
    /// The commands that ran.
    pub commands: Vec<Vec<String>>,
    /// Exit status of the command that failed; absent when all passed.
    pub failed: Option<FailedBuild>,
    /// Digest of each binary by version.
    pub binaries: BTreeMap<String, Digest>,
}

/// The command that failed and the last lines it wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedBuild {
    pub command: Vec<String>,
    pub status: String,
    pub last_lines: Vec<String>,
}

/// The verdict over a build. Pure.
pub fn judge(result: &BuildResult) -> Verdict {
    match &result.failed {
        Some(failed) => {
            let command = failed.command.join(" ");
            let finding = Finding::error(
                "build-failed",
                format!("`{command}` ended with {}", failed.status),
            )
            .because(failed.last_lines.join("\n"))
            .fix_command("fix what the compiler reports", command);
            Verdict::from_findings(vec![finding], "")
        }
        None => {
            let binaries: Vec<String> = result
                .binaries
                .iter()
                .map(|(version, digest)| format!("{version} {}", digest.short()))
                .collect();
            Verdict::new(Outcome::Pass, format!("built {}", binaries.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_build_names_its_command_and_shows_its_last_lines() {
        let failed = FailedBuild {
            command: vec!["cargo".into(), "build".into()],
            status: "exit status: 101".into(),
            last_lines: vec!["error[E0425]".into()],
        };
        let result = BuildResult {
            commands: Vec::new(),
            failed: Some(failed),
            binaries: BTreeMap::new(),
        };
        let verdict = judge(&result);
        assert_eq!(verdict.outcome, Outcome::Fail);
        assert_eq!(verdict.reason, "`cargo build` ended with exit status: 101");
        assert_eq!(verdict.findings[0].why.as_deref(), Some("error[E0425]"));
    }
}
