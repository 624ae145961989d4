//! The operations of an `OpenAPI` contract as views over nodes.

use std::collections::BTreeSet;

use tollgate_report::Place;

use crate::canonical::canonical;
use crate::contract::Contract;
use crate::grammar::METHODS;
use crate::node::{Entry, Node, escape_token};

/// One operation of an `OpenAPI` contract.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// `operationId`, or derived from method and path (`get_orders_by_id`); unique in the
    /// contract.
    pub id: String,
    /// Whether `id` was given and is not taken by an earlier operation.
    pub is_id_given: bool,
    /// Lower case: `get`, `post`, ...; as written for one of `additionalOperations`.
    pub method: String,
    /// The path template as written, or the name of the webhook.
    pub path: String,
    /// Names of its tags.
    pub tags: Vec<String>,
    /// The file that holds the operation (a path item may be a reference).
    pub file: &'a str,
    /// Where the operation is in its file.
    pub pointer: String,
    /// Where its method key is; in another file than `file` when it is a reference.
    pub place: Place,
    /// The operation object, references followed.
    pub node: &'a Node,
    /// `x-permission`, when it is a text.
    pub permission: Option<String>,
    /// Its own parameters and those of its path, references followed; an own one wins.
    pub parameters: Vec<Parameter<'a>>,
    /// Its request body, references followed.
    pub request_body: Option<Located<'a>>,
    /// Its responses by status as written (`200`, `4XX`, `default`), in document order.
    pub responses: Vec<(String, Located<'a>)>,
    /// `deprecated: true`.
    pub is_deprecated: bool,
}

/// One parameter, references followed.
#[derive(Clone, Debug)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: String,
    /// `path`, `query`, `header`, `cookie` or `querystring`.
    pub location: String,
    /// `required: true`; a path parameter is always required.
    pub is_required: bool,
    /// The parameter object and its file.
    pub at: Located<'a>,
}

/// A node with its file.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// A key of [`Contract::documents`].
    pub file: &'a str,
    /// The node.
    pub node: &'a Node,
}

/// Where an operation was found.
struct OperationPlace<'a> {
    pointer: String,
    path: &'a str,
    method: &'a Entry,
    item: Located<'a>,
    operation: Located<'a>,
}

impl Contract {
    /// A node of a file with the references at it followed.
    #[must_use]
    pub fn follow<'a>(&'a self, file: &str, node: &'a Node) -> Located<'a> {
        let resolved = self.resolve(file, node);
        Located {
            file: resolved.file,
            node: resolved.node,
        }
    }

    /// The operations of all paths in document order; webhooks are not among them.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation<'_>> {
        self.operations_of("paths")
    }

    /// The operations of all webhooks in document order, which the server calls. The path of each
    /// is the name of its webhook.
    #[must_use]
    pub fn webhooks(&self) -> Vec<Operation<'_>> {
        self.operations_of("webhooks")
    }

    /// The callbacks of an operation by name, each with its operations, which the server calls
    /// because of it. The path of each is its expression.
    #[must_use]
    pub fn callbacks<'a>(
        &'a self,
        operation: &Operation<'a>,
    ) -> Vec<(&'a str, Vec<Operation<'a>>)> {
        let callbacks = operation.node.get("callbacks").map(Node::entries);
        let callbacks = callbacks.unwrap_or_default();
        callbacks
            .filter(|entry| !entry.key.starts_with("x-"))
            .map(|entry| {
                let resolved = self.resolve(operation.file, &entry.node);
                let pointer = resolved.pointer.unwrap_or_else(|| {
                    let name = escape_token(&entry.key);
                    format!("{}/callbacks/{name}", operation.pointer)
                });
                let items = Located {
                    file: resolved.file,
                    node: resolved.node,
                };
                (entry.key.as_str(), self.operations_in(items, &pointer))
            })
            .collect()
    }

    fn operations_of(&self, section: &str) -> Vec<Operation<'_>> {
        let node = self.root().get(section);
        let Some(node) = node.filter(|_| !self.kind.is_async()) else {
            return Vec::new();
        };
        let items = Located {
            file: &self.entry,
            node,
        };
        self.operations_in(items, &format!("/{section}"))
    }

    /// The operations of all path items under an object that is at `pointer`.
    fn operations_in<'a>(&'a self, items: Located<'a>, pointer: &str) -> Vec<Operation<'a>> {
        let mut operations = Vec::new();
        let taken = &mut BTreeSet::new();
        for path in items.node.entries() {
            if path.key.starts_with("x-") || (pointer == "/paths" && !path.key.starts_with('/')) {
                continue;
            }
            let resolved = self.resolve(items.file, &path.node);
            let item = Located {
                file: resolved.file,
                node: resolved.node,
            };
            let base = match resolved.pointer {
                Some(pointer) => pointer,
                None => format!("{pointer}/{}", escape_token(&path.key)),
            };
            for (holder, method) in methods_of(item.node) {
                let resolved = self.resolve(item.file, &method.node);
                let at = OperationPlace {
                    pointer: match resolved.pointer {
                        Some(pointer) => pointer,
                        None => format!("{base}{holder}/{}", escape_token(&method.key)),
                    },
                    path: &path.key,
                    method,
                    item,
                    operation: Located {
                        file: resolved.file,
                        node: resolved.node,
                    },
                };
                let operation = self.operation(at, taken);
                taken.insert(operation.id.clone());
                operations.push(operation);
            }
        }
        operations
    }

    fn operation<'a>(
        &'a self,
        place: OperationPlace<'a>,
        taken: &BTreeSet<String>,
    ) -> Operation<'a> {
        let Located { file, node } = place.operation;
        let method = &place.method.key;
        let given = node.get("operationId").and_then(Node::scalar_text);
        let given = given.filter(|id| !id.is_empty() && !taken.contains(*id));
        let responses = node.get("responses").map(Node::entries).unwrap_or_default();
        Operation {
            id: given.map_or_else(|| derived_id(method, place.path, taken), str::to_owned),
            is_id_given: given.is_some(),
            method: method.clone(),
            path: place.path.to_owned(),
            tags: texts(node.get("tags")),
            file,
            pointer: place.pointer,
            place: place.method.key_span.place(place.item.file),
            node,
            permission: text(node, "x-permission"),
            parameters: self.parameters(place.item, place.operation),
            request_body: node.get("requestBody").map(|body| self.follow(file, body)),
            responses: responses
                .filter(|entry| !entry.key.starts_with("x-"))
                .map(|entry| (entry.key.clone(), self.follow(file, &entry.node)))
                .collect(),
            is_deprecated: node.get("deprecated").and_then(Node::as_bool) == Some(true),
        }
    }

    fn parameters<'a>(&'a self, item: Located<'a>, operation: Located<'a>) -> Vec<Parameter<'a>> {
        let is_same = |one: &Parameter<'_>, other: &Parameter<'_>| {
            one.name == other.name && one.location == other.location
        };
        let mut parameters: Vec<Parameter<'a>> = Vec::new();
        for holder in [item, operation] {
            let nodes = holder.node.get("parameters").map(Node::items);
            let mut own: Vec<Parameter<'a>> = Vec::new();
            for node in nodes.unwrap_or_default() {
                let at = self.follow(holder.file, node);
                let (Some(name), Some(location)) = (text(at.node, "name"), text(at.node, "in"))
                else {
                    continue;
                };
                let is_required = location == "path"
                    || at.node.get("required").and_then(Node::as_bool) == Some(true);
                let parameter = Parameter {
                    name,
                    location,
                    is_required,
                    at,
                };
                match own.iter_mut().find(|known| is_same(known, &parameter)) {
                    None => own.push(parameter),
                    // Twice in one list is a mistake of the document; its order decides nothing.
                    Some(known) => {
                        if canonical(parameter.at.node) < canonical(known.at.node) {
                            *known = parameter;
                        }
                    }
                }
            }
            parameters.retain(|known| !own.iter().any(|parameter| is_same(known, parameter)));
            parameters.append(&mut own);
        }
        parameters
    }

    /// The schemas under `components.schemas` of the entry file, in document order.
    #[must_use]
    pub fn component_schemas(&self) -> Vec<(&str, &Node)> {
        self.root()
            .pointer("/components/schemas")
            .map(Node::entries)
            .unwrap_or_default()
            .map(|entry| (entry.key.as_str(), &entry.node))
            .collect()
    }

    /// The operation with this id.
    #[must_use]
    pub fn find_operation(&self, operation_id: &str) -> Option<Operation<'_>> {
        self.operations()
            .into_iter()
            .find(|operation| operation.id == operation_id)
    }
}

/// The operations of a path item with the steps between it and them: the methods that have a key of
/// their own, and those of `additionalOperations` (`OpenAPI` 3.2).
fn methods_of(item: &Node) -> impl Iterator<Item = (&'static str, &Entry)> {
    let own = item
        .entries()
        .filter(|entry| METHODS.contains(&entry.key.as_str()))
        .map(|entry| ("", entry));
    let more = item.get("additionalOperations").map(Node::entries);
    own.chain(
        more.unwrap_or_default()
            .map(|entry| ("/additionalOperations", entry)),
    )
    .filter(|(_, entry)| entry.node.as_object().is_some())
}

/// The text of a scalar under a key.
#[must_use]
pub fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::scalar_text).map(str::to_owned)
}

fn texts(node: Option<&Node>) -> Vec<String> {
    node.map(Node::items)
        .unwrap_or_default()
        .filter_map(Node::scalar_text)
        .map(str::to_owned)
        .collect()
}

/// `get /orders/{id}/lines` gives `get_orders_by_id_lines`; a number follows when it is taken.
fn derived_id(method: &str, path: &str, taken: &BTreeSet<String>) -> String {
    let mut id = method.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let is_parameter = part.starts_with('{');
        let words = part
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty());
        id.push_str(if is_parameter { "_by" } else { "" });
        for word in words {
            id.push('_');
            id.push_str(word);
        }
    }
    let mut unique = id.clone();
    let mut number = 2;
    while taken.contains(&unique) {
        unique = format!("{id}_{number}");
        number += 1;
    }
    unique
}
