//! Writes generated folders, and removes what an earlier run wrote and nothing generates any
//! more. Nothing else of the user's is touched.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tollgate_codegen::Language;
use tollgate_codegen::folders::{Folder, wanted};
use tollgate_codegen::manifest::{self, Manifest};
use tollgate_report::{in_threads, replace};

use crate::failure::Failure;

/// What writing one folder did, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct Written {
    pub folder: String,
    pub language: Language,
    /// How many files the folder has.
    pub files: usize,
    /// The paths from the folder of files that were written.
    pub written: Vec<String>,
    /// Those that an earlier run wrote and that were removed.
    pub removed: Vec<String>,
    /// Those that an earlier run wrote, nothing generates any more, and somebody has changed:
    /// they stay.
    pub kept: Vec<String>,
    pub types: usize,
    pub untyped_fields: usize,
}

/// Writes all folders below `base`; a dry run only reports what would be written.
pub fn write(base: &Path, folders: &[Folder], is_dry_run: bool) -> Result<Vec<Written>, Failure> {
    // All are looked at before the first is written.
    let plans: Vec<Plan<'_>> = in_threads(folders, |folder| plan(base, folder))
        .into_iter()
        .collect::<Result<_, _>>()?;
    let foreign: Vec<String> = plans.iter().flat_map(|plan| plan.foreign.clone()).collect();
    if !foreign.is_empty() {
        return Err(Failure::usage(format!(
            "cannot write {}: codegen did not write the file that is there, so it does not replace it",
            foreign.join(", ")
        ))
        .hint("move it away, or generate into another folder"));
    }
    in_threads(&plans, |plan| apply(plan, is_dry_run))
        .into_iter()
        .collect()
}

/// What is to be done with one folder.
struct Plan<'a> {
    folder: &'a Folder,
    place: PathBuf,
    written: Vec<usize>,
    removed: Vec<String>,
    kept: Vec<String>,
    /// Files in the way that are somebody else's.
    foreign: Vec<String>,
}

fn plan<'a>(base: &Path, folder: &'a Folder) -> Result<Plan<'a>, Failure> {
    let place = base.join(&folder.out);
    let old = Manifest::read(&place)?;
    let mut plan = Plan {
        folder,
        written: Vec::new(),
        removed: Vec::new(),
        kept: Vec::new(),
        foreign: Vec::new(),
        place,
    };
    if let Some(old) = &old {
        for (file, is_unchanged) in old.leftovers(&plan.place, &wanted(folder)) {
            let list = if is_unchanged {
                &mut plan.removed
            } else {
                &mut plan.kept
            };
            list.push(file);
        }
    }
    for (idx, artifact) in folder.artifacts.iter().enumerate() {
        let path = plan.place.join(&artifact.path);
        let Ok(bytes) = fs::read(&path) else {
            plan.written.push(idx);
            continue;
        };
        if bytes == artifact.contents.as_bytes() {
            continue;
        }
        let is_listed = old.as_ref().is_some_and(|old| {
            artifact.path == manifest::FILE || old.files.contains_key(&artifact.path)
        });
        if is_listed || is_ours(&bytes) {
            plan.written.push(idx);
        } else {
            plan.foreign.push(format!("`{}`", path.display()));
        }
    }
    Ok(plan)
}

/// Whether the header of a file states that codegen wrote it.
fn is_ours(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(600)];
    let head = String::from_utf8_lossy(head);
    // The second is what earlier versions wrote.
    head.contains("tollgate codegen") || head.contains("cargo xtask codegen")
}

fn apply(plan: &Plan<'_>, is_dry_run: bool) -> Result<Written, Failure> {
    let folder = plan.folder;
    let paths = |idx: &usize| folder.artifacts[*idx].path.clone();
    if !is_dry_run {
        for idx in &plan.written {
            let artifact = &folder.artifacts[*idx];
            let path = plan.place.join(&artifact.path);
            replace(&path, artifact.contents.as_bytes()).map_err(Failure::environment)?;
        }
        for file in &plan.removed {
            remove(&plan.place, file)?;
        }
    }
    Ok(Written {
        folder: folder.out.clone(),
        language: folder.manifest.language,
        files: folder.artifacts.len(),
        written: plan.written.iter().map(paths).collect(),
        removed: plan.removed.clone(),
        kept: plan.kept.clone(),
        types: folder.n_types,
        untyped_fields: folder.n_untyped,
    })
}

/// Removes a file, and the folders above it that this leaves empty, up to `place`.
fn remove(place: &Path, file: &str) -> Result<(), Failure> {
    let path = place.join(file);
    fs::remove_file(&path)?;
    let above = path.ancestors().skip(1);
    for folder in above.take_while(|folder| *folder != place) {
        // A folder that is not empty stays, and so do those above it.
        if fs::remove_dir(folder).is_err() {
            break;
        }
    }
    Ok(())
}
