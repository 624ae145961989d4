//! Instances hold or break as they say, and the same seed gives the same bytes.

use serde_json::{Value, json};
use tollgate_contracts_instance::{InstanceSettings, Instances, instances, validator};

use crate::shared::shared;

/// Makes instances and checks what is true of all.
#[track_caller]
fn check(schema: &Value) -> Instances {
    let settings = InstanceSettings::default();
    let made = instances(schema, &settings);
    assert_eq!(made.problem, None, "{schema}");
    let validator = validator(schema).expect("it is JSON and a schema");
    for instance in &made.valid {
        let value: Value =
            serde_json::from_str(&instance.json.to_string()).expect("it is JSON and a schema");
        assert!(validator.is_valid(&value), "{value} of {schema}");
    }
    for broken in &made.invalid {
        let value: Value =
            serde_json::from_str(&broken.json.to_string()).expect("it is JSON and a schema");
        assert!(!validator.is_valid(&value), "{value} of {schema}");
        assert!(validator.is_valid(&broken.base.to_value()), "{schema}");
    }
    assert_eq!(made, instances(schema, &settings), "{schema}");
    made
}

/// The texts of the valid instances.
#[track_caller]
fn texts(schema: &Value) -> Vec<String> {
    let made = check(schema);
    made.valid
        .iter()
        .map(|instance| instance.json.to_string())
        .collect()
}

/// The keywords that the broken instances break.
#[track_caller]
fn keywords(schema: &Value) -> Vec<&'static str> {
    let mut words: Vec<&str> = check(schema)
        .invalid
        .iter()
        .map(|broken| broken.keyword)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[test]
fn each_enum_value_and_each_branch_of_a_union_appears() {
    let values: Vec<Value> = (0..20).map(|n| json!(format!("value-{n}"))).collect();
    let schema = json!({
        "type": "object",
        "required": ["kind", "shape"],
        "properties": {
            "kind": {"enum": values},
            "shape": {"oneOf": [
                {"$ref": "#/$defs/Circle"}, {"$ref": "#/$defs/Square"}, {"type": "null"},
            ]},
        },
        "$defs": {
            "Circle": {"type": "object", "required": ["radius"], "additionalProperties": false,
                "properties": {"radius": {"type": "number"}}},
            "Square": {"type": "object", "required": ["side"], "additionalProperties": false,
                "properties": {"side": {"type": "integer"}}},
        },
    });
    let all = texts(&schema).join("\n");
    for n in 0..20 {
        assert!(all.contains(&format!("\"value-{n}\"")), "{n}: {all}");
    }
    for part in ["{\"radius\":", "{\"side\":", "\"shape\":null"] {
        assert!(all.contains(part), "{part}: {all}");
    }
}

#[test]
fn borders_nulls_and_absent_parts_appear() {
    let schema = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "minLength": 2, "maxLength": 5},
            "count": {"type": ["integer", "null"], "minimum": 3, "exclusiveMaximum": 9},
        },
    });
    let all = texts(&schema);
    let whole = all.join("\n");
    assert!(!all[0].contains("count"), "{whole}");
    for part in [
        "\"count\":3",
        "\"count\":8",
        "\"count\":null",
        "\"aa\"",
        "\"zzzzz\"",
    ] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    assert!(whole.contains("tollgateExtra"), "{whole}");
}

#[test]
fn each_keyword_that_can_be_broken_is_broken_alone() {
    let schema = json!({
        "type": "object",
        "required": ["id"],
        "additionalProperties": false,
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": 8, "pattern": "^[a-z]+$"},
            "at": {"type": "string", "format": "date-time"},
            "n": {"type": "integer", "minimum": 1, "maximum": 10},
            "ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
            "step": {"type": "number", "multipleOf": 0.5},
            "state": {"enum": ["open", "shipped"]},
            "version": {"const": 1},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3,
                "uniqueItems": true},
            "map": {"type": "object", "minProperties": 1, "maxProperties": 2,
                "additionalProperties": {"type": "boolean"}},
            "odd": {"type": "string", "not": {"const": "even"}},
        },
    });
    let want = [
        "additionalProperties",
        "const",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "pattern",
        "required",
        "type",
        "uniqueItems",
    ];
    assert_eq!(keywords(&schema), want);
}

#[test]
fn formats_and_patterns_are_met() {
    for format in [
        "date-time",
        "date",
        "time",
        "duration",
        "uuid",
        "uri",
        "uri-reference",
        "iri",
        "email",
        "hostname",
        "ipv4",
        "ipv6",
        "json-pointer",
        "regex",
        "byte",
        "binary",
        "password",
        "decimal",
        "never-heard-of",
    ] {
        assert!(
            texts(&json!({"type": "string", "format": format})).len() >= 2,
            "{format}"
        );
    }
    for pattern in [
        "^[a-z][a-z0-9-]{0,62}$",
        "^\\d{4}-\\d{2}$",
        "^(GET|POST)$",
        "[A-F0-9]+",
        "^\\S+@\\S+$",
        "^(?!admin)[a-z]{3,8}$",
        "^[\\w.\\-]+/v\\d+$",
        "^\\/api\\/",
        "^$|^x{3}$",
        "^\\p{Lu}",
    ] {
        assert!(
            !texts(&json!({"type": "string", "pattern": pattern})).is_empty(),
            "{pattern}"
        );
    }
}

#[test]
fn recursive_schemas_end() {
    let tree = json!({
        "$ref": "#/$defs/Tree",
        "$defs": {"Tree": {
            "type": "object",
            "required": ["value"],
            "properties": {
                "value": {"type": "integer"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
            },
        }},
    });
    assert!(texts(&tree).len() > 10);
    let endless = json!({
        "$ref": "#/$defs/Endless",
        "$defs": {"Endless": {"type": "object", "required": ["next"],
            "properties": {"next": {"$ref": "#/$defs/Endless"}}}},
    });
    assert!(texts(&endless).is_empty());
    let expression = json!({
        "$ref": "#/$defs/Or",
        "$defs": {
            "Or": {"oneOf": [{"$ref": "#/$defs/And"}, {"type": "boolean"}]},
            "And": {"type": "object", "required": ["left", "right"], "properties": {
                "left": {"$ref": "#/$defs/Or"}, "right": {"$ref": "#/$defs/Or"}}},
        },
    });
    assert!(texts(&expression).len() > 4);
}

#[test]
fn digits_beyond_a_double_are_kept_as_text() {
    let all = texts(&json!({"type": "number"})).join(" ");
    assert!(
        all.contains("3.14159265358979323846264338327950288"),
        "{all}"
    );
    let all = texts(&json!({"type": "integer"})).join(" ");
    assert!(all.contains("-123456789012345678901234567890"), "{all}");
    let all = texts(&json!({"type": "integer", "format": "int64"})).join(" ");
    assert!(
        all.contains("9223372036854775807") && !all.contains("18446744073709551616"),
        "{all}"
    );
}

#[test]
fn a_discriminator_gives_each_branch_its_name() {
    let schema = json!({
        "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
        "discriminator": {"propertyName": "kind", "mapping": {"dog!": "#/components/schemas/Dog"}},
        "$defs": {
            "Cat": {"type": "object", "required": ["kind", "lives"], "properties": {
                "kind": {"type": "string"}, "lives": {"type": "integer"}}},
            "Dog": {"type": "object", "required": ["kind", "bark"], "properties": {
                "kind": {"type": "string"}, "bark": {"type": "boolean"}}},
        },
    });
    let all = texts(&schema).join("\n");
    assert!(
        all.contains("\"kind\":\"Cat\"") && all.contains("\"kind\":\"dog!\""),
        "{all}"
    );
}

#[test]
fn every_schema_of_the_corpus_has_instances() {
    let Some(folder) = shared("corpus", "instances of real schemas") else {
        return;
    };
    let settings = InstanceSettings {
        n_max: 6,
        n_broken_max: 6,
        ..InstanceSettings::default()
    };
    for name in [
        "museum.yaml",
        "box.json",
        "readme-schema-types-31.yaml",
        "qdrant.json",
    ] {
        let contract = tollgate_contracts_model::load(&folder.join(name)).unwrap();
        for (schema_name, node) in contract.component_schemas() {
            let schema = contract.bundle(&contract.entry, node);
            let made = instances(&schema, &settings);
            assert_eq!(made.problem, None, "{name} {schema_name}");
            assert!(!made.valid.is_empty(), "{name} {schema_name}: {schema}");
        }
    }
}
