//! Values that one pass gathers for the rules that apply everywhere: schemas with an enum, values
//! with examples, references, descriptions.

use std::collections::BTreeSet;

use tollgate_contracts_model::{Node, NodeValue};

use crate::tree::{Item, Tree};

/// How a value is reached from the root of the contract.
mod way {
    /// It is reached.
    pub(crate) const REACHED: u16 = 1;
    /// Below `content`, `headers` or `parameters`.
    pub(crate) const MEDIA: u16 = 2;
    /// Below that, or below `components.schemas`.
    pub(crate) const SCHEMA: u16 = 4;
    /// Below the body of a request.
    pub(crate) const REQUEST: u16 = 8;
    /// Below a response.
    pub(crate) const RESPONSE: u16 = 16;
    /// The flags that a child inherits.
    pub(crate) const INHERITED: u16 = REACHED | MEDIA | SCHEMA | REQUEST | RESPONSE;
    /// The value of `paths`, a path, an operation, `components`.
    pub(crate) const PATHS: u16 = 32;
    pub(crate) const PATH_ITEM: u16 = 64;
    pub(crate) const OPERATION: u16 = 128;
    pub(crate) const COMPONENTS: u16 = 256;
}

/// Values that rules check, in document order.
#[derive(Default)]
pub(crate) struct Facts {
    /// Objects with an `enum`, reached from the root.
    pub(crate) enums: Vec<Item>,
    /// Objects with `type: array`, of the entry file.
    pub(crate) arrays: Vec<Item>,
    /// Objects with a `$ref`, of the entry file.
    pub(crate) references: Vec<Item>,
    /// `description` and `title` texts, reached from the root.
    pub(crate) texts: Vec<Item>,
    /// Schemas with an example or a default.
    pub(crate) schema_examples: Vec<Item>,
    /// Media types, headers and parameters with examples, and whether they are below the body
    /// of a request, and below a response.
    pub(crate) media_examples: Vec<(Item, bool, bool)>,
    /// Objects with `xml`.
    pub(crate) xml: Vec<Item>,
    /// The last names of what discriminators map to.
    pub(crate) mapped: BTreeSet<String>,
}

impl Facts {
    pub(crate) fn gather(tree: &Tree<'_>) -> Self {
        let ways = ways(tree);
        let mut facts = Self::default();
        for (idx, way) in ways.into_iter().enumerate() {
            let item = Item(u32::try_from(idx).expect("nodes are bounded"));
            let is_wanted = way & way::REACHED != 0 || tree.is_in_entry(item);
            if is_wanted && !tree.is_data(item) {
                facts.look(tree, item, way);
            }
        }
        facts
    }

    fn look(&mut self, tree: &Tree<'_>, item: Item, way: u16) {
        let NodeValue::Object(entries) = &tree.node(item).value else {
            if way & way::REACHED != 0
                && matches!(tree.name(item), Some("description" | "title"))
                && tree.node(item).as_str().is_some()
            {
                self.texts.push(item);
            }
            return;
        };
        let (mut has_enum, mut is_array, mut has_type, mut is_ref) = (false, false, false, false);
        let (mut has_example, mut has_examples, mut has_default) = (false, false, false);
        let (mut has_schema, mut is_schema_like, mut has_xml) = (false, false, false);
        for entry in entries.iter() {
            match entry.key.as_str() {
                "enum" => has_enum = true,
                "type" => {
                    has_type = true;
                    is_array = entry.node.as_str() == Some("array")
                        || entry
                            .node
                            .items()
                            .any(|word| word.as_str() == Some("array"));
                }
                "$ref" => is_ref = entry.node.as_str().is_some(),
                "example" => has_example = true,
                "examples" => has_examples = true,
                "default" => has_default = true,
                "schema" => has_schema = true,
                "format" | "properties" | "items" => is_schema_like = true,
                "xml" => has_xml = true,
                "discriminator" => self.map(&entry.node),
                _ => {}
            }
        }
        if is_ref && tree.is_in_entry(item) {
            self.references.push(item);
        }
        if is_array && tree.is_in_entry(item) {
            self.arrays.push(item);
        }
        if way & way::REACHED == 0 || tree.target(item).is_some() {
            return;
        }
        let is_map = tree.name(item) == Some("properties");
        if has_enum {
            self.enums.push(item);
        }
        if has_xml {
            self.xml.push(item);
        }
        let is_schema_like = is_schema_like || has_enum || has_type || is_ref;
        if way & way::SCHEMA != 0 && (has_example || has_default) && is_schema_like && !is_map {
            self.schema_examples.push(item);
        }
        if way & way::MEDIA != 0 && has_schema && (has_example || has_examples) && !is_map {
            let (request, response) = (way & way::REQUEST != 0, way & way::RESPONSE != 0);
            self.media_examples.push((item, request, response));
        }
    }

    fn map(&mut self, discriminator: &Node) {
        let mapping = discriminator.get("mapping").map(Node::entries);
        for entry in mapping.unwrap_or_default() {
            let name = entry.node.as_str().and_then(|text| text.rsplit('/').next());
            self.mapped.extend(name.map(str::to_owned));
        }
    }
}

/// For each item, the kinds of places over which it is reached from the root. References are
/// followed, and siblings of a reference are not reached.
fn ways(tree: &Tree<'_>) -> Vec<u16> {
    let mut ways = vec![0_u16; tree.len()];
    let mut work = vec![(tree.root(), way::REACHED)];
    let is_root_child = |item: Item, name: &str| {
        tree.parent(item) == Some(tree.root()) && tree.name(item) == Some(name)
    };
    while let Some((item, found)) = work.pop() {
        let known = &mut ways[item.0 as usize];
        if *known | found == *known {
            continue;
        }
        *known |= found;
        let way = *known;
        if let Some(target) = tree.target(item) {
            work.push((target, way));
            continue;
        }
        for child in tree.children(item) {
            let mut next = way & way::INHERITED;
            let name = tree.name(child).unwrap_or_default();
            match name {
                "content" | "headers" | "parameters" => next |= way::MEDIA | way::SCHEMA,
                "paths" if is_root_child(child, "paths") => next |= way::PATHS,
                "components" if is_root_child(child, "components") => next |= way::COMPONENTS,
                _ => {}
            }
            if way & way::PATHS != 0 {
                next |= way::PATH_ITEM;
            }
            if way & way::PATH_ITEM != 0 {
                next |= way::OPERATION;
            }
            if way & way::OPERATION != 0 && name == "requestBody" {
                next |= way::REQUEST;
            }
            if way & way::OPERATION != 0 && name == "responses" {
                next |= way::RESPONSE;
            }
            if way & way::COMPONENTS != 0 {
                next |= match name {
                    "schemas" => way::SCHEMA,
                    "requestBodies" => way::REQUEST,
                    "responses" => way::RESPONSE,
                    _ => 0,
                };
            }
            work.push((child, next));
        }
    }
    ways
}
