//! Checks whether the objects of a document have the fields that its specification requires, with
//! the right types, and no others. The fields are data, in `forms/*.txt`.

use std::collections::{BTreeMap, HashSet};

use tollgate_contracts_model::pattern::Patterns;
use tollgate_contracts_model::{Node, NodeValue};
use tollgate_report::suggest;

use crate::hit::Hit;
use crate::tree::{Item, Tree};

const OPENAPI: &str = include_str!("forms/openapi.txt");
const ASYNCAPI: &str = include_str!("forms/asyncapi.txt");

/// All objects of one version of a specification.
pub(crate) struct Forms {
    forms: BTreeMap<&'static str, Form>,
}

#[derive(Default)]
struct Form {
    is_open: bool,
    fields: Vec<FieldForm>,
    /// Patterns of keys with their types.
    patterned: Vec<(&'static str, Type)>,
}

struct FieldForm {
    name: &'static str,
    is_required: bool,
    kind: Type,
}

/// The kinds of values that a field may have.
#[derive(Clone, Debug)]
enum Type {
    Any,
    Null,
    Text,
    Number,
    Boolean,
    Words(Vec<&'static str>),
    /// Texts without duplicates.
    Names,
    List(Box<Type>),
    Map(Box<Type>),
    Object(&'static str),
    /// An object, or a reference to one.
    OrReference(&'static str),
    /// A reference, and nothing else.
    Reference(&'static str),
    Either(Vec<Type>),
}

/// One deviation, and whether it is a reference where none is allowed.
pub(crate) struct Deviation {
    pub(crate) hit: Hit,
    pub(crate) is_reference: bool,
}

impl Forms {
    /// The objects of `OpenAPI`; the minor version of 3.
    pub(crate) fn openapi(minor: u32) -> Self {
        Self::read(OPENAPI, 30 + minor.min(9))
    }

    /// The objects of `AsyncAPI`, by its major and minor version.
    pub(crate) fn asyncapi(major: u32, minor: u32) -> Self {
        Self::read(ASYNCAPI, major * 10 + minor.min(9))
    }

    fn read(text: &'static str, version: u32) -> Self {
        let mut forms: BTreeMap<&'static str, Form> = BTreeMap::new();
        let mut name = "";
        for line in text.lines() {
            let line_text = line.split(" @").next().unwrap_or_default();
            let is_for_version = line
                .split_once(" @")
                .is_none_or(|(_, range)| is_in(range.trim(), version));
            if line.starts_with('#') || line.trim().is_empty() || !is_for_version {
                continue;
            }
            let mut words = line_text.split_whitespace();
            let first = words.next().unwrap_or_default();
            let second = words.next();
            if !line.starts_with(' ') {
                name = first;
                let form = forms.entry(name).or_default();
                form.is_open |= second == Some("open");
                continue;
            }
            let form = forms.entry(name).or_default();
            let kind = read_type(second.unwrap_or("any"));
            match first.strip_prefix('~') {
                Some(pattern) => form.patterned.push((pattern, kind)),
                None => form.fields.push(FieldForm {
                    name: first.trim_end_matches('!'),
                    is_required: first.ends_with('!'),
                    kind,
                }),
            }
        }
        Self { forms }
    }

    /// All deviations of a value that should be an object of a kind. Values in other files are
    /// checked where references lead to them.
    pub(crate) fn check(
        &self,
        tree: &Tree<'_>,
        patterns: &Patterns,
        name: &'static str,
        item: Item,
    ) -> Vec<Deviation> {
        let mut check = Check {
            forms: self,
            tree,
            patterns,
            seen: HashSet::new(),
            out: Vec::new(),
            work: Vec::new(),
        };
        check.work.push((name, item));
        while let Some((name, item)) = check.work.pop() {
            check.object(name, item);
        }
        check.out
    }
}

/// Whether a version is in `3.0`, `3.1+` or `2.0-2.6`.
fn is_in(range: &str, version: u32) -> bool {
    let number = |text: &str| -> u32 { text.replace('.', "").parse().unwrap_or(0) };
    if let Some(from) = range.strip_suffix('+') {
        return version >= number(from);
    }
    match range.split_once('-') {
        Some((from, to)) => (number(from)..=number(to)).contains(&version),
        None => version == number(range),
    }
}

fn read_type(text: &'static str) -> Type {
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        && !inner.contains("]|")
    {
        return Type::List(Box::new(read_type(inner)));
    }
    if let Some(inner) = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        return Type::Map(Box::new(read_type(inner)));
    }
    if text.contains('|') {
        return Type::Either(text.split('|').map(read_type).collect());
    }
    if let Some(words) = text.strip_prefix('=') {
        return Type::Words(words.split(',').collect());
    }
    if let Some(name) = text.strip_prefix('&') {
        return Type::OrReference(name);
    }
    if let Some(name) = text.strip_prefix('*') {
        return Type::Reference(name);
    }
    match text {
        "any" => Type::Any,
        "null" => Type::Null,
        "string" => Type::Text,
        "names" => Type::Names,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        name => Type::Object(name),
    }
}

struct Check<'c, 'a> {
    forms: &'c Forms,
    tree: &'c Tree<'a>,
    patterns: &'c Patterns,
    seen: HashSet<(&'static str, Item)>,
    out: Vec<Deviation>,
    work: Vec<(&'static str, Item)>,
}

impl Check<'_, '_> {
    fn hit(&mut self, hit: Hit) {
        self.out.push(Deviation {
            hit,
            is_reference: false,
        });
    }

    fn name(&self, item: Item) -> String {
        match self.tree.key_text(item) {
            name if name.is_empty() => "the document".to_owned(),
            name => format!("`{name}`"),
        }
    }

    fn object(&mut self, name: &'static str, item: Item) {
        if !self.seen.insert((name, item)) {
            return;
        }
        let Some(form) = self.forms.forms.get(name) else {
            return;
        };
        let node = self.tree.node(item);
        let is_boolean_schema = name == "Schema" && form.is_open && node.as_bool().is_some();
        let Some(entries) = node.as_object() else {
            if !is_boolean_schema {
                let what = self.name(item);
                self.hit(Hit::new(
                    item,
                    format!("{what} must be an object, and is {}", node.type_word()),
                ));
            }
            return;
        };
        for field in form.fields.iter().filter(|field| field.is_required) {
            if node.get(field.name).is_none() && node.get("$ref").is_none() {
                let what = self.name(item);
                let message = format!("{what} must have the property `{}`", field.name);
                self.hit(Hit::new(item, message));
            }
        }
        for (entry, child) in entries.iter().zip(self.tree.children(item)) {
            self.field(form, &entry.key, child);
        }
        // A reference where none may stand is said above; what it means is looked at all the same.
        if let Some(target) = self.tree.target(item) {
            self.work.push((name, target));
        }
    }

    fn field(&mut self, form: &Form, key: &str, child: Item) {
        if let Some(field) = form.fields.iter().find(|field| field.name == key) {
            self.value(&field.kind, child);
            return;
        }
        if key.starts_with("x-") {
            return;
        }
        let patterned = form.patterned.iter().find(|(pattern, _)| {
            let pattern = self.patterns.body(pattern);
            pattern.is_some_and(|pattern| pattern.is_match(key))
        });
        if let Some((_, kind)) = patterned {
            self.value(kind, child);
            return;
        }
        if form.is_open {
            return;
        }
        let names = form.fields.iter().map(|field| field.name);
        let meant = match suggest::nearest(key, names) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        self.out.push(Deviation {
            hit: Hit::new(
                child,
                format!("the property `{key}` is not expected here{meant}"),
            )
            .at_key(),
            is_reference: key == "$ref",
        });
    }

    fn value(&mut self, kind: &Type, item: Item) {
        if let Some(what) = self.mismatch(kind, item) {
            let name = self.name(item);
            self.hit(Hit::new(item, format!("{name} must be {what}")));
            return;
        }
        self.descend(kind, item);
    }

    /// The expected kind of a value, when the value is of another kind.
    fn mismatch(&self, kind: &Type, item: Item) -> Option<String> {
        let node = self.tree.node(item);
        let word = node.type_word();
        let is_good = match kind {
            Type::Any => true,
            Type::Null => word == "null",
            Type::Text => word == "string",
            Type::Number => word == "number",
            Type::Boolean => word == "boolean",
            Type::Words(words) => node.as_str().is_some_and(|text| words.contains(&text)),
            Type::List(_) => word == "array",
            Type::Names => {
                let texts: Vec<Option<&str>> = node.items().map(Node::as_str).collect();
                let distinct: HashSet<&Option<&str>> = texts.iter().collect();
                word == "array" && !texts.contains(&None) && distinct.len() == texts.len()
            }
            Type::Map(_) | Type::Object(_) => word == "object",
            Type::OrReference(name) => {
                word == "object" || (*name == "Schema" && word == "boolean" && self.is_open(name))
            }
            Type::Reference(_) => word == "object",
            Type::Either(kinds) => kinds.iter().any(|kind| self.mismatch(kind, item).is_none()),
        };
        (!is_good).then(|| kind.words(node))
    }

    fn is_open(&self, name: &str) -> bool {
        self.forms.forms.get(name).is_some_and(|form| form.is_open)
    }

    fn descend(&mut self, kind: &Type, item: Item) {
        match kind {
            Type::List(inner) | Type::Map(inner) => {
                let is_map = matches!(kind, Type::Map(_));
                for child in self.tree.children(item) {
                    let is_extension = is_map
                        && self
                            .tree
                            .name(child)
                            .is_some_and(|name| name.starts_with("x-"))
                        && self.mismatch(inner, child).is_some();
                    if !is_extension {
                        self.value(inner, child);
                    }
                }
            }
            Type::Object(name) => self.work.push((name, item)),
            Type::OrReference(name) | Type::Reference(name) => {
                let is_reference = self
                    .tree
                    .node(item)
                    .get("$ref")
                    .is_some_and(|node| node.as_str().is_some());
                match self.tree.target(item) {
                    // The entry file is looked at as a whole anyway.
                    Some(target) if !self.tree.is_in_entry(target) => {
                        self.work.push((name, target));
                    }
                    None if !is_reference => self.work.push((name, item)),
                    _ => {}
                }
            }
            Type::Either(kinds) => {
                let fits = kinds
                    .iter()
                    .find(|kind| self.mismatch(kind, item).is_none());
                if let Some(kind) = fits {
                    self.descend(&kind.clone(), item);
                }
            }
            _ => {}
        }
    }
}

impl Type {
    fn words(&self, node: &Node) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Names => "a list of names, none twice".to_owned(),
            Self::Words(words) => {
                let near = match &node.value {
                    NodeValue::String(text) => suggest::nearest(text, words.iter().copied()),
                    _ => None,
                };
                let meant = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                format!("one of `{}`{meant}", words.join("`, `"))
            }
            Self::Map(_) | Self::Object(_) | Self::OrReference(_) => "an object".to_owned(),
            Self::Reference(_) => "a reference".to_owned(),
            Self::Either(kinds) => {
                let words: Vec<String> = kinds.iter().map(|kind| kind.words(node)).collect();
                words.join(" or ")
            }
        }
    }
}
