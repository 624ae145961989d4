//! Malformed documents that no crate here may panic on.

/// `AsyncAPI` 2 documents, without their first line.
pub const MALFORMED_ASYNCAPI: [&str; 8] = [
    "channels: null",
    "channels: {a: null, b: 1, c: [x]}",
    "channels: {a: {publish: null, subscribe: {message: null}}}",
    "channels: {a: {publish: {message: {oneOf: []}}}}",
    "channels: {a: {publish: {message: {oneOf: [{oneOf: [{payload: 1}]}, 3]}}}}",
    "channels: {a: {publish: {message: {$ref: '#/nowhere'}, traits: [1, {$ref: '#/x'}]}}}",
    "channels: {a: {publish: {message: {$ref: '#/channels/a/publish/message'}}}}",
    "components: {messages: {a: null}}",
];

/// A regular expression for texts made of the syntax of YAML and JSON.
pub const MADE_OF_SYNTAX: &str = "[-:{}\\[\\],&*a<|>\"'#!?%@ \\n\\t0-9.~$/\\\\]{0,120}";
