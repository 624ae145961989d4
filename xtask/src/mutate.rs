//! Breaks documents at random from a seed: bytes, words, lines and parts of the tree.

use tollgate_contracts_model::source::escape_token;
use tollgate_contracts_model::{Node, parse};
use tollgate_stats::Rng;

/// What people and attackers write where something else should stand.
const WORDS: &[&str] = &[
    "null",
    "true",
    "[]",
    "{}",
    "-1",
    "1e400",
    "18446744073709551616",
    "0.1",
    "\"\"",
    "'",
    "\"",
    "*a",
    "&a",
    "<<",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "|",
    ">",
    "#",
    "%",
    "\t",
    "\u{feff}",
    "\u{0}",
    "\u{1F600}",
    "$ref: '#'",
    "$ref: '#/'",
    "$ref: ../../../etc/passwd",
    "$ref: https://shop.invalid/a",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "type: [string, 5]",
    "nullable: true",
    "discriminator: x",
    "enum: [a, A, 1, null]",
    "properties",
    "items",
    "additionalProperties: false",
    "$dynamicRef: '#a'",
    "openapi: 3.0.0",
    "openapi: 3.2.0",
    "asyncapi: 2.6.0",
    "asyncapi: 3.0.0",
    "pattern: '('",
];

/// Small documents whose trouble is their shape.
pub const ODD: &[(&str, &str)] = &[
    (
        "bomb.yaml",
        "openapi: 3.1.0\nx-a: &a [x, x, x, x, x, x, x, x]\nx-b: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nx-c: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nx-d: &d [*c, *c, *c, *c, *c, *c, *c, *c]\nx-e: [*d, *d, *d, *d, *d, *d, *d, *d]\n",
    ),
    (
        "circles.yaml",
        "openapi: 3.1.0\ninfo: {title: A, version: '1'}\npaths: {/a: {post: {requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}, responses: {200: {description: a, content: {application/json: {schema: {$ref: '#/components/schemas/E'}}}}}}}}\ncomponents:\n  schemas:\n    A: {allOf: [{$ref: '#/components/schemas/B'}, {type: object, properties: {c: {$ref: '#/components/schemas/C'}}}]}\n    B: {allOf: [{$ref: '#/components/schemas/A'}]}\n    C: {oneOf: [{$ref: '#/components/schemas/C'}, {$ref: '#/components/schemas/D'}]}\n    D: {$ref: '#/components/schemas/D'}\n    E: {type: array, items: {anyOf: [{$ref: '#/components/schemas/E'}, {not: {$ref: '#/components/schemas/A'}}]}}\n    F: {allOf: [{$ref: '#/components/schemas/F'}, {$ref: '#/components/schemas/G'}, {$ref: '#/components/schemas/G'}]}\n    G: {allOf: [{$ref: '#/components/schemas/H'}, {$ref: '#/components/schemas/H'}]}\n    H: {allOf: [{$ref: '#/components/schemas/G'}, {$ref: '#/components/schemas/G'}]}\n",
    ),
    (
        "lights.yaml",
        "asyncapi: 2.6.0\ninfo: {title: A, version: '1'}\nchannels:\n  a/{b}:\n    parameters: {b: {schema: {type: string}}}\n    publish: {operationId: x, traits: [{$ref: '#/components/operationTraits/t'}], message: {oneOf: [{$ref: '#/components/messages/m'}, {payload: {type: integer}}]}}\n    subscribe: {message: {$ref: '#/components/messages/m'}}\ncomponents:\n  operationTraits: {t: {bindings: {kafka: {groupId: {type: string}}}}}\n  messages: {m: {headers: {type: object}, payload: {type: object, properties: {a: {type: string}}}}}\n",
    ),
];

/// The generator of one case of a seed.
pub fn numbers_of(seed: u64, case: u64) -> Rng {
    // The multiplier, from wyhash, spreads neighbouring cases; the first number is left out.
    let mut numbers = Rng::new(seed ^ case.wrapping_mul(0xA076_1D64_78BD_642F));
    numbers.next_u64();
    numbers
}

/// The text, broken in one to six places.
pub fn mutate(text: &str, numbers: &mut Rng) -> String {
    let mut text = text.to_owned();
    for _ in 0..=numbers.below(6) {
        text = match numbers.below(10) {
            0 => bytes(&text, numbers),
            1 | 2 => words(&text, numbers),
            3 => lines(&text, numbers),
            4 => truncated(&text, numbers),
            5 => nested(&text, numbers),
            _ => tree(&text, numbers).unwrap_or(text),
        };
    }
    text
}

fn border(text: &str, numbers: &mut Rng) -> usize {
    let mut at = numbers.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn bytes(text: &str, numbers: &mut Rng) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len());
        match (bytes.is_empty(), numbers.below(3)) {
            (false, 0) => bytes[at] ^= 1 << numbers.below(8),
            (false, 1) => drop(bytes.remove(at)),
            _ => bytes.insert(at, b"\n\t :-{}[]\"'&*#|>!%@`\\"[numbers.below(21)]),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn words(text: &str, numbers: &mut Rng) -> String {
    let (start, end) = (border(text, numbers), border(text, numbers));
    let (start, end) = (start.min(end), end.max(start));
    // Mostly an insertion or a short replacement.
    let end = if numbers.below(4) == 0 {
        end.min(start + 40)
    } else {
        start
    };
    let mut end = end.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!(
        "{}{}{}",
        &text[..start],
        numbers.pick(WORDS),
        &text[end.max(start)..]
    )
}

fn lines(text: &str, numbers: &mut Rng) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let from = numbers.below(lines.len());
    let to = (from + 1 + numbers.below(12)).min(lines.len());
    let part: Vec<&str> = lines.get(from..to).unwrap_or_default().to_vec();
    match numbers.below(3) {
        0 => drop(lines.drain(from.min(to)..to)),
        1 => {
            let at = numbers.below(lines.len() + 1);
            lines.splice(at..at, part);
        }
        _ => lines.reverse(),
    }
    lines.join("\n")
}

fn truncated(text: &str, numbers: &mut Rng) -> String {
    let end = border(text, numbers);
    if numbers.below(3) == 0 {
        text[end..].to_owned()
    } else {
        text[..end].to_owned()
    }
}

/// A part wrapped in many lists, mappings or `allOf`.
fn nested(text: &str, numbers: &mut Rng) -> String {
    let at = border(text, numbers);
    let n_levels = 1 + numbers.below(400);
    let (open, close) = *numbers.pick(&[
        ("[", "]"),
        ("{a: ", "}"),
        ("{\"allOf\": [", "]}"),
        ("{\"items\": ", "}"),
        ("{\"properties\": {\"a\": ", "}}"),
    ]);
    let (before, after) = text.split_at(at);
    format!(
        "{before}{}1{}{after}",
        open.repeat(n_levels),
        close.repeat(n_levels)
    )
}

/// Replaces one node of the tree with another one, an unusual value, or a reference to another one.
fn tree(text: &str, numbers: &mut Rng) -> Option<String> {
    let root = parse("case.yaml", text).ok()?;
    let mut pointers = Vec::new();
    gather(&root, &mut String::new(), &mut pointers);
    let place = numbers.pick(&pointers).clone();
    let other = numbers.pick(&pointers).clone();
    let new = match numbers.below(8) {
        0 => "null".to_owned(),
        1 => "{}".to_owned(),
        2 => "[]".to_owned(),
        3 => "[\"a\", 1, null, {}]".to_owned(),
        4 => "1e400".to_owned(),
        5 | 6 => format!("{{\"$ref\":{}}}", serde_json::json!(format!("#{other}"))),
        _ => root.pointer(&other)?.to_text(),
    };
    let mut out = String::new();
    write(&root, "", &place, &new, &mut out);
    // A tree that holds itself would grow without end.
    (out.len() < 400_000).then_some(out)
}

fn gather(node: &Node, pointer: &mut String, pointers: &mut Vec<String>) {
    pointers.push(pointer.clone());
    let length = pointer.len();
    for entry in node.entries() {
        pointer.push('/');
        pointer.push_str(&escape_token(&entry.key));
        gather(&entry.node, pointer, pointers);
        pointer.truncate(length);
    }
    for (idx, item) in node.items().enumerate() {
        pointer.push_str(&format!("/{idx}"));
        gather(item, pointer, pointers);
        pointer.truncate(length);
    }
}

/// Writes a tree as JSON, with another text at one place.
fn write(node: &Node, pointer: &str, place: &str, new: &str, out: &mut String) {
    let is_above = place.starts_with(pointer);
    if pointer == place {
        out.push_str(new);
    } else if let (true, Some(entries)) = (is_above, node.as_object()) {
        out.push('{');
        for (idx, entry) in entries.iter().enumerate() {
            out.push_str(if idx > 0 { ",\n" } else { "" });
            out.push_str(&serde_json::json!(entry.key).to_string());
            out.push(':');
            let below = format!("{pointer}/{}", escape_token(&entry.key));
            write(&entry.node, &below, place, new, out);
        }
        out.push('}');
    } else if let (true, Some(items)) = (is_above, node.as_array()) {
        out.push('[');
        for (idx, item) in items.iter().enumerate() {
            out.push_str(if idx > 0 { ",\n" } else { "" });
            write(item, &format!("{pointer}/{idx}"), place, new, out);
        }
        out.push(']');
    } else {
        out.push_str(&node.to_text());
    }
}
