//! apt with its own state in a folder, and the mirror of the machine: it lists and fetches packages.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output as Finished, Stdio};
use std::time::Duration;

use anyhow::Context as _;

use super::effects::{run, write};
use tollgate::{Failure, Output};
use tollgate_proof::toolchains::swift::ROOT;

pub(super) const RELEASE: &str = "trixie";
const MIRROR: &str = "http://deb.debian.org/debian/";
pub(super) const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];
pub(super) const PACKAGES: [&str; 6] = [
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

/// The Debian mirror that the machine's apt uses.
pub(super) fn mirror() -> String {
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
pub(super) struct Package {
    pub(super) file: String,
    pub(super) size_bytes: u64,
}

/// apt with its own state, in a folder.
pub(super) struct Apt {
    folder: PathBuf,
}

impl Apt {
    pub(super) fn new(folder: &Path) -> Result<Self, Failure> {
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
    pub(super) fn plan(&self, output: &Output) -> Result<Vec<Package>, Failure> {
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
                    "cannot install Swift into `{}`: {} MB are free, {} MB are needed",
                    root.display(),
                    kib / 1000,
                    DISK_MIN_BYTES / 1_000_000
                ))
                .hint("free some space, or choose another folder with `--folder`"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn download(&self, output: &Output, packages: &[Package]) -> Result<(), Failure> {
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
            .context("cannot start `apt-get`")?;
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
        Err(network(anyhow::anyhow!(
            "cannot fetch the packages: {said}"
        )))
    }
}

fn network(error: anyhow::Error) -> Failure {
    Failure::environment(error)
        .hint("check the network and run `{tollgate} swift` again; fetched packages are kept")
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
