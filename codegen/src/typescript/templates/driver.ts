import { readJson, writeJson } from "./json.js";
import { ModelError } from "./support.js";
import type { Model } from "./support.js";

type Entry = Pick<Model<unknown>, "parse" | "validate">;

const byPlace = new Map<string, Entry>();

/** Adds the type of a place. */
export function add(place: string, model: Entry): void {
  byPlace.set(place, model);
}

/** Adds the type of a place where null is allowed. */
export function addNullable(place: string, model: Entry): void {
  add(place, {
    parse: (value) => (value === null ? null : model.parse(value)),
    validate: (value) => (value === null ? [] : model.validate(value)),
  });
}

/** The parts of the runtime that this file needs. */
declare const process: {
  readonly stdin: AsyncIterable<unknown> & { setEncoding(encoding: string): void };
  readonly stdout: { write(text: string): boolean; once(event: "drain", listener: () => void): void };
};

/** Answers each line `{"type":PLACE,"value":JSON}` with a line: what was decoded, encoded again. */
export async function run(): Promise<void> {
  let rest = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    await put(lines);
  }
  await put([rest]);
}

async function put(lines: readonly string[]): Promise<void> {
  const answers = lines.filter((line) => line.trim() !== "").map((line) => `${answer(line)}\n`);
  if (answers.length > 0 && !process.stdout.write(answers.join(""))) {
    await new Promise<void>((resolve) => process.stdout.once("drain", resolve));
  }
}

function answer(line: string): string {
  try {
    const { type, value } = readJson(line) as { type: string; value: unknown };
    const entry = byPlace.get(type);
    if (entry === undefined) return writeJson({ error: `no type has the place \`${type}\`` });
    const parsed = entry.parse(value);
    return writeJson({ ok: parsed, violations: entry.validate(parsed) });
  } catch (error) {
    if (error instanceof ModelError) return writeJson({ error: error.message, violations: error.violations });
    return writeJson({ error: String(error) });
  }
}
