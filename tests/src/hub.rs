//! A real hub process on a free port with a database of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{self, Running};
use crate::tool::built;

/// The admin key of every test hub.
pub const KEY: &str = "tg_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A hub that listens; it ends when it is dropped.
#[derive(Debug)]
pub struct Hub {
    /// Such as `http://127.0.0.1:40123`.
    pub base: String,
    _process: Running,
}

impl Hub {
    /// Starts a hub whose database is in `folder`, and waits until it says where it listens.
    ///
    /// # Panics
    /// When it ends before.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        let mut command = Command::new(built().join("tollgate-hub"));
        command
            .args(["--listen", "127.0.0.1:0", "--database"])
            .arg(folder.join("hub.db"))
            .env("TOLLGATE_HUB_ADMIN_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = process::start(folder, command);
        let stdout = process.take_stdout().expect("standard output is a pipe");
        let mut line = String::new();
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the hub says where it listens");
        let base = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("the hub said `{line}`"))
            .to_owned();
        Self {
            base,
            _process: process,
        }
    }
}
