//! A git folder of the snapshot's own: steps can use git there, and nothing that they write reaches
//! the user's repository. Objects are read from the user's; references, HEAD and settings are
//! copies.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use tollgate_report::replace;

use crate::git::{Git, GitError};
use crate::history;
use crate::staged_error::{StagedError, io_error, make_folder, remove};
use crate::walk;

/// Where the parts of a repository are.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The top of the working tree.
    pub top: PathBuf,
    /// The git folder of the working tree.
    pub git_dir: PathBuf,
    /// The git folder that all working trees share.
    pub common: PathBuf,
    /// The objects.
    pub objects: PathBuf,
    /// The path from the top to the root, with `/` at the end; empty at the top.
    pub prefix: String,
    /// The index of this working tree.
    pub index: PathBuf,
    /// `sha1` or `sha256`.
    pub object_format: String,
}

impl Source {
    /// The repository around `root`.
    pub fn of(root: &Path) -> Result<Self, GitError> {
        let text = Git::without_variables(root).output(&[
            "rev-parse",
            "--absolute-git-dir",
            "--git-common-dir",
            "--git-path",
            "objects",
            "--git-path",
            "index",
            "--show-object-format",
            "--show-prefix",
        ])?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut lines = text.lines();
        let mut line = || lines.next().unwrap_or_default().to_owned();
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let (git_dir, common, objects, index) = (line(), line(), line(), line());
        let object_format = line();
        let prefix = line();
        let n_up = prefix.split('/').filter(|part| !part.is_empty()).count();
        let top = root.ancestors().nth(n_up).unwrap_or(&root).to_owned();
        let absolute = |path: String| {
            let path = root.join(path);
            path.canonicalize().unwrap_or(path)
        };
        Ok(Self {
            git_dir: absolute(git_dir),
            common: absolute(common),
            objects: absolute(objects),
            index: root.join(index),
            top,
            prefix,
            object_format,
        })
    }
}

/// The private repository of a working tree in the snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Private {
    /// Its git folder.
    pub git_dir: PathBuf,
    /// Its working tree.
    pub tree: PathBuf,
}

impl Private {
    /// git on this repository, without any variable of ours or of a hook.
    pub fn git(&self) -> Git {
        let mut git = Git::without_variables(&self.tree);
        git.env = vec![
            ("GIT_DIR", self.git_dir.clone().into()),
            ("GIT_WORK_TREE", self.tree.clone().into()),
        ];
        git
    }

    /// Makes or renews the git folder; `head` in place of the user's HEAD.
    pub fn set_up(&self, source: &Source, head: Option<&str>) -> Result<(), StagedError> {
        for folder in ["objects/info", "refs", "info"] {
            make_folder(&self.git_dir.join(folder))?;
        }
        let objects = format!("{}\n", source.objects.display());
        self.write("objects/info/alternates", &objects)?;
        let head = match head {
            Some(commit) => format!("{commit}\n"),
            None => {
                let path = source.git_dir.join("HEAD");
                fs::read_to_string(&path).map_err(io_error("read", &path))?
            }
        };
        self.write("HEAD", &head)?;
        self.write("config", &self.config(source))?;
        for name in ["shallow", "info/attributes"] {
            match fs::read_to_string(source.common.join(name)) {
                Ok(text) => self.write(name, &text)?,
                Err(_) => remove(&self.git_dir.join(name))?,
            }
        }
        self.write("info/exclude", "/.tollgate\n")?;
        self.copy_references(source)?;
        make_folder(&self.tree)?;
        let dot_git = self.tree.join(".git");
        let text = format!("gitdir: {}\n", self.git_dir.display());
        if fs::read_to_string(&dot_git).ok().as_ref() != Some(&text) {
            replace(&dot_git, text.as_bytes())?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), StagedError> {
        let path = self.git_dir.join(name);
        if fs::read_to_string(&path).ok().as_deref() == Some(text) {
            return Ok(());
        }
        Ok(replace(&path, text.as_bytes())?)
    }

    /// The user's settings, and over them what makes this repository a separate one.
    fn config(&self, source: &Source) -> String {
        let quoted = |path: &Path| {
            let text = path.display().to_string();
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        };
        let is_sha1 = source.object_format == "sha1";
        let format = if is_sha1 {
            "\trepositoryformatversion = 0\n".to_owned()
        } else {
            let name = &source.object_format;
            format!("\trepositoryformatversion = 1\n[extensions]\n\tobjectFormat = {name}\n")
        };
        format!(
            "[core]\n{format}[include]\n\tpath = {}\n[core]\n\tbare = false\n\tworktree = {}\n\thooksPath = /dev/null\n\tsparseCheckout = false\n\tfsmonitor = false\n\tuntrackedCache = false\n[lfs]\n\tstorage = {}\n",
            quoted(&source.common.join("config")),
            quoted(&self.tree),
            quoted(&source.common.join("lfs")),
        )
    }

    fn copy_references(&self, source: &Source) -> Result<(), StagedError> {
        let state = history::references(&source.common);
        let mark = self.git_dir.join("references");
        if fs::read_to_string(&mark).is_ok_and(|known| known == state) {
            return Ok(());
        }
        let refs = self.git_dir.join("refs");
        fs::remove_dir_all(&refs).map_err(io_error("remove", &refs))?;
        make_folder(&refs)?;
        let git = Git::without_variables(&source.common);
        let format = "--format=%(objectname) %(refname) %(symref)";
        let listed = git
            .output(&["for-each-ref", format])
            .map_err(|source| self.fail(source))?;
        let mut packed = String::new();
        for line in String::from_utf8_lossy(&listed).lines() {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap_or_default();
            let (id, name, target) = (word(), word(), word());
            if target.is_empty() {
                packed.push_str(&format!("{id} {name}\n"));
            } else {
                self.write(name, &format!("ref: {target}\n"))?;
            }
        }
        self.write("packed-refs", &packed)?;
        self.write("references", &state)
    }

    fn fail(&self, source: GitError) -> StagedError {
        StagedError::Fill {
            folder: self.tree.clone(),
            source,
        }
    }

    /// Brings the working tree to a tree or commit, and removes what else is there but the caches
    /// of tools. After a fill that did not end, everything is written anew.
    pub fn fill(&self, tree: &str) -> Result<(), StagedError> {
        let mark = self.git_dir.join("filling");
        let index = self.git_dir.join("index");
        if mark.exists() {
            remove(&index)?;
            empty(&self.tree)?;
        }
        remove(&self.git_dir.join("index.lock"))?;
        File::create(&mark).map_err(io_error("write", &mark))?;
        let git = self.git();
        // `--reset` is `-m` that also repairs files which a step has changed.
        git.output(&["read-tree", "--reset", "-u", tree])
            .map_err(|source| self.fail(source))?;
        let mut clean = vec!["clean", "-ffdxq", "-e", ".build"];
        for name in walk::CACHES {
            clean.extend(["-e", name]);
        }
        git.output(&clean).map_err(|source| self.fail(source))?;
        remove(&mark)
    }
}

/// Removes all of a working tree but its `.git`.
fn empty(tree: &Path) -> Result<(), StagedError> {
    for entry in fs::read_dir(tree).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name() == ".git" {
            continue;
        }
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed = if is_folder {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(io_error("remove", &path))?;
    }
    Ok(())
}
