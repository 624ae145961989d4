//! Tests of what paths match, and of the errors for paths that are not understood.

use tollgate_contracts_model::source;

use super::*;
use crate::tree::Tree;

const DOCUMENT: &str = r##"{
        "info": {"title": "t", "x-list": [1, 2, 3]},
        "paths": {
            "/a": {"get": {"tags": ["x"], "parameters": [{"in": "path", "name": "id"}]},
                   "$ref": "ignored", "servers": []},
            "/b": {"post": {"requestBody": {"$ref": "#/components/requestBodies/B"}}}
        },
        "components": {
            "requestBodies": {"B": {"content": {"text/plain": {"schema": {"type": "string", "enum": ["q"]}}}}},
            "schemas": {"Tree": {"type": "object", "properties": {
                "type": {"type": "string"}, "child": {"$ref": "#/components/schemas/Tree"}}}}
        }
    }"##;

#[track_caller]
fn check(path: &str, want: &[&str]) {
    let node = source::parse("x.json", DOCUMENT).unwrap();
    let tree = Tree::of_node("x.json", &node);
    let patterns = Patterns::default();
    let path = Path::parse(path, &patterns).unwrap();
    let matches = path.evaluate(&tree, &patterns, tree.root(), true);
    let mut got: Vec<String> = matches
        .iter()
        .map(|(_, frame)| matches.pointer(&tree, frame))
        .collect();
    got.sort();
    assert_eq!(got, want);
}

#[test]
fn paths_meet_what_they_meet_in_jsonpath_plus() {
    check("$", &[""]);
    check("$.info.title", &["/info/title"]);
    check("$['paths']['/a'].get", &["/paths/~1a/get"]);
    check(
        "$.paths[*][get,post]",
        &["/paths/~1a/get", "/paths/~1b/post"],
    );
    check("$.paths.*.[get,post].tags", &["/paths/~1a/get/tags"]);
    check("$.paths[*]~", &["/paths/~1a", "/paths/~1b"]);
    check(
        "$..parameters[?(@.in == 'path')].name",
        &["/paths/~1a/get/parameters/0/name"],
    );
    check("$.paths[*][*].tags^", &["/paths/~1a/get"]);
    check("$.info.x-list[-1:]", &["/info/x-list/2"]);
    check(
        "$.info['x-list'][0,2]",
        &["/info/x-list/0", "/info/x-list/2"],
    );
    check("$.info['x-list'][(@.length-1)]", &["/info/x-list/2"]);
    check("$.paths[?(@property.match(/^\\/a$/))]~", &["/paths/~1a"]);
    check("$.paths[?(@property === '/b')]", &["/paths/~1b"]);
    check("$.paths[?(!@.get)]", &["/paths/~1b"]);
    check(
        "$.paths.*[?(@property !== 'servers' && @.tags && @.tags.includes('x'))]",
        &["/paths/~1a/get"],
    );
    check(
        "$.paths[?(@.get && @.get.parameters.length > 0)].get",
        &["/paths/~1a/get"],
    );
    check("$.info.*[?(@ >= 2)]", &["/info/x-list/1", "/info/x-list/2"]);
    check(
        "$..[?(@.enum && @.enum.constructor.name === 'Array')]",
        // Two ways lead to one value; it is met once, by the shorter one.
        &["/components/requestBodies/B/content/text~1plain/schema"],
    );
    check(
        "$.paths..content.*.schema.type",
        &["/paths/~1b/post/requestBody/content/text~1plain/schema/type"],
    );
    check(
        "$.paths[*][?(@property in ['get', 'put'])]",
        &["/paths/~1a/get"],
    );
    check(
        "$.components.schemas..properties[?(@parentProperty === 'properties' && @.type)]",
        &[
            "/components/schemas/Tree/properties/child",
            "/components/schemas/Tree/properties/type",
        ],
    );
    check("$.info[?(typeof @ === 'string')]", &["/info/title"]);
    check("$.info[?(@.length == 3)]", &["/info/x-list"]);
    check("$.nothing.here", &[]);
    check(
        "$.info[?(void 0 === @.a ? true : false)]",
        &["/info/title", "/info/x-list"],
    );
}

#[test]
fn a_path_that_is_not_understood_says_where() {
    let patterns = Patterns::default();
    let error = |path: &str| Path::parse(path, &patterns).unwrap_err();
    assert_eq!(error("info"), "it does not begin with `$`");
    assert_eq!(
        error("$.a[?(@.b == process.exit())]"),
        "`process` is not known"
    );
    assert_eq!(error("$.a["), "a `]` is missing after `[`");
    assert_eq!(
        error("$.a[?(@.b.match(/[/))]"),
        "the pattern is not closed: `/[/))`"
    );
}
