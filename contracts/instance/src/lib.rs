//! Instances of a JSON Schema: valid ones of many kinds, and ones broken in exactly one place.
//!
//! The same self-contained schema of the 2020-12 dialect (as `Contract::bundle` of the model makes
//! it) and the same seed always give the same bytes. Each value is checked with the `jsonschema`
//! crate, formats included. A value that is not confirmed is repaired, or left out and counted.
//!
//! ```
//! use tollgate_contracts_instance::{InstanceSettings, instances};
//!
//! let schema = serde_json::json!({"type": "string", "enum": ["open", "shipped"]});
//! let made = instances(&schema, &InstanceSettings::default());
//! let texts: Vec<String> = made.valid.iter().map(|instance| instance.json.to_string()).collect();
//! assert_eq!(texts, [r#""open""#, r#""shipped""#]);
//! assert_eq!(made.invalid[0].keyword, "type");
//! ```

mod broken;
mod crossed;
mod flat;
mod instances;
mod json;
mod maker;
mod number;
mod pattern;
mod sample;
mod settings;
mod text;

pub use jsonschema::Validator;

pub use instances::{Broken, Instance, Instances, Origin};
pub use json::Json;
pub use maker::{instances, instances_with, validator};
pub use settings::InstanceSettings;
