//! Types of the contracts, generated.
//!
//! Unknown enum values, unknown union variants and unlisted properties survive a round trip.
//! A property that is optional and nullable is an `Option<Option<T>>`: absent, null, or a value.
//! Formats such as `date-time` and `uuid` are plain strings; `validate` checks bounds, known
//! values and uniqueness, but not `pattern` and `format`.
#![forbid(unsafe_code)]
#![allow(
    clippy::allow_attributes,
    clippy::doc_lazy_continuation,
    clippy::doc_markdown,
    clippy::doc_overindented_list_items,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::option_option,
    clippy::struct_field_names,
    clippy::too_many_lines,
    clippy::wrong_self_convention,
    dead_code,
    reason = "the contract decides the names and shapes, not the author of the code"
)]

