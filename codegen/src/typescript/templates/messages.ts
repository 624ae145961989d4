import { readJson, writeJson } from "./json.js";
import { fits, parse, validate } from "./support.js";
import type { Check, Unlisted } from "./support.js";

/** A message on the wire: its address, the headers of the protocol, and the text. */
export interface Frame {
  readonly address: string;
  readonly headers?: { readonly [name: string]: unknown };
  readonly text: string;
}

/** A transport of frames: a WebSocket, the client of a broker, a pipe. */
export interface Transport {
  send(frame: Frame): void | Promise<void>;
  /** The frames of an address until the signal aborts or the other side closes. */
  receive(address: string, signal?: AbortSignal): AsyncIterable<Frame>;
}

/** A typed message; `name` distinguishes messages. */
export interface Message<Name, Payload, Headers = unknown> {
  readonly name: Name;
  readonly payload: Payload;
  readonly headers?: Headers;
  /** The id that connects an answer with its request, if the contract defines its place. */
  readonly correlationId?: string;
}

/** A message that is unknown to this version of the contract. */
export type UnknownMessage = Message<Unlisted, unknown>;

/** One end of a channel. */
export interface Channel<Sent, Received> {
  readonly address: string;
  send(message: Sent): Promise<void>;
  receive(signal?: AbortSignal): AsyncGenerator<Received, void, undefined>;
}

/** A message of the contract: name, check of the payload, of the headers, place of the correlation id. */
export type Kind = readonly [string, Check, (Check | undefined)?, string?];

/** One end of a channel over a transport. */
export function open<Sent, Received>(
  transport: Transport, address: string, sent: readonly Kind[], received: readonly Kind[],
): Channel<Sent, Received> {
  return {
    address,
    async send(message) {
      const { name, payload, headers } = message as Message<string, unknown>;
      const kind = sent.find(([own]) => own === name);
      if (kind !== undefined) {
        parse(kind[1], payload);
        if (kind[2] !== undefined && headers !== undefined) parse(kind[2], headers);
      }
      const text = writeJson(payload);
      await transport.send(headers === undefined ? { address, text } : { address, text, headers: headers as object as NonNullable<Frame["headers"]> });
    },
    async *receive(signal) {
      for await (const frame of transport.receive(address, signal)) yield read(frame, received) as Received;
    },
  };
}

/** The message of a frame: the first kind it fits in all, else the first it fits in structure. */
function read(frame: Frame, kinds: readonly Kind[]): Message<unknown, unknown> {
  const payload = readJson(frame.text);
  const { headers } = frame;
  const isHeaded = ([, , check]: Kind): boolean => check === undefined || headers === undefined || fits(check, headers);
  const able = kinds.filter((kind) => isHeaded(kind));
  const kind =
    able.find(([, check]) => validate(check, payload).length === 0) ?? able.find(([, check]) => fits(check, payload));
  const content = { payload: kind === undefined ? payload : parse(kind[1], payload), ...(headers === undefined ? {} : { headers }) };
  if (kind === undefined) return { name: undefined, ...content };
  const correlationId = at(kind[3], content);
  return correlationId === undefined ? { name: kind[0], ...content } : { name: kind[0], ...content, correlationId };
}

/** The value that a runtime expression such as `$message.header#/id` names. */
function at(expression: string | undefined, content: { readonly payload: unknown; readonly headers?: unknown }): string | undefined {
  const [, part, pointer = ""] = /^\$message\.(header|payload)#?(.*)$/.exec(expression ?? "") ?? [];
  if (part === undefined) return undefined;
  let value: unknown = part === "header" ? content.headers : content.payload;
  for (const name of pointer.split("/").slice(1)) {
    const key = name.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as { [key: string]: unknown })[key];
  }
  return value === undefined || value === null ? undefined : String(value);
}

/** An address with the parameters in their places. */
export function addressOf(template: string, parameters: object): string {
  return template.replace(/\{([^{}]*)\}/g, (whole, name: string) =>
    Object.hasOwn(parameters, name) ? encodeURIComponent(String((parameters as { [key: string]: unknown })[name])) : whole,
  );
}

/**
 * A transport over a WebSocket that is open or opening; the socket itself is the address.
 * Frames that arrive while nobody receives are kept for the next receiver.
 */
export function overWebSocket(socket: WebSocket): Transport {
  const kept: string[] = [];
  const receivers = new Set<(text: string) => void>();
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data as ArrayBuffer);
    if (receivers.size === 0) kept.push(text);
    for (const take of receivers) take(text);
  });
  return {
    async send(frame) {
      if (socket.readyState === 0) {
        await new Promise<void>((resolve, reject) => {
          socket.addEventListener("open", () => resolve(), { once: true });
          socket.addEventListener("close", () => reject(new Error("the socket closed before it opened")), { once: true });
        });
      }
      if (socket.readyState !== 1) throw new Error("the socket is closed");
      socket.send(frame.text);
    },
    async *receive(address, signal) {
      const texts = kept.splice(0);
      let isClosed = socket.readyState > 1;
      let wake = (): void => undefined;
      const take = (text: string): void => {
        texts.push(text);
        wake();
      };
      const close = (): void => {
        isClosed = true;
        wake();
      };
      receivers.add(take);
      socket.addEventListener("close", close);
      signal?.addEventListener("abort", close);
      try {
        while (signal?.aborted !== true) {
          const text = texts.shift();
          if (text !== undefined) yield { address, text };
          else if (isClosed) return;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        receivers.delete(take);
        socket.removeEventListener("close", close);
        signal?.removeEventListener("abort", close);
      }
    },
  };
}
