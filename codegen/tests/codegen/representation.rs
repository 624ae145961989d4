//! What schemas become, in the words of the representation.

use tollgate_codegen::ir::{Decl, Extra, Ir, Shape, Type, TypeKind, Union};
use tollgate_codegen::lower;

use crate::common::contract;

const BESIDE: &str = include_str!("../fixtures/odd/unions-beside.yaml");
const FORMATS: &str = include_str!("../fixtures/odd/formats-more.yaml");
const LISTS: &str = include_str!("../fixtures/odd/lists-of-variants.yaml");

fn ir(text: &str) -> Ir {
    lower(&[contract("openapi.yaml", text)])
}

#[track_caller]
fn decl<'a>(ir: &'a Ir, name: &str) -> &'a Decl {
    let found = ir.decls.iter().find(|decl| decl.name == name);
    found.expect("the type is declared")
}

#[track_caller]
fn union<'a>(ir: &'a Ir, name: &str) -> &'a Union {
    match &decl(ir, name).shape {
        Shape::Union(union) => union,
        other => panic!("`{name}` is {other:?}"),
    }
}

#[track_caller]
fn field<'a>(ir: &'a Ir, name: &str, wire: &str) -> &'a Type {
    let Shape::Struct(object) = &decl(ir, name).shape else {
        panic!("`{name}` is no object");
    };
    let found = object.fields.iter().find(|field| field.wire == wire);
    &found.expect("the field is there").ty
}

fn names(union: &Union) -> Vec<&str> {
    union.variants.iter().map(|v| v.name.as_str()).collect()
}

#[test]
fn an_alternative_that_says_nothing_of_a_property_is_a_variant_without_it() {
    let ir = ir(BESIDE);
    assert_eq!(
        names(union(&ir, "AttributeChange")),
        ["with choices", "of any other type"]
    );
    assert_eq!(union(&ir, "Datum").variants.len(), 3);
}

#[test]
fn unions_beside_properties_are_looked_through() {
    let ir = ir(BESIDE);
    let body = ir.decls.iter().find_map(|decl| match &decl.shape {
        Shape::Union(union) if decl.place.contains("requestBody") => Some(union),
        _ => None,
    });
    let body = body.expect("the body is a union");
    assert_eq!(names(body), ["StaffReply", "ByMail", "ByNumber"]);
}

#[test]
fn a_tag_that_may_be_null_asks_for_no_text() {
    let ir = ir(BESIDE);
    let parcel = union(&ir, "Parcel");
    assert_eq!(names(parcel), ["insured", "plain"]);
    for variant in &parcel.variants {
        let tags: Vec<&str> = variant
            .guard
            .tags
            .iter()
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(tags, ["carrier"]);
    }
    let entry = union(&ir, "Entry");
    let link = entry
        .variants
        .iter()
        .find(|variant| variant.name == "LinkEntry");
    assert!(link.expect("a variant").guard.tags.is_empty());
}

#[test]
fn a_mapping_that_the_tag_contradicts_decides_nothing() {
    let ir = ir(BESIDE);
    assert_eq!(union(&ir, "Fault").tag, None);
}

#[test]
fn a_variant_that_only_says_nullable_is_null_in_openapi_30() {
    let ir = ir(BESIDE);
    let owner = field(&ir, "Shelf", "owner");
    assert!(owner.is_nullable);
    assert!(matches!(owner.kind, TypeKind::Named(id) if ir.decls[id].name == "StaffReply"));
    let label = field(&ir, "Shelf", "label");
    assert!(label.is_nullable && matches!(label.kind, TypeKind::String(_)));
    assert!(field(&ir, "Shelf", "entry").is_nullable);
    assert_eq!(ir.n_untyped, 0);
}

#[test]
fn a_closed_member_that_lists_what_its_siblings_add_closes_the_whole() {
    let ir = ir(BESIDE);
    let Shape::Struct(beat) = &decl(&ir, "ClosedBeat").shape else {
        panic!("it is an object");
    };
    assert_eq!(beat.extra, Extra::Refused);
}

#[test]
fn formats_that_an_expression_says_are_patterns() {
    let ir = ir(FORMATS);
    for wire in ["pointer", "relative", "template"] {
        assert!(
            field(&ir, "Pointers", wire).constraints.pattern.is_some(),
            "{wire}"
        );
    }
    for wire in ["expression", "both"] {
        assert!(
            field(&ir, "Pointers", wire).constraints.residual.is_some(),
            "{wire}"
        );
    }
}

#[test]
fn items_beside_a_tuple_of_a_member_make_no_tuple() {
    let ir = ir(FORMATS);
    assert!(matches!(decl(&ir, "TupleAndRest").shape, Shape::Alias(_)));
    assert!(matches!(decl(&ir, "TupleOfTwo").shape, Shape::Tuple(_)));
}

#[test]
fn several_lists_of_variants_are_a_union_of_their_combinations() {
    let ir = ir(LISTS);
    assert_eq!(
        names(union(&ir, "TwoOneOfs")),
        ["card email", "card phone", "iban email", "iban phone"]
    );
    // A list that only says which properties must be there is a check.
    let beside = union(&ir, "CondBeside");
    assert_eq!(
        (names(beside), beside.tag.as_deref()),
        (vec!["A", "B"], Some("t"))
    );
    assert!(beside.bounds.residual.is_some());
}

#[test]
fn a_property_that_only_some_variants_of_too_many_list_is_any_value() {
    let ir = ir(LISTS);
    assert_eq!(field(&ir, "Many", "a1").kind, TypeKind::Any);
    assert_eq!(field(&ir, "Many", "z").kind, TypeKind::String(None));
}

#[test]
fn to_the_letter_a_tuple_without_a_type_says_nothing_of_other_values() {
    let text = |dialect: &str| {
        format!(
            r"openapi: 3.1.0
jsonSchemaDialect: {dialect}
info: {{ title: Pairs, version: '1' }}
paths: {{}}
components: {{ schemas: {{ Pair: {{ prefixItems: [ {{ type: integer }}, {{ type: string }} ] }} }} }}
"
        )
    };
    let to_the_letter = ir(&text("https://json-schema.org/draft/2020-12/schema"));
    assert!(union(&to_the_letter, "Pair").is_open);
    let usual = ir(&text("https://spec.openapis.org/oas/3.1/dialect/base"));
    assert!(matches!(decl(&usual, "Pair").shape, Shape::Tuple(_)));
}
