import { writeJson } from "./json.js";
import { isNumeric } from "./numbers.js";

/** What a binary body may be. */
export type Bytes = Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | string;

/** How a body is written. */
export type BodyKind = "json" | "form" | "multipart" | "text" | "bytes";

/** The place of a parameter, its name, style, whether it is exploded, and whether it is JSON text. */
export type Parameter = readonly [
  "path" | "query" | "header" | "cookie" | "querystring", string, string, boolean, boolean?,
];

/** A media type without its parameters. */
export function contentOf(media: string): string {
  return (media.split(";")[0] ?? "").trim().toLowerCase();
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isNumeric(value);
}

/** A plain value as text; what nests deeper becomes JSON text. */
function plain(value: unknown): string {
  if (value === null) return "";
  return Array.isArray(value) || isObject(value) ? writeJson(value) : String(value);
}

function present(value: { readonly [key: string]: unknown }): [string, unknown][] {
  return Object.entries(value).filter(([, content]) => content !== undefined);
}

/** Name and value pairs, or values without names, of a list or object. */
function flat(value: unknown, isExploded: boolean, write: (text: string) => string): string[] {
  if (Array.isArray(value)) return value.map((item) => write(plain(item)));
  if (!isObject(value)) return [write(plain(value))];
  return present(value).flatMap(([key, content]) =>
    isExploded ? [`${write(key)}=${write(plain(content))}`] : [write(key), write(plain(content))],
  );
}

export function encodePath([, name, style, isExploded, isJson]: Parameter, value: unknown): string {
  if (value === undefined) throw new TypeError(`the path parameter \`${name}\` is missing`);
  const write = encodeURIComponent;
  if (isJson === true) return write(writeJson(value));
  const parts = flat(value, isExploded, write);
  if (style === "label") return `.${parts.join(isExploded ? "." : ",")}`;
  if (style !== "matrix") return parts.join(",");
  if (!isExploded) return `;${write(name)}=${parts.join(",")}`;
  return parts.map((part) => (isObject(value) ? `;${part}` : `;${write(name)}=${part}`)).join("");
}

/** Pairs for a query or a cookie. */
export function encodeQuery([, name, style, isExploded, isJson]: Parameter, value: unknown): string[] {
  if (value === undefined) return [];
  const write = encodeURIComponent;
  if (isJson === true) return [`${write(name)}=${write(writeJson(value))}`];
  if (style === "deepObject" && isObject(value)) return nested(name, value).map(pair);
  if (isExploded && Array.isArray(value)) return flat(value, true, write).map((item) => `${write(name)}=${item}`);
  if (isExploded && isObject(value)) {
    return present(value).flatMap(([key, content]) =>
      Array.isArray(content)
        ? content.map((item) => `${write(key)}=${write(plain(item))}`)
        : [`${write(key)}=${write(plain(content))}`],
    );
  }
  const separator = style === "spaceDelimited" ? "%20" : style === "pipeDelimited" ? "%7C" : ",";
  return [`${write(name)}=${flat(value, false, write).join(separator)}`];
}

function pair([name, text]: readonly [string, string]): string {
  return `${encodeURIComponent(name)}=${encodeURIComponent(text)}`;
}

/** Names in brackets: `name[key]`, and `name[0][key]` for lists of objects. */
function nested(name: string, value: unknown): [string, string][] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => nested(isObject(item) || Array.isArray(item) ? `${name}[${index}]` : name, item));
  }
  if (isObject(value)) return present(value).flatMap(([key, content]) => nested(`${name}[${key}]`, content));
  return [[name, plain(value)]];
}

export function encodeHeader([, , , isExploded, isJson]: Parameter, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return isJson === true ? writeJson(value) : flat(value, isExploded, (text) => text).join(",");
}

export function encodeBody(kind: BodyKind, body: unknown, partMedia: { readonly [part: string]: string }): BodyInit {
  switch (kind) {
    case "json":
      return writeJson(body);
    case "form":
      return present(isObject(body) ? body : {}).flatMap(([name, value]) => nested(name, value)).map(pair).join("&");
    case "multipart":
      return multipart(body, partMedia);
    default:
      return body as BodyInit;
  }
}

function multipart(body: unknown, partMedia: { readonly [part: string]: string }): FormData {
  const form = new FormData();
  for (const [name, value] of present(isObject(body) ? body : {})) {
    const media = Object.hasOwn(partMedia, name) ? partMedia[name] : undefined;
    for (const item of Array.isArray(value) ? value : [value]) form.append(name, part(item, media));
  }
  return form;
}

/** A part of a form: files as they are, objects as JSON, all else as text. */
function part(value: unknown, media: string | undefined): string | Blob {
  if (value instanceof Blob) return value;
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) {
    return new Blob([value as Uint8Array<ArrayBuffer>], { type: media ?? "application/octet-stream" });
  }
  if (Array.isArray(value) || isObject(value)) return new Blob([writeJson(value)], { type: media ?? "application/json" });
  return media === undefined ? plain(value) : new Blob([plain(value)], { type: media });
}
