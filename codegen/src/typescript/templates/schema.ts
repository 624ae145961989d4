import { hasFormat } from "./formats.js";
import { readJson } from "./json.js";
import { isNumeric, toInteger } from "./numbers.js";
import { schemas } from "./schemas.js";
import { add, canonical, checkNumber, checkSize, checkText, isDone, kindOf } from "./support.js";
import type { Bounds, Check, Context } from "./support.js";

type Schema = { readonly [key: string]: unknown };

/** How deep schemas may be nested. */
const DEPTH_MAX = 256;

/** A check and, when strict, what a type can't express: a schema of JSON Schema 2020-12. */
export function holds(inner: Check, text: string): Check {
  let schema: unknown;
  return (value, cx) => {
    const result = inner(value, cx);
    if (!cx.isStrict || isDone(cx)) return result;
    schema ??= readJson(text);
    walk(schema, result, cx, 0);
    return result;
  };
}

const known = new Map<string, unknown>();

function named(reference: string): unknown {
  const name = reference.replace(/^#\/\$defs\//, "").replaceAll("~1", "/").replaceAll("~0", "~");
  if (!known.has(name)) {
    const text = schemas.get(name);
    known.set(name, text === undefined ? true : readJson(text));
  }
  return known.get(name);
}

/** The keys and indices that schemas have evaluated, for `unevaluated…`. */
type Seen = Set<string | number>;

function merge(seen: Seen, other: Iterable<string | number>): void {
  for (const part of other) seen.add(part);
}

/** The parts that a schema has evaluated, when it holds; nothing when it does not. */
function attempt(schema: unknown, value: unknown, cx: Context, depth: number): Seen | undefined {
  const inner: Context = { ...cx, violations: [], isQuick: true };
  const seen = walk(schema, value, inner, depth);
  return inner.violations.length === 0 ? seen : undefined;
}

function at(part: string | number, cx: Context, look: () => void): void {
  cx.path.push(part);
  look();
  cx.path.pop();
}

function own(object: Schema, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function entriesOf(schema: Schema, key: string): [string, unknown][] {
  const found = own(schema, key);
  return kindOf(found) === "object" ? Object.entries(found as Schema) : [];
}

function listOf(schema: Schema, key: string): readonly unknown[] {
  const found = own(schema, key);
  return Array.isArray(found) ? found : [];
}

function walk(schema: unknown, value: unknown, cx: Context, depth: number): Seen {
  const seen: Seen = new Set();
  if (schema === false) add(cx, "is not allowed");
  if (kindOf(schema) !== "object" || depth >= DEPTH_MAX || isDone(cx)) return seen;
  const rules = schema as Schema;
  const reference = own(rules, "$ref");
  if (typeof reference === "string") merge(seen, walk(named(reference), value, cx, depth + 1));
  checkValue(rules, value, cx);
  compose(rules, value, cx, depth + 1, seen);
  if (Array.isArray(value)) checkItems(rules, value, cx, depth + 1, seen);
  else if (kindOf(value) === "object") checkProperties(rules, value as Schema, cx, depth + 1, seen);
  return seen;
}

function isOfType(word: unknown, value: unknown): boolean {
  return word === "integer" ? isNumeric(value) && toInteger(value) !== undefined : kindOf(value) === word;
}

function checkValue(rules: Schema, value: unknown, cx: Context): void {
  const type = own(rules, "type");
  const words = Array.isArray(type) ? type : type === undefined ? [] : [type];
  if (words.length > 0 && !words.some((word) => isOfType(word, value))) {
    add(cx, `is not of type ${words.join(" or ")}`);
  }
  const values = Object.hasOwn(rules, "const") ? [rules["const"]] : own(rules, "enum");
  if (Array.isArray(values)) {
    const text = canonical(value);
    if (!values.some((allowed) => canonical(allowed) === text)) add(cx, "is not one of the values that the contract lists");
  }
  if (typeof value === "string") {
    checkText(value, boundsOf(rules, "minLength", "maxLength"), cx);
    const format = own(rules, "format");
    if (typeof format === "string" && !hasFormat(format, value)) add(cx, `is not of format \`${format}\``);
  } else if (isNumeric(value)) {
    checkNumber(value, { minimum: own(rules, "minimum"), maximum: own(rules, "maximum"), multipleOf: own(rules, "multipleOf") }, cx);
    checkNumber(value, {
      minimum: own(rules, "exclusiveMinimum"), isMinimumExclusive: true,
      maximum: own(rules, "exclusiveMaximum"), isMaximumExclusive: true,
    }, cx);
  } else if (Array.isArray(value)) {
    checkSize(value.length, "items", boundsOf(rules, "minItems", "maxItems"), cx);
  } else if (kindOf(value) === "object") {
    checkSize(Object.keys(value as Schema).length, "properties", boundsOf(rules, "minProperties", "maxProperties"), cx);
  }
}

function boundsOf(rules: Schema, min: string, max: string): Bounds {
  const pattern = own(rules, "pattern");
  return {
    ...(isNumeric(own(rules, min)) ? { sizeMin: Number(own(rules, min)) } : {}),
    ...(isNumeric(own(rules, max)) ? { sizeMax: Number(own(rules, max)) } : {}),
    ...(typeof pattern === "string" ? { pattern } : {}),
  };
}

function compose(rules: Schema, value: unknown, cx: Context, depth: number, seen: Seen): void {
  for (const member of listOf(rules, "allOf")) merge(seen, walk(member, value, cx, depth));
  for (const key of ["anyOf", "oneOf"]) {
    if (!Object.hasOwn(rules, key)) continue;
    const held = listOf(rules, key).flatMap((member) => attempt(member, value, cx, depth) ?? []);
    if (held.length === 0) add(cx, "fits none of the alternatives");
    else if (key === "oneOf" && held.length > 1) {
      add(cx, `fits ${held.length} of the alternatives, but must fit exactly one`);
    }
    for (const one of held) merge(seen, one);
  }
  if (Object.hasOwn(rules, "not") && attempt(rules["not"], value, cx, depth) !== undefined) {
    add(cx, "matches a schema that the contract excludes");
  }
  if (Object.hasOwn(rules, "if")) {
    const held = attempt(rules["if"], value, cx, depth);
    merge(seen, held ?? []);
    merge(seen, walk(own(rules, held === undefined ? "else" : "then"), value, cx, depth));
  }
}

function checkItems(rules: Schema, items: readonly unknown[], cx: Context, depth: number, seen: Seen): void {
  const prefix = listOf(rules, "prefixItems");
  const rest = own(rules, "items");
  for (const [index, item] of items.entries()) {
    const member = index < prefix.length ? prefix[index] : rest;
    if (member === undefined) continue;
    at(index, cx, () => void walk(member, item, cx, depth));
    seen.add(index);
  }
  if (Object.hasOwn(rules, "contains")) checkContains(rules, items, cx, depth, seen);
  if (own(rules, "uniqueItems") === true && new Set(items.map(canonical)).size < items.length) {
    add(cx, "has an item twice");
  }
  const unevaluated = own(rules, "unevaluatedItems");
  for (const [index, item] of items.entries()) {
    if (unevaluated === undefined || seen.has(index)) continue;
    at(index, cx, () => void walk(unevaluated, item, cx, depth));
    seen.add(index);
  }
}

function checkContains(rules: Schema, items: readonly unknown[], cx: Context, depth: number, seen: Seen): void {
  const held = items.flatMap((item, index) => (attempt(rules["contains"], item, cx, depth) === undefined ? [] : [index]));
  const least = Number(own(rules, "minContains") ?? 1);
  const most = Number(own(rules, "maxContains") ?? Number.POSITIVE_INFINITY);
  if (held.length < least || held.length > most) {
    add(cx, `has ${held.length} matching items, which is not a number that the contract allows`);
  }
  merge(seen, held);
}

function checkProperties(rules: Schema, entries: Schema, cx: Context, depth: number, seen: Seen): void {
  for (const name of listOf(rules, "required")) {
    if (typeof name === "string" && !Object.hasOwn(entries, name)) at(name, cx, () => add(cx, "is required"));
  }
  const looked = new Set<string>();
  const look = (name: string, member: unknown): void => {
    at(name, cx, () => void walk(member, entries[name], cx, depth));
    looked.add(name);
  };
  for (const [name, member] of entriesOf(rules, "properties")) {
    if (Object.hasOwn(entries, name)) look(name, member);
  }
  const names = Object.keys(entries);
  for (const [pattern, member] of entriesOf(rules, "patternProperties")) {
    const matching: Context = { ...cx, violations: [] };
    for (const name of names) {
      matching.violations.length = 0;
      checkText(name, { pattern }, matching);
      if (matching.violations.length === 0) look(name, member);
    }
  }
  const extra = own(rules, "additionalProperties");
  for (const name of names) if (extra !== undefined && !looked.has(name)) look(name, extra);
  const nameRules = own(rules, "propertyNames");
  for (const name of names) if (nameRules !== undefined) at(name, cx, () => void walk(nameRules, name, cx, depth));
  for (const [name, needed] of entriesOf(rules, "dependentRequired")) {
    if (!Object.hasOwn(entries, name) || !Array.isArray(needed)) continue;
    for (const other of needed.map(String)) {
      if (!Object.hasOwn(entries, other)) at(other, cx, () => add(cx, `is required when \`${name}\` is present`));
    }
  }
  for (const [name, member] of entriesOf(rules, "dependentSchemas")) {
    if (Object.hasOwn(entries, name)) merge(seen, walk(member, entries, cx, depth));
  }
  merge(seen, looked);
  const unevaluated = own(rules, "unevaluatedProperties");
  for (const name of names) {
    if (unevaluated === undefined || seen.has(name)) continue;
    look(name, unevaluated);
    seen.add(name);
  }
}
