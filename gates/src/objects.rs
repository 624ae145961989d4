//! Reads objects of a git repository through one `git cat-file --batch`, however many are read.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::failure::Failure;

/// An open object store. Revisions and `REVISION:PATH` are resolved as git does it.
#[derive(Debug)]
pub struct Objects {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its full hash.
    pub id: String,
    /// `commit`, `tree`, `blob` or `tag`.
    pub kind: String,
    /// Its content; that of a tree is binary.
    pub bytes: Vec<u8>,
}

/// A commit: its hash and those of its parents, which a shallow clone may lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    pub parents: Vec<String>,
}

impl Objects {
    /// Opens the repository around `root`; absent when there is none.
    pub fn open(root: &Path) -> Result<Option<Self>, Failure> {
        let mut child = Command::new("git")
            .current_dir(root)
            .args(["cat-file", "--batch", "--follow-symlinks"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                Failure::environment(anyhow::Error::new(error).context("cannot start `git`"))
                    .hint("install git and put it on PATH")
            })?;
        let requests = child.stdin.take().expect("its input is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut objects = Self {
            child,
            requests,
            answers,
        };
        // Outside of a repository git ends at once, so the first question has no answer.
        Ok(objects.read("HEAD").is_ok().then_some(objects))
    }

    /// The object of that name; absent when there is none.
    pub fn get(&mut self, name: &str) -> Result<Option<Object>, Failure> {
        self.read(name).map_err(|error| {
            let text = format!("cannot read `{name}` from git");
            Failure::environment(anyhow::Error::new(error).context(text))
        })
    }

    /// The commit of that name; absent when there is none.
    pub fn commit(&mut self, name: &str) -> Result<Option<Commit>, Failure> {
        let object = self.get(&format!("{name}^{{commit}}"))?;
        Ok(object.filter(|it| it.kind == "commit").map(|it| Commit {
            parents: parents(&it.bytes),
            id: it.id,
        }))
    }

    /// The text of a file of a commit, by its path from the folder that was opened; absent when
    /// the commit does not contain it.
    pub fn text(&mut self, commit: &str, path: &str) -> Result<Option<String>, Failure> {
        let name = format!("{commit}:./{path}");
        let Some(object) = self.get(&name)?.filter(|it| it.kind == "blob") else {
            return Ok(None);
        };
        String::from_utf8(object.bytes).map(Some).map_err(|error| {
            let text = format!("cannot read `{path}` of commit `{commit}` as UTF-8");
            Failure::environment(anyhow::Error::new(error).context(text))
        })
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Object>> {
        if name.contains('\n') {
            return Ok(None);
        }
        writeln!(self.requests, "{name}")?;
        self.requests.flush()?;
        let mut header = String::new();
        if self.answers.read_line(&mut header)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let header = header.trim_end();
        if let Some(size) = unfollowed(header) {
            // The rest of the answer is a name.
            io::copy(&mut (&mut self.answers).take(size + 1), &mut io::sink())?;
            return Ok(None);
        }
        let Some((id, kind, size)) = fields(header) else {
            // `NAME missing` and `NAME ambiguous`; a name may hold spaces.
            return Ok(None);
        };
        let mut bytes = vec![0; size + 1];
        self.answers.read_exact(&mut bytes)?;
        bytes.truncate(size);
        Ok(Some(Object {
            id: id.to_owned(),
            kind: kind.to_owned(),
            bytes,
        }))
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // It has nothing to finish; one that has ended already can't be stopped again.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The size of what follows for a symbolic link that leads to nothing or out of the repository.
fn unfollowed(header: &str) -> Option<u64> {
    let (word, size) = header.split_once(' ')?;
    let is_link = ["symlink", "dangling", "loop", "notdir"].contains(&word);
    is_link.then(|| size.parse().ok()).flatten()
}

/// `HASH KIND SIZE` of an object that exists.
fn fields(header: &str) -> Option<(&str, &str, usize)> {
    let mut words = header.split(' ');
    let (id, kind, size) = (words.next()?, words.next()?, words.next()?);
    let is_hash = id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_kind = ["commit", "tree", "blob", "tag"].contains(&kind);
    (is_hash && is_kind && words.next().is_none()).then_some((id, kind, size.parse().ok()?))
}

/// The parents of a commit as it is stored, also when a shallow clone does not have them.
fn parents(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes)
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("parent ").map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_object_is_not_mistaken_for_one() {
        let hash = "0123456789012345678901234567890123456789";
        assert_eq!(fields(&format!("{hash} blob 12")), Some((hash, "blob", 12)));
        assert_eq!(fields("origin/main missing"), None);
        assert_eq!(fields(&format!("{hash}:./a blob 3 missing")), None);
        assert_eq!(fields(&format!("{hash} missing")), None);
    }

    #[test]
    fn what_a_link_does_not_lead_to_is_recognised() {
        assert_eq!(unfollowed("dangling 12"), Some(12));
        assert_eq!(unfollowed("symlink 7"), Some(7));
        assert_eq!(unfollowed("loop missing"), None);
        assert_eq!(unfollowed("0123 blob 7"), None);
    }

    #[test]
    fn the_parents_are_read_from_the_header_alone() {
        let text = b"tree a\nparent b\nparent c\nauthor x\n\nparent d\n";
        assert_eq!(parents(text), ["b", "c"]);
    }
}
