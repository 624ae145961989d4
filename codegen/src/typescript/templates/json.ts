import { Decimal, exactNumber } from "./numbers.js";

/** How deep arrays and objects may nest. */
const DEPTH_MAX = 1000;

/** Reads JSON text and keeps every digit: see `Integer`, `Numeric` and `Decimal`. */
export function readJson(text: string): unknown {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** Writes JSON text and keeps every digit. Absent (`undefined`) properties are left out. */
export function writeJson(value: unknown): string {
  return write(value, 0) ?? "null";
}

const PLAIN = /[^"\\\u0000-\u001f]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPES: { readonly [letter: string]: string } = {
  '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t",
};

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    if (text.charCodeAt(0) === 0xfeff) this.#at = 1;
  }

  value(depth: number): unknown {
    if (depth > DEPTH_MAX) throw this.#error(`nests deeper than ${DEPTH_MAX}`);
    this.#match(SPACE);
    switch (this.#text[this.#at]) {
      case "{": return this.#object(depth);
      case "[": return this.#array(depth);
      case '"': return this.#string();
      case "t": return this.#word("true", true);
      case "f": return this.#word("false", false);
      case "n": return this.#word("null", null);
      default: return this.#number();
    }
  }

  end(): void {
    this.#match(SPACE);
    if (this.#at < this.#text.length) throw this.#error("more follows the value");
  }

  #object(depth: number): unknown {
    const object: { [key: string]: unknown } = {};
    this.#at += 1;
    if (this.#skips("}")) return object;
    do {
      this.#match(SPACE);
      if (this.#text[this.#at] !== '"') throw this.#error("expected a key");
      const key = this.#string();
      if (!this.#skips(":")) throw this.#error("expected `:`");
      put(object, key, this.value(depth + 1));
    } while (this.#skips(","));
    if (!this.#skips("}")) throw this.#error("expected `,` or `}`");
    return object;
  }

  #array(depth: number): unknown[] {
    const items: unknown[] = [];
    this.#at += 1;
    if (this.#skips("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.#skips(","));
    if (!this.#skips("]")) throw this.#error("expected `,` or `]`");
    return items;
  }

  #string(): string {
    let content = "";
    this.#at += 1;
    for (;;) {
      content += this.#match(PLAIN);
      const next = this.#text[this.#at];
      this.#at += 1;
      if (next === '"') return content;
      if (next !== "\\") throw this.#error("a text does not end");
      const letter = this.#text[this.#at] ?? "";
      this.#at += 1;
      if (letter === "u") {
        const digits = this.#text.slice(this.#at, this.#at + 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#error("expected four hexadecimal digits");
        content += String.fromCharCode(Number.parseInt(digits, 16));
        this.#at += 4;
      } else {
        const escaped = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
        if (escaped === undefined) throw this.#error("unknown escape");
        content += escaped;
      }
    }
  }

  #number(): unknown {
    const text = this.#match(NUMBER);
    if (text === "") throw this.#error("expected a value");
    return exactNumber(text);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error("expected a value");
    this.#at += word.length;
    return value;
  }

  #skips(sign: string): boolean {
    this.#match(SPACE);
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #match(expression: RegExp): string {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #error(message: string): SyntaxError {
    return new SyntaxError(`read JSON at character ${this.#at}: ${message}`);
  }
}

/** Sets an own property, also one named `__proto__`. */
export function put(object: { [key: string]: unknown }, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

function write(value: unknown, depth: number): string | undefined {
  if (depth > DEPTH_MAX) throw new TypeError(`write JSON: nests deeper than ${DEPTH_MAX}`);
  switch (typeof value) {
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`write JSON: ${value} is not a number of JSON`);
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return String(value);
    case "object":
      return value === null ? "null" : writeObject(value, depth);
    default:
      return undefined;
  }
}

function writeObject(value: object, depth: number): string | undefined {
  if (value instanceof Decimal) return value.text;
  if (Array.isArray(value)) {
    return `[${value.map((item) => write(item, depth + 1) ?? "null").join(",")}]`;
  }
  if ("toJSON" in value && typeof value.toJSON === "function") return write(value.toJSON(), depth + 1);
  const parts: string[] = [];
  for (const [key, content] of Object.entries(value)) {
    const text = write(content, depth + 1);
    if (text !== undefined) parts.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${parts.join(",")}}`;
}
