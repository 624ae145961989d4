#!/usr/bin/env bash
# tree-sitter-swift 0.7.4 (PyPI, with tree-sitter 0.26.1): an assignment to a property named `final`,
# `weak` or `indirect` is a syntax error.
#
# The three are reserved in declarations only, and Swift 6 compiles such an assignment; `override`,
# `lazy`, `convenience`, `open`, `required` and other words of that kind parse. Code generated from a
# contract has such names (a field `final` of an order), so a check of generated Swift by this grammar
# rejects what the compiler accepts.
# Seen: errors for the first three words, none for the last three.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet tree-sitter==0.26.1 tree-sitter-swift==0.7.4
venv/bin/python - <<'PY'
import tree_sitter
import tree_sitter_swift

parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language()))
found = {}
for name in ["final", "weak", "indirect", "override", "lazy", "required"]:
    source = f"struct Order {{\n    let {name}: Int\n    init(count: Int) {{\n        {name} = count\n    }}\n}}\n"
    found[name] = parser.parse(source.encode()).root_node.has_error
print(found)
assert found == {
    "final": True,
    "weak": True,
    "indirect": True,
    "override": False,
    "lazy": False,
    "required": False,
}
PY
