//! The body that is compared, and one place in its schema.

use std::rc::Rc;

use tollgate_contracts_model::source::escape_token;

use super::delta::{Delta, ONE_LATE};
use super::sink::At;
use super::window::Window;

/// The kind of a body.
pub(super) struct Body<'b> {
    pub(super) at: At<'b>,
    /// None for a request.
    pub(super) status: Option<&'b str>,
    pub(super) media: &'b str,
    /// The sunset window of the operation; none when its stability level is invalid.
    pub(super) window: Option<Window>,
}

/// One place below the root of a body.
pub(super) struct Place<'p, 'a> {
    pub(super) delta: &'p Rc<Delta<'a>>,
    pub(super) parent: Option<&'p Rc<Delta<'a>>>,
    pub(super) path: String,
    pub(super) name: &'p str,
    /// The pointer from the root of the schema, without the steps through `allOf`.
    pub(super) pointer: String,
}

impl Place<'_, '_> {
    /// `pets/items/` or `pets/name`.
    pub(super) fn full_name(&self, below: &str) -> String {
        let mut text = match below {
            "" => self.name.to_owned(),
            _ => format!("{}/{below}", self.name),
        };
        if self.name.is_empty() && !below.is_empty() {
            text = format!("/{below}");
        }
        if self.path.is_empty() {
            text
        } else {
            format!("{}/{text}", self.path)
        }
    }
}

/// Visits the root and everything that differs below it, each way once.
pub(super) fn visit<'a>(place: &Place<'_, 'a>, visitor: &mut dyn FnMut(&Place<'_, 'a>)) {
    visitor(place);
    let path = match (place.path.as_str(), place.name) {
        (path, "") => path.to_owned(),
        ("", name) => name.to_owned(),
        (path, name) => format!("{path}/{name}"),
    };
    let join = |segment: &str| {
        if path.is_empty() {
            segment.to_owned()
        } else {
            format!("{path}/{segment}")
        }
    };
    let delta = place.delta;
    let mut go = |path: String, name: &str, below: &Rc<Delta<'a>>, step: &str| {
        let place = Place {
            delta: below,
            parent: Some(delta),
            path,
            name,
            pointer: format!("{}{step}", place.pointer),
        };
        visit(&place, visitor);
    };
    for key in ["allOf", "anyOf", "oneOf", "prefixItems"] {
        for (name, below) in delta
            .lists
            .get(key)
            .map(|list| &list.modified)
            .into_iter()
            .flatten()
        {
            let label = name.rsplit(['/', ' ']).next().unwrap_or_default();
            let step = match key {
                "allOf" => String::new(),
                _ if name.starts_with("#/") => format!("/{label}"),
                _ => format!("/{key}"),
            };
            go(join(&format!("{key}[{name}]")), "", below, &step);
        }
    }
    for key in ["items", "additionalProperties"].iter().chain(ONE_LATE) {
        if let Some(below) = delta.one.get(key) {
            go(join(key), "", below, &format!("/{key}"));
        }
    }
    for (key, map) in &delta.maps {
        for (name, below) in &map.modified {
            match *key {
                "properties" => {
                    let step = format!("/properties/{}", escape_token(name));
                    go(path.clone(), name, below, &step);
                }
                "$defs" => {}
                _ => {
                    let step = format!("/{key}/{}", escape_token(name));
                    go(join(&format!("{key}[{name}]")), "", below, &step);
                }
            }
        }
    }
}
