//! Documents and the contract they make: reads the entry file and the files its relative
//! references name, and says what is odd. It must not follow a URL, nor leave the allowed folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tollgate_report::Finding;

use crate::channels::{self, Viewpoint};
use crate::files::{Skip, read_inside, read_text, slashes};
use crate::grammar;
use crate::locate::{Names, names_of};
use crate::resolve::{self, Reference};
use crate::source::{self, Node, SourceError};
use crate::targets::is_url;

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
    /// What its schemas call themselves.
    pub(crate) names: Names,
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
    /// The texts of URLs that references may name, by URL: fetched before, and checked against
    /// the committed [`Lock`](crate::remote::Lock). Other URLs are a finding and never followed.
    pub remotes: BTreeMap<String, String>,
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
    /// The bytes are no text.
    #[error(
        "read `{file}:{line}:{column}`: the byte at offset {offset} is not {encoding}; save the file as UTF-8"
    )]
    NotText {
        /// The file, as given.
        file: String,
        /// The line of the first wrong byte, from 1.
        line: u32,
        /// Its column in characters, from 1.
        column: u32,
        /// How many bytes stand before it.
        offset: usize,
        /// The encoding that the file seems to have.
        encoding: &'static str,
    },
    /// The text is not JSON or YAML.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The document says nothing that we know.
    #[error("read `{file}`: the document is {found}; {hint}")]
    UnknownKind {
        /// The file, as given.
        file: String,
        /// What it says instead.
        found: String,
        /// What to do.
        hint: &'static str,
    },
}

impl Document {
    fn new(file: &str, root: Node, text: String) -> Self {
        Self {
            names: names_of(file, &root, &text),
            file: file.to_owned(),
            root,
            text,
        }
    }
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
            hint: "write `openapi: 3.1.0` or `asyncapi: 3.0.0` at its top",
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
            (None, None) if root.get("swagger").is_some() => Err(LoadError::UnknownKind {
                file: file.to_owned(),
                found: "Swagger 2.0, which is not read".to_owned(),
                hint: "convert it to OpenAPI 3 first, such as with `npx swagger2openapi FILE -o openapi.yaml`",
            }),
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
    let mut reader = |file: &str| match settings.remotes.get(file) {
        Some(text) => Ok(text.clone()),
        None if is_url(file) => Err(Skip::Remote),
        None => read_inside(file, &folder),
    };
    let text = read_text(&entry)?;
    build(&entry, text, settings.viewpoint, &mut reader)
}

/// Reads a contract from a text without looking at any other file.
///
/// # Errors
/// The text is not JSON or YAML, or is no contract.
pub fn parse_contract(file: &str, text: &str) -> Result<Contract, LoadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    build(file, text, None, &mut |file| Err(absent(file)))
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
        files.get(file).cloned().ok_or_else(|| absent(file))
    })
}

fn absent(file: &str) -> Skip {
    if is_url(file) {
        Skip::Remote
    } else {
        Skip::Missing
    }
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
    let document = Document::new(entry, root, text);
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
        documents.insert(file.to_owned(), Document::new(file, root, text));
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
