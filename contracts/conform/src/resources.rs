//! The resources that are known to exist: values of path parameters, from created resources, lists,
//! links and `Location`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::operation::Operation;
use crate::request::Answer;

/// How many resources of one kind are remembered.
const KEPT_MAX: usize = 40;

/// One resource that an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// The template that ends with its own parameter, such as `/projects/{projectId}`.
    pub(crate) template: String,
    /// The values of all parameters of the template.
    pub(crate) values: BTreeMap<String, String>,
    /// Whether we created it, so that we may delete it.
    pub(crate) is_ours: bool,
}

/// All known resources.
#[derive(Default)]
pub(crate) struct Resources {
    known: Vec<Resource>,
    /// Values by the plain name of a parameter, from fields of that name.
    by_name: BTreeMap<String, Vec<String>>,
}

/// The templates that end with a parameter, longest first: `/a/{x}/b/{y}/c` gives `/a/{x}/b/{y}`
/// and `/a/{x}`.
pub(crate) fn prefixes(template: &str) -> Vec<String> {
    let mut found: Vec<String> = template
        .match_indices('}')
        .map(|(at, _)| template[..=at].to_owned())
        .collect();
    found.reverse();
    found
}

/// A name without case, dashes and underscores.
pub(crate) fn plain_name(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a field could be the id for a parameter, if no field has its name and none is `id`.
fn is_id_of(field: &str, parameter: &str) -> bool {
    let (field, parameter) = (plain_name(field), plain_name(parameter));
    let is_kind = matches!(
        field.as_str(),
        "id" | "uuid" | "key" | "slug" | "name" | "code" | "number"
    );
    field == "uuid" || (is_kind && parameter.ends_with(&field))
}

/// The scalar under a field as it is in an address.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() && text.len() <= 200 => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The id in an object for a parameter: the field of that name, then `id`, then the fields of a
/// nested object, then a field that is named like an id.
fn id_in(object: &Value, parameter: &str) -> Option<String> {
    let map = object.as_object()?;
    let strict = |map: &serde_json::Map<String, Value>| {
        let exact = map
            .iter()
            .find(|(field, _)| plain_name(field) == plain_name(parameter));
        exact
            .map(|(_, value)| value)
            .or_else(|| map.get("id"))
            .and_then(scalar)
    };
    let inner = || map.values().filter_map(Value::as_object).find_map(strict);
    let near = || {
        let found = map.iter().find(|(field, _)| is_id_of(field, parameter));
        found.and_then(|(_, value)| scalar(value))
    };
    strict(map).or_else(inner).or_else(near)
}

impl Resources {
    /// The newest resource for the longest prefix of a template.
    pub(crate) fn for_template(&self, template: &str, only_ours: bool) -> Option<&Resource> {
        prefixes(template).iter().find_map(|prefix| {
            self.known
                .iter()
                .rev()
                .find(|known| known.template == *prefix && (known.is_ours || !only_ours))
        })
    }

    /// Resources of exactly this template.
    pub(crate) fn count(&self, template: &str) -> usize {
        self.known
            .iter()
            .filter(|known| known.template == template)
            .count()
    }

    /// The newest value for a parameter of this name from anywhere.
    pub(crate) fn by_name(&self, parameter: &str) -> Option<&String> {
        self.by_name.get(&plain_name(parameter))?.last()
    }

    pub(crate) fn add(&mut self, resource: Resource) {
        self.known
            .retain(|known| known.template != resource.template || known.values != resource.values);
        let of_kind = self
            .known
            .iter()
            .filter(|known| known.template == resource.template);
        if of_kind.count() >= KEPT_MAX
            && let Some(at) = self
                .known
                .iter()
                .position(|known| known.template == resource.template)
        {
            self.known.remove(at);
        }
        self.known.push(resource);
    }

    /// Forgets a resource and everything below it.
    pub(crate) fn remove(&mut self, template: &str, values: &BTreeMap<String, String>) {
        self.known.retain(|known| {
            !known.template.starts_with(template)
                || values
                    .iter()
                    .any(|(name, value)| known.values.get(name) != Some(value))
        });
        for value in values.values() {
            for of_name in self.by_name.values_mut() {
                of_name.retain(|known| known != value);
            }
        }
    }

    /// Records a success: the resource that was created or listed at `sent`, and the values of its
    /// path.
    pub(crate) fn learn(
        &mut self,
        operations: &[Operation],
        operation: &Operation,
        sent: &BTreeMap<String, String>,
        answer: &Answer,
    ) -> Option<Resource> {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        let mut made = None;
        if let Some((template, parameter)) = item_template(operations, &operation.path) {
            let add = |id: String, is_ours: bool| {
                let mut values = sent.clone();
                values.insert(parameter.clone(), id);
                Resource {
                    template: template.clone(),
                    values,
                    is_ours,
                }
            };
            if operation.method == "POST" {
                let id = id_in(&body, &parameter).or_else(|| location_id(answer, &template));
                if let Some(id) = id {
                    made = Some(add(id, true));
                }
            } else if operation.method == "GET" {
                let items = items_of(&body).map(Vec::as_slice).unwrap_or_default();
                for item in items[..items.len().min(5)].iter().rev() {
                    if let Some(id) = id_in(item, &parameter) {
                        let resource = add(id, false);
                        let is_known = self.known.iter().any(|known| {
                            known.template == resource.template && known.values == resource.values
                        });
                        if !is_known {
                            // A listed thing gives way to those we made.
                            self.known.insert(0, resource);
                        }
                    }
                }
            }
        }
        if let Some(resource) = &made {
            self.add(resource.clone());
        } else if operation.method == "PUT" && operation.path.ends_with('}') && answer.status == 201
        {
            let resource = Resource {
                template: operation.path.clone(),
                values: sent.clone(),
                is_ours: true,
            };
            self.add(resource.clone());
            made = Some(resource);
        }
        self.learn_fields(&body, 0);
        made
    }

    /// Remembers fields that are named like ids.
    fn learn_fields(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Object(map) if depth < 4 => {
                for (field, value) in map {
                    let plain = plain_name(field);
                    if plain.len() > 2
                        && plain.ends_with("id")
                        && let Some(text) = scalar(value)
                    {
                        let known = self.by_name.entry(plain).or_default();
                        known.retain(|old| *old != text);
                        known.push(text);
                        if known.len() > KEPT_MAX {
                            known.remove(0);
                        }
                    }
                    self.learn_fields(value, depth + 1);
                }
            }
            Value::Array(items) if depth < 4 => {
                for item in items.iter().take(5) {
                    self.learn_fields(item, depth + 1);
                }
            }
            _ => {}
        }
    }
}

/// The template of one resource of a collection, and its own parameter.
pub(crate) fn item_template(
    operations: &[Operation],
    collection: &str,
) -> Option<(String, String)> {
    let base = format!("{}/{{", collection.trim_end_matches('/'));
    operations.iter().find_map(|operation| {
        let rest = operation.path.strip_prefix(&base)?;
        let (name, _) = rest.split_once('}')?;
        Some((format!("{base}{name}}}"), name.to_owned()))
    })
}

/// The last segment of a `Location` whose path looks like the template.
fn location_id(answer: &Answer, template: &str) -> Option<String> {
    let location = answer.header("location")?;
    let path = location.split(['?', '#']).next()?.trim_end_matches('/');
    let last = path.rsplit('/').next().filter(|last| !last.is_empty())?;
    template.ends_with('}').then(|| last.to_owned())
}

/// The list in a body: the body itself, or its only or best-named field that is a list.
pub(crate) fn items_of(body: &Value) -> Option<&Vec<Value>> {
    match body {
        Value::Array(items) => Some(items),
        Value::Object(map) => {
            let lists = || {
                map.iter()
                    .filter_map(|(key, value)| Some((key, value.as_array()?)))
            };
            lists()
                .find(|(key, _)| {
                    matches!(
                        key.as_str(),
                        "items" | "data" | "results" | "values" | "entries" | "records"
                    )
                })
                .or_else(|| lists().next())
                .map(|(_, items)| items)
        }
        _ => None,
    }
}
