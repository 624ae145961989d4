//! The type representation that every emitter reads: what a contract means, without syntax.
//!
//! It must not know a target language, nor where a document came from beyond a pointer.

mod graph;

use std::collections::BTreeSet;

use serde_json::Value;

pub use graph::{Graph, analyse};

/// The index of a declaration in [`Ir::decls`].
pub type DeclId = usize;

/// Everything that is generated from the given contracts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ir {
    /// The declared types, in the order they were met.
    pub decls: Vec<Decl>,
    /// The HTTP operations, in document order.
    pub operations: Vec<Operation>,
    /// How many fields, items or values have no type (`any`).
    pub n_untyped: usize,
}

/// One named type.
#[derive(Debug, Clone, PartialEq)]
pub struct Decl {
    /// The name as the document has it, or the place for an inline schema; not yet an identifier.
    pub name: String,
    /// Whether the name stands in the document; inline types give way in a collision.
    pub is_component: bool,
    /// The file stem of the contract that brought it, such as `openapi`.
    pub module: String,
    /// Its identity: file and JSON pointer.
    pub place: String,
    /// What the document says about it.
    pub docs: Docs,
    /// What it is.
    pub shape: Shape,
}

/// Text for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Docs {
    /// Title and description; may hold any text.
    pub text: String,
    /// Whether the document says not to use it any more.
    pub is_deprecated: bool,
}

/// What a declaration is.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// An object with known properties.
    Struct(Struct),
    /// An open set of strings.
    Enum(Vec<String>),
    /// One of several types.
    Union(Union),
    /// Another name for a type.
    Alias(Type),
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

/// What happens with properties that are not listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Extra {
    /// The document says nothing: they are kept as raw JSON.
    #[default]
    Unstated,
    /// They are refused.
    Refused,
    /// They have this type.
    Typed(Type),
}

/// One property.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name on the wire.
    pub wire: String,
    /// What the document says about it.
    pub docs: Docs,
    /// Whether it must be present.
    pub is_required: bool,
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

/// One of several types.
#[derive(Debug, Clone, PartialEq)]
pub struct Union {
    /// The variants in the order in which they are tried.
    pub variants: Vec<Variant>,
    /// The property that tells variants apart, when one does.
    pub tag: Option<String>,
}

/// A variant of a union.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The name before it becomes an identifier.
    pub name: String,
    /// What it holds.
    pub ty: Type,
    /// What a value must look like to be this variant.
    pub guard: Guard,
    /// Whether no other variant's guard accepts such a value (proved, not assumed).
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
    /// Text, with the document's `format`.
    String(Option<String>),
    /// A whole number.
    Integer(Integer),
    /// A number; `true` when the document says that binary floating point holds it.
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

/// Bounds that `validate` checks. Numbers are the text of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraints {
    /// `minLength`, `minItems` or `minProperties`.
    pub size_min: Option<u64>,
    /// `maxLength`, `maxItems` or `maxProperties`.
    pub size_max: Option<u64>,
    /// `minimum`.
    pub minimum: Option<String>,
    /// `maximum`.
    pub maximum: Option<String>,
    /// Whether the minimum itself is out of range.
    pub is_minimum_exclusive: bool,
    /// Whether the maximum itself is out of range.
    pub is_maximum_exclusive: bool,
    /// `multipleOf`.
    pub multiple_of: Option<String>,
    /// `pattern`, an ECMA-262 expression.
    pub pattern: Option<String>,
    /// `uniqueItems`.
    pub is_unique: bool,
}

impl Constraints {
    /// Whether there is nothing to check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
}

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name on the wire.
    pub wire: String,
    /// Where it stands.
    pub location: Location,
    /// What the document says about it.
    pub docs: Docs,
    /// Whether it must be present.
    pub is_required: bool,
    /// Whether a list is written as one value with commas.
    pub is_comma_separated: bool,
    /// Its type.
    pub ty: Type,
}

/// Where a parameter stands.
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
}

/// One declared answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The status as the document has it: `200`, `4XX` or `default`.
    pub status: String,
    /// What the document says about it.
    pub docs: Docs,
    /// Its media type, when it has a body.
    pub media: Option<String>,
    /// Its type, when the body is JSON.
    pub ty: Option<Type>,
    /// Declared headers: name, whether it must be present, docs.
    pub headers: Vec<(String, bool, Docs)>,
}
