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
        match self.pointer.rsplit('/').next() {
            Some(last) if !last.is_empty() => unescaped(last),
            _ => stem(self.file),
        }
    }

    /// The name of a schema in place: that of the component which holds it, and the way there.
    /// Nothing when it stands in no component, or the way is not one of properties and items.
    pub(crate) fn inline_name(&self) -> Option<String> {
        let mut tokens = self.pointer.split('/').skip(1);
        let mut name = match (tokens.next()?, tokens.next()?, tokens.next()) {
            ("components", "schemas", Some(name)) => unescaped(name),
            _ => return None,
        };
        while let Some(token) = tokens.next() {
            match token {
                "properties" => {
                    name.push(' ');
                    name.push_str(&unescaped(tokens.next()?));
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

    /// The schema that a text names: a reference, or the bare name of a component.
    pub(crate) fn named_schema(&self, text: &str) -> Option<Self> {
        let is_bare = !text.contains(['/', '#']);
        let component = format!(
            "#/components/schemas/{}",
            text.replace('~', "~0").replace('/', "~1")
        );
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
                    pointer: resolved.pointer?,
                    node: resolved.node,
                })
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

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn stem(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split('.').next().unwrap_or(name).to_owned()
}
