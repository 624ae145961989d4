//! A contract and its documents, as values.

use std::collections::BTreeMap;

use tollgate_report::Finding;

use crate::kind::{Kind, Viewpoint};
use crate::names::{Names, names_of};
use crate::node::Node;
use crate::reference::Reference;

/// One text with its nodes.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path with `/`, as given or joined to the file that names it.
    pub file: String,
    /// The whole value.
    pub root: Node,
    /// The text as read, without a byte order mark.
    pub text: String,
    /// The names that its schemas declare for themselves.
    pub(crate) names: Names,
}

/// A contract: its documents, its own description, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The specification it follows.
    pub kind: Kind,
    /// Whom an `AsyncAPI` 2 document describes.
    pub viewpoint: Viewpoint,
    /// `info.title`; empty when absent.
    pub title: String,
    /// `info.version`; empty when absent.
    pub version: String,
    /// All files by name.
    pub documents: BTreeMap<String, Document>,
    /// The name of the entry file in `documents`.
    pub entry: String,
    /// Deviations and missing references with their places, worst first.
    pub findings: Vec<Finding>,
    /// Every reference that counts, with its target.
    pub references: Vec<Reference>,
}

impl Document {
    /// A text that was read.
    pub(crate) fn new(file: &str, root: Node, text: String) -> Self {
        Self {
            names: names_of(file, &root, &text),
            file: file.to_owned(),
            root,
            text,
        }
    }
}
