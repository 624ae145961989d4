//! Spectral's core functions: the checks that a rule of a ruleset may apply to a value.

use std::cmp::Ordering;
use std::sync::Arc;

use tollgate_contracts_model::pattern::Pattern;
use tollgate_contracts_model::{Node, NodeValue};

use crate::context::Context;
use crate::evaluate::number_text;
use crate::hit::Hit;
use crate::tree::{Item, Tree};
use crate::validate::{self, Dialect, Question, Relax};
use crate::values::{equal_nodes, has_type, shown};

/// A core function with its options.
pub(crate) enum Function {
    Alphabetical {
        keyed_by: Option<String>,
    },
    Casing(Casing),
    Defined,
    Enumeration {
        values: Vec<Node>,
    },
    Falsy,
    Length {
        min: Option<f64>,
        max: Option<f64>,
    },
    Or {
        properties: Vec<String>,
    },
    Pattern {
        wanted: Option<Matcher>,
        unwanted: Option<Matcher>,
    },
    Schema(SchemaOption),
    Truthy,
    TypedEnum,
    Undefined,
    Unreferenced {
        location: String,
    },
    Xor {
        properties: Vec<String>,
    },
}

/// The names of the core functions as rulesets write them.
pub(crate) const NAMES: &[&str] = &[
    "alphabetical",
    "casing",
    "defined",
    "enumeration",
    "falsy",
    "length",
    "or",
    "pattern",
    "schema",
    "truthy",
    "typedEnum",
    "undefined",
    "unreferencedReusableObject",
    "xor",
];

/// A pattern with its text.
pub(crate) struct Matcher {
    pub(crate) text: String,
    pub(crate) pattern: Arc<Pattern>,
}

/// A kind of casing, such as `kebab`, as a pattern.
pub(crate) struct Casing {
    pub(crate) kind: String,
    pub(crate) pattern: Arc<Pattern>,
    /// The separator, when it is also accepted as a whole name.
    pub(crate) leading: Option<String>,
}

/// A schema of a ruleset.
pub(crate) struct SchemaOption {
    pub(crate) node: Node,
    pub(crate) dialect: Dialect,
    pub(crate) all_errors: bool,
}

/// The value that is checked.
#[derive(Clone, Copy)]
pub(crate) enum Target<'p> {
    /// A value of the document.
    Value(Item),
    /// The key of a value.
    Key(Item),
    /// A missing property: the deepest value above it, and its name.
    Missing(Item, &'p str),
}

impl Target<'_> {
    fn hit(&self, error: String) -> Hit {
        match self {
            Self::Value(item) => Hit::new(*item, error),
            Self::Key(item) => Hit::new(*item, error).at_key(),
            Self::Missing(item, name) => Hit {
                missing: Some((*name).to_owned()),
                ..Hit::new(*item, error)
            },
        }
    }

    /// The node; none for a key or a missing property.
    fn node<'a>(&self, tree: &Tree<'a>) -> Option<&'a Node> {
        match self {
            Self::Value(item) => Some(tree.node(*item)),
            _ => None,
        }
    }

    fn text(&self, tree: &Tree<'_>) -> Option<String> {
        match self {
            Self::Value(item) => tree.node(*item).as_str().map(str::to_owned),
            Self::Key(item) => Some(tree.key_text(*item)),
            Self::Missing(..) => None,
        }
    }

    /// The name of the value, for messages.
    fn name(&self, tree: &Tree<'_>) -> String {
        match self {
            Self::Missing(_, name) => format!("`{name}`"),
            Self::Value(item) | Self::Key(item) => match tree.key_text(*item) {
                name if name.is_empty() => "the document".to_owned(),
                name => format!("`{name}`"),
            },
        }
    }
}

/// Whether JavaScript treats a value as true.
fn is_truthy(node: &Node) -> bool {
    match &node.value {
        NodeValue::Null => false,
        NodeValue::Bool(value) => *value,
        NodeValue::Number(_) => node.as_f64() != Some(0.0),
        NodeValue::String(text) => !text.is_empty(),
        NodeValue::Array(_) | NodeValue::Object(_) => true,
    }
}

impl Function {
    /// What is wrong with a value; nothing when the function does not apply to values of its type.
    pub(crate) fn apply(&self, context: &Context<'_, '_>, target: Target<'_>) -> Vec<Hit> {
        let tree = context.tree;
        let name = || target.name(tree);
        let one = |error: String| vec![target.hit(error)];
        match self {
            Self::Truthy => {
                let is_good = match target {
                    Target::Value(item) => is_truthy(tree.node(item)),
                    Target::Key(item) => !tree.key_text(item).is_empty(),
                    Target::Missing(..) => false,
                };
                if is_good {
                    Vec::new()
                } else {
                    one(format!("{} must be truthy", name()))
                }
            }
            Self::Falsy => match target {
                Target::Value(item) if is_truthy(tree.node(item)) => {
                    one(format!("{} must be falsy", name()))
                }
                Target::Key(_) => one(format!("{} must be falsy", name())),
                _ => Vec::new(),
            },
            Self::Defined => match target {
                Target::Missing(..) => one(format!("{} must be defined", name())),
                _ => Vec::new(),
            },
            Self::Undefined => match target {
                Target::Missing(..) => Vec::new(),
                _ => one(format!("{} must be undefined", name())),
            },
            Self::Pattern { wanted, unwanted } => {
                pattern(&target, tree, wanted.as_ref(), unwanted.as_ref())
            }
            Self::Casing(casing) => match target.text(tree) {
                Some(text) if !text.is_empty() && !casing.holds(&text) => {
                    one(format!("{} must be {} case", name(), casing.kind))
                }
                _ => Vec::new(),
            },
            Self::Length { min, max } => length(&target, tree, *min, *max),
            Self::Enumeration { values } => enumeration(&target, tree, values),
            Self::Alphabetical { keyed_by } => alphabetical(&target, tree, keyed_by.as_deref()),
            Self::Xor { properties } => properties_hits(&target, tree, properties, true),
            Self::Or { properties } => properties_hits(&target, tree, properties, false),
            Self::Schema(option) => schema(context, &target, option),
            Self::TypedEnum => match target {
                Target::Value(item) => typed_enum(context, item),
                _ => Vec::new(),
            },
            Self::Unreferenced { location } => match target {
                Target::Value(item) => context.unreferenced(item, location),
                _ => Vec::new(),
            },
        }
    }
}

impl Casing {
    fn holds(&self, text: &str) -> bool {
        self.leading.as_deref() == Some(text) || self.pattern.is_match(text)
    }
}

fn pattern(
    target: &Target<'_>,
    tree: &Tree<'_>,
    wanted: Option<&Matcher>,
    unwanted: Option<&Matcher>,
) -> Vec<Hit> {
    let Some(text) = target.text(tree) else {
        return Vec::new();
    };
    let short: String = text.chars().take(80).collect();
    let mut hits = Vec::new();
    if let Some(wanted) = wanted.filter(|wanted| !wanted.pattern.is_match(&text)) {
        hits.push(target.hit(format!(
            "`{short}` must match the pattern `{}`",
            wanted.text
        )));
    }
    if let Some(unwanted) = unwanted.filter(|unwanted| unwanted.pattern.is_match(&text)) {
        hits.push(target.hit(format!(
            "`{short}` must not match the pattern `{}`",
            unwanted.text
        )));
    }
    hits
}

fn length(target: &Target<'_>, tree: &Tree<'_>, min: Option<f64>, max: Option<f64>) -> Vec<Hit> {
    let size = match target {
        Target::Missing(..) => return Vec::new(),
        Target::Key(item) => tree.key_text(*item).encode_utf16().count() as f64,
        Target::Value(item) => match &tree.node(*item).value {
            NodeValue::Array(items) => items.len() as f64,
            NodeValue::Object(entries) => entries.len() as f64,
            NodeValue::String(text) => text.encode_utf16().count() as f64,
            NodeValue::Number(_) => tree.node(*item).as_f64().unwrap_or(0.0),
            NodeValue::Null | NodeValue::Bool(_) => return Vec::new(),
        },
    };
    let name = target.name(tree);
    let mut hits = Vec::new();
    if let Some(min) = min.filter(|min| size < *min) {
        hits.push(target.hit(format!("{name} must be longer than {}", number_text(min))));
    }
    if let Some(max) = max.filter(|max| size > *max) {
        hits.push(target.hit(format!("{name} must be shorter than {}", number_text(max))));
    }
    hits
}

fn enumeration(target: &Target<'_>, tree: &Tree<'_>, values: &[Node]) -> Vec<Hit> {
    let is_allowed = match target {
        Target::Missing(..) => true,
        Target::Key(item) => {
            let key = tree.key_text(*item);
            values.iter().any(|value| value.as_str() == Some(&key))
        }
        Target::Value(item) => {
            let node = tree.node(*item);
            let is_scalar = node.as_object().is_none() && node.as_array().is_none();
            !is_scalar || values.iter().any(|value| equal_nodes(value, node))
        }
    };
    if is_allowed {
        return Vec::new();
    }
    let allowed: Vec<String> = values.iter().map(shown).collect();
    let value = match target.node(tree) {
        Some(node) => shown(node),
        None => target.name(tree),
    };
    vec![target.hit(format!("{value} must be one of {}", allowed.join(", ")))]
}

/// Numbers by value; texts as a dictionary sorts them: punctuation, digits, letters, whatever
/// their case, and lower case first among equals.
pub(crate) fn compare_words(left: &str, right: &str) -> Ordering {
    if let (Ok(left), Ok(right)) = (left.parse::<f64>(), right.parse::<f64>()) {
        return left.partial_cmp(&right).unwrap_or(Ordering::Equal);
    }
    let class = |letter: char| {
        const ORDER: &str = " _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";
        match letter {
            letter if letter.is_alphabetic() => (2, 0, letter.to_lowercase().collect::<String>()),
            letter if letter.is_numeric() => (1, 0, letter.to_string()),
            letter => (
                0,
                ORDER.find(letter).unwrap_or(ORDER.len()),
                letter.to_string(),
            ),
        }
    };
    let by_letters = left.chars().map(class).cmp(right.chars().map(class));
    by_letters.then_with(|| {
        let is_upper = |text: &str| text.chars().map(char::is_uppercase).collect::<Vec<bool>>();
        is_upper(left).cmp(&is_upper(right))
    })
}

fn alphabetical(target: &Target<'_>, tree: &Tree<'_>, keyed_by: Option<&str>) -> Vec<Hit> {
    let Target::Value(item) = target else {
        return Vec::new();
    };
    let node = tree.node(*item);
    let children: Vec<Item> = tree.children(*item).collect();
    if children.len() < 2 {
        return Vec::new();
    }
    let is_array = node.as_array().is_some();
    let word = |child: Item| -> Option<String> {
        let node = match keyed_by {
            Some(key) => tree.node(tree.get(child, key)?),
            None if is_array => tree.node(child),
            None => return Some(tree.key_text(child)),
        };
        match node.value {
            NodeValue::String(_) | NodeValue::Number(_) => node.scalar_text().map(str::to_owned),
            _ => None,
        }
    };
    let words: Option<Vec<String>> = children.iter().map(|child| word(*child)).collect();
    let Some(words) = words else {
        let what = keyed_by.map_or("a text or number".to_owned(), |key| {
            format!("an object with the text or number `{key}`")
        });
        return vec![target.hit(format!("each item of {} must be {what}", target.name(tree)))];
    };
    let unsorted = words
        .windows(2)
        .position(|pair| compare_words(&pair[0], &pair[1]) == Ordering::Greater);
    let Some(idx) = unsorted else {
        return Vec::new();
    };
    let error = format!("`{}` must be placed after `{}`", words[idx], words[idx + 1]);
    vec![match keyed_by {
        Some(_) => Hit::new(*item, error),
        None => Hit::new(children[idx], error),
    }]
}

fn properties_hits(
    target: &Target<'_>,
    tree: &Tree<'_>,
    properties: &[String],
    is_exclusive: bool,
) -> Vec<Hit> {
    let Some(node) = target.node(tree).filter(|node| node.as_object().is_some()) else {
        return Vec::new();
    };
    if properties.len() < 2 {
        return Vec::new();
    }
    let n_there = properties
        .iter()
        .filter(|name| node.get(name).is_some())
        .count();
    let words: Vec<String> = properties.iter().map(|name| format!("`{name}`")).collect();
    let mut hits = Vec::new();
    if n_there == 0 {
        hits.push(target.hit(format!(
            "at least one of {} must be defined",
            words.join(" or ")
        )));
    }
    if n_there > 1 && is_exclusive {
        hits.push(target.hit(format!(
            "just one of {} must be defined",
            words.join(" and ")
        )));
    }
    hits
}

fn schema(context: &Context<'_, '_>, target: &Target<'_>, option: &SchemaOption) -> Vec<Hit> {
    let schemas = Tree::of_node("", &option.node);
    let item = match target {
        Target::Missing(..) => {
            let name = target.name(context.tree);
            return vec![target.hit(format!("{name} must exist"))];
        }
        Target::Value(item) => *item,
        Target::Key(item) => return key_schema(context, &schemas, option, *item),
    };
    let question = Question {
        schemas: &schemas,
        base: Some(schemas.root()),
        values: context.tree,
        is_resolved: context.is_resolved.get(),
        dialect: option.dialect,
        relax: Relax::No,
        all: option.all_errors,
        patterns: context.patterns,
    };
    validate::validate(question, schemas.root(), item)
        .into_iter()
        .map(|failure| {
            let name = Target::Value(failure.at).name(context.tree);
            Hit::new(failure.at, format!("{name} {}", failure.message))
        })
        .collect()
}

/// Checks a key against a schema; for this the key gets a document of its own.
fn key_schema(
    context: &Context<'_, '_>,
    schemas: &Tree<'_>,
    option: &SchemaOption,
    item: Item,
) -> Vec<Hit> {
    let span = context.tree.node(item).span;
    let key = Node::new(span, NodeValue::String(context.tree.key_text(item)));
    let values = Tree::of_node("", &key);
    let question = Question {
        schemas,
        base: Some(schemas.root()),
        values: &values,
        is_resolved: false,
        dialect: option.dialect,
        relax: Relax::No,
        all: option.all_errors,
        patterns: context.patterns,
    };
    validate::validate(question, schemas.root(), values.root())
        .into_iter()
        .map(|failure| {
            let name = Target::Key(item).name(context.tree);
            Hit::new(item, format!("{name} {}", failure.message)).at_key()
        })
        .collect()
}

/// The values of an enum that match none of its types.
pub(crate) fn typed_enum(context: &Context<'_, '_>, item: Item) -> Vec<Hit> {
    let tree = context.tree;
    let node = tree.node(item);
    let (Some(types), Some(values)) = (node.get("type"), tree.child(item, "enum")) else {
        return Vec::new();
    };
    let mut words: Vec<&str> = match types.as_str() {
        Some(word) => vec![word],
        None => types.items().filter_map(Node::as_str).collect(),
    };
    if words.is_empty() || tree.node(values).as_array().is_none() {
        return Vec::new();
    }
    let is_nullable = node.get("nullable").and_then(Node::as_bool) == Some(true);
    if is_nullable && context.formats.contains(&"oas3_0") {
        words.push("null");
    }
    tree.children(values)
        .filter(|value| !words.iter().any(|word| has_type(tree.node(*value), word)))
        .map(|value| {
            let shown = shown(tree.node(value));
            Hit::new(
                value,
                format!(
                    "the value {shown} is not of type `{}`",
                    words.join("` or `")
                ),
            )
        })
        .collect()
}
