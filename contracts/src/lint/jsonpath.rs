//! JSONPath as rulesets write it: read, and evaluated over a tree within bounds. The dialect is
//! that of jsonpath-plus and nimma (filters, `..`, `^`, `~`, unions, slices). It must not know rules.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;

use super::evaluate::{Scope, Value, number_text};
use super::expression::{self, Expression};
use super::pattern::Patterns;
use super::tree::{Item, Key, Tree};
use crate::source::escape_token;

/// How many steps one evaluation may take; the largest document of the corpus needs a tenth.
const STEPS_MAX: usize = 20_000_000;

/// A compiled path.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Child(String),
    Union(Vec<String>),
    Wildcard,
    /// `..`: the value and all below it.
    Deep,
    Filter(Expression),
    /// `[(@.length-1)]`: the child that an expression names.
    Script(Expression),
    Slice(Option<i64>, Option<i64>, i64),
    Parent,
    /// `~`: the key instead of the value.
    Keys,
}

/// One value that a path meets: the item, its reference not followed, and the frame before it.
#[derive(Clone, Copy)]
struct Frame {
    item: Item,
    previous: u32,
}

const NONE: u32 = u32::MAX;

/// What a path has met.
pub(crate) struct Matches {
    frames: Vec<Frame>,
    found: Vec<u32>,
    /// Whether the keys of the items are meant, not their values.
    pub(crate) are_keys: bool,
}

impl Path {
    /// Reads a path.
    pub(crate) fn parse(text: &str, patterns: &Patterns) -> Result<Self, String> {
        let mut reader = Reader {
            text: text.trim(),
            at: 0,
            patterns,
        };
        let steps = reader.steps()?;
        Ok(Self { steps })
    }

    /// Whether the path is `$` alone.
    pub(crate) fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// All values that the path meets from an item on.
    pub(crate) fn evaluate(
        &self,
        tree: &Tree<'_>,
        patterns: &Patterns,
        start: Item,
        is_resolved: bool,
    ) -> Matches {
        let mut walk = Walk {
            path: self,
            tree,
            patterns,
            is_resolved,
            look_back: self.look_back(),
            frames: Vec::new(),
            work: VecDeque::new(),
            seen: FxHashSet::default(),
            found: Vec::new(),
        };
        walk.push(0, start, NONE);
        let mut n_steps = 0;
        while let Some((step, frame)) = walk.work.pop_front() {
            n_steps += 1;
            if n_steps > STEPS_MAX {
                break;
            }
            walk.step(step, frame);
        }
        Matches {
            frames: walk.frames,
            found: walk.found,
            are_keys: matches!(self.steps.last(), Some(Step::Keys)),
        }
    }

    /// How many values before the present one matter to each step and those after it.
    fn look_back(&self) -> Vec<usize> {
        let mut depths = vec![0; self.steps.len() + 1];
        let mut depth: usize = 0;
        for (idx, step) in self.steps.iter().enumerate().rev() {
            depth = match step {
                Step::Parent => depth + 1,
                Step::Filter(expression) | Step::Script(expression) if expression.looks_back() => {
                    depth.saturating_sub(1).max(2)
                }
                Step::Deep => depth,
                _ => depth.saturating_sub(1),
            };
            depths[idx] = depth;
        }
        depths
    }
}

struct Walk<'w, 'a> {
    path: &'w Path,
    tree: &'w Tree<'a>,
    patterns: &'w Patterns,
    is_resolved: bool,
    look_back: Vec<usize>,
    frames: Vec<Frame>,
    /// First come, first served: the shortest way to a value is the one that is kept.
    work: VecDeque<(usize, u32)>,
    seen: FxHashSet<(usize, Item, u64)>,
    found: Vec<u32>,
}

impl Walk<'_, '_> {
    fn follow(&self, item: Item) -> Item {
        if self.is_resolved {
            self.tree.follow(item)
        } else {
            item
        }
    }

    /// Goes on with a step at an item, once for each way that matters.
    fn push(&mut self, step: usize, item: Item, previous: u32) {
        let frame = Frame { item, previous };
        self.go_on(step, frame);
    }

    fn go_on(&mut self, step: usize, frame: Frame) {
        let is_deep = matches!(self.path.steps.get(step), Some(Step::Deep));
        let identity = if is_deep {
            self.follow(frame.item)
        } else {
            frame.item
        };
        let mut way = 0_u64;
        let mut before = frame.previous;
        for _ in 0..self.look_back[step] {
            if before == NONE {
                break;
            }
            let known = self.frames[before as usize];
            way = way.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(known.item.0 + 1);
            before = known.previous;
        }
        if self.seen.insert((step, identity, way)) {
            let at = u32::try_from(self.frames.len()).expect("steps are bounded");
            self.frames.push(frame);
            self.work.push_back((step, at));
        }
    }

    fn step(&mut self, step: usize, at: u32) {
        let frame = self.frames[at as usize];
        let path = self.path;
        let Some(action) = path.steps.get(step) else {
            self.found.push(at);
            return;
        };
        let item = self.follow(frame.item);
        match action {
            Step::Child(name) => {
                if let Some(child) = self.tree.child(item, name) {
                    self.push(step + 1, child, at);
                }
            }
            Step::Union(names) => {
                for name in names {
                    if let Some(child) = self.child_from_either_end(item, name) {
                        self.push(step + 1, child, at);
                    }
                }
            }
            Step::Wildcard => {
                for child in self.tree.children(item) {
                    self.push(step + 1, child, at);
                }
            }
            Step::Deep => {
                self.go_on(step + 1, frame);
                for child in self.tree.children(item) {
                    self.push(step, child, at);
                }
            }
            Step::Filter(expression) => {
                for child in self.tree.children(item) {
                    if self.ask(expression, child, at).is_truthy() {
                        self.push(step + 1, child, at);
                    }
                }
            }
            Step::Script(expression) => {
                let key = match self.ask(expression, frame.item, frame.previous) {
                    Value::Text(text) => text.to_string(),
                    Value::Number(number) => number_text(number),
                    _ => return,
                };
                if let Some(child) = self.tree.child(item, &key) {
                    self.push(step + 1, child, at);
                }
            }
            Step::Slice(from, to, by) => {
                if self.tree.node(item).as_array().is_some() {
                    for idx in slice(self.tree.n_children(item), *from, *to, *by) {
                        if let Some(child) = self.tree.child(item, &idx.to_string()) {
                            self.push(step + 1, child, at);
                        }
                    }
                }
            }
            Step::Parent => {
                if frame.previous != NONE {
                    let before = self.frames[frame.previous as usize];
                    self.go_on(step + 1, before);
                }
            }
            Step::Keys => self.go_on(step + 1, frame),
        }
    }

    fn child_from_either_end(&self, item: Item, name: &str) -> Option<Item> {
        self.tree.child(item, name).or_else(|| {
            self.tree.node(item).as_array()?;
            let from_end: usize = name.strip_prefix('-')?.parse().ok()?;
            let idx = self.tree.n_children(item).checked_sub(from_end)?;
            self.tree.child(item, &idx.to_string())
        })
    }

    /// The value of an expression for an item that is reached from a frame.
    fn ask(&self, expression: &Expression, item: Item, from: u32) -> Value {
        let frames = &self.frames;
        let parent = (from != NONE).then(|| frames[from as usize].item);
        let scope = Scope {
            tree: self.tree,
            patterns: self.patterns,
            is_resolved: self.is_resolved,
            this: item,
            property: &|| key_value(self.tree, item),
            parent,
            parent_property: &|| {
                parent.map_or(Value::Undefined, |parent| key_value(self.tree, parent))
            },
            path: &|| {
                let mut path = String::from("$");
                let before = if from == NONE {
                    Vec::new()
                } else {
                    path_keys(self.tree, frames, from)
                };
                for key in before.iter().chain([&self.tree.key_text(item)]) {
                    path.push_str(&format!("['{key}']"));
                }
                path
            },
        };
        scope.evaluate(expression)
    }
}

/// A key as JavaScript sees it: a text, or a number in a list.
fn key_value(tree: &Tree<'_>, item: Item) -> Value {
    match tree.key(item) {
        Key::Root => Value::Undefined,
        Key::Name(entry) => Value::Text(entry.key.as_str().into()),
        Key::Index(idx) => Value::Number(f64::from(idx)),
    }
}

fn path_keys(tree: &Tree<'_>, frames: &[Frame], frame: u32) -> Vec<String> {
    let mut keys = Vec::new();
    let mut at = frame;
    while at != NONE {
        let known = frames[at as usize];
        if known.previous != NONE {
            keys.push(tree.key_text(known.item));
        }
        at = known.previous;
    }
    keys.reverse();
    keys
}

impl Matches {
    /// The items that were met, references not followed, each with its frame.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Item, u32)> {
        self.found
            .iter()
            .map(|frame| (self.frames[*frame as usize].item, *frame))
    }

    /// The way to a match as a JSON Pointer, over the references that were followed.
    pub(crate) fn pointer(&self, tree: &Tree<'_>, frame: u32) -> String {
        let keys = path_keys(tree, &self.frames, frame);
        keys.iter().fold(String::new(), |pointer, key| {
            format!("{pointer}/{}", escape_token(key))
        })
    }
}

fn slice(len: usize, from: Option<i64>, to: Option<i64>, by: i64) -> Vec<usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let clamp = |at: i64| {
        if at < 0 {
            (at + len).max(0)
        } else {
            at.min(len)
        }
    };
    let (from, to) = (clamp(from.unwrap_or(0)), clamp(to.unwrap_or(len)));
    let by = usize::try_from(by.max(1)).unwrap_or(1);
    (from..to)
        .step_by(by)
        .filter_map(|idx| usize::try_from(idx).ok())
        .collect()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    patterns: &'a Patterns,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn steps(&mut self) -> Result<Vec<Step>, String> {
        if !self.eat("$") {
            return Err("it does not begin with `$`".to_owned());
        }
        let mut steps = Vec::new();
        while self.at < self.text.len() {
            if self.eat("..") {
                if !matches!(steps.last(), Some(Step::Deep)) {
                    steps.push(Step::Deep);
                }
                self.after_dot(&mut steps)?;
            } else if self.eat(".") {
                if self.rest().is_empty() {
                    return Err("it ends with a dot".to_owned());
                }
                self.after_dot(&mut steps)?;
            } else if self.eat("[") {
                steps.push(self.bracket()?);
            } else if self.eat("^") {
                steps.push(Step::Parent);
            } else if self.eat("~") {
                steps.push(Step::Keys);
            } else if self.rest().starts_with('@') {
                steps.push(self.type_test()?);
            } else if self.rest().trim().is_empty() {
                break;
            } else {
                self.after_dot(&mut steps)?;
            }
        }
        let keys_before_end = steps
            .iter()
            .rev()
            .skip(1)
            .any(|step| matches!(step, Step::Keys));
        if keys_before_end {
            return Err("`~` stands before its end".to_owned());
        }
        Ok(steps)
    }

    /// `@string()` and its like: those of the children so far that are of a type.
    fn type_test(&mut self) -> Result<Step, String> {
        Err(format!(
            "`{}` is not understood; write a filter, such as `[?(typeof @ === 'string')]`",
            self.rest()
        ))
    }

    fn after_dot(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        if self.rest().starts_with(['[', '^', '~', '@']) || self.rest().is_empty() {
            return Ok(());
        }
        if self.eat("*") {
            steps.push(Step::Wildcard);
            return Ok(());
        }
        if self.eat("?(") {
            self.at -= 2;
            return Err("a filter stands in brackets: `[?(..)]`".to_owned());
        }
        self.eat("`");
        let rest = self.rest();
        let end = rest.find(['.', '[', '^', '~']).unwrap_or(rest.len());
        let name = rest[..end].trim().to_owned();
        if name.is_empty() {
            return Err(format!("a name is missing before `{rest}`"));
        }
        self.at += end;
        steps.push(if name == "*" {
            Step::Wildcard
        } else {
            Step::Child(name)
        });
        Ok(())
    }

    fn bracket(&mut self) -> Result<Step, String> {
        let inner = self.until_bracket()?;
        let inner = inner.trim();
        if inner == "*" {
            return Ok(Step::Wildcard);
        }
        if let Some(filter) = inner.strip_prefix('?') {
            return expression::parse(filter, self.patterns).map(Step::Filter);
        }
        if inner.starts_with('(') && inner.ends_with(')') {
            return expression::parse(inner, self.patterns).map(Step::Script);
        }
        if inner.is_empty() {
            return Err("the brackets are empty".to_owned());
        }
        let is_quoted = inner.starts_with(['\'', '"']);
        if inner.contains(':')
            && !is_quoted
            && let Some(slice) = read_slice(inner)
        {
            return Ok(slice);
        }
        let mut names = split_names(inner);
        if names.iter().any(|name| name == "*") {
            return Ok(Step::Wildcard);
        }
        Ok(if names.len() == 1 && !names[0].starts_with('-') {
            Step::Child(names.remove(0))
        } else {
            Step::Union(names)
        })
    }

    /// The text up to the bracket that closes; quotes, patterns and inner brackets are skipped.
    fn until_bracket(&mut self) -> Result<String, String> {
        let rest = self.rest();
        let mut depth = 0_usize;
        let mut quote: Option<char> = None;
        let mut before = '(';
        let mut letters = rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match (quote, letter) {
                (Some(_), '\\') => {
                    letters.next();
                }
                (Some(open), letter) if letter == open => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(letter),
                // A slash after an opening bracket, a comma or an operator opens a pattern.
                (None, '/') if "(,=!&|?:~".contains(before) => quote = Some('/'),
                (None, '[') => depth += 1,
                (None, ']') if depth == 0 => {
                    let inner = rest[..at].to_owned();
                    self.at += at + 1;
                    return Ok(inner);
                }
                (None, ']') => depth -= 1,
                (None, _) => {}
            }
            if !letter.is_whitespace() {
                before = letter;
            }
        }
        Err(format!("a `]` is missing after `[{rest}`"))
    }
}

fn read_slice(text: &str) -> Option<Step> {
    let mut parts = Vec::new();
    for part in text.split(':') {
        let part = part.trim();
        parts.push(if part.is_empty() {
            None
        } else {
            Some(part.parse::<i64>().ok()?)
        });
    }
    (parts.len() <= 3).then(|| {
        let part = |idx: usize| parts.get(idx).copied().flatten();
        Step::Slice(part(0), part(1), part(2).unwrap_or(1))
    })
}

/// Names parted by commas, with quotes or without.
fn split_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut name = String::new();
    let mut quote: Option<char> = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => name.extend(letters.next()),
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ',') => names.push(std::mem::take(&mut name).trim().to_owned()),
            (_, letter) => name.push(letter),
        }
    }
    names.push(name.trim().to_owned());
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source;

    const DOCUMENT: &str = r##"{
        "info": {"title": "t", "x-list": [1, 2, 3]},
        "paths": {
            "/a": {"get": {"tags": ["x"], "parameters": [{"in": "path", "name": "id"}]},
                   "$ref": "ignored", "servers": []},
            "/b": {"post": {"requestBody": {"$ref": "#/components/requestBodies/B"}}}
        },
        "components": {
            "requestBodies": {"B": {"content": {"text/plain": {"schema": {"type": "string", "enum": ["q"]}}}}},
            "schemas": {"Tree": {"type": "object", "properties": {
                "type": {"type": "string"}, "child": {"$ref": "#/components/schemas/Tree"}}}}
        }
    }"##;

    #[track_caller]
    fn check(path: &str, want: &[&str]) {
        let node = source::parse("x.json", DOCUMENT).unwrap();
        let tree = Tree::of_node("x.json", &node);
        let patterns = Patterns::default();
        let path = Path::parse(path, &patterns).unwrap();
        let matches = path.evaluate(&tree, &patterns, tree.root(), true);
        let mut got: Vec<String> = matches
            .iter()
            .map(|(_, frame)| matches.pointer(&tree, frame))
            .collect();
        got.sort();
        assert_eq!(got, want);
    }

    #[test]
    fn paths_meet_what_they_meet_in_jsonpath_plus() {
        check("$", &[""]);
        check("$.info.title", &["/info/title"]);
        check("$['paths']['/a'].get", &["/paths/~1a/get"]);
        check(
            "$.paths[*][get,post]",
            &["/paths/~1a/get", "/paths/~1b/post"],
        );
        check("$.paths.*.[get,post].tags", &["/paths/~1a/get/tags"]);
        check("$.paths[*]~", &["/paths/~1a", "/paths/~1b"]);
        check(
            "$..parameters[?(@.in == 'path')].name",
            &["/paths/~1a/get/parameters/0/name"],
        );
        check("$.paths[*][*].tags^", &["/paths/~1a/get"]);
        check("$.info.x-list[-1:]", &["/info/x-list/2"]);
        check(
            "$.info['x-list'][0,2]",
            &["/info/x-list/0", "/info/x-list/2"],
        );
        check("$.info['x-list'][(@.length-1)]", &["/info/x-list/2"]);
        check("$.paths[?(@property.match(/^\\/a$/))]~", &["/paths/~1a"]);
        check("$.paths[?(@property === '/b')]", &["/paths/~1b"]);
        check("$.paths[?(!@.get)]", &["/paths/~1b"]);
        check(
            "$.paths.*[?(@property !== 'servers' && @.tags && @.tags.includes('x'))]",
            &["/paths/~1a/get"],
        );
        check(
            "$.paths[?(@.get && @.get.parameters.length > 0)].get",
            &["/paths/~1a/get"],
        );
        check("$.info.*[?(@ >= 2)]", &["/info/x-list/1", "/info/x-list/2"]);
        check(
            "$..[?(@.enum && @.enum.constructor.name === 'Array')]",
            // Two ways lead to one value; it is met once, by the shorter one.
            &["/components/requestBodies/B/content/text~1plain/schema"],
        );
        check(
            "$.paths..content.*.schema.type",
            &["/paths/~1b/post/requestBody/content/text~1plain/schema/type"],
        );
        check(
            "$.paths[*][?(@property in ['get', 'put'])]",
            &["/paths/~1a/get"],
        );
        check(
            "$.components.schemas..properties[?(@parentProperty === 'properties' && @.type)]",
            &[
                "/components/schemas/Tree/properties/child",
                "/components/schemas/Tree/properties/type",
            ],
        );
        check("$.info[?(typeof @ === 'string')]", &["/info/title"]);
        check("$.info[?(@.length == 3)]", &["/info/x-list"]);
        check("$.nothing.here", &[]);
        check(
            "$.info[?(void 0 === @.a ? true : false)]",
            &["/info/title", "/info/x-list"],
        );
    }

    #[test]
    fn a_path_that_is_not_understood_says_where() {
        let patterns = Patterns::default();
        let error = |path: &str| Path::parse(path, &patterns).unwrap_err();
        assert_eq!(error("info"), "it does not begin with `$`");
        assert_eq!(
            error("$.a[?(@.b == process.exit())]"),
            "`process` is not known"
        );
        assert_eq!(error("$.a["), "a `]` is missing after `[`");
        assert_eq!(
            error("$.a[?(@.b.match(/[/))]"),
            "the pattern is not closed: `/[/))`"
        );
    }
}
