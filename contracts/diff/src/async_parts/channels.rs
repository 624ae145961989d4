//! One channel on both sides: its parameters, servers and bindings.

use std::collections::BTreeSet;

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Channel, ChannelParameter, Located};

use super::common::{below, bindings, named, place, text};
use crate::change::Level;
use crate::schema;
use crate::walk::{Direction, Draft, Scope, Walk};

/// Parameters, servers and bindings of a channel.
pub(crate) fn channel<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &Channel<'a>,
    new: &Channel<'a>,
) {
    let places = || (place(old.at), place(new.at));
    let names = |channel: &Channel<'_>| {
        let names = channel
            .parameters
            .iter()
            .map(|parameter| parameter.name.clone());
        names.collect::<BTreeSet<_>>()
    };
    named(
        walk,
        scope,
        "channel-parameter",
        (&names(old), &names(new)),
        places(),
    );
    for parameter in &old.parameters {
        let mut others = new.parameters.iter();
        if let Some(other) = others.find(|other| other.name == parameter.name) {
            compare_parameter(walk, scope, parameter, other);
        }
    }
    let servers = |channel: &Channel<'_>| channel.servers.iter().cloned().collect::<BTreeSet<_>>();
    let (from, to) = (servers(old), servers(new));
    if from != to {
        // No list means all servers.
        let is_wider = to.is_empty() || (!from.is_empty() && to.is_superset(&from));
        let (step, level) = if is_wider {
            ("widened", Level::Info)
        } else {
            ("narrowed", Level::Breaking)
        };
        let message = format!("the servers of the channel are {step}");
        walk.push(
            scope,
            Draft::with_level(format!("channel-servers-{step}"), level, message, places()),
        );
    }
    bindings(
        walk,
        scope,
        "channel",
        &old.bindings,
        &new.bindings,
        places(),
    );
}

fn compare_parameter<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &ChannelParameter<'a>,
    new: &ChannelParameter<'a>,
) {
    let step = format!("/parameters/{}", escape_token(&old.name));
    let scope = Scope {
        direction: Direction::Request,
        subject: "request-parameter",
        ..below(scope, &step)
    };
    let location = |parameter: &ChannelParameter<'_>| text(parameter.at.node, "location");
    let (from, to) = (location(old), location(new));
    if from != to {
        let message = format!("the location of the parameter changed from `{from}` to `{to}`");
        let places = (place(old.at), place(new.at));
        let code = "channel-parameter-location-changed";
        walk.push(
            &scope,
            Draft::with_level(code, Level::Breaking, message, places),
        );
    }
    let schema = |parameter: &ChannelParameter<'a>| {
        // In version 3 the parameter itself holds `enum` and `default`.
        let file = parameter.at.file;
        let node = parameter.schema.unwrap_or(parameter.at.node);
        Located { file, node }
    };
    schema::compare(walk, &scope, schema(old), schema(new));
}
