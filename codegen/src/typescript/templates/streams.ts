import { readJson } from "./json.js";

/** One event of a stream (the `text/event-stream` of the HTML standard). */
export interface ServerEvent<Data> {
  /** The kind of event; `message` when the server does not name one. */
  readonly event: string;
  readonly data: Data;
  /** The last id that the server has sent; empty without one. */
  readonly id: string;
  /** How long to wait before connecting again, in milliseconds, if the server sends it. */
  readonly retry?: number;
}

async function* textOf(response: Response, end: () => void): AsyncGenerator<string, void, undefined> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  try {
    while (reader !== undefined) {
      const { done, value } = await reader.read();
      if (done) break;
      yield decoder.decode(value, { stream: true });
    }
    yield decoder.decode();
  } finally {
    end();
    await reader?.cancel().catch(() => undefined);
  }
}

async function* linesOf(response: Response, end: () => void): AsyncGenerator<string, void, undefined> {
  let rest = "";
  for await (const text of textOf(response, end)) {
    rest += text;
    // A `\r` at the end may be the first half of `\r\n`.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest.replace(/\r$/, "");
}

/**
 * The events of a response. With a check, `data` is JSON; the text `[DONE]` then ends the stream.
 * Where the contract describes the whole event (`itemSchema`), the check gets that.
 */
export async function* serverEvents(
  response: Response, isData: boolean, fit: ((value: unknown) => unknown) | undefined, end: () => void,
): AsyncGenerator<unknown, void, undefined> {
  let data: string[] = [];
  let event = "";
  let id = "";
  let retry: number | undefined;
  let isFirst = true;
  for await (const whole of linesOf(response, end)) {
    const line = isFirst ? whole.replace(/^\ufeff/, "") : whole;
    isFirst = false;
    if (line !== "") {
      const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
      if (field === "data") data.push(value);
      else if (field === "event") event = value;
      else if (field === "id" && !value.includes("\0")) id = value;
      else if (field === "retry" && /^\d+$/.test(value)) retry = Number(value);
      continue;
    }
    if (data.length > 0) {
      const text = data.join("\n");
      if (fit !== undefined && isData && text === "[DONE]") return;
      const made = { event: event || "message", data: isData && fit !== undefined ? fit(readJson(text)) : text, id };
      const found = retry === undefined ? made : { ...made, retry };
      yield isData || fit === undefined ? found : fit(found);
    }
    data = [];
    event = "";
  }
}

/** One JSON value a line (also of `application/json-seq`). */
export async function* jsonLines(
  response: Response, fit: (value: unknown) => unknown, end: () => void,
): AsyncGenerator<unknown, void, undefined> {
  for await (const line of linesOf(response, end)) {
    const text = line.replace(/^\u001e/, "").trim();
    if (text !== "") yield fit(readJson(text));
  }
}
