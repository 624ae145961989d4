//! Requests that follow from an answer: the life of one resource from its creation until after its
//! deletion, links, pages.

use std::collections::BTreeMap;

use serde_json::Value;
use tollgate_contracts_instance::Json;

use crate::checks::Fault;
use crate::fill::set_by_name;
use crate::operation::{Link, Operation};
use crate::pages::{self, Turn};
use crate::request::{Answer, Content, Values, plain};
use crate::resources::{Resource, item_template};
use crate::same::is_same;
use crate::step::{Follow, Intent, Life, Stage, Step};

/// The life that begins with a creating operation, if other operations continue it.
pub(crate) fn life_of(operations: &[Operation], creator: usize) -> Option<Life> {
    let operation = &operations[creator];
    if operation.method != "POST" {
        return None;
    }
    let (template, _) = item_template(operations, &operation.path)?;
    let find = |method: &str| {
        operations
            .iter()
            .position(|other| other.path == template && other.method == method)
    };
    let (reader, deleter) = (find("GET"), find("DELETE"));
    (reader.is_some() || deleter.is_some()).then_some(Life {
        stage: Stage::Create,
        reader,
        writer: find("PUT"),
        deleter,
        thing: None,
        before: None,
        put: None,
    })
}

/// What is wrong with an answer in its sequence, and the next request.
pub(crate) struct Outcome {
    pub(crate) fault: Option<Fault>,
    pub(crate) next: Option<Step>,
}

impl Outcome {
    fn end() -> Self {
        Self {
            fault: None,
            next: None,
        }
    }

    fn fault(check: &'static str, message: String) -> Self {
        let fault = Fault {
            check,
            cause: String::new(),
            message,
            place: None,
        };
        Self {
            fault: Some(fault),
            next: None,
        }
    }
}

/// Continues after an answer. `made` is the resource that the request created.
pub(crate) fn go_on(
    operations: &[Operation],
    step: &Step,
    answer: &Answer,
    made: Option<&Resource>,
) -> Outcome {
    match &step.follow {
        Follow::None => Outcome::end(),
        Follow::Link(name) => {
            if matches!(answer.status, 404 | 410) {
                let message = format!("the link `{name}` leads to {}", answer.status);
                Outcome::fault("link-broken", message)
            } else {
                Outcome::end()
            }
        }
        Follow::Pages(pages) => {
            let mut pages = pages.clone();
            let (fault, turn) = pages::take(&mut pages, answer);
            let next = match turn {
                Turn::Done => None,
                Turn::Ask(parameters) => {
                    let mut step = step.clone();
                    for (idx, value) in parameters {
                        step.values.set(idx, value);
                    }
                    step.follow = Follow::Pages(pages);
                    // The service gave the cursor: refusing it is judged as a page.
                    step.intent = Intent::Odd;
                    Some(step)
                }
            };
            Outcome { fault, next }
        }
        Follow::Life(life) => live(operations, life, step, answer, made),
    }
}

fn live(
    operations: &[Operation],
    life: &Life,
    step: &Step,
    answer: &Answer,
    made: Option<&Resource>,
) -> Outcome {
    let mut life = life.clone();
    let is_gone = matches!(answer.status, 404 | 410);
    let body = || serde_json::from_slice::<Value>(&answer.body).ok();
    let (stage, operation) = match life.stage {
        Stage::Create => {
            let (true, Some(made)) = (answer.is_success(), made) else {
                return Outcome::end();
            };
            life.thing = Some(made.clone());
            match (life.reader, life.deleter) {
                (Some(reader), _) => (Stage::Read, reader),
                (None, Some(deleter)) => (Stage::Delete, deleter),
                (None, None) => return Outcome::end(),
            }
        }
        Stage::Read => {
            if is_gone {
                let message = format!("what was just made can't be read: {}", answer.status);
                return Outcome::fault("created-missing", message);
            }
            if !answer.is_success() {
                return Outcome::end();
            }
            life.before = body();
            match (life.writer, life.deleter) {
                (Some(writer), _) => (Stage::Put, writer),
                (None, Some(deleter)) => (Stage::Delete, deleter),
                (None, None) => return Outcome::end(),
            }
        }
        Stage::Put => {
            if let Some(Content::Value(value)) = &step.values.body {
                life.put = Some(value.clone());
            }
            match (answer.is_success(), life.reader, life.deleter) {
                (true, Some(reader), _) => (Stage::ReadPut, reader),
                (_, _, Some(deleter)) => (Stage::Delete, deleter),
                _ => return Outcome::end(),
            }
        }
        Stage::ReadPut => {
            life.before = body();
            match life.writer {
                Some(writer) => (Stage::PutAgain, writer),
                None => return Outcome::end(),
            }
        }
        Stage::PutAgain => {
            if !answer.is_success() {
                let message = format!(
                    "the same `PUT` was accepted once and then rejected with {}",
                    answer.status
                );
                return Outcome::fault("not-idempotent", message);
            }
            match life.reader {
                Some(reader) => (Stage::ReadAgain, reader),
                None => return Outcome::end(),
            }
        }
        Stage::ReadAgain => {
            let now = body();
            if let (Some(before), Some(now)) = (&life.before, &now)
                && !is_same(before, now)
            {
                let message = "the same `PUT` twice leaves something else than once".to_owned();
                return Outcome::fault("not-idempotent", message);
            }
            life.before = now;
            match life.deleter {
                Some(deleter) => (Stage::Delete, deleter),
                None => return Outcome::end(),
            }
        }
        Stage::Delete => {
            if is_gone {
                let message = format!("what was just made can't be deleted: {}", answer.status);
                return Outcome::fault("created-missing", message);
            }
            match (answer.is_success(), life.reader) {
                (true, Some(reader)) => (Stage::ReadAfter, reader),
                _ => return Outcome::end(),
            }
        }
        Stage::ReadAfter => {
            // A thing that reads otherwise than before is marked as deleted, which is a way too.
            let is_unchanged =
                answer.is_success() && body() == life.before && life.before.is_some();
            return if is_unchanged {
                let message = format!("what was deleted is still read with {}", answer.status);
                Outcome::fault("deleted-readable", message)
            } else {
                Outcome::end()
            };
        }
    };
    life.stage = stage;
    Outcome {
        fault: None,
        next: next_step(operations, operation, life),
    }
}

fn next_step(operations: &[Operation], idx: usize, life: Life) -> Option<Step> {
    let operation = &operations[idx];
    let thing = life.thing.as_ref()?;
    let mut values = with_path(operation, &thing.values);
    for (idx, parameter) in operation.parameters.iter().enumerate() {
        let is_missing = !values.parameters.iter().any(|(known, _)| *known == idx);
        if parameter.is_required && is_missing {
            values
                .parameters
                .push((idx, parameter.valid.first()?.clone()));
        }
    }
    if let Some(body) = &operation.body {
        let value = match life.stage {
            Stage::PutAgain => life.put.clone(),
            _ => body.valid.first().cloned(),
        };
        values.body = Some(Content::Value(value?));
    }
    let is_awaited = life.stage != Stage::ReadAfter;
    Some(Step {
        operation: idx,
        values,
        // After the end anything declared may come.
        intent: if is_awaited {
            Intent::Valid { is_known: true }
        } else {
            Intent::Odd
        },
        method: None,
        follow: Follow::Life(Box::new(life)),
    })
}

/// Path parameters by name.
pub(crate) fn with_path(operation: &Operation, known: &BTreeMap<String, String>) -> Values {
    let mut values = Values::default();
    for (name, value) in known {
        set_by_name(
            operation,
            &mut values,
            &format!("path.{name}"),
            Json::String(value.clone()),
        );
    }
    values
}

/// The values that a declared link gives to the next request; none when one cannot be determined.
pub(crate) fn link_values(
    operations: &[Operation],
    target: usize,
    link: &Link,
    sent: (&Operation, &Values),
    answer: &Answer,
) -> Option<Values> {
    let mut values = Values::default();
    for (name, expression) in &link.parameters {
        let value = match expression {
            Value::String(text) if text.starts_with('$') => expand(text, sent, answer)?,
            constant => Json::of(constant),
        };
        if !set_by_name(&operations[target], &mut values, name, value) {
            return None;
        }
    }
    Some(values)
}

/// A runtime expression (`OpenAPI`, "Runtime Expressions").
fn expand(text: &str, (operation, values): (&Operation, &Values), answer: &Answer) -> Option<Json> {
    let of_parameter = |name: &str, place: &str| {
        let found = values.parameters.iter().find(|(idx, _)| {
            operation.parameters.get(*idx).is_some_and(|parameter| {
                parameter.name == name && parameter.location.word() == place
            })
        });
        found.map(|(_, value)| Json::String(plain(value)))
    };
    let body_at = |body: &Value, pointer: &str| match body.pointer(pointer)? {
        Value::Null => None,
        value => Some(Json::of(value)),
    };
    if let Some(pointer) = text.strip_prefix("$response.body#") {
        return body_at(&serde_json::from_slice(&answer.body).ok()?, pointer);
    }
    if let Some(pointer) = text.strip_prefix("$request.body#") {
        return match &values.body {
            Some(Content::Value(value)) => body_at(&value.to_value(), pointer),
            _ => None,
        };
    }
    if let Some(name) = text.strip_prefix("$response.header.") {
        return answer
            .header(&name.to_ascii_lowercase())
            .map(|text| Json::String(text.to_owned()));
    }
    for place in ["path", "query", "header"] {
        if let Some(name) = text.strip_prefix(&format!("$request.{place}.")) {
            return of_parameter(name, place);
        }
    }
    None
}
