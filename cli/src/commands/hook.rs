//! The git hook that runs tier 0 before each commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tollgate_report::write_atomic;

use crate::context::Context;
use crate::failure::Failure;
use crate::program::Program;

/// How every hook of ours begins, whichever name the program has in it.
const OURS: &str = "#!/bin/sh\n# Installed by `";

/// The hook: it calls the program by the name it was called by now. Where the name is not in `PATH`
/// at commit time, such as in a graphical client, it is looked for in `folder`.
fn text(program: Program, folder: &Path) -> String {
    let name = program.name;
    let search = program.binary.map_or_else(String::new, |binary| {
        let folder = folder.display().to_string().replace('\'', "'\\''");
        format!("command -v {binary} >/dev/null 2>&1 || PATH=\"$PATH\":'{folder}'\n")
    });
    format!("{OURS}{name} setup --hook`.\n{search}exec {name} tier0 --staged\n")
}

/// Writes `pre-commit`, unless a hook of somebody else is there.
pub fn install(context: &Context, is_dry_run: bool) -> Result<(), Failure> {
    let path = hooks_folder(context)?.join("pre-commit");
    let hook = text(context.program, context.exe_folder());
    match fs::read_to_string(&path) {
        Ok(text) if text == hook => {
            context
                .output
                .line("the pre-commit hook is already installed");
            return Ok(());
        }
        Ok(text) if !text.starts_with(OURS) => {
            return Err(Failure::environment(anyhow::anyhow!(
                "cannot install the hook: `{}` exists and was not written by `setup --hook`",
                path.display()
            ))
            .hint("add `{tollgate} tier0 --staged` to it, or move it away"));
        }
        Ok(_) | Err(_) => {}
    }
    if is_dry_run {
        context
            .output
            .line(format!("would write {}", path.display()));
        return Ok(());
    }
    write_atomic(&path, hook.as_bytes()).map_err(Failure::environment)?;
    make_executable(&path)?;
    context.output.line(format!("wrote {}", path.display()));
    Ok(())
}

fn hooks_folder(context: &Context) -> Result<PathBuf, Failure> {
    let output = Command::new("git")
        .current_dir(&context.root)
        .args(["rev-parse", "--git-path", "hooks"])
        .output();
    let folder = output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    folder
        .map(|folder| context.root.join(folder))
        .ok_or_else(|| {
            Failure::environment(anyhow::anyhow!(
                "cannot install the hook: `{}` is not a git repository",
                context.root.display()
            ))
        })
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_calls_the_program_as_it_was_called() {
        let folder = Path::new("/opt/it's here");
        assert_eq!(
            text(Program::TOLLGATE, folder),
            "#!/bin/sh\n# Installed by `tollgate setup --hook`.\n\
             command -v tollgate >/dev/null 2>&1 || PATH=\"$PATH\":'/opt/it'\\''s here'\n\
             exec tollgate tier0 --staged\n"
        );
        let cargo = text(Program::CARGO_TOLLGATE, folder);
        assert!(cargo.contains("command -v cargo-tollgate"), "{cargo}");
        assert!(
            cargo.ends_with("exec cargo tollgate tier0 --staged\n"),
            "{cargo}"
        );
    }
}
