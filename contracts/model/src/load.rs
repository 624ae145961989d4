//! Loads a contract: reads the entry file and the files that its relative references name, and
//! reports what is wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::channels;
use crate::contract::{Contract, Document};
use crate::files::{Skip, read_inside, read_text, slashes};
use crate::grammar;
use crate::kind::{Kind, Viewpoint};
use crate::load_error::LoadError;
use crate::node::Node;
use crate::resolve;
use crate::source;
use crate::targets::is_url;

/// How many files one contract may have. The largest of the corpus has 2,907.
const FILES_MAX: usize = 20_000;

/// What loading may read.
#[derive(Clone, Debug, Default)]
pub struct LoadSettings {
    /// The folder that references may not leave; the folder of the entry file by default.
    pub folder: Option<PathBuf>,
    /// Whom an `AsyncAPI` 2 document describes. The default is the `x-viewpoint` of the document,
    /// or the application if it has none.
    pub viewpoint: Option<Viewpoint>,
    /// The texts of URLs that references may name, by URL: fetched before, and checked against
    /// the committed [`Lock`](crate::remote::Lock). Other URLs are a finding and never followed.
    pub remotes: BTreeMap<String, String>,
}

/// Reads a contract and the files that its relative references name, none outside the folder of
/// the entry file. Missing files are findings.
///
/// # Errors
/// The entry file can't be read, is not JSON or YAML, or is not a contract.
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
/// The text is not JSON or YAML, or is not a contract.
pub fn parse_contract(file: &str, text: &str) -> Result<Contract, LoadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    build(file, text, None, &mut |file| Err(absent(file)))
}

/// Reads a contract whose files are given by name, as [`Contract::documents`] holds them. Other
/// files are not read. Reading the documents of a loaded contract again gives the same contract.
///
/// # Errors
/// The entry file is not given, is not JSON or YAML, or is not a contract.
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
    let kind = kind_of(entry, &root)?;
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

/// The specification that a document names.
fn kind_of(file: &str, root: &Node) -> Result<Kind, LoadError> {
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
        (Some(text), _) if starts(text, "3.0") => Ok(Kind::OpenApi30),
        (Some(text), _) if starts(text, "3.1") => Ok(Kind::OpenApi31),
        (Some(text), _) if starts(text, "3.2") => Ok(Kind::OpenApi32),
        (Some(text), _) => Err(unknown(format!("OpenAPI `{text}`, which is not supported"))),
        (None, Some(text)) if starts(text, "3") => Ok(Kind::AsyncApi30),
        (None, Some(text)) if starts(text, "2") => Ok(Kind::AsyncApi2),
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
