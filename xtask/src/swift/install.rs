//! Debian's Swift 6 compiler in a folder of its own: fetched by apt with its own state and the
//! mirror of the machine, unpacked by dpkg, entered by chroot. Nothing of the machine is changed.
//!
//! Each step leaves a mark, so that an interrupted run goes on where it ended.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output as Finished, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use super::{Toolchain, folder, of_folder, of_machine, unshare_flags, version};
use crate::failure::Failure;
use crate::output::Output;

/// The file that says that all is there; it holds the compiler's version.
pub(super) const COMPLETE: &str = "complete";
/// The folder that is the compiler's root.
pub(super) const ROOT: &str = "root";
/// The list of packages that are unpacked.
const UNPACKED: &str = "unpacked";

const RELEASE: &str = "trixie";
const MIRROR: &str = "http://deb.debian.org/debian/";
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];
const PACKAGES: [&str; 6] = [
    "swiftlang",
    "swiftlang-dev",
    "libc6-dev",
    "libstdc++-14-dev",
    "bash",
    "coreutils",
];
/// What is unpacked and what is downloaded stand side by side until the end; measured: 2.5 GB
/// and 0.6 GB.
const DISK_MIN_BYTES: u64 = 3_300_000_000;

const SMOKE: &str = "import Foundation\n#if canImport(FoundationNetworking)\nimport FoundationNetworking\n#endif\nprint(URLRequest(url: URL(string: \"http://localhost/\")!).httpMethod ?? \"\")\n";

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The folder; by default that of the environment or of the user's cache.
    pub folder: Option<PathBuf>,
    /// Only say what would be done.
    pub is_dry_run: bool,
}

/// Makes a Swift 6 compiler available; absent only in a dry run.
///
/// # Errors
/// The machine can't: no apt, no right to mount, no disk, no network.
pub fn install(output: &Output, plan: &Plan) -> Result<Option<Toolchain>, Failure> {
    if let Some(toolchain) = of_machine() {
        return Ok(Some(toolchain));
    }
    let folder = folder(plan.folder.as_deref())?;
    if let Some(toolchain) = of_folder(&folder) {
        // A machine that was moved or stripped since may not be able to enter it any more.
        check_machine()?;
        if let Some(version) = version(toolchain.command("swiftc", &folder)) {
            return Ok(Some(Toolchain {
                version,
                ..toolchain
            }));
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
        .with_context(|| format!("make the folder `{}`", folder.display()))?;
    let lock = fs::File::create(folder.join("lock"))?;
    if lock.try_lock().is_err() {
        output.progress("another setup is at work in this folder; waiting for it");
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
        Err(Failure::environment(anyhow::anyhow!("install Swift: {what}")).hint(hint.to_owned()))
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

/// The Debian mirror that the machine's apt uses.
fn mirror() -> String {
    let mut list = Command::new("apt-get");
    list.args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(COMPONENT)",
        "Created-By: Packages",
    ]);
    let listed = run(&mut list).unwrap_or_default();
    pick_mirror(&listed).unwrap_or_else(|| MIRROR.to_owned())
}

/// The first address that ends in `/debian/` and has the component `main`.
fn pick_mirror(listed: &str) -> Option<String> {
    listed.lines().find_map(|line| {
        let (address, component) = line.split_once(' ')?;
        let is_debian = address.trim_end_matches('/').ends_with("/debian");
        (is_debian && component.trim() == "main").then(|| address.to_owned())
    })
}

/// One package file of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    file: String,
    size_bytes: u64,
}

/// apt with its own state, in a folder.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let keyring = KEYRINGS
            .iter()
            .find(|keyring| Path::new(keyring).is_file())
            .expect("the machine was checked to have Debian's keys");
        let apt = Self {
            folder: folder.join("apt"),
        };
        fs::create_dir_all(apt.folder.join("state/lists/partial"))?;
        fs::create_dir_all(apt.archives().join("partial"))?;
        fs::create_dir_all(apt.folder.join("none"))?;
        write(&apt.folder.join("status"), b"")?;
        let source = format!("deb [signed-by={keyring}] {} {RELEASE} main\n", mirror());
        write(&apt.folder.join("sources.list"), source.as_bytes())?;
        Ok(apt)
    }

    fn archives(&self) -> PathBuf {
        self.folder.join("archives")
    }

    /// `apt-get` that reads the machine's network settings and nothing else of it.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        for (key, path) in [
            ("Dir::Etc::SourceList", "sources.list"),
            ("Dir::Etc::SourceParts", "none"),
            ("Dir::Etc::Preferences", "none/preferences"),
            ("Dir::Etc::PreferencesParts", "none"),
            ("Dir::State", "state"),
            ("Dir::State::Lists", "state/lists"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "."),
            ("Dir::Cache::archives", "archives"),
        ] {
            let path = self.folder.join(path);
            command.arg("-o").arg(format!("{key}={}", path.display()));
        }
        for option in [
            "APT::Install-Recommends=false",
            "APT::Sandbox::User=root",
            "Acquire::Languages=none",
            "Acquire::Retries=3",
            "Dir::Cache::pkgcache=",
            "Dir::Cache::srcpkgcache=",
        ] {
            command.args(["-o", option]);
        }
        command
            .args(args)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        command
    }

    /// The package files that are needed.
    fn plan(&self, output: &Output) -> Result<Vec<Package>, Failure> {
        output.progress(format!("reading the list of packages of Debian {RELEASE}"));
        run(&mut self.command(&["update", "-q"])).map_err(network)?;
        let install = ["install", "-y", "--print-uris"];
        let listed = run(self.command(&install).args(PACKAGES)).map_err(network)?;
        // Those that are downloaded already are not listed, so their names are kept.
        let kept = self.folder.join("plan");
        let fresh: Vec<Package> = listed.lines().filter_map(parse_package).collect();
        let known = fs::read_to_string(&kept).unwrap_or_default();
        let known: Vec<Package> = known.lines().filter_map(parse_package).collect();
        let mut files: BTreeSet<String> = BTreeSet::new();
        let is_there = |package: &Package| self.archives().join(&package.file).is_file();
        let packages: Vec<Package> = fresh
            .into_iter()
            .chain(known.into_iter().filter(is_there))
            .filter(|package| files.insert(package.file.clone()))
            .collect();
        let lines: String = packages
            .iter()
            .map(|package| format!("'' {} {}\n", package.file, package.size_bytes))
            .collect();
        write(&kept, lines.as_bytes())?;
        self.check_disk()?;
        Ok(packages)
    }

    fn check_disk(&self) -> Result<(), Failure> {
        let mut df = Command::new("df");
        df.args(["-Pk"]).arg(&self.folder);
        let listed = run(&mut df)?;
        let free_kib = listed
            .lines()
            .nth(1)
            .and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
        let root = self.folder.with_file_name(ROOT);
        let is_begun = root.join("usr/libexec/swift").exists();
        match free_kib {
            Some(kib) if kib.saturating_mul(1024) < DISK_MIN_BYTES && !is_begun => {
                Err(Failure::environment(anyhow::anyhow!(
                    "install Swift into `{}`: {} MB are free, {} MB are needed",
                    root.display(),
                    kib / 1000,
                    DISK_MIN_BYTES / 1_000_000
                ))
                .hint("make room, or choose another folder with `--folder`"))
            }
            _ => Ok(()),
        }
    }

    fn download(&self, output: &Output, packages: &[Package]) -> Result<(), Failure> {
        let total: u64 = packages.iter().map(|package| package.size_bytes).sum();
        let mb = |bytes: u64| bytes / 1_000_000;
        output.progress(format!(
            "{} packages, {} MB to fetch, 2.5 GB when unpacked",
            packages.len(),
            mb(total)
        ));
        let install = ["install", "-y", "-q", "--download-only"];
        let mut command = self.command(&install);
        let child = command
            .args(PACKAGES)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("start `apt-get`")?;
        let bar = output.bar("download");
        let mut told = 0;
        let finished = watch(child, || {
            let here = size_of(&self.archives());
            let tenths = here * 10 / total.max(1);
            let text = format!("{} of {} MB", mb(here), mb(total));
            bar.message(&text);
            if tenths > told && !output.is_live {
                told = tenths;
                bar.line(&format!("downloaded {text}"));
            }
        })?;
        bar.finish();
        if finished.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        Err(network(anyhow::anyhow!("fetch the packages: {said}")))
    }
}

fn network(error: anyhow::Error) -> Failure {
    Failure::environment(error).hint(
        "is the network there? what is fetched already is kept: run `cargo xtask setup --swift` again",
    )
}

/// A line of `apt-get --print-uris`: `'address' file size hash`.
fn parse_package(line: &str) -> Option<Package> {
    let mut words = line.strip_prefix('\'')?.split_whitespace();
    if !line.starts_with("'' ") {
        words.next()?;
    } else {
        // The kept plan has no address.
        words = line.strip_prefix("'' ")?.split_whitespace();
    }
    let file = words.next()?.to_owned();
    let size_bytes = words.next()?.parse().ok()?;
    Path::new(&file)
        .extension()
        .is_some_and(|end| end == "deb")
        .then_some(Package { file, size_bytes })
}

/// Waits for a child and calls `tick` about each second.
fn watch(mut child: Child, mut tick: impl FnMut()) -> Result<Finished, Failure> {
    while child.try_wait()?.is_none() {
        std::thread::sleep(Duration::from_millis(500));
        tick();
    }
    Ok(child.wait_with_output()?)
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => size_of(&entry.path()),
            _ => entry.metadata().map_or(0, |data| data.len()),
        })
        .sum()
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
fn finish(output: &Output, folder: &Path) -> Result<Toolchain, Failure> {
    let mut toolchain = Toolchain {
        root: Some(folder.join(ROOT)),
        version: String::new(),
    };
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
    .context("compile a first program with what was unpacked")?;
    let said = run(&mut toolchain.command(smoke.join("smoke"), &smoke))
        .context("run a first program with what was unpacked")?;
    if said.trim() != "GET" {
        return Err(Failure::environment(anyhow::anyhow!(
            "run a first program with what was unpacked: it says `{}`, not `GET`",
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

/// Runs a command to its end; what it wrote to standard output.
fn run(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let finished = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("start `{name}`"))?;
    let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
    anyhow::ensure!(
        finished.status.success(),
        "run `{name}`: {}: {said}",
        finished.status
    );
    Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
}

fn write(path: &Path, contents: &[u8]) -> Result<(), Failure> {
    tollgate_report::write_atomic(path, contents).map_err(Failure::environment)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_own_debian_mirror_is_taken() {
        let listed = "https://packages.example/apt main\nhttp://mirror.example/debian-security/ main\n\
                      http://mirror.example/debian/ contrib\nhttp://mirror.example/debian/ main\n";
        assert_eq!(
            pick_mirror(listed).as_deref(),
            Some("http://mirror.example/debian/")
        );
        assert_eq!(pick_mirror("http://archive.example/ubuntu/ main\n"), None);
    }

    #[test]
    fn packages_are_read_from_what_apt_prints_and_from_the_kept_plan() {
        let want = Package {
            file: "bash_5.2_amd64.deb".into(),
            size_bytes: 1200,
        };
        let printed =
            "'http://mirror.example/pool/bash_5.2_amd64.deb' bash_5.2_amd64.deb 1200 SHA256:00";
        assert_eq!(parse_package(printed), Some(want.clone()));
        assert_eq!(parse_package("'' bash_5.2_amd64.deb 1200"), Some(want));
        assert_eq!(parse_package("Reading package lists..."), None);
    }
}
