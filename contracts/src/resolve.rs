//! References: which stand in a contract, where they lead, and following them within bounds.
//! It must not know what the objects mean, nor read a file itself.

use std::collections::{BTreeMap, HashSet, VecDeque};

use tollgate_report::{Finding, Place, suggest};

use crate::document::{Contract, Document, Skip};
use crate::grammar::{self, Object};
use crate::source::{Node, escape_token, unescape_token};

/// How many references may follow each other before we stop.
const CHAIN_MAX: usize = 64;

/// Where a reference leads: a file and a JSON Pointer in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// A key of [`Contract::documents`].
    pub file: String,
    /// A JSON Pointer; empty for the whole document.
    pub pointer: String,
}

/// One reference that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The file it stands in.
    pub file: String,
    /// The object that holds the `$ref`.
    pub pointer: String,
    /// What the specification expects there.
    pub object: Object,
    /// Where the text of the reference stands.
    pub place: Place,
    /// The reference as written.
    pub text: String,
    /// Where it leads.
    pub target: Target,
}

/// The end of a chain of references.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// The file that holds `node`.
    pub file: &'a str,
    /// Where `node` stands, when a reference led there; absent when the node was no reference.
    pub pointer: Option<String>,
    /// The end of the chain; the last reference itself when it leads nowhere.
    pub node: &'a Node,
    /// True when the chain ends nowhere: a missing target, a URL, or a cycle.
    pub is_missing: bool,
}

pub(crate) struct Collected {
    pub(crate) references: Vec<Reference>,
    pub(crate) findings: Vec<Finding>,
}

type Documents = BTreeMap<String, Document>;
type Open<'a> = dyn FnMut(&str, &mut Documents) -> Result<(), Skip> + 'a;

/// Walks the entry document and all that its references reach, opening files as they are named.
pub(crate) fn collect(
    entry: &str,
    root: Object,
    documents: &mut Documents,
    open: &mut Open<'_>,
) -> Collected {
    let mut seen = Seen::default();
    let mut failed: BTreeMap<String, Finding> = BTreeMap::new();
    let mut out = Collected {
        references: Vec::new(),
        findings: Vec::new(),
    };
    let start = Target {
        file: entry.to_owned(),
        pointer: String::new(),
    };
    let mut queue = VecDeque::from([(start, root)]);
    while let Some((target, object)) = queue.pop_front() {
        for reference in references_under(&target, object, documents, &mut seen) {
            if is_url(&reference.target.file) {
                out.findings.push(remote_finding(&reference));
            } else {
                if let Err(finding) = follow(&reference, documents, open, &mut failed) {
                    out.findings.push(*finding);
                }
                // A target that is not there has nothing under it.
                queue.push_back((reference.target.clone(), reference.object));
            }
            out.references.push(reference);
        }
    }
    find_cycles(&out.references, &mut out.findings);
    out
}

/// What a walk has looked at: nodes below a root by their address, which stays while the
/// documents do, and roots by their file, as they move when the map grows.
#[derive(Default)]
struct Seen {
    nodes: HashSet<(usize, Object)>,
    roots: HashSet<(String, Object)>,
}

impl Seen {
    fn insert(&mut self, file: &str, pointer: &str, node: &Node, object: Object) -> bool {
        if pointer.is_empty() {
            self.roots.insert((file.to_owned(), object))
        } else {
            self.nodes.insert((std::ptr::from_ref(node).addr(), object))
        }
    }
}

fn references_under(
    start: &Target,
    object: Object,
    documents: &Documents,
    seen: &mut Seen,
) -> Vec<Reference> {
    let mut found = Vec::new();
    let Some(Located { target, node, .. }) = locate(documents, start) else {
        return found;
    };
    grammar::walk_while(object, &target.pointer, node, &mut |site| {
        if !seen.insert(&target.file, site.pointer, site.node, site.object) {
            return false;
        }
        if let Some(text_node) = site.reference() {
            let text = text_node.as_str().unwrap_or_default();
            found.push(Reference {
                file: target.file.clone(),
                pointer: site.pointer.to_owned(),
                object: site.object,
                place: text_node.place(&target.file),
                text: text.to_owned(),
                target: target_of(&target.file, text),
            });
        }
        true
    });
    found
}

/// Opens the file of a reference and looks for its target.
fn follow(
    reference: &Reference,
    documents: &mut Documents,
    open: &mut Open<'_>,
    failed: &mut BTreeMap<String, Finding>,
) -> Result<(), Box<Finding>> {
    let file = &reference.target.file;
    if !documents.contains_key(file) {
        if !failed.contains_key(file)
            && let Err(skip) = open(file, documents)
        {
            failed.insert(file.clone(), skip_finding(reference, &skip));
        }
        if let Some(finding) = failed.get(file) {
            return Err(Box::new(finding.clone().at(reference.place.clone())));
        }
    }
    match locate(documents, &reference.target) {
        Some(located) if located.is_joined => Err(Box::new(unescaped_finding(reference, &located))),
        Some(_) => Ok(()),
        None => Err(Box::new(missing_finding(reference, documents))),
    }
}

fn remote_finding(reference: &Reference) -> Finding {
    Finding::warning(
        "ref-remote",
        format!("`{}` is not followed: it is a URL", reference.text),
    )
    .at(reference.place.clone())
    .fix("keep a copy of the file beside the contract and name it by a relative path")
}

fn skip_finding(reference: &Reference, skip: &Skip) -> Finding {
    let (text, file) = (&reference.text, &reference.target.file);
    match skip {
        Skip::Missing => Finding::error(
            "ref-missing",
            format!("`{text}` leads nowhere: there is no file `{file}`"),
        )
        .fix("mend the path, or add the file"),
        Skip::Outside => Finding::error(
            "ref-outside",
            format!("`{text}` is not followed: `{file}` is outside the contract's folder"),
        )
        .because("a contract must not read files that nobody meant it to read")
        .fix("move the file into the folder, or allow the folder in the settings"),
        Skip::Broken(why) => {
            Finding::error("ref-broken", format!("`{text}` can't be followed: {why}"))
        }
    }
}

fn missing_finding(reference: &Reference, documents: &Documents) -> Finding {
    let message = format!("`{}` leads nowhere", reference.text);
    let finding = Finding::error("ref-missing", message).at(reference.place.clone());
    match nearest_name(&reference.target, documents) {
        Some(name) => finding.fix(format!("did you mean `{name}`?")),
        None => finding.fix("define the target, or mend the reference"),
    }
}

fn unescaped_finding(reference: &Reference, located: &Located<'_>) -> Finding {
    Finding::warning(
        "ref-unescaped",
        format!("`{}` does not escape a `/` in a name", reference.text),
    )
    .at(reference.place.clone())
    .because("other readers find nothing there")
    .fix(format!("write `#{}`", located.target.pointer))
}

/// The existing neighbour nearest to the last name of a pointer.
fn nearest_name(target: &Target, documents: &Documents) -> Option<String> {
    let (parent, name) = target.pointer.rsplit_once('/')?;
    let parent = locate(
        documents,
        &Target {
            file: target.file.clone(),
            pointer: parent.to_owned(),
        },
    )?;
    let names = parent.node.entries().map(|entry| entry.key.as_str());
    suggest::nearest(&unescape_token(name), names).map(str::to_owned)
}

/// References that lead to themselves through references only.
fn find_cycles(references: &[Reference], findings: &mut Vec<Finding>) {
    let by_place: BTreeMap<(&str, &str), &Reference> = references
        .iter()
        .map(|reference| ((&*reference.file, &*reference.pointer), reference))
        .collect();
    for reference in references {
        let mut at = reference;
        for _ in 0..CHAIN_MAX {
            let Some(next) = by_place.get(&(&*at.target.file, &*at.target.pointer)) else {
                break;
            };
            at = next;
            if at.file == reference.file && at.pointer == reference.pointer {
                findings.push(
                    Finding::error(
                        "ref-cycle",
                        format!("`{}` leads back to itself", reference.text),
                    )
                    .at(reference.place.clone())
                    .because("it never reaches a definition")
                    .fix("let one of the references lead to a definition"),
                );
                break;
            }
        }
    }
}

struct Located<'a> {
    target: Target,
    node: &'a Node,
    /// A key with a `/` was found though the pointer does not escape it.
    is_joined: bool,
}

/// The node of a target. A token that is not there is looked for behind a `$ref` on the way
/// (`#/channels/orders/messages/placed` where `orders` is a reference).
fn locate<'a>(documents: &'a Documents, target: &Target) -> Option<Located<'a>> {
    let mut budget = CHAIN_MAX;
    locate_within(documents, target, &mut budget)
}

fn locate_within<'a>(
    documents: &'a Documents,
    target: &Target,
    budget: &mut usize,
) -> Option<Located<'a>> {
    let document = documents.get(&target.file)?;
    if let Some(node) = document.root.pointer(&target.pointer) {
        return Some(Located {
            target: target.clone(),
            node,
            is_joined: false,
        });
    }
    if !target.pointer.is_empty() && !target.pointer.starts_with('/') {
        let node = find_anchor(&document.root, &target.pointer)?;
        return Some(Located {
            target: target.clone(),
            node,
            is_joined: false,
        });
    }
    let mut node = &document.root;
    let mut at = String::new();
    let mut is_joined = false;
    let tokens: Vec<&str> = target.pointer.split('/').skip(1).collect();
    let mut rest = tokens.as_slice();
    while let [token, after @ ..] = rest {
        if let Some(child) = node.child(&unescape_token(token)) {
            node = child;
            at = format!("{at}/{token}");
            rest = after;
            continue;
        }
        if let Some((key, child, after)) = joined_child(node, rest) {
            node = child;
            at = format!("{at}/{key}");
            rest = after;
            is_joined = true;
            continue;
        }
        *budget = budget.checked_sub(1)?;
        let text = node.get("$ref")?.as_str()?;
        let mut next = target_of(&target.file, text);
        for token in rest {
            next.pointer = format!("{}/{token}", next.pointer);
        }
        return locate_within(documents, &next, budget);
    }
    let file = target.file.clone();
    let target = Target { file, pointer: at };
    Some(Located {
        target,
        node,
        is_joined,
    })
}

/// The child whose key has `/` in it, when the pointer does not escape them: the escaped key, the
/// child, and the tokens after it. Real documents write such pointers (Deepgram).
fn joined_child<'a, 't>(
    node: &'a Node,
    tokens: &'t [&'t str],
) -> Option<(String, &'a Node, &'t [&'t str])> {
    let mut key = unescape_token(tokens.first()?);
    for (idx, token) in tokens.iter().enumerate().skip(1) {
        key.push('/');
        key.push_str(&unescape_token(token));
        if let Some(child) = node.get(&key) {
            return Some((escape_token(&key), child, &tokens[idx + 1..]));
        }
    }
    None
}

/// The schema that calls itself by `$anchor` (JSON Schema 2020-12, section 8.2.2).
fn find_anchor<'a>(node: &'a Node, anchor: &str) -> Option<&'a Node> {
    if node.get("$anchor").and_then(Node::as_str) == Some(anchor) {
        return Some(node);
    }
    node.items()
        .chain(node.entries().map(|entry| &entry.node))
        .find_map(|child| find_anchor(child, anchor))
}

fn is_url(file: &str) -> bool {
    file.split_once(':')
        .is_some_and(|(scheme, rest)| rest.starts_with("//") && !scheme.contains('/'))
        || file.starts_with("urn:")
}

/// The target that a reference names, seen from a file: its path is joined and its fragment
/// percent-decoded.
#[must_use]
pub fn target_of(base_file: &str, text: &str) -> Target {
    let (file, fragment) = text.split_once('#').unwrap_or((text, ""));
    let pointer = percent_decode(fragment);
    let file = if file.is_empty() {
        base_file.to_owned()
    } else if is_url(file) {
        file.to_owned()
    } else {
        let file = percent_decode(file);
        match base_file.rsplit_once('/') {
            Some((folder, _)) if !file.starts_with('/') => {
                normalise_path(&format!("{folder}/{file}"))
            }
            _ => normalise_path(&file),
        }
    };
    Target { file, pointer }
}

/// A path without `.` and without `..` where a name stands before it.
pub(crate) fn normalise_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" if !parts.is_empty() => {}
            ".." if parts
                .last()
                .is_some_and(|last| *last != ".." && !last.is_empty()) =>
            {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn percent_decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes
            .get(at + 1..at + 3)
            .filter(|digits| bytes[at] == b'%' && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = digits {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Contract {
    /// The root of the entry document.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.documents[&self.entry].root
    }

    /// The node that a target names, also through references on its way.
    #[must_use]
    pub fn locate(&self, target: &Target) -> Option<&Node> {
        locate(&self.documents, target).map(|located| located.node)
    }

    /// Follows the `$ref` of a node that stands in `base_file` to the end of its chain, at most
    /// 64 steps. A node without `$ref` is its own end. The caller knows that a reference may
    /// stand where the node stands.
    #[must_use]
    pub fn resolve<'a>(&'a self, base_file: &str, node: &'a Node) -> Resolved<'a> {
        let file = match self.documents.get_key_value(base_file) {
            Some((file, _)) => file.as_str(),
            None => self.entry.as_str(),
        };
        let mut resolved = Resolved {
            file,
            pointer: None,
            node,
            is_missing: false,
        };
        for _ in 0..CHAIN_MAX {
            let Some(text) = resolved.node.get("$ref").and_then(Node::as_str) else {
                return resolved;
            };
            let target = target_of(resolved.file, text);
            let Some(located) = locate(&self.documents, &target) else {
                resolved.is_missing = true;
                return resolved;
            };
            let (file, _) = self
                .documents
                .get_key_value(&located.target.file)
                .expect("a located target stands in a document");
            resolved = Resolved {
                file,
                pointer: Some(located.target.pointer),
                node: located.node,
                is_missing: false,
            };
        }
        resolved.is_missing = true;
        resolved
    }
}
