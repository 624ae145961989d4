//! The kind of each object in a document, so that a `$ref` counts only where the specification
//! allows a reference or a schema.

use crate::kind::Kind;
use crate::node::{Node, Span, escape_token};

/// The kinds of objects that the specifications define and that we visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// The whole `OpenAPI` document.
    OpenApi,
    /// The whole `AsyncAPI` document.
    AsyncApi,
    /// `components` of either.
    Components,
    /// One path (or webhook) with its operations.
    PathItem,
    /// One operation of a path.
    Operation,
    /// A parameter.
    Parameter,
    /// A response header.
    Header,
    /// A request body.
    RequestBody,
    /// A response.
    Response,
    /// One media type of a body.
    MediaType,
    /// The encoding of one property of a form.
    Encoding,
    /// An example: its value is data.
    Example,
    /// A link.
    Link,
    /// A callback: path items by expression.
    Callback,
    /// A security scheme.
    SecurityScheme,
    /// A JSON Schema (or its `OpenAPI` 3.0 dialect).
    Schema,
    /// A message payload or headers: a schema, or a schema with its format.
    Payload,
    /// `AsyncAPI`: a server.
    Server,
    /// `AsyncAPI`: a channel.
    Channel,
    /// `AsyncAPI`: an operation.
    AsyncOperation,
    /// `AsyncAPI`: a trait of operations.
    OperationTrait,
    /// `AsyncAPI`: a reply of an operation.
    Reply,
    /// `AsyncAPI`: a message.
    Message,
    /// `AsyncAPI`: a trait of messages.
    MessageTrait,
    /// `AsyncAPI`: bindings by protocol.
    Bindings,
    /// `AsyncAPI`: the binding of a protocol whose fields may be schemas.
    Binding,
    /// `AsyncAPI`: any other object that may be a reference and has no children to visit
    /// (correlation ids, reply addresses, other bindings, tags, external docs).
    Leaf,
}

/// How a key holds its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The value is the object.
    One(Object),
    /// The value is a list of the objects.
    List(Object),
    /// The value is a mapping from names to the objects.
    Map(Object),
}

/// The methods that a path item may have; `query` since `OpenAPI` 3.2.
pub const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

impl Object {
    /// Whether the specification allows a reference in the place of this object. It allows none
    /// for an operation, but large real documents (`DigitalOcean`) keep each in a file.
    #[must_use]
    pub fn may_be_reference(self) -> bool {
        !matches!(
            self,
            Self::OpenApi | Self::AsyncApi | Self::Components | Self::Encoding
        )
    }

    /// Whether keys next to a `$ref` are visited.
    #[must_use]
    pub fn keeps_ref_siblings(self) -> bool {
        matches!(self, Self::Schema | Self::Payload | Self::PathItem)
    }

    /// What is under a key of this object; nothing for data.
    #[must_use]
    pub fn child(self, key: &str) -> Option<Shape> {
        match self {
            Self::OpenApi | Self::AsyncApi => root_child(self, key),
            Self::Components => component_section(key).map(Shape::Map),
            Self::Schema | Self::Payload => schema_child(key),
            Self::Channel
            | Self::AsyncOperation
            | Self::OperationTrait
            | Self::Reply
            | Self::Message
            | Self::MessageTrait
            | Self::Bindings
            | Self::Binding
            | Self::Server => async_child(self, key),
            _ => http_child(self, key),
        }
    }
}

fn root_child(object: Object, key: &str) -> Option<Shape> {
    Some(match (object, key) {
        (_, "components") => Shape::One(Object::Components),
        (Object::OpenApi, "paths" | "webhooks") => Shape::Map(Object::PathItem),
        (Object::AsyncApi, "channels") => Shape::Map(Object::Channel),
        (Object::AsyncApi, "operations") => Shape::Map(Object::AsyncOperation),
        (Object::AsyncApi, "servers") => Shape::Map(Object::Server),
        _ => return None,
    })
}

/// The object that a section of `components` holds.
#[must_use]
pub fn component_section(section: &str) -> Option<Object> {
    Some(match section {
        "schemas" => Object::Schema,
        "responses" => Object::Response,
        "parameters" => Object::Parameter,
        "examples" => Object::Example,
        "requestBodies" => Object::RequestBody,
        "headers" => Object::Header,
        "securitySchemes" => Object::SecurityScheme,
        "links" => Object::Link,
        "callbacks" => Object::Callback,
        "pathItems" => Object::PathItem,
        "mediaTypes" => Object::MediaType,
        "messages" => Object::Message,
        "messageTraits" => Object::MessageTrait,
        "channels" => Object::Channel,
        "operations" => Object::AsyncOperation,
        "operationTraits" => Object::OperationTrait,
        "replies" => Object::Reply,
        "servers" => Object::Server,
        "serverBindings" | "channelBindings" | "operationBindings" | "messageBindings" => {
            Object::Bindings
        }
        "serverVariables" | "correlationIds" | "replyAddresses" | "externalDocs" | "tags" => {
            Object::Leaf
        }
        _ => return None,
    })
}

fn schema_child(key: &str) -> Option<Shape> {
    Some(match key {
        "items"
        | "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "additionalProperties"
        | "additionalItems"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "propertyNames"
        | "contentSchema" => Shape::One(Object::Schema),
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            Shape::Map(Object::Schema)
        }
        "allOf" | "oneOf" | "anyOf" | "prefixItems" => Shape::List(Object::Schema),
        _ => return None,
    })
}

fn http_child(object: Object, key: &str) -> Option<Shape> {
    use Object as O;
    Some(match (object, key) {
        (O::PathItem | O::Operation, "parameters") => Shape::List(O::Parameter),
        (O::PathItem, "additionalOperations") => Shape::Map(O::Operation),
        (O::PathItem, key) if METHODS.contains(&key) => Shape::One(O::Operation),
        (O::Operation, "requestBody") => Shape::One(O::RequestBody),
        (O::Operation, "responses") => Shape::Map(O::Response),
        (O::Operation, "callbacks") => Shape::Map(O::Callback),
        (O::Callback, _) => Shape::One(O::PathItem),
        (O::Parameter | O::Header, "schema") => Shape::One(O::Schema),
        (O::MediaType, "schema" | "itemSchema") => Shape::One(O::Schema),
        (O::Parameter | O::Header | O::MediaType, "examples") => Shape::Map(O::Example),
        (O::Parameter | O::Header | O::RequestBody | O::Response, "content") => {
            Shape::Map(O::MediaType)
        }
        (O::MediaType, "encoding") => Shape::Map(O::Encoding),
        (O::Response | O::Encoding, "headers") => Shape::Map(O::Header),
        (O::Response, "links") => Shape::Map(O::Link),
        _ => return None,
    })
}

fn async_child(object: Object, key: &str) -> Option<Shape> {
    use Object as O;
    Some(match (object, key) {
        (O::Channel, "messages") => Shape::Map(O::Message),
        (O::Channel, "servers") => Shape::List(O::Server),
        (O::Channel, "parameters") => Shape::Map(O::Parameter),
        // AsyncAPI 2: the operations stand in their channel, with one message or `oneOf`.
        (O::Channel, "publish" | "subscribe") => Shape::One(O::AsyncOperation),
        (O::AsyncOperation, "message") => Shape::One(O::Message),
        (O::Message, "oneOf") => Shape::List(O::Message),
        (O::AsyncOperation | O::Reply, "channel") => Shape::One(O::Channel),
        (O::AsyncOperation | O::Reply, "messages") => Shape::List(O::Message),
        (O::AsyncOperation, "reply") => Shape::One(O::Reply),
        (O::AsyncOperation, "traits") => Shape::List(O::OperationTrait),
        (O::AsyncOperation | O::OperationTrait | O::Server, "security") => {
            Shape::List(O::SecurityScheme)
        }
        (O::Reply, "address") => Shape::One(O::Leaf),
        (O::Message, "payload") => Shape::One(O::Payload),
        (O::Message | O::MessageTrait, "headers") => Shape::One(O::Payload),
        (O::Message, "traits") => Shape::List(O::MessageTrait),
        (O::Message | O::MessageTrait, "correlationId") => Shape::One(O::Leaf),
        (O::Server, "variables") => Shape::Map(O::Leaf),
        (O::Bindings, "ws" | "http" | "kafka" | "mqtt5" | "mqtt") => Shape::One(O::Binding),
        (O::Bindings, key) if !key.starts_with("x-") => Shape::One(O::Leaf),
        (O::Binding, "query" | "headers" | "key") => Shape::One(O::Schema),
        (O::Bindings | O::Binding, _) => return None,
        (_, "bindings") => Shape::One(O::Bindings),
        (_, "externalDocs") => Shape::One(O::Leaf),
        (_, "tags") => Shape::List(O::Leaf),
        _ => return None,
    })
}

/// The object that a whole document of this kind is.
#[must_use]
pub fn root_object(kind: Kind) -> Object {
    if kind.is_async() {
        Object::AsyncApi
    } else {
        Object::OpenApi
    }
}

/// One object met by a [`walk`].
#[derive(Clone, Copy, Debug)]
pub struct Site<'n, 'p> {
    /// The object that the specification expects here.
    pub object: Object,
    /// The node that was found here; it may be a reference.
    pub node: &'n Node,
    /// Where, as a JSON Pointer from the root of the document.
    pub pointer: &'p str,
    /// The place of the key that holds it, or of the value in a list.
    pub key_span: Span,
}

impl<'n> Site<'n, '_> {
    /// The `$ref` of this object, if the object may be a reference and is one.
    #[must_use]
    pub fn reference(&self) -> Option<&'n Node> {
        reference(self.object, self.node)
    }
}

/// The `$ref` text node of an object, if the object may be a reference and is one.
#[must_use]
pub fn reference(object: Object, node: &Node) -> Option<&Node> {
    if !object.may_be_reference() {
        return None;
    }
    let text = |key: &str| node.get(key).filter(|node| node.as_str().is_some());
    let dynamic = || text("$dynamicRef").filter(|_| object == Object::Schema);
    text("$ref").or_else(dynamic)
}

/// Visits an object and all objects under it, parents first, in document order. References are
/// visited, not followed.
pub fn walk<'n>(
    object: Object,
    pointer: &str,
    node: &'n Node,
    visit: &mut dyn FnMut(Site<'n, '_>),
) {
    walk_while(object, pointer, node, &mut |site| {
        visit(site);
        true
    });
}

/// Like [`walk`], but visits what is under an object only when the visitor returns true.
pub fn walk_while<'n>(object: Object, pointer: &str, node: &'n Node, visit: &mut Visit<'_, 'n>) {
    let mut pointer = pointer.to_owned();
    step(object, &mut pointer, node, node.span, visit);
}

/// Visits an object, and returns whether to visit what is under it.
pub type Visit<'v, 'n> = dyn FnMut(Site<'n, '_>) -> bool + 'v;

fn step<'n>(
    object: Object,
    pointer: &mut String,
    node: &'n Node,
    key_span: Span,
    visit: &mut Visit<'_, 'n>,
) {
    let object = match object {
        Object::Payload if node.get("schemaFormat").is_none() => Object::Schema,
        other => other,
    };
    let site = Site {
        object,
        node,
        pointer,
        key_span,
    };
    if !visit(site) {
        return;
    }
    if object == Object::Payload {
        step_multi_format(pointer, node, visit);
        return;
    }
    if reference(object, node).is_some() && !object.keeps_ref_siblings() {
        return;
    }
    for entry in node.entries() {
        if object == Object::Message && entry.key == "payload" && !is_json_schema_format(node) {
            continue;
        }
        if let Some(shape) = object.child(&entry.key) {
            let length = pointer.len();
            push(pointer, &entry.key);
            step_shape(shape, pointer, &entry.node, entry.key_span, visit);
            pointer.truncate(length);
        }
    }
}

/// A payload with its format: its schema counts when the format is one of JSON Schema.
fn step_multi_format<'n>(pointer: &mut String, node: &'n Node, visit: &mut Visit<'_, 'n>) {
    if !is_json_schema_format(node) {
        return;
    }
    if let Some(entry) = node.entry("schema") {
        let length = pointer.len();
        push(pointer, "schema");
        step(Object::Schema, pointer, &entry.node, entry.key_span, visit);
        pointer.truncate(length);
    }
}

/// Whether an object with `schemaFormat` (a message of `AsyncAPI` 2, a payload of 3) holds a JSON
/// Schema: the formats of `AsyncAPI`, JSON Schema and `OpenAPI` do; Avro, RAML and Protobuf do not.
#[must_use]
pub fn is_json_schema_format(holder: &Node) -> bool {
    holder
        .get("schemaFormat")
        .and_then(Node::as_str)
        .is_none_or(is_json_schema_name)
}

/// Whether a `schemaFormat` names a dialect of JSON Schema.
#[must_use]
pub fn is_json_schema_name(format: &str) -> bool {
    let format = format.to_ascii_lowercase();
    ["aai.asyncapi", "schema+json", "schema+yaml", "oai.openapi"]
        .iter()
        .any(|known| format.contains(known))
}

fn step_shape<'n>(
    shape: Shape,
    pointer: &mut String,
    node: &'n Node,
    key_span: Span,
    visit: &mut Visit<'_, 'n>,
) {
    match shape {
        Shape::One(object) => {
            // JSON Schema before 2020-12 allows a list under `items`.
            if let Some(items) = node.as_array().filter(|_| object == Object::Schema) {
                step_list(object, pointer, items, visit);
            } else {
                step(object, pointer, node, key_span, visit);
            }
        }
        Shape::List(object) => step_list(object, pointer, node.items().as_slice(), visit),
        Shape::Map(object) => {
            for entry in node.entries() {
                if entry.key.starts_with("x-")
                    && object != Object::Schema
                    && !entry.node.is_object_like()
                {
                    continue;
                }
                let length = pointer.len();
                push(pointer, &entry.key);
                step(object, pointer, &entry.node, entry.key_span, visit);
                pointer.truncate(length);
            }
        }
    }
}

fn step_list<'n>(
    object: Object,
    pointer: &mut String,
    items: &'n [Node],
    visit: &mut Visit<'_, 'n>,
) {
    for (idx, item) in items.iter().enumerate() {
        let length = pointer.len();
        push(pointer, &idx.to_string());
        step(object, pointer, item, item.span, visit);
        pointer.truncate(length);
    }
}

fn push(pointer: &mut String, key: &str) {
    pointer.push('/');
    if key.contains(['~', '/']) {
        pointer.push_str(&escape_token(key));
    } else {
        pointer.push_str(key);
    }
}

impl Node {
    fn is_object_like(&self) -> bool {
        self.as_object().is_some()
    }
}
