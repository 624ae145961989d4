//! The type representation that every emitter reads: what a contract means, without syntax.

mod constraints;
pub(crate) mod format;
mod graph;
mod paging;
pub(crate) mod twins;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use constraints::{Constraints, Limits};
pub use format::Format;
pub use graph::{Graph, analyse};
pub(crate) use graph::{visit_constraints, visit_types};
pub(crate) use paging::{Paging, paging};

/// The index of a declaration in [`Ir::decls`].
pub type DeclId = usize;

/// Everything that is generated from the given contracts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ir {
    /// The declared types, in the order they were met.
    pub decls: Vec<Decl>,
    /// For each declaration the one that is generated for it: itself, or an equal inline type, for
    /// which its name becomes an alias.
    pub originals: Vec<DeclId>,
    /// The HTTP operations, in document order.
    pub operations: Vec<Operation>,
    /// The addresses of the HTTP servers, in document order; `{name}` stands for a variable's default.
    pub servers: Vec<String>,
    /// How callers prove who they are, by the scheme's name.
    pub security_schemes: BTreeMap<String, SecurityScheme>,
    /// The channels of AsyncAPI documents, in document order.
    pub channels: Vec<Channel>,
    /// How many fields, items or values have no type (`any`).
    pub n_untyped: usize,
    /// The places of these values: file and JSON pointer, in the order in which they were met.
    pub untyped: Vec<String>,
    /// The parts of the contract that `validate` does not check, by place.
    pub unchecked: BTreeMap<String, Unchecked>,
    /// The schemas that a [`Limits::residual`] names as `#/$defs/NAME`: JSON Schema 2020-12
    /// without `$id`, anchors or dynamic references. Empty when no residual names one.
    pub schemas: BTreeMap<String, Value>,
}

impl Ir {
    /// Whether a declaration is a list whose items have each a type of their own.
    #[must_use]
    pub fn has_tuples(&self) -> bool {
        let mut decls = self.decls.iter();
        decls.any(|decl| matches!(decl.shape, Shape::Tuple(_)))
    }
}

/// Why a part of the contract is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchecked {
    /// The alternatives reach too many schemas to be compared with a value.
    TooLarge,
    /// The expression, which is not valid in ECMA-262.
    Pattern(String),
}

/// One named type.
#[derive(Debug, Clone, PartialEq)]
pub struct Decl {
    /// The name in the document, or the place for an inline schema; not yet an identifier.
    pub name: String,
    /// Whether the name is in the document. In a collision, an inline type is renamed.
    pub is_component: bool,
    /// The file stem of the contract that declares it, such as `openapi`.
    pub module: String,
    /// Its identity: file and JSON pointer.
    pub place: String,
    /// Its title, description and deprecation in the document.
    pub docs: Docs,
    /// Whether null is a value of its schema. Each use carries it: see [`Type::is_nullable`].
    pub is_nullable: bool,
    /// Whether an enum is open: its values are only the known ones, and `validate` accepts any
    /// other text.
    pub is_open: bool,
    /// What it is.
    pub shape: Shape,
}

/// Text for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Docs {
    /// Title and description; may hold any text.
    pub text: String,
    /// Whether the document marks it as deprecated.
    pub is_deprecated: bool,
}

/// What a declaration is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// An object with known properties.
    Struct(Struct),
    /// An open set of strings.
    Enum(Vec<EnumValue>),
    /// One of several types.
    Union(Union),
    /// A list whose items have each a type of their own.
    Tuple(Tuple),
    /// Another name for a type.
    Alias(Type),
}

/// One string of an open set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnumValue {
    /// The string on the wire.
    pub wire: String,
    /// What it is called before it becomes an identifier: `x-enum-varnames`, or the string itself.
    pub name: String,
    /// Its documentation in the document (`x-enum-descriptions`, or a `oneOf` of constants).
    pub docs: Docs,
}

/// An object with known properties.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Struct {
    /// The properties in document order.
    pub fields: Vec<Field>,
    /// What happens with properties that are not listed.
    pub extra: Extra,
    /// Bounds on the number of properties.
    pub bounds: Constraints,
}

/// A list whose items have each a type of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuple {
    /// The types by position; not empty.
    pub items: Vec<Type>,
    /// How many items are required; the others can be absent, from the end of the list.
    pub n_required: usize,
    /// What happens with further items.
    pub rest: Extra,
    /// What `validate` checks of the whole list.
    pub bounds: Constraints,
}

/// What happens with properties or items that are not listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Extra {
    /// The document does not restrict them: they are kept as raw JSON.
    #[default]
    Unstated,
    /// They are rejected.
    Refused,
    /// They have this type.
    Typed(Box<Type>),
}

/// One property.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name on the wire.
    pub wire: String,
    /// Its title, description and deprecation in the document.
    pub docs: Docs,
    /// Whether it must be present in requests and in responses alike.
    pub is_required: bool,
    /// In which direction it is sent. A field of one direction is never [`Field::is_required`],
    /// because it is absent in the other direction.
    pub access: Access,
    /// Whether it must be present in the only direction in which it is sent.
    pub is_required_in_direction: bool,
    /// The only value it can have; such a required field is written, not stored.
    pub constant: Option<Value>,
    /// Its type.
    pub ty: Type,
}

impl Field {
    /// Whether the field's value is fixed, so that no value needs to be stored.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.is_required && self.constant.is_some()
    }
}

/// In which direction a field is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Access {
    /// In requests and responses.
    #[default]
    Both,
    /// In responses only (`readOnly`).
    Read,
    /// In requests only (`writeOnly`).
    Write,
}

/// One of several types.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    /// The variants in the order in which they are tried.
    pub variants: Vec<Variant>,
    /// The property whose value determines the variant, if there is one.
    pub tag: Option<String>,
    /// Whether a value that is not a variant is valid too, as for a schema without `type` that
    /// restricts only objects.
    pub is_open: bool,
    /// What `validate` checks in addition to the variants; only [`Limits::residual`] is used.
    pub bounds: Constraints,
}

/// A variant of a union.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The name before it becomes an identifier.
    pub name: String,
    /// What it holds.
    pub ty: Type,
    /// The conditions that a value must meet to be this variant.
    pub guard: Guard,
    /// Whether no other variant's guard accepts such a value. This is proved, not assumed.
    pub is_exclusive: bool,
}

/// The kinds of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Necessary conditions on a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guard {
    /// The kinds it may have; empty means any.
    pub kinds: BTreeSet<Kind>,
    /// Properties that must hold one of these strings.
    pub tags: Vec<(String, Vec<String>)>,
    /// Whether the tags may be absent too. A value without a tag is then tried like a value of a
    /// variant that is not exclusive.
    pub is_tag_optional: bool,
    /// Properties that must be present.
    pub keys: Vec<String>,
    /// The only properties there may be, when the object is closed.
    pub known: Option<BTreeSet<String>>,
    /// The only strings there may be.
    pub strings: Option<BTreeSet<String>>,
}

/// A use of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    /// What it is.
    pub kind: TypeKind,
    /// Whether `null` is a value.
    pub is_nullable: bool,
    /// Bounds that `validate` checks.
    pub constraints: Constraints,
}

impl Type {
    /// A type that is not nullable and has no bounds.
    #[must_use]
    pub fn new(kind: TypeKind) -> Self {
        Self {
            kind,
            is_nullable: false,
            constraints: Constraints::default(),
        }
    }
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// Any JSON value.
    Any,
    /// `true` or `false`.
    Boolean,
    /// Text, with the document's `format`; [`Format::of`] returns the formats that have a type.
    String(Option<String>),
    /// A whole number.
    Integer(Integer),
    /// A number; `true` when the document declares that binary floating point holds it.
    Number {
        /// Whether the format is `float` or `double`.
        is_float: bool,
    },
    /// A list.
    Array(Box<Type>),
    /// An object whose keys are data.
    Map(Box<Type>),
    /// A declared type.
    Named(DeclId),
}

/// How large a whole number can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integer {
    /// 32 bits, signed.
    I32,
    /// 64 bits, signed.
    I64,
    /// 32 bits, unsigned.
    U32,
    /// 64 bits, unsigned.
    U64,
    /// More than 64 bits.
    Big,
}

/// One HTTP operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its `operationId`, or method and path.
    pub id: String,
    /// The first tag, or `default`.
    pub tag: String,
    /// Upper case.
    pub method: String,
    /// With `{name}` for parameters.
    pub path: String,
    /// Summary, description, deprecation.
    pub docs: Docs,
    /// `x-permission`; absent when the document has no decision.
    pub permission: Option<String>,
    /// `x-budget`.
    pub budget: Option<String>,
    /// `x-body-size-max-bytes`.
    pub body_size_max_bytes: Option<u64>,
    /// Whether it upgrades to a WebSocket (`x-websocket`).
    pub is_websocket: bool,
    /// Path, query and header parameters.
    pub parameters: Vec<Parameter>,
    /// The body, when it has one.
    pub body: Option<Body>,
    /// The declared answers, in document order.
    pub responses: Vec<Response>,
    /// The credentials that a call requires: one of these sets of schemes, each scheme with its
    /// scopes. Empty when no credentials are required; an empty set among others makes them
    /// optional.
    pub security: Vec<BTreeMap<String, Vec<String>>>,
}

/// How a caller authenticates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecurityScheme {
    /// A secret under a name in a header, the query or a cookie.
    ApiKey {
        /// The place of the secret.
        location: Location,
        /// Its name on the wire.
        wire: String,
    },
    /// User and password in `authorization: Basic`.
    Basic,
    /// A token in `authorization: Bearer`: also OAuth 2 and OpenID Connect.
    Bearer,
    /// Another scheme, such as mutual TLS, which the transport implements.
    Other(String),
}

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name on the wire.
    pub wire: String,
    /// Its place.
    pub location: Location,
    /// Its title, description and deprecation in the document.
    pub docs: Docs,
    /// Whether it must be present.
    pub is_required: bool,
    /// Whether a list is written as one value with commas.
    pub is_comma_separated: bool,
    /// How a list or object is written: `form`, `simple`, `spaceDelimited`, `pipeDelimited`,
    /// `deepObject`, `label`, `matrix`; never empty.
    pub style: String,
    /// Whether each item or property of a list or object gets a name of its own.
    pub is_exploded: bool,
    /// The media type when the value is a document of its own (`content`), such as JSON text.
    pub media: Option<String>,
    /// Its type.
    pub ty: Type,
}

/// The place of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// In a cookie.
    Cookie,
    /// The whole query (OpenAPI 3.2).
    QueryString,
}

/// A request body.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Whether it must be present.
    pub is_required: bool,
    /// Its media type.
    pub media: String,
    /// Its type; text and binary bodies have none.
    pub ty: Option<Type>,
    /// Every media type that the document offers, the one above first.
    pub contents: Vec<Content>,
}

/// One representation of a body.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The media type, as the document has it.
    pub media: String,
    /// The type of its schema, of any media type; absent when there is no schema.
    pub ty: Option<Type>,
    /// The type of one item of a stream (`itemSchema` of OpenAPI 3.2).
    pub item: Option<Type>,
    /// The media type of each part of a form, if the document declares it (`encoding`).
    pub part_media: BTreeMap<String, String>,
}

/// One declared answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status as it is in the document: `200`, `4XX` or `default`.
    pub status: String,
    /// Its description in the document.
    pub docs: Docs,
    /// Its media type, when it has a body.
    pub media: Option<String>,
    /// Its type, when the body is JSON.
    pub ty: Option<Type>,
    /// Every media type that the document offers, the one above first; empty without a body.
    pub contents: Vec<Content>,
    /// Declared headers: name, whether it must be present, docs.
    pub headers: Vec<(String, bool, Docs)>,
}

/// One channel of an AsyncAPI document.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Its name in the document.
    pub name: String,
    /// Its address with `{name}` for parameters; absent when it is only known at run time.
    pub address: Option<String>,
    /// Address parameters: name and docs.
    pub parameters: Vec<(String, Docs)>,
    /// Its description in the document.
    pub docs: Docs,
    /// The messages that the application of the document sends here.
    pub sends: Vec<Message>,
    /// The messages that the application of the document receives here.
    pub receives: Vec<Message>,
    /// The tagged type of all its messages.
    pub union: Option<DeclId>,
}

/// One message of a channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its name.
    pub name: String,
    /// Its title, description and deprecation in the document.
    pub docs: Docs,
    /// The type of its payload; absent when the document does not declare one.
    pub payload: Option<Type>,
    /// The type of its headers.
    pub headers: Option<Type>,
    /// Its media type, such as `application/json`.
    pub content_type: Option<String>,
    /// The place of its correlation id: a runtime expression such as `$message.header#/id`.
    pub correlation_id: Option<String>,
}
