//! Types of the contracts, generated.
//!
//! Unknown enum values, unknown union variants and unlisted properties survive a round trip.
//! A property that is optional and nullable is an `Option<Option<T>>`: absent, null, or a value.
//! Strings with a format are the types of `formats`, which hold the text as it was sent.
//! `Validate` checks what types can't express; the tables in the `_wire` files define how the types
//! are read, written and checked.
#![forbid(unsafe_code)]
// Types that hold each other in long circles are walked through by the compiler.
#![recursion_limit = "1024"]
#![allow(
    clippy::allow_attributes,
    clippy::doc_lazy_continuation,
    clippy::doc_markdown,
    clippy::doc_overindented_list_items,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::large_stack_arrays,
    clippy::option_option,
    clippy::struct_field_names,
    clippy::too_many_lines,
    clippy::wrong_self_convention,
    reason = "the contract decides the names and shapes, not the author of the code"
)]

