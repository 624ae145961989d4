//! Finds the reports of the ratchet, reads them, and lists those that are missing.
//!
//! An entry of `reports` that matches nothing is a gap, never nothing: the others would show too
//! good a value.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use globset::{GlobBuilder, GlobMatcher};
use tollgate_ratchet::{GapKind, RatchetSettings, Report, ReportGap, Together, detect, read};
use tollgate_report::quantity::Span;
use tollgate_report::{Clock, Digest, Timestamp};

use crate::failure::Failure;
use crate::repository::Repository;

/// Folders that a wildcard does not enter, unless the pattern names them: state, packages, builds.
const NOT_ENTERED: [&str; 4] = [".git", ".tollgate", "node_modules", "target"];
/// A file's time may be this much older than the clock of the moment at which it was written.
const CLOCK_GRAIN: std::time::Duration = std::time::Duration::from_millis(20);

/// The reports of a run.
#[derive(Debug, Default)]
pub struct Found {
    pub together: Together,
    pub gaps: Vec<ReportGap>,
}

/// A report file, and the entry of the settings that names it.
struct File {
    entry: String,
    path: PathBuf,
}

/// Reads the reports that the settings name; `made` holds when the last run of a step began that
/// writes the file.
pub fn of_settings(
    repository: &Repository,
    made: &BTreeMap<String, Timestamp>,
) -> Result<Found, Failure> {
    let settings = &repository.settings.ratchet;
    let mut gaps = Vec::new();
    let mut files: Vec<File> = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in &settings.reports {
        let (paths, more) = matched(&repository.root, entry, settings)?;
        gaps.extend(more);
        for path in paths {
            // One file under two names is one file.
            if seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
                files.push(File {
                    entry: entry.clone(),
                    path,
                });
            }
        }
    }
    let now = repository.clock.now();
    let age_max = settings.report_age_max;
    let mut fresh = Vec::new();
    for file in files {
        match stale(&repository.root, &file, made, age_max, now) {
            Some(gap) => gaps.push(gap),
            None => fresh.push(file),
        }
    }
    let mut found = read_files(repository, &fresh)?;
    found.gaps.append(&mut gaps);
    found.gaps.sort();
    Ok(found)
}

/// Reads the reports that the command line names; each must exist.
pub fn named(repository: &Repository, reports: &[PathBuf]) -> Result<Found, Failure> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    for report in reports {
        let path = repository.here.join(report);
        let name = report.display().to_string();
        let paths = if is_pattern(&name) && !path.exists() {
            glob(&repository.here, &name)?
        } else {
            vec![path]
        };
        if paths.is_empty() {
            let text = format!("cannot read report `{name}`: no file matches");
            return Err(Failure::environment(anyhow::anyhow!(text)));
        }
        for path in paths {
            if seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
                files.push(File {
                    entry: name.clone(),
                    path,
                });
            }
        }
    }
    read_files(repository, &files)
}

/// The files of one entry, and what is missing of them.
fn matched(
    root: &Path,
    entry: &str,
    settings: &RatchetSettings,
) -> Result<(Vec<PathBuf>, Vec<ReportGap>), Failure> {
    let gap = |kind, message: String| ReportGap {
        report: entry.to_owned(),
        file: None,
        kind,
        message,
    };
    let mut paths = BTreeSet::new();
    let mut gaps = Vec::new();
    let literal = root.join(entry);
    let alternatives = if literal.is_file() {
        vec![entry.to_owned()]
    } else {
        alternatives(entry)
    };
    for name in &alternatives {
        let path = root.join(name);
        if path.is_file() {
            paths.insert(path);
        } else if is_pattern(name) {
            let matches = glob(root, name)?;
            if matches.is_empty() {
                let message = format!("no report matches `{name}`");
                gaps.push(gap(GapKind::Missing, message));
            }
            paths.extend(matches);
        } else {
            let message = format!("the report `{name}` does not exist");
            gaps.push(gap(GapKind::Missing, message));
        }
    }
    if let Some(n_wanted) = settings.report_files.get(entry)
        && paths.len() < *n_wanted
        && !paths.is_empty()
    {
        let message = format!("{} of {n_wanted} reports of `{entry}` exist", paths.len());
        gaps.push(gap(GapKind::Incomplete, message));
    }
    Ok((paths.into_iter().collect(), gaps))
}

/// The alternatives of `{a,b}`, each of which must match a file.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some(start) = pattern.find('{') else {
        return vec![pattern.to_owned()];
    };
    let (mut depth, mut from, mut parts) = (0, start + 1, Vec::new());
    for (at, letter) in pattern.char_indices().skip_while(|(at, _)| *at < start) {
        match letter {
            '{' => depth += 1,
            ',' if depth == 1 => {
                parts.push(&pattern[from..at]);
                from = at + 1;
            }
            '}' if depth == 1 => {
                parts.push(&pattern[from..at]);
                let (before, after) = (&pattern[..start], &pattern[at + 1..]);
                let whole = |part: &str| alternatives(&format!("{before}{part}{after}"));
                return parts.into_iter().flat_map(whole).collect();
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    vec![pattern.to_owned()]
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

/// The files below `root` that match, sorted.
fn glob(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, Failure> {
    let pattern = pattern.trim_start_matches("./");
    let matcher = GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| {
            let error = anyhow::Error::new(error)
                .context(format!("cannot use `{pattern}` as a pattern of reports"));
            Failure::settings(error)
                .hint("correct `reports` in the section [ratchet] of tollgate.toml")
        })?
        .compile_matcher();
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| !is_pattern(&part.as_os_str().to_string_lossy()))
        .collect();
    let mut found = Vec::new();
    walk(&root.join(&fixed), root, pattern, &matcher, &mut found);
    found.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    root: &Path,
    pattern: &str,
    matcher: &GlobMatcher,
    found: &mut Vec<PathBuf>,
) {
    // A folder that cannot be read matches nothing, which is a gap.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let is_named = |folder: &&str| name == **folder && !pattern.contains(*folder);
        // Links to folders are not followed: they may lead back.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && NOT_ENTERED.iter().any(is_named) {
            continue;
        }
        if is_folder {
            walk(&path, root, pattern, matcher, found);
        } else if path.is_file()
            && path
                .strip_prefix(root)
                .is_ok_and(|name| matcher.is_match(name))
        {
            found.push(path);
        }
    }
}

/// Why a file is not the report of the last run.
fn stale(
    root: &Path,
    file: &File,
    made: &BTreeMap<String, Timestamp>,
    age_max: Option<Span>,
    now: Timestamp,
) -> Option<ReportGap> {
    let name = relative(root, &file.path);
    let written = modified(&file.path)?;
    let gap = |message: String| ReportGap {
        report: file.entry.clone(),
        file: Some(name.clone()),
        kind: GapKind::Stale,
        message,
    };
    let started = made.get(&name).filter(|started| {
        // The clock of files is coarser than that of the run.
        written.plus(CLOCK_GRAIN) < **started
    });
    if let Some(started) = started {
        return Some(gap(format!(
            "the report `{name}` of {written} is older than the last run of the step that writes it, which began at {started}"
        )));
    }
    let age_max = age_max.filter(|age_max| now.since(written) > age_max.0)?;
    Some(gap(format!(
        "the report `{name}` of {written} is older than `report_age_max` ({age_max})"
    )))
}

/// When a file was written; none when it is not there, or of before 1970.
pub(crate) fn modified(path: &Path) -> Option<Timestamp> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    let since = modified.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_micros(
        i64::try_from(since.as_micros()).ok()?,
    ))
}

fn read_files(repository: &Repository, files: &[File]) -> Result<Found, Failure> {
    let mut found = Found::default();
    let mut reports = Vec::new();
    let mut contents: BTreeMap<String, (String, Report)> = BTreeMap::new();
    for file in files {
        let name = relative(&repository.root, &file.path);
        let bytes = fs::read(&file.path).map_err(|error| {
            let error = anyhow::Error::new(error);
            Failure::environment(error.context(format!("cannot read report `{name}`")))
        })?;
        let written = parse(&bytes, &name)?;
        let (report, has_source) = resolved(&repository.root, &name, written);
        let digest = Digest::of(&bytes).as_str().to_owned();
        // The same file of two packages is about different sources, and then it is no repetition.
        let first = contents
            .get(&digest)
            .filter(|(_, first)| (*first == report || !has_source) && repeats(&report));
        if let Some((first, _)) = first {
            found.gaps.push(ReportGap {
                report: file.entry.clone(),
                file: Some(name.clone()),
                kind: GapKind::Repeated,
                message: format!("the reports `{first}` and `{name}` have the same content"),
            });
            continue;
        }
        contents.insert(digest, (name, report.clone()));
        reports.push(report);
    }
    found.together = Together::of(&reports);
    Ok(found)
}

/// Whether a second report of the same content is a second copy. Reports without a test, a mutant
/// or a lint are alike.
fn repeats(report: &Report) -> bool {
    match report {
        Report::Coverage(coverage) => !coverage.files.is_empty(),
        Report::Tests(tests) => !tests.cases.is_empty(),
        Report::Mutants(mutants) => mutants.unmeasured().is_none() || mutants.n_timeout > 0,
        Report::Lints(_) => false,
    }
}

fn parse(bytes: &[u8], name: &str) -> Result<Report, Failure> {
    let kind = detect(bytes, name).ok_or_else(|| {
        Failure::settings(anyhow::anyhow!("cannot detect which kind of report `{name}` is"))
            .hint("supported are LCOV, llvm-cov JSON, Go cover profiles, JUnit, outcomes.json of cargo-mutants and the JSON lines of clippy")
    })?;
    read(kind, bytes, name).map_err(Failure::settings)
}

/// The report with each source file under its one name, relative to the root, and whether one of
/// them exists. Names in a report are relative to the folder of a package, which is the report's
/// folder or one above it.
fn resolved(root: &Path, report_name: &str, report: Report) -> (Report, bool) {
    let Report::Coverage(coverage) = report else {
        return (report, false);
    };
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    let folder = Path::new(report_name).parent().unwrap_or(Path::new(""));
    let coverage = coverage.renamed(|source| source_name(&root, folder, source));
    let has_source = coverage.files.keys().any(|name| root.join(name).is_file());
    (Report::Coverage(coverage), has_source)
}

fn source_name(root: &Path, folder: &Path, source: &str) -> String {
    let plain = normal(source);
    let written = Path::new(&plain);
    let below_root = |path: &Path| {
        let path = fs::canonicalize(path).ok().filter(|path| path.is_file())?;
        path.strip_prefix(root).ok().map(slashes)
    };
    if written.is_absolute() {
        return below_root(written)
            .or_else(|| suffix(root, folder, written))
            .unwrap_or(plain);
    }
    let folders = folder.ancestors();
    folders
        .clone()
        .find_map(|folder| below_root(&root.join(folder).join(written)))
        // Without the source, files of two folders are two files.
        .unwrap_or_else(|| slashes(&folder.join(written)))
}

/// A file of another machine or container: the longest end of its path that exists here.
fn suffix(root: &Path, folder: &Path, written: &Path) -> Option<String> {
    let parts: Vec<Component<'_>> = written.components().skip(1).collect();
    (0..parts.len()).find_map(|from| {
        let end: PathBuf = parts[from..].iter().collect();
        let mut folders = folder.ancestors();
        let folder = folders.find(|folder| root.join(folder).join(&end).is_file())?;
        Some(slashes(&folder.join(&end)))
    })
}

/// A path without `.` and, where that is possible, without `..`.
fn normal(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut parts: Vec<&str> = Vec::new();
    for (idx, part) in path.split('/').enumerate() {
        match part {
            "" if idx > 0 => {}
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, ".." | "")) => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn slashes(path: &Path) -> String {
    path.display().to_string().replace('\\', "/")
}

pub(crate) fn relative(root: &Path, path: &Path) -> String {
    slashes(path.strip_prefix(root).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alternative_of_a_brace_is_expected() {
        assert_eq!(alternatives("a/{b,c}/{d,{e,f}}.info").len(), 6);
        assert_eq!(alternatives("s{0,1}.info"), ["s0.info", "s1.info"]);
        assert_eq!(alternatives("s{0"), ["s{0"]);
        assert_eq!(alternatives("plain"), ["plain"]);
    }

    #[test]
    fn a_path_has_one_spelling() {
        for path in [
            "src/a.py",
            "./src/a.py",
            "src//a.py",
            "src/x/../a.py",
            "src\\a.py",
        ] {
            assert_eq!(normal(path), "src/a.py", "{path}");
        }
        assert_eq!(normal("/w/src/a.py"), "/w/src/a.py");
        assert_eq!(normal("../a.py"), "../a.py");
    }

    #[test]
    fn a_source_belongs_to_the_nearest_folder_that_has_it() {
        let root = std::env::temp_dir().join(format!("tollgate-reports-{}", std::process::id()));
        let root = root.as_path();
        for file in ["a/src/i.js", "b/src/i.js", "src/i.js"] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let root = &fs::canonicalize(root).unwrap();
        let name = |folder: &str, source: &str| source_name(root, Path::new(folder), source);
        assert_eq!(name("a/coverage", "src/i.js"), "a/src/i.js");
        assert_eq!(name("b", "./src/i.js"), "b/src/i.js");
        assert_eq!(name("coverage", "src/i.js"), "src/i.js");
        assert_eq!(name("", &slashes(&root.join("a/src/i.js"))), "a/src/i.js");
        assert_eq!(name("b", "/elsewhere/b/src/i.js"), "b/src/i.js");
        assert_eq!(name("s0", "gone.js"), "s0/gone.js");
        assert_eq!(name("s1", "gone.js"), "s1/gone.js");
        fs::remove_dir_all(root).unwrap();
    }
}
