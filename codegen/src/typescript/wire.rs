//! The driver for the proof of the wire: a table from place to check.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::TypeScript;
use super::text::literal;
use crate::ir::{DeclId, TypeKind, visit_types};

impl TypeScript<'_> {
    /// The file: the table, and the loop of the template.
    pub(super) fn wire(&self) -> String {
        let mut out =
            "import * as m from \"./models.js\";\nimport { add, addNullable, run } from \"./driver.js\";\n\n"
                .to_owned();
        for (place, id) in self.places() {
            let is_nullable = self.ir.decls[id].is_nullable;
            out.push_str(if is_nullable { "addNullable(" } else { "add(" });
            literal(&mut out, place);
            let name = &self.names[id];
            let _ = writeln!(out, ", m.{name});");
        }
        out.push_str("\nawait run();\n");
        out
    }

    /// The declaration of each place: of several, the one that holds the others.
    fn places(&self) -> BTreeMap<&str, DeclId> {
        let mut by_place: BTreeMap<&str, Vec<DeclId>> = BTreeMap::new();
        for (id, decl) in self.ir.decls.iter().enumerate() {
            by_place.entry(&decl.place).or_default().push(id);
        }
        let outer = |ids: &[DeclId]| {
            let mut inner = BTreeSet::new();
            for id in ids {
                visit_types(&self.ir.decls[*id].shape, &mut |ty, _| {
                    if let TypeKind::Named(target) = ty.kind
                        && target != *id
                    {
                        inner.insert(target);
                    }
                });
            }
            *ids.iter().find(|id| !inner.contains(id)).unwrap_or(&ids[0])
        };
        by_place
            .into_iter()
            .map(|(place, ids)| (place, outer(&ids)))
            .collect()
    }
}
