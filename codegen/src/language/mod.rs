//! The languages that code is generated in: one trait, and one list of what implements it.
//!
//! To add a language, write its folder next to `rust` with an [`Emitter`] and a constant of
//! [`Language`], and add a row to [`EMITTERS`]. Settings, flags, the JSON schema and error texts
//! iterate over this list.

#[cfg(test)]
mod example;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ir::Ir;
use crate::words::{UnknownWord, listed};
use crate::{Artifact, CodegenError, Emit};

/// All languages, the default one first.
pub static EMITTERS: &[Language] = &[
    Language::RUST,
    Language::SWIFT,
    Language::TYPESCRIPT,
    #[cfg(test)]
    example::LISTING,
];

/// The words of all languages, in the order of the list.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let words = EMITTERS.iter();
    words.map(|language| language.word()).collect()
});

/// A generator of code in one language.
pub trait Emitter: Sync {
    /// The word used in settings, flags and folder names, in lower case.
    fn name(&self) -> &'static str;

    /// Further words that flags and settings accept.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// One sentence for the settings' schema.
    fn about(&self) -> &'static str;

    /// The file whose presence makes a folder of generated files a package, such as `Cargo.toml`.
    fn package_file(&self) -> &'static str;

    /// The parts that can be generated.
    fn parts(&self) -> &'static [Emit];

    /// The files of a request, with paths relative to the target's folder, in any order. The
    /// request contains only parts of [`Emitter::parts`].
    ///
    /// # Errors
    /// The contracts lack what a part needs.
    fn emit(&self, ir: &Ir, request: &Request) -> Result<Vec<Artifact>, CodegenError>;
}

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The language.
    pub language: Language,
    /// The parts; not empty.
    pub emit: BTreeSet<Emit>,
    /// The package's name; for a server, the package that holds the models.
    pub package: String,
    /// Whether the package's manifest is generated too.
    pub has_manifest: bool,
}

/// A language that code is generated in.
#[derive(Clone, Copy)]
pub struct Language(&'static dyn Emitter);

impl Language {
    /// The language of an emitter.
    #[must_use]
    pub const fn of(emitter: &'static dyn Emitter) -> Self {
        Self(emitter)
    }

    /// All languages of the list.
    pub fn all() -> impl Iterator<Item = Self> {
        EMITTERS.iter().copied()
    }

    /// The words of all languages of the list.
    #[must_use]
    pub fn words() -> &'static [&'static str] {
        &WORDS
    }

    /// The language of a word or of one of its aliases.
    ///
    /// # Errors
    /// No language of the list has this word.
    pub fn parse(word: &str) -> Result<Self, UnknownWord> {
        let has_word = |language: &Self| {
            language.word() == word || language.emitter().aliases().contains(&word)
        };
        Self::all()
            .find(has_word)
            .ok_or_else(|| UnknownWord::new(word, "language", Self::words()))
    }

    /// The word used in settings and flags.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.0.name()
    }

    /// Whether a part can be generated in this language.
    #[must_use]
    pub fn has(self, part: Emit) -> bool {
        self.0.parts().contains(&part)
    }

    /// The generator of code in this language.
    #[must_use]
    pub fn emitter(self) -> &'static dyn Emitter {
        self.0
    }

    /// The words of the languages that have a part, as a list for people.
    #[must_use]
    pub fn with(part: Emit) -> String {
        let languages = Self::all().filter(|language| language.has(part));
        listed(&languages.map(Self::word).collect::<Vec<_>>())
    }
}

impl Default for Language {
    fn default() -> Self {
        EMITTERS[0]
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.word() == other.word()
    }
}

impl Eq for Language {}

impl PartialOrd for Language {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Language {
    fn cmp(&self, other: &Self) -> Ordering {
        self.word().cmp(other.word())
    }
}

impl Hash for Language {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.word().hash(state);
    }
}

impl FromStr for Language {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::parse(word)
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&word).map_err(|_| serde::de::Error::unknown_variant(&word, Self::words()))
    }
}

impl JsonSchema for Language {
    fn schema_name() -> Cow<'static, str> {
        "Language".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let languages: Vec<Schema> = Self::all()
            .map(|language| {
                json_schema!({
                    "description": language.emitter().about(),
                    "type": "string",
                    "const": language.word(),
                })
            })
            .collect();
        json_schema!({
            "description": "A language that code is generated in.",
            "oneOf": languages,
        })
    }
}
