//! Evaluates one path over one tree: finds every value that it matches, once for each way that
//! matters.

use std::collections::VecDeque;

use rustc_hash::FxHashSet;
use tollgate_contracts_model::pattern::Patterns;
use tollgate_contracts_model::source::escape_token;

use super::Path;
use super::step::Step;
use crate::evaluate::{Scope, Value, number_text};
use crate::expression::Expression;
use crate::tree::{Item, Key, Tree};

/// How many steps one evaluation may take; the largest document of the corpus needs a tenth.
const STEPS_MAX: usize = 20_000_000;

/// The matches of a path.
pub(crate) struct Matches {
    frames: Vec<Frame>,
    found: Vec<u32>,
    /// Whether the keys of the items are meant, not their values.
    pub(crate) are_keys: bool,
}

impl Path {
    /// All values that the path matches from an item on.
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

    /// How many values before the current one matter to each step and those after it.
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

impl Matches {
    /// The items that matched, references not followed, each with its frame.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Item, u32)> {
        self.found
            .iter()
            .map(|frame| (self.frames[*frame as usize].item, *frame))
    }

    /// The path to a match as a JSON Pointer, through the references that were followed.
    pub(crate) fn pointer(&self, tree: &Tree<'_>, frame: u32) -> String {
        let keys = path_keys(tree, &self.frames, frame);
        keys.iter().fold(String::new(), |pointer, key| {
            format!("{pointer}/{}", escape_token(key))
        })
    }
}

/// One value that a path matches: the item, its reference not followed, and the frame before it.
#[derive(Clone, Copy)]
struct Frame {
    item: Item,
    previous: u32,
}

const NONE: u32 = u32::MAX;

struct Walk<'w, 'a> {
    path: &'w Path,
    tree: &'w Tree<'a>,
    patterns: &'w Patterns,
    is_resolved: bool,
    look_back: Vec<usize>,
    frames: Vec<Frame>,
    /// A queue: the shortest way to a value is found first and kept.
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

    /// Continues with a step at an item, once for each way that matters.
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

/// A key as a JavaScript value: a text, or a number in a list.
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
