//! Servers, channels, operations and messages of `AsyncAPI` 2 and 3 as one view.
//!
//! | here | in version 3 | in version 2 |
//! |---|---|---|
//! | channel | entry of `channels` with its `address` | entry of `channels`, whose key is its address |
//! | operation | entry of `operations` | `publish` and `subscribe` of a channel |
//! | its id | its key | `operationId`, else `<channel>.publish` or `<channel>.subscribe` |
//! | action | `action` | `publish` is `receive`, `subscribe` is `send` ([`Viewpoint`]) |
//! | messages of an operation | `messages`, else all of its channel | `message`, or its `oneOf` |
//! | messages of a channel | `messages` | those of its operations, each once |
//! | payload | `payload`, or `payload.schema` with `schemaFormat` | `payload`, by the message's `schemaFormat` |
//! | traits | an object's own key wins over its traits | a trait wins over the object's own key |
//! | server address | `host` and `pathname` | `url` without its scheme |

mod layers;
mod parts;
mod read;
mod version2;

pub use parts::{AsyncOperation, Binding, Channel, ChannelParameter, Message, Server};

use tollgate_report::Finding;

use crate::contract::Contract;
use crate::grammar;

/// A finding for each payload in a format that is not JSON Schema, because such a payload is not
/// checked.
pub(crate) fn unread_formats(contract: &Contract) -> Vec<Finding> {
    if !contract.kind.is_async() {
        return Vec::new();
    }
    let unread = contract.messages().into_iter().filter_map(|message| {
        let format = message.schema_format.as_deref()?;
        (!grammar::is_json_schema_name(format)).then(|| {
            Finding::warning(
                "schema-format-unread",
                format!(
                    "the payload of `{}` is in `{format}`: its schema is not read, and any value is accepted",
                    message.name
                ),
            )
            .at(message.at.node.place(message.at.file))
            .because("only the formats of AsyncAPI, JSON Schema and OpenAPI are read")
            .fix("also describe the payload in JSON Schema")
        })
    });
    unread.collect()
}
