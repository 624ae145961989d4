//! Generated Swift parses.

use crate::common::{artifacts, documents};
use tollgate_codegen::{Emit, Language};

#[test]
fn swift_parses() {
    let mut parser = tree_sitter::Parser::new();
    let language = tree_sitter_swift::LANGUAGE.into();
    parser
        .set_language(&language)
        .expect("the grammar fits the parser");
    for (name, contracts) in documents() {
        for artifact in artifacts(&contracts, Language::SWIFT, Emit::Models) {
            let tree = parser
                .parse(&artifact.contents, None)
                .expect("a parser with a language");
            let broken = first_broken(tree.root_node());
            assert_eq!(broken, None, "{name} {}", artifact.path);
        }
    }
}

/// The line, from 1, of the first node that is an error or missing.
fn first_broken(node: tree_sitter::Node<'_>) -> Option<usize> {
    if !node.has_error() {
        return None;
    }
    if node.is_error() || node.is_missing() {
        return Some(node.start_position().row + 1);
    }
    let mut cursor = node.walk();
    node.children(&mut cursor).find_map(first_broken)
}
