//! A place in a contract: the node, its file and its pointer. Only this file of the crate depends
//! on how a contract is stored.

use std::borrow::Cow;
use std::rc::Rc;

use tollgate_contracts_model::source::{escape_token, unescape_token};
use tollgate_contracts_model::{Contract, Node};

/// A node and its place. Walking down and cloning are cheap: the text of the pointer is made only
/// when it is requested.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    contract: &'a Contract,
    file: &'a str,
    way: Rc<Way<'a>>,
    /// The node.
    pub(crate) node: &'a Node,
}

/// The way from the top of a file to a node.
#[derive(Debug)]
enum Way<'a> {
    /// The whole pointer.
    Start(String),
    /// A key under another way.
    Key(Rc<Way<'a>>, &'a str),
    /// An item of a list under another way.
    Item(Rc<Way<'a>>, usize),
}

impl Way<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Self::Start(pointer) => out.push_str(pointer),
            Self::Key(above, key) => {
                above.write(out);
                out.push('/');
                out.push_str(&escape_token(key));
            }
            Self::Item(above, index) => {
                above.write(out);
                out.push('/');
                out.push_str(&index.to_string());
            }
        }
    }

    /// The tokens from the top of the file on, unescaped.
    fn tokens<'w>(&'w self, tokens: &mut Vec<Cow<'w, str>>) {
        match self {
            Self::Start(pointer) => tokens.extend(pointer.split('/').skip(1).map(unescape_token)),
            Self::Key(above, key) => {
                above.tokens(tokens);
                tokens.push(Cow::Borrowed(key));
            }
            Self::Item(above, index) => {
                above.tokens(tokens);
                tokens.push(Cow::Owned(index.to_string()));
            }
        }
    }

    /// The last token, as it is written in the pointer's text; nothing for the top.
    fn last(&self) -> Option<String> {
        match self {
            Self::Start(pointer) => {
                let last = pointer.rsplit('/').next().unwrap_or_default();
                (!last.is_empty()).then(|| unescape_token(last).into_owned())
            }
            Self::Key(_, key) => (!key.is_empty()).then(|| (*key).to_owned()),
            Self::Item(_, index) => Some(index.to_string()),
        }
    }

    /// The token before the last one, as it is written in the pointer's text.
    fn holder(&self) -> Option<&str> {
        match self {
            Self::Start(pointer) => pointer.rsplit('/').nth(1),
            Self::Key(above, _) | Self::Item(above, _) => match &**above {
                Self::Start(pointer) => pointer.rsplit('/').next(),
                Self::Key(_, key) => Some(key),
                Self::Item(..) => None,
            },
        }
    }
}

impl<'a> Cursor<'a> {
    /// The top of the contract's first file; nothing when that file is missing.
    pub(crate) fn root(contract: &'a Contract) -> Option<Self> {
        let document = contract.documents.get(&contract.entry)?;
        Some(Self::at(contract, &document.file, "", &document.root))
    }

    /// The top of the contract that this place belongs to.
    pub(crate) fn top(&self) -> Option<Self> {
        Self::root(self.contract)
    }

    /// The node at a pointer of a file of the contract.
    pub(crate) fn at(contract: &'a Contract, file: &'a str, pointer: &str, node: &'a Node) -> Self {
        Self {
            contract,
            file,
            way: Rc::new(Way::Start(pointer.to_owned())),
            node,
        }
    }

    /// The contract that this place is in.
    pub(crate) fn contract(&self) -> &'a Contract {
        self.contract
    }

    /// File and pointer: the identity of this node.
    pub(crate) fn place(&self) -> String {
        let mut place = String::with_capacity(160);
        place.push_str(self.file);
        place.push('#');
        self.way.write(&mut place);
        place
    }

    /// The identity of this node among the nodes of one contract; faster than [`Self::place`].
    pub(crate) fn key(&self) -> *const Node {
        self.node
    }

    /// The first file of the contract.
    pub(crate) fn entry(&self) -> &'a str {
        &self.contract.entry
    }

    /// The file stem, such as `openapi`.
    pub(crate) fn module(&self) -> String {
        stem(&self.contract.entry)
    }

    /// The last part of the pointer, unescaped; the file stem for a whole document.
    pub(crate) fn name(&self) -> String {
        self.way.last().unwrap_or_else(|| stem(self.file))
    }

    /// The name of an inline schema: the name of the component that holds it, and the path from
    /// there. Nothing when no component holds it, or when the path has anything but properties and
    /// items.
    pub(crate) fn inline_name(&self) -> Option<String> {
        let mut tokens = Vec::with_capacity(16);
        self.way.tokens(&mut tokens);
        let mut tokens = tokens.iter().map(|token| &**token);
        let mut name = match (tokens.next()?, tokens.next()?, tokens.next()) {
            ("components", "schemas", Some(name)) => name.to_owned(),
            _ => return None,
        };
        while let Some(token) = tokens.next() {
            match token {
                "properties" => {
                    name.push(' ');
                    name.push_str(tokens.next()?);
                }
                "items" => name.push_str(" item"),
                "additionalProperties" => name.push_str(" value"),
                "allOf" => {
                    tokens.next()?;
                }
                _ => return None,
            }
        }
        Some(name)
    }

    /// Whether the document itself gives this place a name (a component or definition).
    pub(crate) fn is_named(&self) -> bool {
        matches!(&*self.way, Way::Start(pointer) if pointer.is_empty())
            || matches!(self.way.holder(), Some("schemas" | "$defs" | "definitions"))
    }

    /// The node under a key.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let entry = self.node.entry(key)?;
        Some(self.child(&entry.key, &entry.node))
    }

    /// The keys and values of an object.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let here = self.clone();
        self.node
            .entries()
            .map(move |entry| (entry.key.as_str(), here.child(&entry.key, &entry.node)))
    }

    /// The items of an array.
    pub(crate) fn items(&self) -> impl Iterator<Item = Self> {
        let here = self.clone();
        self.node
            .items()
            .enumerate()
            .map(move |(index, node)| Self {
                way: Rc::new(Way::Item(Rc::clone(&here.way), index)),
                node,
                ..here
            })
    }

    /// The text under a key; scalars of other kinds count as text.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.node.get(key).and_then(Node::scalar_text)
    }

    /// Whether a key holds `true`.
    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.node.get(key).and_then(Node::as_bool) == Some(true)
    }

    /// Whether the document is of `OpenAPI` 3.0, which ignores the siblings of a reference.
    pub(crate) fn is_30(&self) -> bool {
        self.contract.kind == tollgate_contracts_model::Kind::OpenApi30
    }

    /// Whether this is a reference.
    pub(crate) fn is_reference(&self) -> bool {
        self.node.reference_text().is_some()
    }

    /// The target of a chain of references; the place itself when it is not a reference, and
    /// nothing when the chain has no target.
    pub(crate) fn resolve(&self) -> Option<Self> {
        if !self.is_reference() {
            return Some(self.clone());
        }
        let resolved = self.contract.resolve(self.file, self.node);
        if resolved.is_missing {
            return None;
        }
        Some(Self {
            contract: self.contract,
            file: resolved.file,
            way: Rc::new(Way::Start(resolved.pointer?)),
            node: resolved.node,
        })
    }

    /// The schema that a text names: a reference, or the bare name of a component.
    pub(crate) fn named_schema(&self, text: &str) -> Option<Self> {
        let is_bare = !text.contains(['/', '#']);
        let component = format!("#/components/schemas/{}", escape_token(text));
        let component = is_bare.then_some(component);
        component
            .iter()
            .map(String::as_str)
            .chain([text])
            .find_map(|text| {
                let resolved = self.contract.resolve_text(self.file, text)?;
                Some(Self {
                    contract: self.contract,
                    file: resolved.file,
                    way: Rc::new(Way::Start(resolved.pointer?)),
                    node: resolved.node,
                })
            })
    }

    fn child(&self, key: &'a str, node: &'a Node) -> Self {
        Self {
            way: Rc::new(Way::Key(Rc::clone(&self.way), key)),
            node,
            ..*self
        }
    }
}

fn stem(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split('.').next().unwrap_or(name).to_owned()
}
