//! A place in a contract: the node, its file and its pointer. The only file of this crate
//! that knows how a contract is stored.

use tollgate_contracts::{Contract, Node};

/// A node and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    contract: &'a Contract,
    file: &'a str,
    pointer: String,
    /// The node.
    pub(crate) node: &'a Node,
}

impl<'a> Cursor<'a> {
    /// The top of the contract's first file; nothing when it is not there.
    pub(crate) fn root(contract: &'a Contract) -> Option<Self> {
        let document = contract.documents.get(&contract.entry)?;
        Some(Self {
            contract,
            file: &document.file,
            pointer: String::new(),
            node: &document.root,
        })
    }

    /// The top of the contract that this place belongs to.
    pub(crate) fn top(&self) -> Option<Self> {
        Self::root(self.contract)
    }

    /// What stands at a pointer of a file of the contract.
    pub(crate) fn at(contract: &'a Contract, file: &'a str, pointer: &str, node: &'a Node) -> Self {
        Self {
            contract,
            file,
            pointer: pointer.to_owned(),
            node,
        }
    }

    /// The contract that this place is in.
    pub(crate) fn contract(&self) -> &'a Contract {
        self.contract
    }

    /// File and pointer: the identity of what stands here.
    pub(crate) fn place(&self) -> String {
        format!("{}#{}", self.file, self.pointer)
    }

    /// The file stem, such as `openapi`.
    pub(crate) fn module(&self) -> String {
        stem(&self.contract.entry)
    }

    /// The last part of the pointer, unescaped; the file stem for a whole document.
    pub(crate) fn name(&self) -> String {
        match self.pointer.rsplit('/').next() {
            Some(last) if !last.is_empty() => last.replace("~1", "/").replace("~0", "~"),
            _ => stem(self.file),
        }
    }

    /// Whether the document itself gives this place a name (a component or definition).
    pub(crate) fn is_named(&self) -> bool {
        let mut parts = self.pointer.rsplit('/').skip(1);
        matches!(parts.next(), Some("schemas" | "$defs" | "definitions")) || self.pointer.is_empty()
    }

    /// What stands under a key.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        self.node.get(key).map(|node| self.child(key, node))
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
            .map(move |(index, node)| here.child(&index.to_string(), node))
    }

    /// The text under a key; scalars of other kinds count as text.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.node.get(key).and_then(Node::scalar_text)
    }

    /// Whether a key holds `true`.
    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.node.get(key).and_then(Node::as_bool) == Some(true)
    }

    /// Whether the document is of `OpenAPI` 3.0, where nothing counts beside a reference.
    pub(crate) fn is_30(&self) -> bool {
        self.contract.kind == tollgate_contracts::Kind::OpenApi30
    }

    /// Whether this is a reference.
    pub(crate) fn is_reference(&self) -> bool {
        self.node.reference_text().is_some()
    }

    /// Where the references from here end; itself when it is none, nothing when they lead nowhere.
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
            pointer: resolved.pointer?,
            node: resolved.node,
        })
    }

    fn child(&self, key: &str, node: &'a Node) -> Self {
        let key = key.replace('~', "~0").replace('/', "~1");
        Self {
            contract: self.contract,
            file: self.file,
            pointer: format!("{}/{key}", self.pointer),
            node,
        }
    }
}

fn stem(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split('.').next().unwrap_or(name).to_owned()
}
