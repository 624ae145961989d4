//! The order of the requests: valid requests for all operations, then lives, then pages, then the
//! requests that find the most failures.

use std::collections::VecDeque;

use crate::operation::Operation;
use crate::recipe::{self, Recipe};
use crate::step::Step;
use crate::{follow, pages};

/// How many resources are created before a list is read page by page.
const THINGS_FOR_PAGES: usize = 3;

/// An entry of the queue.
pub(crate) enum Plan {
    Recipe(usize, Recipe),
    Step(Box<Step>),
    Life(usize),
    Pages(usize),
}

/// The first part of a run: valid requests for all operations, then lives, then pages. The
/// remaining recipes follow, one for each operation in turn.
pub(crate) fn first_queue(operations: &[Operation]) -> VecDeque<Plan> {
    let order: Vec<usize> = first_order(operations)
        .into_iter()
        .filter(|idx| !operations[*idx].is_upgrade)
        .collect();
    let mut queue = VecDeque::new();
    for n in 0..2 {
        queue.extend(order.iter().map(|idx| Plan::Recipe(*idx, Recipe::Valid(n))));
    }
    for idx in &order {
        if follow::life_of(operations, *idx).is_some() {
            queue.push_back(Plan::Life(*idx));
        }
    }
    for idx in &order {
        if pages::begin(&operations[*idx]).is_some() {
            let path = &operations[*idx].path;
            let creator = operations
                .iter()
                .position(|other| other.path == *path && other.method == "POST");
            for n in 0..THINGS_FOR_PAGES {
                queue.extend(creator.map(|creator| Plan::Recipe(creator, Recipe::Valid(n + 3))));
            }
            queue.push_back(Plan::Pages(*idx));
        }
    }
    let mut rest: Vec<VecDeque<Recipe>> = order
        .iter()
        .map(|idx| recipe::recipes(operations, &operations[*idx]).into())
        .collect();
    let mut n_rounds = 0;
    while rest.iter().any(|recipes| !recipes.is_empty()) {
        for (at, recipes) in rest.iter_mut().enumerate() {
            queue.extend(
                recipes
                    .pop_front()
                    .map(|recipe| Plan::Recipe(order[at], recipe)),
            );
        }
        n_rounds += 1;
        if n_rounds % 10 == 0 {
            let lives = order
                .iter()
                .filter(|idx| follow::life_of(operations, **idx).is_some());
            queue.extend(lives.map(|idx| Plan::Life(*idx)));
        }
    }
    queue
}

/// The order in which operations are first requested: those that create resources come before those
/// that need them, and those that delete come last.
fn first_order(operations: &[Operation]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..operations.len()).collect();
    let rank = |operation: &Operation| match operation.method.as_str() {
        "POST" if !operation.path.ends_with('}') => 0,
        "PUT" => 1,
        "DELETE" => 3,
        _ => 2,
    };
    order.sort_by_key(|idx| {
        let operation = &operations[*idx];
        let is_delete = operation.method == "DELETE";
        (
            is_delete,
            operation.path.matches('{').count(),
            rank(operation),
            *idx,
        )
    });
    order
}
