//! Documents and the contract they make: reads the entry file and the files its relative
//! references name, and says what is odd. It must not follow a URL, nor leave the allowed folder.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use tollgate_report::Finding;

use crate::channels::{self, Viewpoint};
use crate::grammar;
use crate::resolve::{self, Reference};
use crate::source::{self, Node, SourceError};

/// The largest file that is read, in bytes.
const FILE_SIZE_MAX_BYTES: u64 = 64 << 20;
/// How many files one contract may have. The largest of the corpus has 2,907.
const FILES_MAX: usize = 20_000;

/// One text with its nodes.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path with `/`, as given or joined to the file that names it.
    pub file: String,
    /// The whole value.
    pub root: Node,
    /// The text as read, without a byte order mark.
    pub text: String,
}

/// The specification that a contract follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `OpenAPI` 3.0.x.
    OpenApi30,
    /// `OpenAPI` 3.1.x.
    OpenApi31,
    /// `OpenAPI` 3.2.x.
    OpenApi32,
    /// `AsyncAPI` 2.0 to 2.6.
    AsyncApi2,
    /// `AsyncAPI` 3.0 and 3.1.
    AsyncApi30,
}

/// A contract: its documents, what it says about itself, and what is odd about it.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The specification it follows.
    pub kind: Kind,
    /// Whom an `AsyncAPI` 2 document describes.
    pub viewpoint: Viewpoint,
    /// `info.title`; empty when absent.
    pub title: String,
    /// `info.version`; empty when absent.
    pub version: String,
    /// All files by name.
    pub documents: BTreeMap<String, Document>,
    /// The name of the entry file in `documents`.
    pub entry: String,
    /// Deviations and missing references with their places, worst first.
    pub findings: Vec<Finding>,
    /// Every reference that counts, with where it leads.
    pub references: Vec<Reference>,
}

/// What loading may read.
#[derive(Clone, Debug, Default)]
pub struct LoadSettings {
    /// The folder that references may not leave; the folder of the entry file by default.
    pub folder: Option<PathBuf>,
    /// Whom an `AsyncAPI` 2 document describes; what the document says by `x-viewpoint`, else the
    /// application, by default.
    pub viewpoint: Option<Viewpoint>,
}

/// Why a contract could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error("read `{file}`; check that it is there and may be read")]
    Read {
        /// The file, as given.
        file: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The file is larger than we read.
    #[error("read `{file}`: it has {size_bytes} bytes, more than {max_bytes}; split it")]
    TooLarge {
        /// The file, as given.
        file: String,
        /// Its size.
        size_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The file is not UTF-8.
    #[error("read `{file}:{line}`: the text is not UTF-8; save it as UTF-8")]
    NotUtf8 {
        /// The file, as given.
        file: String,
        /// The line of the first wrong byte, from 1.
        line: u32,
        /// Where the text breaks.
        #[source]
        source: std::str::Utf8Error,
    },
    /// The text is not JSON or YAML.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The document says nothing that we know.
    #[error(
        "read `{file}`: the document is {found}; write `openapi: 3.1.0` or `asyncapi: 3.0.0` at its top"
    )]
    UnknownKind {
        /// The file, as given.
        file: String,
        /// What it says instead.
        found: String,
    },
}

impl Kind {
    /// True for `AsyncAPI`.
    #[must_use]
    pub fn is_async(self) -> bool {
        matches!(self, Self::AsyncApi2 | Self::AsyncApi30)
    }

    fn of(file: &str, root: &Node) -> Result<Self, LoadError> {
        let openapi = root.get("openapi").and_then(Node::scalar_text);
        let asyncapi = root.get("asyncapi").and_then(Node::scalar_text);
        let unknown = |found: String| LoadError::UnknownKind {
            file: file.to_owned(),
            found,
        };
        let starts = |text: &str, start: &str| {
            text.strip_prefix(start)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        match (openapi, asyncapi) {
            (Some(text), _) if starts(text, "3.0") => Ok(Self::OpenApi30),
            (Some(text), _) if starts(text, "3.1") => Ok(Self::OpenApi31),
            (Some(text), _) if starts(text, "3.2") => Ok(Self::OpenApi32),
            (Some(text), _) => Err(unknown(format!("OpenAPI `{text}`, which is not supported"))),
            (None, Some(text)) if starts(text, "3") => Ok(Self::AsyncApi30),
            (None, Some(text)) if starts(text, "2") => Ok(Self::AsyncApi2),
            (None, Some(text)) => Err(unknown(format!(
                "AsyncAPI `{text}`, which is not supported"
            ))),
            (None, None) if root.get("swagger").is_some() => {
                Err(unknown("Swagger 2, which is not supported".to_owned()))
            }
            (None, None) => Err(unknown("neither OpenAPI nor AsyncAPI".to_owned())),
        }
    }
}

/// Reads a contract and the files that its relative references name, none outside the folder of
/// the entry file. Missing files are findings.
///
/// # Errors
/// The entry file can't be read, is not JSON or YAML, or is no contract.
pub fn load(path: &Path) -> Result<Contract, LoadError> {
    load_with(path, &LoadSettings::default())
}

/// As [`load`], with the folder that references may not leave.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, settings: &LoadSettings) -> Result<Contract, LoadError> {
    let entry = slashes(path);
    let folder = settings
        .folder
        .clone()
        .unwrap_or_else(|| path.parent().map(Path::to_path_buf).unwrap_or_default());
    let mut reader = |file: &str| read_inside(file, &folder);
    let text = read_text(&entry)?;
    build(&entry, text, settings.viewpoint, &mut reader)
}

/// Reads a contract from a text without looking at any other file.
///
/// # Errors
/// The text is not JSON or YAML, or is no contract.
pub fn parse_contract(file: &str, text: &str) -> Result<Contract, LoadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    build(file, text, None, &mut |_| Err(Skip::Missing))
}

/// Reads a contract whose files are given by name, as [`Contract::documents`] holds them; no other
/// file is looked at. Reading the documents of a loaded contract again gives the same contract.
///
/// # Errors
/// The entry file is not given, is not JSON or YAML, or is no contract.
pub fn parse_documents(
    entry: &str,
    files: &BTreeMap<String, String>,
) -> Result<Contract, LoadError> {
    let text = files.get(entry).cloned().ok_or_else(|| LoadError::Read {
        file: entry.to_owned(),
        source: std::io::Error::from(std::io::ErrorKind::NotFound),
    })?;
    build(entry, text, None, &mut |file| {
        files.get(file).cloned().ok_or(Skip::Missing)
    })
}

/// Why a file that a reference names is not there.
pub(crate) enum Skip {
    /// It does not exist, or nothing may be read.
    Missing,
    /// It is outside the allowed folder.
    Outside,
    /// It can't be read or is not JSON or YAML.
    Broken(String),
}

fn build(
    entry: &str,
    text: String,
    viewpoint: Option<Viewpoint>,
    read: &mut dyn FnMut(&str) -> Result<String, Skip>,
) -> Result<Contract, LoadError> {
    let (root, mut findings) = source::parse_with_findings(entry, &text)?;
    let kind = Kind::of(entry, &root)?;
    let info = |key: &str| {
        root.get("info")
            .and_then(|info| info.get(key))
            .and_then(Node::scalar_text)
            .unwrap_or_default()
            .to_owned()
    };
    let (title, version) = (info("title"), info("version"));
    let viewpoint = viewpoint.unwrap_or_else(|| Viewpoint::of(&root));
    let document = Document {
        file: entry.to_owned(),
        root,
        text,
    };
    let mut documents = BTreeMap::from([(entry.to_owned(), document)]);
    let root_object = grammar::root_object(kind);
    let mut open = |file: &str, documents: &mut BTreeMap<String, Document>| {
        if documents.len() >= FILES_MAX {
            return Err(Skip::Broken(format!(
                "the contract has more than {FILES_MAX} files"
            )));
        }
        let text = read(file)?;
        let (root, mut more) = source::parse_with_findings(file, &text)
            .map_err(|error| Skip::Broken(error.to_string()))?;
        documents.insert(
            file.to_owned(),
            Document {
                file: file.to_owned(),
                root,
                text,
            },
        );
        findings.append(&mut more);
        Ok(())
    };
    let mut collected = resolve::collect(entry, root_object, &mut documents, &mut open);
    findings.append(&mut collected.findings);
    let mut contract = Contract {
        kind,
        viewpoint,
        title,
        version,
        documents,
        entry: entry.to_owned(),
        findings: Vec::new(),
        references: collected.references,
    };
    findings.append(&mut channels::unread_formats(&contract));
    findings.sort();
    contract.findings = findings;
    Ok(contract)
}

fn read_text(file: &str) -> Result<String, LoadError> {
    let read = |source| LoadError::Read {
        file: file.to_owned(),
        source,
    };
    let size_bytes = std::fs::metadata(file).map_err(read)?.len();
    if size_bytes > FILE_SIZE_MAX_BYTES {
        return Err(LoadError::TooLarge {
            file: file.to_owned(),
            size_bytes,
            max_bytes: FILE_SIZE_MAX_BYTES,
        });
    }
    decode(file, std::fs::read(file).map_err(read)?)
}

/// Bytes as UTF-8 text without a byte order mark.
fn decode(file: &str, bytes: Vec<u8>) -> Result<String, LoadError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let source = error.utf8_error();
        let before = &error.as_bytes()[..source.valid_up_to()];
        let n_lines = before.iter().filter(|byte| **byte == b'\n').count();
        LoadError::NotUtf8 {
            file: file.to_owned(),
            line: u32::try_from(n_lines + 1).unwrap_or(u32::MAX),
            source,
        }
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Reads a file that a reference names, if it is inside `folder` also after symbolic links.
fn read_inside(file: &str, folder: &Path) -> Result<String, Skip> {
    let broken = |error: &dyn std::error::Error| Skip::Broken(error.to_string());
    if !lexically_inside(Path::new(file), folder) {
        return Err(Skip::Outside);
    }
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let real_folder = folder.canonicalize().map_err(|error| broken(&error))?;
    let real_file = Path::new(file).canonicalize().map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Skip::Missing
        } else {
            broken(&error)
        }
    })?;
    if !real_file.starts_with(real_folder) {
        return Err(Skip::Outside);
    }
    if !real_file.is_file() {
        return Err(Skip::Missing);
    }
    read_text(file).map_err(|error| broken(&error))
}

/// Whether a path without links would be inside a folder, so that nothing outside is even probed.
fn lexically_inside(file: &Path, folder: &Path) -> bool {
    let plain = |path: &Path| {
        PathBuf::from_iter(path.components().filter(|part| *part != Component::CurDir))
    };
    let (file, folder) = (plain(file), plain(folder));
    if folder.as_os_str().is_empty() {
        return !file.is_absolute() && !file.starts_with("..");
    }
    match file.strip_prefix(resolve::normalise_path(&slashes(&folder))) {
        Ok(rest) => !rest.components().any(|part| part == Component::ParentDir),
        Err(_) => false,
    }
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
