//! The steps of a tier when `tollgate.toml` names none, chosen by the files in the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::builtin::Builtin;
use crate::settings::{StepSettings, Tier};

/// The files that decide which steps there are by default. `contracts` is a folder.
pub const MANIFESTS: [&str; 9] = [
    "Cargo.toml",
    "deny.toml",
    "package.json",
    "pnpm-lock.yaml",
    "yarn.lock",
    "bun.lock",
    "package-lock.json",
    "pyproject.toml",
    "Package.swift",
];

/// What a repository has of the [`MANIFESTS`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifests {
    /// Those that exist.
    pub names: BTreeSet<String>,
    /// The text of `package.json`.
    pub package: String,
    /// Whether there is a folder `contracts`.
    pub has_contracts: bool,
    /// Whether there are committed floors.
    pub has_floors: bool,
}

impl Manifests {
    /// Those of the repository at `root`, with its floors in `floors`.
    #[must_use]
    pub fn read(root: &Path, floors: &str) -> Self {
        let exists = |name: &&str| root.join(name).is_file();
        let names = MANIFESTS.iter().copied().filter(exists).map(str::to_owned);
        Self {
            names: names.collect(),
            package: fs::read_to_string(root.join("package.json")).unwrap_or_default(),
            has_contracts: root.join("contracts").is_dir(),
            has_floors: root.join(floors).is_file(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Default steps of a tier; empty when nothing is recognised.
    #[must_use]
    pub fn steps(&self, tier: Tier) -> Vec<StepSettings> {
        let mut steps = Vec::new();
        if self.has("Cargo.toml") {
            rust_steps(self, tier, &mut steps);
        }
        if self.has_contracts {
            contract_steps(tier, &mut steps);
        }
        if matches!(tier, Tier::Tier0 | Tier::Tier1) {
            node_steps(self, &mut steps);
            python_steps(self, &mut steps);
            swift_steps(self, tier, &mut steps);
        }
        if tier == Tier::Tier1 && self.has_floors {
            ratchet_step(&mut steps);
        }
        steps
    }
}

/// Default steps of a tier for the repository at `root`; empty when nothing is recognised.
#[must_use]
pub fn steps(root: &Path, tier: Tier, floors: &str) -> Vec<StepSettings> {
    Manifests::read(root, floors).steps(tier)
}

/// Committed floors hold from the pull request on, after the steps that write reports.
fn ratchet_step(steps: &mut Vec<StepSettings>) {
    let is_test =
        |step: &&StepSettings| step.builtin == Some(Builtin::Test) || step.name.ends_with("-test");
    let name = |step: &StepSettings| match step.builtin {
        Some(builtin) => builtin.word().to_owned(),
        None => step.name.clone(),
    };
    let needs = steps.iter().filter(is_test).map(name).collect();
    steps.push(StepSettings {
        needs,
        ..builtin(Builtin::Ratchet)
    });
}

fn builtin(builtin: Builtin) -> StepSettings {
    StepSettings {
        builtin: Some(builtin),
        ..StepSettings::default()
    }
}

fn rust_steps(root: &Manifests, tier: Tier, steps: &mut Vec<StepSettings>) {
    match tier {
        Tier::Tier0 => steps.extend([Builtin::Fmt, Builtin::Lint, Builtin::Test].map(builtin)),
        Tier::Tier1 => {
            steps.extend([Builtin::Fmt, Builtin::Lint, Builtin::Test].map(builtin));
        }
        Tier::Tier2 => {
            steps.push(builtin(Builtin::Test));
            steps.push(StepSettings {
                optional: true,
                needs: vec!["test".to_owned()],
                ..builtin(Builtin::Mutation)
            });
        }
        Tier::Tier3 => {
            if root.has("deny.toml") {
                steps.push(builtin(Builtin::Audit));
            }
            steps.push(builtin(Builtin::Mutation));
        }
    }
}

fn contract_steps(tier: Tier, steps: &mut Vec<StepSettings>) {
    match tier {
        Tier::Tier0 => steps.extend([Builtin::Contract, Builtin::Drift].map(builtin)),
        Tier::Tier1 => {
            steps.extend([Builtin::Contract, Builtin::Drift, Builtin::ContractDiff].map(builtin))
        }
        Tier::Tier2 | Tier::Tier3 => {}
    }
}

fn command(name: &str, words: &[&str], inputs: &[&str]) -> StepSettings {
    StepSettings {
        name: name.to_owned(),
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        inputs: inputs.iter().map(|glob| (*glob).to_owned()).collect(),
        ..StepSettings::default()
    }
}

fn node_steps(root: &Manifests, steps: &mut Vec<StepSettings>) {
    let Ok(package) = serde_json::from_str::<serde_json::Value>(&root.package) else {
        return;
    };
    for script in ["lint", "typecheck", "test"] {
        if package["scripts"][script].is_string() {
            let manager = node_manager(root, &package);
            let mut step = command(&format!("node-{script}"), &[manager, "run", script], &[]);
            let version = |tool: &str| vec![tool.to_owned(), "--version".to_owned()];
            step.tools = vec![version("node"), version(manager)];
            steps.push(step);
        }
    }
}

/// The package manager that the project names, or whose lock file it has.
fn node_manager(root: &Manifests, package: &serde_json::Value) -> &'static str {
    const LOCKS: [(&str, &str); 4] = [
        ("pnpm", "pnpm-lock.yaml"),
        ("yarn", "yarn.lock"),
        ("bun", "bun.lock"),
        ("npm", "package-lock.json"),
    ];
    let named = package["packageManager"].as_str().unwrap_or_default();
    let by_name = LOCKS.iter().find(|(name, _)| named.starts_with(name));
    let by_lock = LOCKS.iter().find(|(_, lock)| root.has(lock));
    by_name.or(by_lock).map_or("npm", |(name, _)| name)
}

fn python_steps(root: &Manifests, steps: &mut Vec<StepSettings>) {
    if !root.has("pyproject.toml") {
        return;
    }
    let lint_inputs = ["**/*.py", "**/*.pyi", "pyproject.toml", "ruff.toml"];
    let mut lint = command("python-lint", &["ruff", "check", "."], &lint_inputs);
    lint.tools = vec![vec!["ruff".to_owned(), "--version".to_owned()]];
    let mut test = command("python-test", &["pytest", "-q"], &[]);
    test.tools = vec![vec!["pytest".to_owned(), "--version".to_owned()]];
    steps.extend([lint, test]);
}

fn swift_steps(root: &Manifests, tier: Tier, steps: &mut Vec<StepSettings>) {
    if !root.has("Package.swift") {
        return;
    }
    let inputs = ["**/*.swift", "Package.resolved"];
    let mut build = command("swift-build", &["swift", "build"], &inputs);
    build.tools = vec![vec!["swift".to_owned(), "--version".to_owned()]];
    let mut test = command("swift-test", &["swift", "test"], &[]);
    test.tools.clone_from(&build.tools);
    test.optional = tier == Tier::Tier0;
    test.needs = vec![build.name.clone()];
    steps.extend([build, test]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[(&str, &str)], tier: Tier) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        steps(folder.path(), tier, "quality_ratchet.json")
            .into_iter()
            .map(|step| match step.builtin {
                Some(builtin) => builtin.word().to_owned(),
                None => step.name,
            })
            .collect()
    }

    #[test]
    fn what_the_repository_holds_decides_the_steps() {
        let rust = [("Cargo.toml", ""), ("contracts/openapi.yaml", "")];
        assert_eq!(
            names(&rust, Tier::Tier0),
            ["fmt", "lint", "test", "contract", "drift"]
        );
        let mixed = [
            ("package.json", r#"{"scripts":{"test":"vitest"}}"#),
            ("pyproject.toml", ""),
            ("Package.swift", ""),
        ];
        assert_eq!(
            names(&mixed, Tier::Tier1),
            [
                "node-test",
                "python-lint",
                "python-test",
                "swift-build",
                "swift-test"
            ]
        );
        assert!(names(&[("README.md", "")], Tier::Tier0).is_empty());
        let floors = [("Cargo.toml", ""), ("quality_ratchet.json", "{}")];
        assert_eq!(
            names(&floors, Tier::Tier1),
            ["fmt", "lint", "test", "ratchet"]
        );
    }

    #[test]
    fn the_package_manager_is_the_one_whose_lock_file_is_there() {
        let manager = |files: &[&str], package: serde_json::Value| {
            let folder = tempfile::tempdir().unwrap();
            for path in files {
                fs::write(folder.path().join(path), "").unwrap();
            }
            node_manager(&Manifests::read(folder.path(), "floors"), &package)
        };
        let none = || serde_json::json!({});
        assert_eq!(manager(&[], none()), "npm");
        assert_eq!(manager(&["pnpm-lock.yaml"], none()), "pnpm");
        assert_eq!(manager(&["yarn.lock"], none()), "yarn");
        let named = serde_json::json!({"packageManager": "yarn@4.1.0"});
        assert_eq!(manager(&["package-lock.json"], named), "yarn");
    }
}
