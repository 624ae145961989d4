//! The `[codegen]` section of `tollgate.toml`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Emit, Language, Request};

/// What `codegen` generates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The targets, generated in this order; none by default.
    pub targets: Vec<TargetSettings>,
}

/// One folder of generated code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetSettings {
    /// The contracts, as paths from the repository's root; all of them share one set of types.
    pub contracts: Vec<String>,
    /// The language; `rust` by default.
    pub language: Language,
    /// The parts; `["models"]` by default.
    pub emit: BTreeSet<Emit>,
    /// The folder that gets the files, from the repository's root.
    pub out: String,
    /// The package's name; for a server, the package that holds the models.
    pub package: String,
    /// Whether the manifest (`Cargo.toml`, `Package.swift`, `package.json`) is generated too;
    /// true by default.
    pub manifest: bool,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self {
            contracts: Vec::new(),
            language: Language::default(),
            emit: BTreeSet::from([Emit::Models]),
            out: String::new(),
            package: "models".to_owned(),
            manifest: true,
        }
    }
}

impl TargetSettings {
    /// The request that this target stands for.
    #[must_use]
    pub fn request(&self) -> Request {
        Request {
            language: self.language,
            emit: self.emit.clone(),
            package: self.package.clone(),
            has_manifest: self.manifest,
        }
    }
}
