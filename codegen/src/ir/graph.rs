//! Facts that follow from the references between declarations: boxes, newtypes, derivable traits.

use super::{Constraints, DeclId, Extra, Ir, Shape, Type, TypeKind};

/// Facts about declarations that depend on more than one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// The strongly connected component of each declaration, over references that hold by value.
    pub value_component: Vec<usize>,
    /// Declarations that reach themselves by value.
    pub is_cyclic_by_value: Vec<bool>,
    /// Aliases that reach themselves in any way, so that a plain alias can't express them.
    pub is_recursive_alias: Vec<bool>,
    /// Declarations that hold a binary floating-point number somewhere.
    pub has_float: Vec<bool>,
    /// Declarations that hold raw JSON or a number of any size somewhere.
    pub has_raw: Vec<bool>,
}

impl Graph {
    /// Whether a reference by value from one declaration to another needs a box.
    #[must_use]
    pub fn needs_box(&self, from: DeclId, to: DeclId) -> bool {
        self.is_cyclic_by_value[to] && self.value_component[from] == self.value_component[to]
    }
}

/// Computes the facts.
#[must_use]
pub fn analyse(ir: &Ir) -> Graph {
    let by_value = edges(ir, false);
    let by_any = edges(ir, true);
    let value_component = components(&by_value);
    let any_component = components(&by_any);
    let is_cyclic_by_value = cyclic(&by_value, &value_component);
    let is_cyclic_by_any = cyclic(&by_any, &any_component);
    let is_recursive_alias = ir
        .decls
        .iter()
        .zip(&is_cyclic_by_any)
        .map(|(decl, is_cyclic)| *is_cyclic && matches!(decl.shape, Shape::Alias(_)))
        .collect();
    Graph {
        value_component,
        is_cyclic_by_value,
        is_recursive_alias,
        has_float: spread(
            ir,
            &by_any,
            |_| false,
            |kind| matches!(kind, TypeKind::Number { is_float: true }),
        ),
        has_raw: spread(ir, &by_any, keeps_unknown, |kind| {
            matches!(
                kind,
                TypeKind::Any
                    | TypeKind::Number { is_float: false }
                    | TypeKind::Integer(super::Integer::Big)
            )
        }),
    }
}

/// Calls `visit` for all constraints, wherever they are.
pub(crate) fn visit_constraints<'a>(ir: &'a Ir, visit: &mut dyn FnMut(&'a Constraints)) {
    for decl in &ir.decls {
        match &decl.shape {
            Shape::Struct(object) => visit(&object.bounds),
            Shape::Union(union) => visit(&union.bounds),
            Shape::Tuple(tuple) => visit(&tuple.bounds),
            Shape::Enum(_) | Shape::Alias(_) => {}
        }
        visit_types(&decl.shape, &mut |ty, _| visit(&ty.constraints));
    }
}

/// Calls `visit` for every type use of a declaration, outermost first.
pub(crate) fn visit_types<'a>(shape: &'a Shape, visit: &mut dyn FnMut(&'a Type, bool)) {
    fn walk<'a>(ty: &'a Type, is_indirect: bool, visit: &mut dyn FnMut(&'a Type, bool)) {
        visit(ty, is_indirect);
        if let TypeKind::Array(inner) | TypeKind::Map(inner) = &ty.kind {
            walk(inner, true, visit);
        }
    }
    match shape {
        Shape::Struct(object) => {
            for field in object.fields.iter().filter(|field| !field.is_fixed()) {
                walk(&field.ty, false, visit);
            }
            if let Extra::Typed(ty) = &object.extra {
                walk(ty, true, visit);
            }
        }
        Shape::Union(union) => {
            for variant in &union.variants {
                walk(&variant.ty, false, visit);
            }
        }
        Shape::Tuple(tuple) => {
            for item in &tuple.items {
                walk(item, false, visit);
            }
            if let Extra::Typed(ty) = &tuple.rest {
                walk(ty, true, visit);
            }
        }
        Shape::Alias(ty) => walk(ty, false, visit),
        Shape::Enum(_) => {}
    }
}

/// The declarations that each refers to, in order, each once; a twin is a name for its original.
fn edges(ir: &Ir, with_indirect: bool) -> Vec<Vec<DeclId>> {
    ir.decls
        .iter()
        .enumerate()
        .map(|(id, decl)| {
            if ir.originals[id] != id {
                return vec![ir.originals[id]];
            }
            let mut targets = Vec::new();
            visit_types(&decl.shape, &mut |ty, is_indirect| {
                if let TypeKind::Named(id) = ty.kind
                    && (with_indirect || !is_indirect)
                {
                    targets.push(id);
                }
            });
            targets.sort_unstable();
            targets.dedup();
            targets
        })
        .collect()
}

fn cyclic(edges: &[Vec<DeclId>], component: &[usize]) -> Vec<bool> {
    edges
        .iter()
        .enumerate()
        .map(|(from, targets)| targets.iter().any(|to| component[*to] == component[from]))
        .collect()
}

/// Whether values of this shape keep what the document does not list as raw JSON.
fn keeps_unknown(shape: &Shape) -> bool {
    match shape {
        Shape::Struct(object) => object.extra == Extra::Unstated,
        Shape::Tuple(tuple) => tuple.rest == Extra::Unstated,
        Shape::Union(_) => true,
        Shape::Enum(_) | Shape::Alias(_) => false,
    }
}

/// Whether a declaration or anything it reaches holds a type that `is_wanted` accepts.
fn spread(
    ir: &Ir,
    edges: &[Vec<DeclId>],
    holds_itself: impl Fn(&Shape) -> bool,
    is_wanted: impl Fn(&TypeKind) -> bool,
) -> Vec<bool> {
    let mut holds: Vec<bool> = ir
        .decls
        .iter()
        .map(|decl| {
            let mut found = holds_itself(&decl.shape);
            visit_types(&decl.shape, &mut |ty, _| found |= is_wanted(&ty.kind));
            found
        })
        .collect();
    let mut users = vec![Vec::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for to in targets {
            users[*to].push(from);
        }
    }
    let mut queue: Vec<DeclId> = (0..holds.len()).filter(|id| holds[*id]).collect();
    while let Some(id) = queue.pop() {
        for user in &users[id] {
            if !holds[*user] {
                holds[*user] = true;
                queue.push(*user);
            }
        }
    }
    holds
}

/// Strongly connected components (Kosaraju, without recursion); the number names the component.
fn components(edges: &[Vec<DeclId>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(edges.len());
    let mut is_seen = vec![false; edges.len()];
    for start in 0..edges.len() {
        if is_seen[start] {
            continue;
        }
        is_seen[start] = true;
        let mut stack = vec![(start, edges[start].iter())];
        while let Some((id, targets)) = stack.last_mut() {
            if let Some(next) = targets.next() {
                if !is_seen[*next] {
                    is_seen[*next] = true;
                    stack.push((*next, edges[*next].iter()));
                }
            } else {
                order.push(*id);
                stack.pop();
            }
        }
    }
    let mut reverse = vec![Vec::new(); edges.len()];
    for (from, targets) in edges.iter().enumerate() {
        for to in targets {
            reverse[*to].push(from);
        }
    }
    let mut component = vec![usize::MAX; edges.len()];
    for root in order.into_iter().rev() {
        let mut stack = vec![root];
        while let Some(id) = stack.pop() {
            if component[id] == usize::MAX {
                component[id] = root;
                stack.extend(reverse[id].iter().copied());
            }
        }
    }
    component
}
