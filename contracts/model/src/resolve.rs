//! References: finds those of a contract, resolves them, and follows them within bounds.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use rustc_hash::FxHashSet;
use tollgate_report::{Finding, suggest};

use crate::contract::{Contract, Document};
use crate::files::Skip;
use crate::grammar::{self, Object};
use crate::locate::{CHAIN_MAX, Located, locate};
use crate::node::{Node, unescape_token};
use crate::reference::Reference;
use crate::targets::{Target, target_of};

/// For how many missing targets a similar name is suggested.
const SUGGESTIONS_MAX: usize = 50;
/// How many neighbours are compared for one suggestion.
const NEIGHBOURS_MAX: usize = 2_000;

/// The end of a chain of references.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// The file that holds `node`.
    pub file: &'a str,
    /// Where `node` is, when a reference led there; absent when the node was not a reference.
    pub pointer: Option<String>,
    /// The end of the chain; the last reference itself when it has no target.
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

/// Walks the entry document and everything that its references reach. Files are opened when a
/// reference names them.
pub(crate) fn collect(
    entry: &str,
    root: Object,
    documents: &mut Documents,
    open: &mut Open<'_>,
) -> Collected {
    let mut seen = Seen::default();
    let mut failed = Failed::default();
    // Most references lead where others led before.
    let mut followed: FxHashSet<(Target, Object)> = FxHashSet::default();
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
            let end = (reference.target.clone(), reference.object);
            if !followed.contains(&end) {
                match follow(&reference, documents, open, &mut failed) {
                    Ok(()) => {
                        followed.insert(end.clone());
                    }
                    Err(finding) => out.findings.push(*finding),
                }
                // A target that is not there has nothing under it.
                queue.push_back(end);
            }
            out.references.push(reference);
        }
    }
    find_cycles(&out.references, &mut out.findings);
    out
}

/// References that did not lead to a target.
#[derive(Default)]
struct Failed {
    files: BTreeMap<String, Skip>,
    n_missing: usize,
}

/// What a walk has visited. Nodes below a root are identified by their address, which does not
/// change while the documents exist. Roots are identified by their file, because they move when the
/// map grows.
#[derive(Default)]
struct Seen {
    nodes: FxHashSet<(usize, Object)>,
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

/// Opens the file of a reference and searches it for the target.
fn follow(
    reference: &Reference,
    documents: &mut Documents,
    open: &mut Open<'_>,
    failed: &mut Failed,
) -> Result<(), Box<Finding>> {
    let file = &reference.target.file;
    let is_named = || locate(documents, &reference.target).is_some();
    if !documents.contains_key(file) && !is_named() {
        if !failed.files.contains_key(file)
            && let Err(skip) = open(file, documents)
        {
            failed.files.insert(file.clone(), skip);
        }
        if let Some(skip) = failed.files.get(file) {
            let finding = skip_finding(reference, skip);
            return Err(Box::new(finding.at(reference.place.clone())));
        }
    }
    match locate(documents, &reference.target) {
        Some(located) if located.is_joined => Err(Box::new(unescaped_finding(reference, &located))),
        Some(_) => Ok(()),
        None => Err(Box::new(missing_finding(
            reference,
            documents,
            &mut failed.n_missing,
        ))),
    }
}

fn skip_finding(reference: &Reference, skip: &Skip) -> Finding {
    let (text, file) = (&reference.text, &reference.target.file);
    match skip {
        Skip::Missing => Finding::error(
            "ref-missing",
            format!("`{text}` cannot be resolved: there is no file `{file}`"),
        )
        .fix("correct the path, or add the file"),
        Skip::Remote => Finding::warning(
            "ref-remote",
            format!("`{text}` is not followed: no text of this URL is locked"),
        )
        .because("the text of a URL can change at any time, so only locked texts are read")
        .fix("keep a copy next to the contract and refer to it by a relative path, or allow its host in `remote_hosts` and lock it with `{tollgate} contract lock`"),
        Skip::Outside => Finding::error(
            "ref-outside",
            format!("`{text}` is not followed: `{file}` is outside the contract's folder"),
        )
        .because("a contract could otherwise read any file of the machine")
        .fix("move the file into the folder, or allow the folder in the settings"),
        Skip::Broken(why) => {
            Finding::error("ref-broken", format!("`{text}` cannot be followed: {why}"))
        }
    }
}

fn missing_finding(reference: &Reference, documents: &Documents, n_missing: &mut usize) -> Finding {
    let message = format!("`{}` cannot be resolved", reference.text);
    let finding = Finding::error("ref-missing", message).at(reference.place.clone());
    *n_missing += 1;
    let is_looked_for = *n_missing <= SUGGESTIONS_MAX;
    let near = is_looked_for.then(|| nearest_name(&reference.target, documents));
    match near.flatten() {
        Some(name) => finding.fix(format!("did you mean `{name}`?")),
        None => finding.fix("define the target, or correct the reference"),
    }
}

fn unescaped_finding(reference: &Reference, located: &Located<'_>) -> Finding {
    Finding::warning(
        "ref-unescaped",
        format!("`{}` does not escape a `/` in a name", reference.text),
    )
    .at(reference.place.clone())
    .because("other tools cannot resolve the reference")
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
    let names = parent.node.entries().take(NEIGHBOURS_MAX);
    let names = names.map(|entry| entry.key.as_str());
    suggest::nearest(&unescape_token(name), names).map(str::to_owned)
}

/// References that lead to themselves through references only.
fn find_cycles(references: &[Reference], findings: &mut Vec<Finding>) {
    let by_place: HashMap<(&str, &str), &Reference> = references
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
                    .because("the chain of references never reaches a definition")
                    .fix("make one of the references point to a definition"),
                );
                break;
            }
        }
    }
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

    /// The target of a reference into its own file in the usual form: a plain pointer to an
    /// existing node.
    fn here<'t>(&self, file: &str, text: &'t str) -> Option<(&'t str, &Node)> {
        let pointer = text.strip_prefix('#').filter(|it| it.starts_with('/'))?;
        if pointer.contains(['%', '#']) {
            return None;
        }
        let node = self.documents.get(file)?.root.pointer(pointer)?;
        Some((pointer, node))
    }

    /// Follows the `$ref` of a node that is in `base_file` to the end of its chain, at most 64
    /// steps. A node without `$ref` is its own end. The caller must make sure that a reference is
    /// allowed in the place of the node.
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
            let Some(text) = resolved.node.reference_text() else {
                return resolved;
            };
            if let Some((pointer, node)) = self.here(resolved.file, text) {
                resolved.pointer = Some(pointer.to_owned());
                resolved.node = node;
                continue;
            }
            let target = target_of(resolved.file, text);
            let Some(located) = locate(&self.documents, &target) else {
                resolved.is_missing = true;
                return resolved;
            };
            let (file, _) = self
                .documents
                .get_key_value(&located.target.file)
                .expect("a located target is in a document");
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

    /// Follows a reference that is in `base_file` as plain text, as a discriminator's
    /// mapping holds them; nothing when it has no target.
    #[must_use]
    pub fn resolve_text<'a>(&'a self, base_file: &str, text: &str) -> Option<Resolved<'a>> {
        let located = locate(&self.documents, &target_of(base_file, text))?;
        let (file, _) = self.documents.get_key_value(&located.target.file)?;
        let end = self.resolve(file, located.node);
        (!end.is_missing).then(|| Resolved {
            pointer: end.pointer.or(Some(located.target.pointer)),
            ..end
        })
    }
}
