/** One thing that is not as the contract says. */
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
    super(violations.map((violation) => `\`${violation.path}\`: ${violation.message}`).join("; "));
    this.name = "ModelError";
    this.violations = violations;
  }
}

/** A variant that the contract does not know yet, kept as it is. */
export interface UnknownVariant {
  readonly [key: string]: unknown;
}

/** What a check writes to. Bounds, patterns and known values are checked only when strict. */
export interface Context {
  readonly isStrict: boolean;
  readonly violations: Violation[];
}

/** Looks at a value that stands at a path. */
export type Check = (value: unknown, path: string, cx: Context) => void;

/** Bounds of text, numbers, lists and objects; absent ones hold always. */
export interface Bounds {
  readonly sizeMin?: number;
  readonly sizeMax?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly isMinimumExclusive?: boolean;
  readonly isMaximumExclusive?: boolean;
  readonly multipleOf?: number;
  readonly pattern?: string;
  readonly isUnique?: boolean;
}

/** What a value must look like to be a variant. */
export interface Guard {
  readonly kinds?: readonly string[];
  readonly tags?: readonly (readonly [string, readonly string[]])[];
  readonly keys?: readonly string[];
  readonly known?: readonly string[];
  readonly strings?: readonly string[];
}

type Entries = { readonly [key: string]: unknown };

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function has(entries: Entries, key: string): boolean {
  return Object.prototype.hasOwnProperty.call(entries, key);
}

function add(cx: Context, path: string, message: string): void {
  cx.violations.push({ path, message });
}

function field(path: string, name: string): string {
  return `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function expect(kind: string, value: unknown, path: string, cx: Context): boolean {
  if (kindOf(value) === kind) return true;
  add(cx, path, `expected ${kind}, got ${kindOf(value)}`);
  return false;
}

function checkSize(size: number, bounds: Bounds, path: string, cx: Context): void {
  if (bounds.sizeMin !== undefined && size < bounds.sizeMin) {
    add(cx, path, `has size ${size}, less than ${bounds.sizeMin}`);
  }
  if (bounds.sizeMax !== undefined && size > bounds.sizeMax) {
    add(cx, path, `has size ${size}, more than ${bounds.sizeMax}`);
  }
}

const patterns = new Map<string, RegExp | undefined>();

function expression(pattern: string): RegExp | undefined {
  if (patterns.has(pattern)) return patterns.get(pattern);
  let made: RegExp | undefined;
  for (const flags of ["u", ""]) {
    try {
      made ??= new RegExp(pattern, flags);
    } catch {
      // Not an expression in this mode; a pattern that is none at all is not checked.
    }
  }
  patterns.set(pattern, made);
  return made;
}

export function any(): Check {
  return () => undefined;
}

export function boolean(): Check {
  return (value, path, cx) => void expect("boolean", value, path, cx);
}

export function text(bounds: Bounds = {}): Check {
  return (value, path, cx) => {
    if (!expect("string", value, path, cx) || !cx.isStrict) return;
    const content = value as string;
    checkSize([...content].length, bounds, path, cx);
    if (bounds.pattern !== undefined && expression(bounds.pattern)?.test(content) === false) {
      add(cx, path, `does not match \`${bounds.pattern}\``);
    }
  };
}

export function number(bounds: Bounds = {}): Check {
  return (value, path, cx) => {
    if (!expect("number", value, path, cx) || !cx.isStrict) return;
    const content = value as number;
    const { minimum, maximum, multipleOf } = bounds;
    if (minimum !== undefined && (bounds.isMinimumExclusive ? content <= minimum : content < minimum)) {
      add(cx, path, `is ${content}, below ${minimum}`);
    }
    if (maximum !== undefined && (bounds.isMaximumExclusive ? content >= maximum : content > maximum)) {
      add(cx, path, `is ${content}, above ${maximum}`);
    }
    if (multipleOf !== undefined) {
      const quotient = content / multipleOf;
      // The tolerance covers the rounding of decimal fractions such as 0.1.
      if (Math.abs(quotient - Math.round(quotient)) > 1e-9 * Math.max(1, Math.abs(quotient))) {
        add(cx, path, `is ${content}, not a multiple of ${multipleOf}`);
      }
    }
  };
}

export function integer(bounds: Bounds = {}): Check {
  const check = number(bounds);
  return (value, path, cx) => {
    check(value, path, cx);
    if (typeof value === "number" && !Number.isInteger(value)) {
      add(cx, path, "is not a whole number");
    }
  };
}

export function constant(want: unknown): Check {
  return (value, path, cx) => {
    if (canonical(value) !== canonical(want)) add(cx, path, `is not ${JSON.stringify(want)}`);
  };
}

export function enumeration(values: readonly string[]): Check {
  return (value, path, cx) => {
    if (!expect("string", value, path, cx) || !cx.isStrict) return;
    if (!values.includes(value as string)) {
      add(cx, path, `is not one of \`${values.join("`, `")}\``);
    }
  };
}

export function nullable(check: Check): Check {
  return (value, path, cx) => {
    if (value !== null) check(value, path, cx);
  };
}

export function lazy(check: () => Check): Check {
  return (value, path, cx) => check()(value, path, cx);
}

export function array(item: Check, bounds: Bounds = {}): Check {
  return (value, path, cx) => {
    if (!expect("array", value, path, cx)) return;
    const items = value as readonly unknown[];
    if (cx.isStrict) {
      checkSize(items.length, bounds, path, cx);
      if (bounds.isUnique === true && new Set(items.map(canonical)).size < items.length) {
        add(cx, path, "has an item twice");
      }
    }
    items.forEach((content, index) => item(content, `${path}/${index}`, cx));
  };
}

export function map(item: Check, bounds: Bounds = {}): Check {
  return object([], item, bounds);
}

/** Properties as name, whether it must be present, and check; `undefined` refuses all others. */
export function object(
  properties: readonly (readonly [string, boolean, Check])[],
  extra: Check | undefined,
  bounds: Bounds = {},
): Check {
  const known = new Set(properties.map(([name]) => name));
  return (value, path, cx) => {
    if (!expect("object", value, path, cx)) return;
    const entries = value as Entries;
    if (cx.isStrict) checkSize(Object.keys(entries).length, bounds, path, cx);
    for (const [name, isRequired, check] of properties) {
      if (has(entries, name)) check(entries[name], field(path, name), cx);
      else if (isRequired) add(cx, field(path, name), "is required");
    }
    for (const name of Object.keys(entries)) {
      if (known.has(name)) continue;
      if (extra === undefined) add(cx, field(path, name), "is not a known field");
      else extra(entries[name], field(path, name), cx);
    }
  };
}

function passes(value: unknown, guard: Guard): boolean {
  const entries: Entries = kindOf(value) === "object" ? (value as Entries) : {};
  const holds = (name: string): boolean => has(entries, name);
  return (
    (guard.kinds?.includes(kindOf(value)) ?? true) &&
    (guard.tags ?? []).every(([name, values]) => holds(name) && values.includes(String(entries[name]))) &&
    (guard.keys ?? []).every(holds) &&
    Object.keys(entries).every((name) => guard.known?.includes(name) ?? true) &&
    (guard.strings?.includes(String(value)) ?? true)
  );
}

/** Variants as guard, whether the guard alone decides, and check; tried in order. */
export function union(variants: readonly (readonly [Guard, boolean, Check])[]): Check {
  return (value, path, cx) => {
    for (const [guard, isExclusive, check] of variants) {
      if (!passes(value, guard)) continue;
      if (isExclusive) {
        check(value, path, cx);
        return;
      }
      const attempt: Context = { isStrict: cx.isStrict, violations: [] };
      check(value, path, attempt);
      if (attempt.violations.length === 0) return;
    }
    if (cx.isStrict || kindOf(value) !== "object") add(cx, path, "is none of the known variants");
  };
}

/** Text that is equal for equal values, whatever the order of keys. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (kindOf(value) !== "object") return JSON.stringify(value) ?? "undefined";
  const entries = value as Entries;
  const parts = Object.keys(entries).sort();
  return `{${parts.map((key) => `${JSON.stringify(key)}:${canonical(entries[key])}`).join(",")}}`;
}

function run(check: Check, value: unknown, isStrict: boolean): Violation[] {
  const cx: Context = { isStrict, violations: [] };
  check(value, "", cx);
  return cx.violations;
}

/** The value itself when its structure fits. */
export function parse<T>(check: Check, value: unknown): T {
  const violations = run(check, value, false);
  if (violations.length > 0) throw new ModelError(violations);
  return value as T;
}

/** Whether the structure fits. */
export function fits(check: Check, value: unknown): boolean {
  return run(check, value, false).length === 0;
}

/** All that is not as the contract says: structure, bounds, patterns, known values. */
export function validate(check: Check, value: unknown): Violation[] {
  return run(check, value, true);
}
