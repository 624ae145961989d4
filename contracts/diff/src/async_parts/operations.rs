//! One operation on both sides: its channel, reply, security and bindings.

use tollgate_contracts_model::{AsyncOperation, Contract};

use super::common::{bindings, credentials, place, security_changed};
use crate::change::Level;
use crate::walk::{Draft, Scope, Walk};

/// Channel, reply, security and bindings of an operation.
pub(crate) fn operation<'a>(
    walk: &mut Walk<'a>,
    scope: &Scope,
    old: &AsyncOperation<'a>,
    new: &AsyncOperation<'a>,
) {
    let places = || (place(old.at), place(new.at));
    let address = |contract: &Contract, operation: &AsyncOperation<'_>| {
        let channels = contract.channels();
        let name = operation.channel.as_ref()?;
        let channel = channels.into_iter().find(|channel| channel.name == *name)?;
        channel.address.or(Some(channel.name))
    };
    let (from, to) = (address(walk.old, old), address(walk.new, new));
    if from != to && old.channel != new.channel {
        let show = |name: Option<String>| name.unwrap_or_else(|| "none".to_owned());
        let message = format!(
            "the operation moved from `{}` to `{}`",
            show(from),
            show(to)
        );
        let code = "async-operation-channel-changed";
        walk.push(
            scope,
            Draft::with_level(code, Level::Breaking, message, places()),
        );
    }
    let has_reply = |operation: &AsyncOperation<'_>| operation.at.node.get("reply").is_some();
    match (has_reply(old), has_reply(new)) {
        (true, false) => {
            let code = "async-operation-reply-removed";
            let message = "the reply is gone";
            walk.push(
                scope,
                Draft::with_level(code, Level::Breaking, message, places()),
            );
        }
        (false, true) => {
            let code = "async-operation-reply-added";
            walk.push(
                scope,
                Draft::with_level(code, Level::Info, "the reply is new", places()),
            );
        }
        _ => {}
    }
    let security = |contract: &Contract, operation: &AsyncOperation<'_>| {
        let at = operation.get("security");
        credentials(contract, at.map(|at| (at.file, at.node)))
    };
    let pair = (security(walk.old, old), security(walk.new, new));
    security_changed(walk, scope, "operation", pair, places());
    bindings(
        walk,
        scope,
        "operation",
        &old.bindings,
        &new.bindings,
        places(),
    );
}
