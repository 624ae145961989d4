/**
 * A number that binary floating point can't hold exactly; it keeps its text.
 *
 * `Number(decimal)` is the nearest binary floating-point number.
 */
export class Decimal {
  readonly text: string;

  constructor(text: string) {
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) {
      throw new RangeError(`\`${text}\` is not a number of JSON`);
    }
    this.text = text;
  }

  toString(): string {
    return this.text;
  }

  valueOf(): number {
    return Number(this.text);
  }

  toJSON(): number {
    return Number(this.text);
  }
}

/** A whole number: `number` up to 2^53 - 1, `bigint` beyond, so that no digit is lost. */
export type Integer = number | bigint;

/** Any number of JSON: `number` where that keeps every digit. */
export type Numeric = number | bigint | Decimal;

/** Digits without zeros at either end (empty for zero), and the power of ten they are scaled by. */
interface Parts {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

export function isNumeric(value: unknown): value is Numeric {
  return typeof value === "number" || typeof value === "bigint" || value instanceof Decimal;
}

function split(text: string): Parts {
  const [mantissa = "", power = "0"] = text.toLowerCase().split("e");
  const isNegative = mantissa.startsWith("-");
  const [whole = "", fraction = ""] = (isNegative ? mantissa.slice(1) : mantissa).split(".");
  const all = whole + fraction;
  let start = 0;
  while (start < all.length && all.charCodeAt(start) === 48) start += 1;
  let end = all.length;
  while (end > start && all.charCodeAt(end - 1) === 48) end -= 1;
  if (start === end) return { isNegative: false, digits: "", exponent: 0 };
  const exponent = Number(power) - fraction.length + (all.length - end);
  return { isNegative, digits: all.slice(start, end), exponent };
}

function partsOf(value: Numeric): Parts {
  return split(String(value));
}

/** Equal texts for equal numbers, however they are written. */
export function canonicalNumber(value: Numeric): string {
  const { isNegative, digits, exponent } = partsOf(value);
  return digits === "" ? "0" : `${isNegative ? "-" : ""}${digits}e${exponent}`;
}

/** The number of a JSON text, without a loss of digits. */
export function exactNumber(text: string): Numeric {
  const value = Number(text);
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(value) ? value : BigInt(text);
  if (!Number.isFinite(value)) return new Decimal(text);
  if (String(value) === text) return value;
  return canonicalNumber(value) === canonicalNumber(new Decimal(text)) ? value : new Decimal(text);
}

/** Negative, zero or positive as `one` is less than, equal to or greater than `other`; exact. */
export function compare(one: Numeric, other: Numeric): number {
  if (!(one instanceof Decimal) && !(other instanceof Decimal)) {
    return one < other ? -1 : one > other ? 1 : 0;
  }
  const a = partsOf(one);
  const b = partsOf(other);
  const signs = signOf(a) - signOf(b);
  if (signs !== 0 || a.digits === "") return signs;
  const size = a.digits.length + a.exponent - (b.digits.length + b.exponent);
  const width = Math.max(a.digits.length, b.digits.length);
  const left = a.digits.padEnd(width, "0");
  const right = b.digits.padEnd(width, "0");
  const magnitude = size !== 0 ? size : left < right ? -1 : left > right ? 1 : 0;
  return a.isNegative ? -magnitude : magnitude;
}

function signOf(parts: Parts): number {
  return parts.digits === "" ? 0 : parts.isNegative ? -1 : 1;
}

/** Whether the value is a whole number times `unit`; exact in decimals. */
export function isMultiple(value: Numeric, unit: Numeric): boolean {
  const a = partsOf(value);
  const b = partsOf(unit);
  if (a.digits === "") return true;
  if (b.digits === "") return false;
  const shift = a.exponent - b.exponent;
  const divisor = BigInt(b.digits);
  if (shift >= 0) return (BigInt(a.digits) * powerOfTen(shift, divisor)) % divisor === 0n;
  // The unit is coarser by `-shift` digits, and `a.digits` does not end in zero.
  if (-shift > a.digits.length) return false;
  return BigInt(a.digits) % (divisor * 10n ** BigInt(-shift)) === 0n;
}

/** Ten to a power, modulo a number: bounded work for any exponent. */
function powerOfTen(power: number, modulus: bigint): bigint {
  if (!Number.isFinite(power)) return 0n;
  let result = 1n % modulus;
  let base = 10n % modulus;
  for (let rest = BigInt(power); rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * base) % modulus;
    base = (base * base) % modulus;
  }
  return result;
}

/** The whole number, when the value is one of at most 5,000 digits. */
export function toInteger(value: Numeric): Integer | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isInteger(value) ? value : undefined;
  const { isNegative, digits, exponent } = partsOf(value);
  if (exponent < 0 || exponent + digits.length > 5000) return undefined;
  const whole = BigInt(digits + "0".repeat(exponent));
  return isNegative ? -whole : whole;
}
