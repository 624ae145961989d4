//! Makes a failing request smaller, one part after the other, while it fails in the same way. It
//! does not send anything itself.

use tollgate_contracts_instance::Json;

use crate::checks::Fault;
use crate::odd::collect_leaves;
use crate::operation::{Location, Operation};
use crate::step::{Intent, Step};

use crate::request::Content;

/// How many requests one failure may use.
const TRIES_MAX: usize = 12;
/// Shorter versions are tried of texts longer than this.
const TEXT_LONG: usize = 24;

/// A failure that is being made smaller.
pub(crate) struct Shrink {
    check: &'static str,
    cause: String,
    best: Step,
    tried: Option<Step>,
    /// The part to try next; parts before it are needed.
    at: usize,
    n_left: usize,
    /// The number of the request that failed first.
    number: usize,
}

/// Begins with a failing step; none when it has no part that could be left out.
pub(crate) fn begin_shrink(
    operations: &[Operation],
    step: &Step,
    fault: &Fault,
    number: usize,
) -> Option<Shrink> {
    // What is wrong about a request without a method or a right is not in its parts.
    if step.method.is_some() {
        return None;
    }
    let shrink = Shrink {
        check: fault.check,
        cause: fault.cause.clone(),
        best: step.clone(),
        tried: None,
        at: 0,
        n_left: TRIES_MAX,
        number,
    };
    (!reductions(operations, &shrink.best).is_empty()).then_some(shrink)
}

impl Shrink {
    /// The next smaller request.
    pub(crate) fn candidate(&mut self, operations: &[Operation]) -> Option<Step> {
        if self.n_left == 0 {
            return None;
        }
        self.n_left -= 1;
        let step = reductions(operations, &self.best)
            .into_iter()
            .nth(self.at)?;
        self.tried = Some(step.clone());
        Some(step)
    }

    /// Whether a fault is the one that is being made smaller.
    pub(crate) fn is_same(&self, fault: &Fault) -> bool {
        fault.check == self.check && fault.cause == self.cause
    }

    /// The number of the request that failed first.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Records whether the smaller request fails too.
    pub(crate) fn take(&mut self, is_failing: bool) {
        match self.tried.take() {
            Some(step) if is_failing => self.best = step,
            _ => self.at += 1,
        }
    }

    /// The smaller request could not be sent.
    pub(crate) fn refuse(&mut self) {
        self.take(false);
    }
}

/// All requests with one part fewer that still mean the same, largest parts first.
fn reductions(operations: &[Operation], step: &Step) -> Vec<Step> {
    let operation = &operations[step.operation];
    let mut found = Vec::new();
    for (at, (idx, _)) in step.values.parameters.iter().enumerate() {
        let parameter = &operation.parameters[*idx];
        let is_meant = match &step.intent {
            Intent::Invalid { part, .. } => part.ends_with(&format!("`{}`", parameter.name)),
            _ => false,
        };
        if !parameter.is_required && parameter.location != Location::Path && !is_meant {
            let mut less = step.clone();
            less.values.parameters.remove(at);
            found.push(less);
        }
    }
    if let Some(Content::Value(body)) = &step.values.body {
        let mut parts = Vec::new();
        collect_parts(body, String::new(), 3, &mut parts);
        for pointer in parts {
            let mut smaller = body.clone();
            smaller.remove(&pointer);
            found.extend(with_body(operation, step, smaller));
        }
        let mut leaves = Vec::new();
        collect_leaves(body, String::new(), &mut leaves);
        for pointer in leaves {
            let mut smaller = body.clone();
            if let Some(Json::String(text)) = smaller.pointer_mut(&pointer)
                && text.chars().count() > TEXT_LONG
            {
                *text = text.chars().take(TEXT_LONG / 2).collect();
                found.extend(with_body(operation, step, smaller));
            }
        }
    }
    found
}

/// The step with another body, if that is still as valid or invalid as intended.
fn with_body(operation: &Operation, step: &Step, body: Json) -> Option<Step> {
    let validator = operation
        .body
        .as_ref()
        .and_then(|body| body.validator.as_ref());
    let is_valid = validator.is_none_or(|validator| validator.is_valid(&body.to_value()));
    let is_meant = match &step.intent {
        Intent::Invalid { part, .. } if part.starts_with("body") => !is_valid,
        Intent::Odd => true,
        _ => is_valid,
    };
    if let Intent::Invalid {
        pointer: Some(pointer),
        ..
    } = &step.intent
    {
        body.clone().pointer_mut(pointer)?;
    }
    is_meant.then(|| {
        let mut step = step.clone();
        step.values.body = Some(Content::Value(body));
        step
    })
}

/// Pointers of keys and items, outer ones first.
fn collect_parts(value: &Json, pointer: String, depth: usize, found: &mut Vec<String>) {
    if depth == 0 {
        return;
    }
    let children: Vec<(String, &Json)> = match value {
        Json::Object(entries) => entries
            .iter()
            .map(|(key, value)| {
                (
                    format!(
                        "{pointer}/{}",
                        tollgate_contracts_model::source::escape_token(key)
                    ),
                    value,
                )
            })
            .collect(),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .skip(1)
            .map(|(idx, value)| (format!("{pointer}/{idx}"), value))
            .collect(),
        _ => Vec::new(),
    };
    found.extend(children.iter().map(|(pointer, _)| pointer.clone()));
    for (pointer, value) in children {
        collect_parts(value, pointer, depth - 1, found);
    }
}
