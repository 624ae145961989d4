//! Debian's Swift 6 compiler in a folder of its own: fetched by apt with its own state and the
//! mirror of the machine, unpacked by dpkg, entered by chroot. Nothing of the machine is changed.
//!
//! Each step leaves a mark, so that an interrupted run continues where it ended.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::apt::{Apt, KEYRINGS, PACKAGES, Package, RELEASE, mirror};
use super::effects::{run, write};
use tollgate::{Failure, Output};
use tollgate_proof::toolchains::swift::{
    COMPLETE, Compiler, ROOT, folder, of_folder, of_machine, unshare_flags, version,
};

/// The list of packages that are unpacked.
const UNPACKED: &str = "unpacked";

const SMOKE: &str = "import Foundation\n#if canImport(FoundationNetworking)\nimport FoundationNetworking\n#endif\nprint(URLRequest(url: URL(string: \"http://localhost/\")!).httpMethod ?? \"\")\n";

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The folder; by default that of the environment or of the user's cache.
    pub folder: Option<PathBuf>,
    /// Only report what would be done.
    pub is_dry_run: bool,
}

/// Makes a Swift 6 compiler available; absent only in a dry run.
///
/// # Errors
/// The machine can't: no apt, no right to mount, no disk, no network.
pub fn install(output: &Output, plan: &Plan) -> Result<Option<Compiler>, Failure> {
    if let Some(toolchain) = of_machine() {
        return Ok(Some(toolchain));
    }
    let folder = folder(plan.folder.as_deref()).ok_or_else(|| {
        Failure::environment(anyhow::anyhow!(
            "no folder for Swift: neither `HOME` nor `XDG_CACHE_HOME` is set"
        ))
        .hint("name one: `{tollgate} swift --folder DIR`")
    })?;
    if let Some(toolchain) = of_folder(&folder) {
        // A machine that was moved or stripped since may not be able to enter it any more.
        check_machine()?;
        if let Some(version) = version(toolchain.command("swiftc", &folder)) {
            return Ok(Some(Compiler::unpacked(&folder, version)));
        }
        output.progress("what is unpacked does not start; the missing parts are unpacked again");
    }
    check_machine()?;
    if plan.is_dry_run {
        output.line(format!(
            "would fetch {} of Debian {RELEASE} from {} (about 560 MB) and unpack it into {} (2.5 GB)",
            PACKAGES.join(" "),
            mirror(),
            folder.display()
        ));
        return Ok(None);
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the folder `{}`", folder.display()))?;
    let lock = fs::File::create(folder.join("lock"))?;
    if lock.try_lock().is_err() {
        output.progress("another process is unpacking into this folder; waiting for it");
        lock.lock()?;
        if let Some(toolchain) = of_folder(&folder) {
            return Ok(Some(toolchain));
        }
    }
    // From here on a mark of completion would lie until the end.
    remove_if_there(&folder.join(COMPLETE))?;
    let apt = Apt::new(&folder)?;
    let packages = apt.plan(output)?;
    apt.download(output, &packages)?;
    unpack(output, &folder, &packages)?;
    finish(output, &folder).map(Some)
}

/// Refuses, with what to do, a machine on which this can't work.
fn check_machine() -> Result<(), Failure> {
    let refuse = |what: String, hint: &str| {
        Err(
            Failure::environment(anyhow::anyhow!("cannot install Swift: {what}"))
                .hint(hint.to_owned()),
        )
    };
    if cfg!(target_os = "macos") {
        return refuse(
            "there is no `swiftc` of version 6 in `PATH`".into(),
            "install Xcode 16, or its command line tools: `xcode-select --install`",
        );
    }
    if !cfg!(target_os = "linux") {
        return refuse(
            "this system has neither `swiftc` of version 6 in `PATH` nor apt".into(),
            "install Swift 6 by https://www.swift.org/install, so that `swiftc` is in `PATH`",
        );
    }
    for program in ["apt-get", "dpkg", "chroot", "unshare", "mount", "df"] {
        if run(Command::new(program).arg("--version")).is_err() {
            return refuse(
                format!("`{program}` is missing, and `swiftc` of version 6 is not in `PATH`"),
                "install Swift 6 by https://www.swift.org/install, so that `swiftc` is in `PATH`",
            );
        }
    }
    let mut probe = Command::new("unshare");
    probe.args(unshare_flags()).args([
        "sh",
        "-c",
        "mount --bind /dev/null /dev/null && chroot / true",
    ]);
    if let Err(error) = run(&mut probe) {
        return refuse(
            format!("this user may not mount and chroot ({error:#})"),
            "run it as root, allow user namespaces, or in a container give it `--privileged`; \
             or install Swift 6 by https://www.swift.org/install",
        );
    }
    if !KEYRINGS.iter().any(|keyring| Path::new(keyring).is_file()) {
        return refuse(
            "the keys of Debian are missing, so its packages can't be trusted".into(),
            "install them: `apt-get install -y debian-archive-keyring`",
        );
    }
    Ok(())
}

/// Unpacks the packages that are not unpacked yet.
fn unpack(output: &Output, folder: &Path, packages: &[Package]) -> Result<(), Failure> {
    let root = folder.join(ROOT);
    for name in ["bin", "sbin", "lib", "lib64"] {
        // Debian has these as links since trixie; dpkg -x does not make them.
        fs::create_dir_all(root.join("usr").join(name))?;
        link(&format!("usr/{name}"), &root.join(name))?;
    }
    for name in ["proc", "dev", "tmp"] {
        fs::create_dir_all(root.join(name))?;
    }
    for name in ["dev/null", "dev/urandom"] {
        // Only places to mount upon.
        fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(root.join(name))?;
    }
    let marks = folder.join(UNPACKED);
    let is_started = root.join("usr/bin/swiftc").exists();
    let done = match is_started {
        true => fs::read_to_string(&marks).unwrap_or_default(),
        false => String::new(),
    };
    let done: BTreeSet<&str> = done.lines().collect();
    let mut marks = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(&marks)?;
    let bar = output.bar("unpack");
    for (index, package) in packages.iter().enumerate() {
        if done.contains(package.file.as_str()) {
            continue;
        }
        bar.message(&format!("{} of {}", index + 1, packages.len()));
        if package.size_bytes > 50_000_000 {
            bar.line(&format!(
                "unpacking {} ({} MB)",
                package.file,
                package.size_bytes / 1_000_000
            ));
        }
        let file = folder.join("apt/archives").join(&package.file);
        run(Command::new("dpkg").arg("-x").arg(&file).arg(&root)).map_err(|error| {
            Failure::environment(error).hint("run it again; if it fails again, delete the folder")
        })?;
        writeln!(marks, "{}", package.file)?;
    }
    bar.finish();
    Ok(())
}

/// Compiles and runs a program, then leaves the mark of completion and removes the packages.
fn finish(output: &Output, folder: &Path) -> Result<Compiler, Failure> {
    let mut toolchain = Compiler::unpacked(folder, String::new());
    output.progress("compiling a first program");
    let smoke = folder.join("smoke");
    fs::create_dir_all(&smoke)?;
    fs::write(smoke.join("smoke.swift"), SMOKE)?;
    run(toolchain.command("swiftc", &smoke).args([
        "-swift-version",
        "6",
        "smoke.swift",
        "-o",
        "smoke",
    ]))
    .context("cannot compile a first program with what was unpacked")?;
    let said = run(&mut toolchain.command(smoke.join("smoke"), &smoke))
        .context("cannot run a first program with what was unpacked")?;
    if said.trim() != "GET" {
        return Err(Failure::environment(anyhow::anyhow!(
            "the first program printed `{}`, not `GET`",
            said.trim()
        )));
    }
    toolchain.version = version(toolchain.command("swiftc", folder))
        .context("ask the compiler that was unpacked for its version")?;
    write(
        &folder.join(COMPLETE),
        format!("{}\n", toolchain.version).as_bytes(),
    )?;
    fs::remove_dir_all(&smoke)?;
    fs::remove_dir_all(folder.join("apt"))?;
    remove_if_there(&folder.join(UNPACKED))?;
    Ok(toolchain)
}

fn remove_if_there(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result<(), Failure> {
    match std::os::unix::fs::symlink(to, at) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn link(_to: &str, _at: &Path) -> Result<(), Failure> {
    Ok(())
}
