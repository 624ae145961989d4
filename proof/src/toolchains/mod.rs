//! The toolchains: one row for each language whose packages are compiled and run.
//!
//! To add a language, write its toolchain in a file or folder here and add a row to [`TOOLCHAINS`].

mod rust;
pub mod swift;
mod typescript;

use tollgate_codegen::Language;

use crate::package::Places;
use crate::toolchain::Toolchain;

/// A language and how its toolchain is found.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub language: Language,
    pub find: fn(&Places) -> Box<dyn Toolchain>,
}

/// All toolchains, in the order in which values pass the languages: the first language reads at
/// the end what the last one wrote.
pub const TOOLCHAINS: &[Row] = &[
    Row {
        language: Language::RUST,
        find: rust::find,
    },
    Row {
        language: Language::TYPESCRIPT,
        find: typescript::find,
    },
    Row {
        language: Language::SWIFT,
        find: swift::find_toolchain,
    },
];
