//! Git's merge driver for the floors file: its command in the configuration of the clone, and the
//! attribute that names it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tollgate_report::write_atomic;

use crate::context::Context;
use crate::failure::Failure;
use crate::program::Program;

/// The name of the driver in git's configuration and attributes.
const NAME: &str = "tollgate-ratchet";

/// Where the attribute is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes {
    /// `.gitattributes`, which is committed and reaches every clone.
    Committed,
    /// `info/attributes` of the clone, which changes no file of the user's.
    OfClone,
}

/// Installs the driver; what is there already stays. In a folder that is not a git repository,
/// nothing is done.
pub fn install(context: &Context, place: Attributes, is_dry_run: bool) -> Result<(), Failure> {
    let Some(of_clone) = git(
        &context.root,
        &["rev-parse", "--git-path", "info/attributes"],
    ) else {
        return Ok(());
    };
    let command = command(context.program, context.exe_folder());
    let key = format!("merge.{NAME}.driver");
    if git(&context.root, &["config", "--get", &key]).as_deref() != Some(command.as_str()) {
        if is_dry_run {
            context
                .output
                .line(format!("would set {key} in git's configuration"));
        } else {
            configure(&context.root, &key, &command)?;
            let name = format!("merge.{NAME}.name");
            configure(&context.root, &name, "the stricter floor of both sides")?;
            context
                .output
                .line(format!("set {key} in git's configuration"));
        }
    }
    let line = format!("{} merge={NAME}", context.settings.ratchet.file);
    let committed = context.root.join(".gitattributes");
    let of_clone = context.root.join(of_clone);
    if has_line(&committed, &line) || (place == Attributes::OfClone && has_line(&of_clone, &line)) {
        return Ok(());
    }
    let path = match place {
        Attributes::Committed => committed,
        Attributes::OfClone => of_clone,
    };
    add_line(context, &path, &line, is_dry_run)
}

/// The driver's command. Git runs it by a shell; where the program is not in `PATH`, as in a
/// graphical client, it is searched in `folder`.
fn command(program: Program, folder: &Path) -> String {
    let search = program.binary.map_or_else(String::new, |binary| {
        let folder = folder.display().to_string().replace('\'', "'\\''");
        // A percent sign begins a placeholder of git.
        let folder = folder.replace('%', "%%");
        format!("command -v {binary} >/dev/null 2>&1 || PATH=\"$PATH\":'{folder}'; ")
    });
    format!("{search}{} ratchet merge %O %A %B", program.name)
}

fn has_line(path: &PathBuf, line: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.lines().any(|known| known.trim() == line))
}

fn add_line(context: &Context, path: &Path, line: &str, is_dry_run: bool) -> Result<(), Failure> {
    let shown = path.strip_prefix(&context.root).unwrap_or(path).display();
    if is_dry_run {
        context
            .output
            .line(format!("would add `{line}` to {shown}"));
        return Ok(());
    }
    let mut text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => {
            let error = anyhow::Error::new(error);
            return Err(Failure::environment(
                error.context(format!("cannot read `{shown}`")),
            ));
        }
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("{line}\n"));
    write_atomic(path, text.as_bytes()).map_err(Failure::environment)?;
    context.output.line(format!("added `{line}` to {shown}"));
    Ok(())
}

fn configure(root: &Path, key: &str, value: &str) -> Result<(), Failure> {
    git(root, &["config", key, value])
        .map(|_| ())
        .ok_or_else(|| {
            Failure::environment(anyhow::anyhow!("cannot set `{key}` in git's configuration"))
        })
}

fn git(root: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(words)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_found_without_the_program_in_path() {
        let folder = Path::new("/opt/it's 5%");
        assert_eq!(
            command(Program::TOLLGATE, folder),
            "command -v tollgate >/dev/null 2>&1 || PATH=\"$PATH\":'/opt/it'\\''s 5%%'; tollgate ratchet merge %O %A %B"
        );
    }
}
