import { hasFormat } from "./formats.js";
import { put, readJson, writeJson } from "./json.js";
import { canonicalNumber, compare, isMultiple, isNumeric, toInteger } from "./numbers.js";
import type { Integer, Numeric } from "./numbers.js";

export { readJson as exact };
export type { Integer, Numeric };

/** One violation of the contract. */
export interface Violation {
  /** A JSON Pointer (RFC 6901) to the value; empty for the whole. */
  readonly path: string;
  /** What is wrong: lower case, no full stop. */
  readonly message: string;
}

/** Thrown by the `parse` functions. */
export class ModelError extends Error {
  readonly violations: readonly Violation[];

  constructor(violations: readonly Violation[]) {
    super(violations.map(({ path, message }) => (path === "" ? message : `\`${path}\`: ${message}`)).join("; "));
    this.name = "ModelError";
    this.violations = violations;
  }
}

declare const unknownMark: unique symbol;

/** A value that is unknown to this version of the contract, kept as it is; never equal to a known one. */
export interface Unlisted {
  readonly [unknownMark]: true;
}

/** A variant that is unknown to this version of the contract; its tag is not one of the known ones. */
export type Unknown<Tag extends string = never> = { readonly [Key in Tag]: Unlisted } & Unlisted;

/** Where a value travels: fields that are only sent one way are checked accordingly. */
export type Direction = "request" | "response";

/** The state of one check of a value. */
export interface Context {
  /** Whether bounds, patterns, formats and known values are checked in addition to the structure. */
  readonly isStrict: boolean;
  readonly direction: Direction | undefined;
  /** Whether the first violation decides, so that the check ends there. */
  readonly isQuick: boolean;
  readonly violations: Violation[];
  readonly path: (string | number)[];
  /** Calls of declared checks that have not returned. */
  depth: number;
  /** Shared by all attempts of one check. */
  readonly effort: { nAttempts: number };
}

/** Checks a value; returns it, or what it becomes (such as a `Decimal` for `float`). */
export type Check = (value: unknown, cx: Context) => unknown;

/** How deep declared types may nest. */
const DEPTH_MAX = 1000;
/** How many attempts at variants one check may take: ambiguous recursive unions can need too many. */
const ATTEMPTS_MAX = 1_000_000;

/** A type of the contract at run time, under the type's own name. */
export interface Model<T> {
  /** The value when its structure fits, else throws `ModelError`. Numbers of float formats become `number`. */
  parse(value: unknown): T;
  /** Whether the structure fits. */
  is(value: unknown): value is T;
  /** All violations of the contract: structure, bounds, patterns, formats, known values. */
  validate(value: unknown, direction?: Direction): Violation[];
  /** Checks a value that is a part of another one. */
  (value: unknown, cx: Context): unknown;
}

/** The directions in which a property is required, and in which it is not sent. */
const IN_REQUEST = 1;
const IN_RESPONSE = 2;
const NOT_IN_REQUEST = 4;
const NOT_IN_RESPONSE = 8;
const ALWAYS = IN_REQUEST | IN_RESPONSE;

/** A property that is not always required. */
class Property {
  readonly presence: number;
  readonly check: Check;

  constructor(presence: number, check: Check) {
    this.presence = presence;
    this.check = check;
  }
}

export const optional = (check: Check): Property => new Property(0, check);
export const readOnly = (check: Check): Property => new Property(NOT_IN_REQUEST, check);
export const requiredRead = (check: Check): Property => new Property(NOT_IN_REQUEST | IN_RESPONSE, check);
export const writeOnly = (check: Check): Property => new Property(NOT_IN_RESPONSE, check);
export const requiredWrite = (check: Check): Property => new Property(NOT_IN_RESPONSE | IN_REQUEST, check);

/** Bounds of text, numbers, lists and objects; absent ones hold always. */
export interface Bounds {
  readonly sizeMin?: number;
  readonly sizeMax?: number;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly isMinimumExclusive?: true;
  readonly isMaximumExclusive?: true;
  readonly multipleOf?: unknown;
  readonly pattern?: string;
  readonly format?: string;
  readonly isUnique?: true;
  readonly values?: readonly unknown[];
}

/** The conditions that a value must meet to be a variant. */
export interface Guard {
  readonly kinds?: readonly string[];
  readonly tags?: readonly (readonly [string, readonly string[]])[];
  readonly tagsIfAny?: readonly (readonly [string, readonly string[]])[];
  readonly keys?: readonly string[];
  readonly known?: readonly string[];
  readonly strings?: readonly string[];
}

type Entries = { readonly [key: string]: unknown };

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (isNumeric(value)) return "number";
  return Array.isArray(value) ? "array" : typeof value;
}

const ARTICLES: { readonly [kind: string]: string } = {
  boolean: "a boolean", number: "a number", string: "a string", array: "an array",
  object: "an object", undefined: "nothing",
};

function described(value: unknown): string {
  const kind = kindOf(value);
  return ARTICLES[kind] ?? kind;
}

export function add(cx: Context, message: string): void {
  const parts = cx.path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`);
  cx.violations.push({ path: parts.join(""), message });
}

function expect(kind: string, value: unknown, cx: Context): boolean {
  if (kindOf(value) === kind) return true;
  add(cx, `expected ${ARTICLES[kind] ?? kind}, got ${described(value)}`);
  return false;
}

export function isDone(cx: Context): boolean {
  return cx.isQuick && cx.violations.length > 0;
}

/** A declared type; its check is made when it is needed for the first time. */
export function model<T>(make: () => Check): Model<T> {
  let made: Check | undefined;
  const check: Check = (value, cx) => {
    made ??= make();
    if (cx.depth >= DEPTH_MAX) {
      add(cx, `nests deeper than ${DEPTH_MAX}`);
      return value;
    }
    cx.depth += 1;
    const result = made(value, cx);
    cx.depth -= 1;
    return result;
  };
  return Object.assign(check, {
    parse: (value: unknown): T => parse<T>(check, value),
    is: (value: unknown): value is T => fits(check, value),
    validate: (value: unknown, direction?: Direction): Violation[] => validate(check, value, direction),
  });
}

export function any(value: unknown, cx: Context): unknown {
  if (value === undefined) add(cx, "expected a value, got nothing");
  return value;
}

export function boolean(value: unknown, cx: Context): unknown {
  expect("boolean", value, cx);
  return value;
}

export function string(value: unknown, cx: Context): unknown {
  expect("string", value, cx);
  return value;
}

/** Any number, with every digit. */
export function number(value: unknown, cx: Context): unknown {
  if (expect("number", value, cx) && typeof value === "number" && !Number.isFinite(value)) {
    add(cx, "is not a finite number");
  }
  return value;
}

/** A number that binary floating point holds with the precision that the contract requires. */
export function float(value: unknown, cx: Context): unknown {
  if (!expect("number", value, cx)) return value;
  const nearest = Number(value);
  if (!Number.isFinite(nearest)) add(cx, "is too large for binary floating point");
  return nearest;
}

function whole(value: unknown, cx: Context): Integer | undefined {
  if (!expect("number", value, cx)) return undefined;
  const found = toInteger(value as Numeric);
  if (found === undefined) add(cx, "expected a whole number, got a number");
  return found;
}

/** A whole number of any size. */
export function integer(value: unknown, cx: Context): unknown {
  return whole(value, cx) ?? value;
}

function sized(minimum: bigint, maximum: bigint): Check {
  return (value, cx) => {
    const found = whole(value, cx);
    if (found === undefined) return value;
    if (found < minimum || found > maximum) add(cx, "expected a whole number of 32 bits, got a number");
    return Number(found);
  };
}

export const int32: Check = sized(-(2n ** 31n), 2n ** 31n - 1n);
export const uint32: Check = sized(0n, 2n ** 32n - 1n);

/** A whole number that `number` holds exactly, as the bounds of the contract promise. */
export function safeInteger(value: unknown, cx: Context): unknown {
  const found = whole(value, cx);
  if (found === undefined) return value;
  const nearest = Number(found);
  if (!Number.isSafeInteger(nearest)) add(cx, "expected a whole number within 53 bits, got a number");
  return nearest;
}

export function constant(want: unknown): Check {
  const text = canonical(want);
  return (value, cx) => {
    if (canonical(value) !== text) add(cx, `is not \`${writeJson(want)}\``);
    return value;
  };
}

type Known = { readonly [name: string]: string };

/** A set of texts: its known values by name, and what every model has. */
type Texts<Values extends Known> = Values & Model<Values[keyof Values] | (string & {})>;

/** Texts of which the contract lists some; others are kept, and `validate` reports them. */
export function openEnum<const Values extends Known>(known: Values): Texts<Values> {
  const values = new Set(Object.values(known));
  const make = (): Check => (value, cx) => {
    if (expect("string", value, cx) && cx.isStrict && !values.has(value as string)) {
      add(cx, `is not one of \`${[...values].join("`, `")}\``);
    }
    return value;
  };
  return Object.assign(model<Values[keyof Values] | (string & {})>(make), known);
}

/** Texts of which the contract names some; any other is valid too. */
export function anyText<const Values extends Known>(known: Values): Texts<Values> {
  return Object.assign(model<Values[keyof Values] | (string & {})>(() => string), known);
}

export function nullable(inner: Check): Check {
  return (value, cx) => (value === null ? value : inner(value, cx));
}

export function array(item: Check): Check {
  return (value, cx) => {
    if (!expect("array", value, cx)) return value;
    let items = value as readonly unknown[];
    for (let index = 0; index < items.length && !isDone(cx); index += 1) {
      cx.path.push(index);
      const next = item(items[index], cx);
      cx.path.pop();
      if (next !== items[index]) items = replaced(items, index, next);
    }
    return items;
  };
}

/** Items by position, how many there must be, and the check of all others; `null` rejects others. */
export function tuple(checks: readonly Check[], n_required: number, rest: Check | null = any): Check {
  return (value, cx) => {
    if (!expect("array", value, cx)) return value;
    let items = value as readonly unknown[];
    if (items.length < n_required) add(cx, `has ${items.length} items, fewer than ${n_required}`);
    for (let index = 0; index < items.length && !isDone(cx); index += 1) {
      cx.path.push(index);
      const item = items[index];
      const next = (checks[index] ?? rest ?? refusedItem)(item, cx);
      cx.path.pop();
      if (next !== item) items = replaced(items, index, next);
    }
    return items;
  };
}

function refusedItem(value: unknown, cx: Context): unknown {
  add(cx, "is one item too many");
  return value;
}

function replaced(items: readonly unknown[], index: number, next: unknown): unknown[] {
  const copy = [...items];
  copy[index] = next;
  return copy;
}

export function map(item: Check): Check {
  return object({}, item);
}

/** Rejects properties that are not listed. */
export function none(value: unknown, cx: Context): unknown {
  add(cx, "is not a known field");
  return value;
}

/** Properties, and the check of all others. */
export function object(properties: { readonly [name: string]: Check | Property }, extra: Check = any): Check {
  const listed = Object.entries(properties).map(([name, property]) =>
    property instanceof Property
      ? ([name, property.presence, property.check] as const)
      : ([name, ALWAYS, property] as const),
  );
  const known = new Set(Object.keys(properties));
  const isFree = extra === any;
  return (value, cx) => {
    if (!expect("object", value, cx)) return value;
    const entries = value as Entries;
    const changes: [string, unknown][] = [];
    for (const [name, presence, inner] of listed) {
      if (isDone(cx)) return value;
      if (Object.hasOwn(entries, name) && entries[name] !== undefined) {
        if (cx.isStrict) checkDirection(name, presence, cx);
        visit(entries, name, inner, cx, changes);
      } else if (isRequired(presence, cx.direction)) {
        cx.path.push(name);
        add(cx, "is required");
        cx.path.pop();
      }
    }
    if (!isFree) {
      for (const name of Object.keys(entries)) {
        if (!known.has(name) && entries[name] !== undefined && !isDone(cx)) {
          visit(entries, name, extra, cx, changes);
        }
      }
    }
    if (changes.length === 0) return value;
    const copy = { ...entries };
    for (const [name, next] of changes) put(copy, name, next);
    return copy;
  };
}

function visit(entries: Entries, name: string, inner: Check, cx: Context, changes: [string, unknown][]): void {
  cx.path.push(name);
  const value = entries[name];
  const next = inner(value, cx);
  if (next !== value) changes.push([name, next]);
  cx.path.pop();
}

function isRequired(presence: number, direction: Direction | undefined): boolean {
  if (direction === "request") return (presence & IN_REQUEST) !== 0;
  if (direction === "response") return (presence & IN_RESPONSE) !== 0;
  return (presence & ALWAYS) === ALWAYS;
}

function checkDirection(name: string, presence: number, cx: Context): void {
  const isRefused =
    (cx.direction === "request" && (presence & NOT_IN_REQUEST) !== 0) ||
    (cx.direction === "response" && (presence & NOT_IN_RESPONSE) !== 0);
  if (!isRefused) return;
  cx.path.push(name);
  add(cx, cx.direction === "request" ? "is read-only" : "is write-only");
  cx.path.pop();
}

function passes(value: unknown, guard: Guard): boolean {
  const kind = kindOf(value);
  if (guard.kinds !== undefined && !guard.kinds.includes(kind)) return false;
  if (guard.strings !== undefined && !(kind === "string" && guard.strings.includes(value as string))) return false;
  if (kind !== "object") return guard.tags === undefined && guard.tagsIfAny === undefined && guard.keys === undefined;
  const entries = value as Entries;
  const holds = (name: string): boolean => Object.hasOwn(entries, name);
  return (
    (guard.tags ?? []).every(([name, values]) => holds(name) && values.includes(entries[name] as string)) &&
    (guard.tagsIfAny ?? []).every(([name, values]) => !holds(name) || values.includes(entries[name] as string)) &&
    (guard.keys ?? []).every(holds) &&
    Object.keys(entries).every((name) => guard.known?.includes(name) ?? true)
  );
}

/** Whether the optional tags are present; true when there are none. */
function hasTags(value: unknown, guard: Guard): boolean {
  return (guard.tagsIfAny ?? []).every(([name]) => Object.hasOwn(value as Entries, name));
}

function attempt(inner: Check, value: unknown, cx: Context, isQuick: boolean): [unknown, Violation[]] {
  const violations: Violation[] = [];
  const result = inner(value, { ...cx, violations, path: [...cx.path], isQuick });
  return [result, violations];
}

/**
 * Variants as guard, whether the guard alone decides, and check; tried in order. An open union
 * also holds for values that are not a variant.
 */
export function union(variants: readonly (readonly [Guard, boolean, Check])[], isOpen = false): Check {
  return (value, cx) => {
    let closest: Check | undefined;
    for (const [guard, isExclusive, inner] of variants) {
      if (!passes(value, guard)) continue;
      if (isExclusive && hasTags(value, guard)) return inner(value, cx);
      cx.effort.nAttempts += 1;
      if (cx.effort.nAttempts > ATTEMPTS_MAX) {
        add(cx, "matches too many variants to be decoded");
        return value;
      }
      const [result, violations] = attempt(inner, value, cx, true);
      if (violations.length === 0) return result;
      closest ??= inner;
    }
    if (cx.isStrict && !isOpen) {
      const reasons = closest === undefined || cx.isQuick ? [] : attempt(closest, value, cx, false)[1];
      if (reasons.length > 0) cx.violations.push(...reasons);
      else add(cx, "is not one of the known variants");
    }
    return value;
  };
}

/** A union whose variants are distinguished by one property: its values for each variant, and the check. */
export function tagged(
  tag: string,
  variants: readonly (readonly [readonly string[], Check])[],
  isOpen = false,
): Check {
  const byValue = new Map(variants.flatMap(([values, inner]) => values.map((value) => [value, inner] as const)));
  return (value, cx) => {
    const found = kindOf(value) === "object" && Object.hasOwn(value as Entries, tag) ? (value as Entries)[tag] : undefined;
    const inner = typeof found === "string" ? byValue.get(found) : undefined;
    if (inner !== undefined) return inner(value, cx);
    if (cx.isStrict && !isOpen && expect("object", value, cx)) {
      cx.path.push(tag);
      add(cx, `is not one of \`${[...byValue.keys()].join("`, `")}\``);
      cx.path.pop();
    }
    return value;
  };
}

/** A check with bounds, which hold for values of the kind that each is made for. */
export function bounded(inner: Check, bounds: Bounds): Check {
  const values = bounds.values === undefined ? undefined : new Set(bounds.values.map(canonical));
  return (value, cx) => {
    const n_before = cx.violations.length;
    const result = inner(value, cx);
    if (!cx.isStrict || cx.violations.length > n_before && kindOf(value) !== "array" && kindOf(value) !== "object") return result;
    if (typeof result === "string") checkText(result, bounds, cx);
    else if (isNumeric(result)) checkNumber(result, bounds, cx);
    else if (Array.isArray(result)) checkItems(result, bounds, cx);
    else if (kindOf(result) === "object") checkSize(Object.keys(result as Entries).length, "properties", bounds, cx);
    if (values !== undefined && !values.has(canonical(result))) {
      add(cx, `is not one of \`${bounds.values?.map(writeJson).join("`, `")}\``);
    }
    return result;
  };
}

export function checkSize(size: number, unit: string, bounds: Bounds, cx: Context): void {
  if (bounds.sizeMin !== undefined && size < bounds.sizeMin) add(cx, `has ${size} ${unit}, fewer than ${bounds.sizeMin}`);
  if (bounds.sizeMax !== undefined && size > bounds.sizeMax) add(cx, `has ${size} ${unit}, more than ${bounds.sizeMax}`);
}

export function checkText(text: string, bounds: Bounds, cx: Context): void {
  if (bounds.sizeMin !== undefined || bounds.sizeMax !== undefined) {
    let size = 0;
    for (const _ of text) size += 1;
    checkSize(size, "characters", bounds, cx);
  }
  if (bounds.pattern !== undefined && expression(bounds.pattern)?.test(text) === false) {
    add(cx, `does not match \`${bounds.pattern}\``);
  }
  if (bounds.format !== undefined && !hasFormat(bounds.format, text)) add(cx, `is not of format \`${bounds.format}\``);
}

export function checkNumber(value: Numeric, bounds: Bounds, cx: Context): void {
  const { minimum, maximum, multipleOf } = bounds;
  if (isNumeric(minimum)) {
    const order = compare(value, minimum);
    if (order < 0) add(cx, `is ${String(value)}, below ${String(minimum)}`);
    if (order === 0 && bounds.isMinimumExclusive === true) add(cx, `is not above ${String(minimum)}`);
  }
  if (isNumeric(maximum)) {
    const order = compare(value, maximum);
    if (order > 0) add(cx, `is ${String(value)}, above ${String(maximum)}`);
    if (order === 0 && bounds.isMaximumExclusive === true) add(cx, `is not below ${String(maximum)}`);
  }
  if (isNumeric(multipleOf) && !isMultiple(value, multipleOf)) {
    add(cx, `is ${String(value)}, not a multiple of ${String(multipleOf)}`);
  }
}

function checkItems(items: readonly unknown[], bounds: Bounds, cx: Context): void {
  checkSize(items.length, "items", bounds, cx);
  if (bounds.isUnique !== true) return;
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const text = canonical(item);
    if (seen.has(text)) {
      cx.path.push(index);
      add(cx, "is a duplicate item");
      cx.path.pop();
    }
    seen.add(text);
  }
}

const expressions = new Map<string, RegExp | undefined>();

function expression(pattern: string): RegExp | undefined {
  if (expressions.has(pattern)) return expressions.get(pattern);
  let compiled: RegExp | undefined;
  // Other languages write flags before the expression.
  const [start, more] = /^\(\?([ims]+)\)/.exec(pattern) ?? ["", ""];
  for (const flags of ["u", ""]) {
    try {
      compiled ??= new RegExp(pattern.slice(start.length), flags + more);
    } catch {
      // Not an expression in this mode; a pattern that is none at all is not checked.
    }
  }
  expressions.set(pattern, compiled);
  return compiled;
}

/** Text that is equal for equal values, whatever the order of keys and the form of numbers. */
export function canonical(value: unknown): string {
  if (isNumeric(value)) return canonicalNumber(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (kindOf(value) !== "object") return JSON.stringify(value) ?? "undefined";
  const entries = value as Entries;
  const keys = Object.keys(entries).filter((key) => entries[key] !== undefined).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(entries[key])}`).join(",")}}`;
}

function look(inner: Check, value: unknown, options: Partial<Context>): [unknown, Violation[]] {
  const cx: Context = {
    isStrict: false, direction: undefined, isQuick: false, violations: [], path: [], depth: 0,
    effort: { nAttempts: 0 }, ...options,
  };
  return [inner(value, cx), cx.violations];
}

/** The value when its structure fits. Numbers of float formats become `number`. */
export function parse<T>(inner: Check, value: unknown, direction?: Direction): T {
  const [result, violations] = look(inner, value, { direction });
  if (violations.length > 0) throw new ModelError(violations);
  return result as T;
}

export function fits(inner: Check, value: unknown): boolean {
  const [result, violations] = look(inner, value, { isQuick: true });
  return violations.length === 0 && result === value;
}

export function validate(inner: Check, value: unknown, direction?: Direction): Violation[] {
  return look(inner, value, { isStrict: true, direction })[1];
}
