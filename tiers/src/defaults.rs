//! The steps of a tier when `tollgate.toml` names none, chosen by the files in the repository.

use std::fs;
use std::path::Path;

use crate::builtin::Builtin;
use crate::settings::{StepSettings, Tier};

/// Default steps of a tier for the repository at `root`; empty when nothing is recognised.
#[must_use]
pub fn steps(root: &Path, tier: Tier, floors: &str) -> Vec<StepSettings> {
    let mut steps = Vec::new();
    if root.join("Cargo.toml").is_file() {
        rust_steps(root, tier, &mut steps);
    }
    if root.join("contracts").is_dir() {
        contract_steps(tier, &mut steps);
    }
    if matches!(tier, Tier::Tier0 | Tier::Tier1) {
        node_steps(root, &mut steps);
        python_steps(root, &mut steps);
        swift_steps(root, tier, &mut steps);
    }
    if tier == Tier::Tier1 && root.join(floors).is_file() {
        ratchet_step(&mut steps);
    }
    steps
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

fn rust_steps(root: &Path, tier: Tier, steps: &mut Vec<StepSettings>) {
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
            if root.join("deny.toml").is_file() {
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

fn node_steps(root: &Path, steps: &mut Vec<StepSettings>) {
    let Ok(text) = fs::read(root.join("package.json")) else {
        return;
    };
    let Ok(package) = serde_json::from_slice::<serde_json::Value>(&text) else {
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
fn node_manager(root: &Path, package: &serde_json::Value) -> &'static str {
    const LOCKS: [(&str, &str); 4] = [
        ("pnpm", "pnpm-lock.yaml"),
        ("yarn", "yarn.lock"),
        ("bun", "bun.lock"),
        ("npm", "package-lock.json"),
    ];
    let named = package["packageManager"].as_str().unwrap_or_default();
    let by_name = LOCKS.iter().find(|(name, _)| named.starts_with(name));
    let by_lock = LOCKS.iter().find(|(_, lock)| root.join(lock).is_file());
    by_name.or(by_lock).map_or("npm", |(name, _)| name)
}

fn python_steps(root: &Path, steps: &mut Vec<StepSettings>) {
    if !root.join("pyproject.toml").is_file() {
        return;
    }
    let lint_inputs = ["**/*.py", "**/*.pyi", "pyproject.toml", "ruff.toml"];
    let mut lint = command("python-lint", &["ruff", "check", "."], &lint_inputs);
    lint.tools = vec![vec!["ruff".to_owned(), "--version".to_owned()]];
    let mut test = command("python-test", &["pytest", "-q"], &[]);
    test.tools = vec![vec!["pytest".to_owned(), "--version".to_owned()]];
    steps.extend([lint, test]);
}

fn swift_steps(root: &Path, tier: Tier, steps: &mut Vec<StepSettings>) {
    if !root.join("Package.swift").is_file() {
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
            node_manager(folder.path(), &package)
        };
        let none = || serde_json::json!({});
        assert_eq!(manager(&[], none()), "npm");
        assert_eq!(manager(&["pnpm-lock.yaml"], none()), "pnpm");
        assert_eq!(manager(&["yarn.lock"], none()), "yarn");
        let named = serde_json::json!({"packageManager": "yarn@4.1.0"});
        assert_eq!(manager(&["package-lock.json"], named), "yarn");
    }
}
