import { readJson } from "./json.js";
import { contentOf, encodeBody, encodeHeader, encodePath, encodeQuery } from "./encode.js";
import type { BodyKind, Parameter } from "./encode.js";
import { jsonLines, serverEvents } from "./streams.js";
import { ModelError, parse } from "./support.js";
import type { Check, Unlisted } from "./support.js";

export type { ServerEvent } from "./streams.js";
export type { Bytes } from "./encode.js";

/** How often and how long to try again. Only calls that are safe to repeat are. */
export interface Retry {
  /** How many times a call is repeated at most; 2 by default. */
  readonly limit: number;
  /** The first pause in milliseconds, which doubles with each repetition; 250 by default. */
  readonly baseMs: number;
  /** The longest pause in milliseconds, also when the server requests a longer one; 30,000 by default. */
  readonly capMs: number;
}

/** A secret, or a function that returns one for each call. */
export type Secret<T = string> = T | (() => T | Promise<T>);
export interface UserPassword {
  readonly user: string;
  readonly password: string;
}

/** The options of all calls. */
export interface ClientOptions<Credentials> {
  /** The address of the server; without it, the first server of the contract. */
  readonly baseUrl?: string | URL;
  /** The credentials of the caller, by the name of the security scheme in the contract. */
  readonly credentials?: Credentials;
  /** Headers of every call. */
  readonly headers?: { readonly [name: string]: string };
  readonly fetch?: typeof fetch;
  readonly retry?: Partial<Retry>;
  /** How long one attempt may take in milliseconds; 60,000 by default, 0 for no limit. */
  readonly timeoutMs?: number;
  /** Waits between attempts; the clock by default. */
  readonly sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** The options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly headers?: { readonly [name: string]: string };
  readonly retry?: Partial<Retry>;
  readonly timeoutMs?: number;
}

/** Statuses of a class that servers send. */
export type Status1XX = 100 | 101 | 102 | 103;
export type Status2XX = 200 | 201 | 202 | 203 | 204 | 205 | 206 | 207 | 208 | 226;
export type Status3XX = 300 | 301 | 302 | 303 | 304 | 305 | 307 | 308;
export type Status4XX =
  | 400 | 401 | 402 | 403 | 404 | 405 | 406 | 407 | 408 | 409 | 410 | 411 | 412 | 413 | 414
  | 415 | 416 | 417 | 418 | 421 | 422 | 423 | 424 | 425 | 426 | 428 | 429 | 431 | 451 | 499;
export type Status5XX = 500 | 501 | 502 | 503 | 504 | 505 | 506 | 507 | 508 | 510 | 511;
/** A status that the contract covers with `default`; `Number(status)` is its number. */
export type OtherStatus = Unlisted;

/** A declared answer. `status` distinguishes answers, then `media` where one status has several. */
export interface Answer<Status, Body, Media extends string = string> {
  readonly status: Status;
  readonly media: Media;
  readonly headers: Headers;
  readonly body: Body;
}

type AnyAnswer = Answer<unknown, unknown>;

/** The answers of a successful call. */
export type Good<A extends AnyAnswer> = Extract<A, { readonly status: Status2XX }>;

/** A call that failed without a declared answer. */
export class CallError extends Error {
  /** Method and path of the operation. */
  readonly operation: string;

  constructor(operation: string, message: string, cause?: unknown) {
    super(`call \`${operation}\`: ${message}`, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.operation = operation;
  }
}
/** The server did not answer. */
export class NetworkError extends CallError {}
/** The server did not answer in time. */
export class TimeoutError extends CallError {}
/** An answer came with a status that the contract does not declare. */
export class UnexpectedStatus extends CallError {
  readonly response: Response;
  readonly text: string;

  constructor(operation: string, response: Response, text: string) {
    super(operation, `status ${response.status} is not in the contract`);
    this.response = response;
    this.text = text;
  }
}
/** The body of an answer does not match the contract. */
export class BodyError extends CallError {
  readonly status: number;

  constructor(operation: string, status: number, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(operation, `the body of status ${status} does not fit: ${reason}`, cause);
    this.status = status;
  }
}
/** A declared answer that is not a good one, thrown by `ok`. */
export class StatusError<A extends AnyAnswer = AnyAnswer> extends Error {
  readonly answer: A;

  constructor(answer: A) {
    super(`the server answered with status ${String(answer.status)}`);
    this.name = "StatusError";
    this.answer = answer;
  }
}

/** The good answer; any other is thrown as `StatusError`. */
export function ok<A extends AnyAnswer>(answer: A): Good<A> {
  const status = Number(answer.status);
  if (status < 200 || status > 299) throw new StatusError(answer);
  return answer as Good<A>;
}

/** How the body of an answer is read. */
export type Reading = "none" | "json" | "text" | "blob" | "events" | "eventData" | "lines";

/** An operation of the contract. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly parameters?: readonly Parameter[];
  /** Media type and kind of each body; the first is the usual one. */
  readonly bodies?: readonly (readonly [string, BodyKind, { readonly [part: string]: string }?])[];
  /** Sets of schemes; the caller needs the secrets of one set. */
  readonly security?: readonly (readonly string[])[];
  /** Status, media type, how it is read, and the check of the body. */
  readonly answers: readonly (readonly [string, string, Reading, Check?])[];
}

/** Where a scheme's secret goes. */
export type Scheme =
  | readonly ["header" | "query" | "cookie", string]
  | readonly ["basic" | "bearer", string];

/** The contract's part of a client, and the caller's. */
export interface Client<Credentials = object> {
  readonly options: ClientOptions<Credentials>;
  readonly server: string;
  readonly schemes: { readonly [name: string]: Scheme };
}

const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
const WORTH_REPEATING = new Set([408, 425, 429, 500, 502, 503, 504]);

interface Parts {
  readonly path?: object;
  readonly query?: unknown;
  readonly header?: object;
  readonly cookie?: object;
  readonly contentType?: string;
  readonly body?: unknown;
}

/** Sends an operation; gives a declared answer or throws a `CallError`. */
export async function call<A>(client: Client, request: object, options: CallOptions, spec: Call): Promise<A> {
  const parts = request as Parts;
  const operation = `${spec.method} ${spec.path}`;
  const retry = { limit: 2, baseMs: 250, capMs: 30_000, ...client.options.retry, ...options.retry };
  const headers = headersOf(client, parts, options, spec);
  const canRepeat =
    (IDEMPOTENT.has(spec.method) || headers.has("idempotency-key")) && !(parts.body instanceof ReadableStream);
  for (let attempt = 0; ; attempt += 1) {
    options.signal?.throwIfAborted();
    const isLast = !canRepeat || attempt >= retry.limit;
    const tried = await send(client, parts, options, spec, new Headers(headers), operation, isLast);
    if (tried.answer !== undefined) return tried.answer as A;
    if (tried.error !== undefined && isLast) throw tried.error;
    const asked = retryAfter(tried.response);
    // Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    const pause = asked ?? retry.baseMs * 2 ** attempt * (0.5 + Math.random() / 2);
    await (client.options.sleep ?? sleep)(Math.min(pause, retry.capMs), options.signal);
  }
}

interface Tried {
  readonly answer?: unknown;
  readonly error?: CallError;
  readonly response?: Response;
}

async function send(
  client: Client, parts: Parts, options: CallOptions, spec: Call, headers: Headers, operation: string, isLast: boolean,
): Promise<Tried> {
  const url = new URL(addressOf(client, parts, spec), baseOf(client));
  await prove(client, spec, headers, url);
  const [media, body] = bodyOf(parts, spec);
  if (media !== undefined && !headers.has("content-type")) headers.set("content-type", media);
  const limit = options.timeoutMs ?? client.options.timeoutMs ?? 60_000;
  const controller = new AbortController();
  const abort = (): void => controller.abort(options.signal?.reason);
  if (options.signal?.aborted === true) abort();
  options.signal?.addEventListener("abort", abort, { once: true });
  const timer = limit > 0 ? setTimeout(() => controller.abort(), limit) : undefined;
  let isStream = false;
  try {
    const init: RequestInit & { duplex?: "half" } = { method: spec.method, headers, signal: controller.signal };
    if (body !== undefined) init.body = body;
    if (body instanceof ReadableStream) init.duplex = "half";
    const response = await (client.options.fetch ?? fetch)(url, init);
    if (!isLast && WORTH_REPEATING.has(response.status)) {
      await response.body?.cancel();
      return { response };
    }
    const answer = await read(spec, operation, response, () => {
      isStream = true;
      clearTimeout(timer);
    }, () => options.signal?.removeEventListener("abort", abort));
    return { answer };
  } catch (error) {
    if (options.signal?.aborted === true) throw options.signal.reason;
    if (error instanceof CallError) throw error;
    if (controller.signal.aborted) return { error: new TimeoutError(operation, `no answer within ${limit} ms`, error) };
    return { error: new NetworkError(operation, "the server did not answer", error) };
  } finally {
    clearTimeout(timer);
    if (!isStream) options.signal?.removeEventListener("abort", abort);
  }
}

function baseOf(client: Client): string {
  const base = String(client.options.baseUrl ?? client.server);
  const root = (globalThis as { location?: { href?: string } }).location?.href;
  const full = root === undefined ? new URL(base) : new URL(base, root);
  if (!full.pathname.endsWith("/")) full.pathname += "/";
  return full.href;
}

function addressOf(client: Client, parts: Parts, spec: Call): string {
  const path = spec.path.replace(/\{([^{}]*)\}/g, (whole, name: string) => {
    const parameter = spec.parameters?.find((one) => one[0] === "path" && one[1] === name);
    return parameter === undefined ? whole : encodePath(parameter, valueOf(parts.path, name));
  });
  const query = (spec.parameters ?? []).flatMap((parameter) => {
    if (parameter[0] === "query") return encodeQuery(parameter, valueOf(parts.query, parameter[1]));
    if (parameter[0] === "querystring") return encodeQuery(["query", "", "form", true], parts.query);
    return [];
  });
  const [start = "", own] = path.split("?");
  const search = [...(own === undefined ? [] : [own]), ...query].join("&");
  return `./${start.replace(/^\//, "")}${search === "" ? "" : `?${search}`}`;
}

function valueOf(values: unknown, name: string): unknown {
  return typeof values === "object" && values !== null && Object.hasOwn(values, name)
    ? (values as { [key: string]: unknown })[name]
    : undefined;
}

function headersOf(client: Client, parts: Parts, options: CallOptions, spec: Call): Headers {
  const headers = new Headers(client.options.headers ?? {});
  const accepted = [...new Set(spec.answers.map(([, media]) => media).filter((media) => media !== ""))];
  if (accepted.length > 0 && !headers.has("accept")) headers.set("accept", accepted.join(", "));
  const cookies: string[] = [];
  for (const parameter of spec.parameters ?? []) {
    const [location, name] = parameter;
    if (location === "header") {
      const text = encodeHeader(parameter, valueOf(parts.header, name));
      if (text !== undefined) headers.set(name, text);
    } else if (location === "cookie") {
      cookies.push(...encodeQuery(parameter, valueOf(parts.cookie, name)));
    }
  }
  if (cookies.length > 0) headers.set("cookie", cookies.join("; "));
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
  return headers;
}

/** Adds the secrets of the first set of schemes for which the caller has all. */
async function prove(client: Client, spec: Call, headers: Headers, url: URL): Promise<void> {
  const secrets = (client.options.credentials ?? {}) as { readonly [name: string]: Secret<string | UserPassword> };
  const has = (name: string): boolean => Object.hasOwn(secrets, name) && secrets[name] !== undefined;
  const chosen = spec.security?.find((names) => names.length > 0 && names.every(has)) ?? [];
  for (const name of chosen) {
    const own = secrets[name];
    const secret = typeof own === "function" ? await own() : own;
    const [place, wire] = client.schemes[name] ?? (["bearer", ""] as const);
    if (secret === undefined) continue;
    if (typeof secret !== "string") {
      headers.set("authorization", `Basic ${base64(`${secret.user}:${secret.password}`)}`);
    } else if (place === "basic") headers.set("authorization", `Basic ${base64(secret)}`);
    else if (place === "bearer") headers.set("authorization", `Bearer ${secret}`);
    else if (place === "header") headers.set(wire, secret);
    else if (place === "query") url.searchParams.set(wire, secret);
    else headers.set("cookie", [headers.get("cookie"), `${wire}=${encodeURIComponent(secret)}`].filter(Boolean).join("; "));
  }
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function bodyOf(parts: Parts, spec: Call): [string | undefined, BodyInit | undefined] {
  const first = spec.bodies?.[0];
  if (first === undefined || parts.body === undefined) return [undefined, undefined];
  const [media, kind, partMedia] = spec.bodies?.find(([own]) => own === parts.contentType) ?? first;
  const body = encodeBody(kind, parts.body, partMedia ?? {});
  // The browser writes the boundary of a multipart body itself.
  const isOwn = kind === "multipart" || media.includes("*") || (body instanceof Blob && body.type !== "");
  return [isOwn ? undefined : media, body];
}

async function read(
  spec: Call, operation: string, response: Response, start: () => void, end: () => void,
): Promise<AnyAnswer> {
  const media = contentOf(response.headers.get("content-type") ?? "");
  const found = declared(spec, response.status, media);
  if (found === undefined) throw new UnexpectedStatus(operation, response, await response.text());
  const [, name, reading, check] = found;
  const answer = (body: unknown): AnyAnswer => ({
    status: response.status, media: name.includes("*") ? media : name, headers: response.headers, body,
  });
  const fit = (value: unknown): unknown => (check === undefined ? value : parse(check, value, "response"));
  if (reading === "events" || reading === "eventData" || reading === "lines") start();
  try {
    switch (reading) {
      case "none":
        await response.body?.cancel();
        return answer(undefined);
      case "text":
        return answer(await response.text());
      case "blob":
        return answer(await response.blob());
      case "events":
      case "eventData":
        return answer(serverEvents(response, reading === "eventData", check && fit, end));
      case "lines":
        return answer(jsonLines(response, fit, end));
      case "json": {
        const text = await response.text();
        return answer(text === "" && check === undefined ? undefined : fit(readJson(text)));
      }
    }
  } catch (error) {
    const isBroken = error instanceof ModelError || error instanceof SyntaxError;
    throw isBroken ? new BodyError(operation, response.status, error) : error;
  }
}

function declared(spec: Call, status: number, media: string): Call["answers"][number] | undefined {
  const classes = [String(status), `${Math.floor(status / 100)}XX`, "default"];
  for (const wanted of classes) {
    const own = spec.answers.filter(([one]) => one.toUpperCase() === wanted.toUpperCase());
    if (own.length === 0) continue;
    const exact = own.find(([, name]) => contentOf(name) === media);
    const json = own.find(([, , reading]) => reading === "json" && media.includes("json"));
    const wild = own.find(([, name]) => matches(name, media));
    return exact ?? json ?? wild ?? own[0];
  }
  return undefined;
}

function matches(pattern: string, media: string): boolean {
  const [kind = "", sub = ""] = contentOf(pattern).split("/");
  const [ownKind = "", ownSub = ""] = media.split("/");
  return (kind === "*" || kind === ownKind) && (sub === "*" || sub === ownSub);
}

/** The wait that the server requests, in milliseconds (RFC 9110, section 10.2.3). */
function retryAfter(response: Response | undefined): number | undefined {
  const text = response?.headers.get("retry-after");
  if (text === undefined || text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

type Query = { readonly [name: string]: unknown };

/** The answers of a list, page after page, as long as `next` gives a request that differs. */
export async function* pages<R extends object, A extends AnyAnswer>(
  send: (request: R) => Promise<A>, request: R, next: (answer: Good<A>) => Query | undefined,
): AsyncGenerator<Good<A>, void, undefined> {
  for (let current: R | undefined = request; current !== undefined; ) {
    const answer: Good<A> = ok(await send(current));
    yield answer;
    const query: Query = (current as { query?: Query }).query ?? {};
    const change = next(answer);
    const isSame = change === undefined || Object.entries(change).every(([name, value]) => String(query[name]) === String(value));
    current = isSame ? undefined : ({ ...current, query: { ...query, ...change } } as R);
  }
}

/** The query of the next page from a `link` header (RFC 8288), of the given parameters. */
export function byLink(names: readonly string[]): (answer: AnyAnswer) => Query | undefined {
  return (answer) => {
    const links = [...(answer.headers.get("link") ?? "").matchAll(/<([^>]*)>((?:\s*;[^,<]*)*)/g)];
    const found = links.find(([, , parameters]) => /;\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s|"|;|$)/i.test(parameters ?? ""));
    if (found?.[1] === undefined) return undefined;
    const search = new URL(found[1], "http://localhost").searchParams;
    return Object.fromEntries([...search].filter(([name]) => names.includes(name)));
  };
}

/**
 * The query of the next page from a value in the body: the properties on the way to it, in which a
 * list stands for its last item, and the flag that is false on the last page.
 */
export function byCursor(
  parameter: string,
  path: readonly string[],
  more?: string,
): (answer: AnyAnswer) => Query | undefined {
  return ({ body }) => {
    if (more !== undefined && valueOf(body, more) === false) return undefined;
    const value = path.reduce(
      (found: unknown, name) => valueOf(Array.isArray(found) ? found.at(-1) : found, name),
      body,
    );
    return value === undefined || value === null || value === "" ? undefined : { [parameter]: value };
  };
}
