// Runs Spectral and `contract lint` with all rules over a folder of documents and compares
// (rule, file, pointer): node lint_agreement.mjs --spectral BIN --tollgate BIN DIR
// Spectral is `node_modules/.bin/spectral` of an installed `@stoplight/spectral-cli`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const options = {};
const words = process.argv.slice(2);
let folder;
while (words.length > 0) {
  const word = words.shift();
  if (word.startsWith("--")) options[word.slice(2)] = words.shift();
  else folder = realpathSync(word);
}
if (!folder || !options.spectral || !options.tollgate) {
  console.error("usage: lint_agreement.mjs --spectral BIN --tollgate BIN DIR");
  process.exit(2);
}
const ruleset = join(mkdtempSync(join(tmpdir(), "agreement-")), "all.yaml");
writeFileSync(ruleset, 'extends: [["spectral:oas", all], ["spectral:asyncapi", all]]\n');

// A whole document says so at its top level, which stands at the margin or, in JSON, one step in.
const isDocument = (file) =>
  /(^|\n)(\{?\s{0,4}|\t)"?(openapi|asyncapi)"?\s*:\s*["']?[23]\./.test(readFileSync(file, "utf8"));
const files = readdirSync(folder, { recursive: true })
  .map((name) => join(folder, name))
  .filter((file) => /\.(json|ya?ml)$/.test(file) && isDocument(file))
  .sort();

const escape = (key) => String(key).replaceAll("~", "~0").replaceAll("/", "~1");
const run = (program, args) =>
  spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 30 }).stdout;
// What reading finds has other names in the two; it is no rule.
const isRule = (name) => !/^(invalid-ref|parser|unrecognized-format|ref-|duplicate-key|ruleset-)/.test(name);

const totals = {};
for (const file of files) {
  const theirs = new Set(
    JSON.parse(run(options.spectral, ["lint", "-r", ruleset, "-f", "json", "-q", file]) || "[]")
      .filter((found) => isRule(found.code))
      .map((found) => [found.code, relative(folder, found.source ?? file), found.path.map((key) => `/${escape(key)}`).join("")].join("\t")),
  );
  const report = JSON.parse(run(options.tollgate, ["contract", "lint", file, "--ruleset", ruleset, "--format", "json"]));
  const ours = new Set(
    report.findings
      .filter((found) => isRule(found.rule) && found.file)
      .map((found) => [found.rule, relative(folder, found.file), found.pointer].join("\t")),
  );
  const count = (name, key) => {
    totals[name] ??= { both: 0, spectral: 0, tollgate: 0 };
    totals[name][key] += 1;
  };
  for (const line of new Set([...theirs, ...ours])) {
    const key = theirs.has(line) ? (ours.has(line) ? "both" : "spectral") : "tollgate";
    count(line.split("\t")[0], key);
    if (key !== "both") console.log(`${key}-only\t${line}`);
  }
}
console.table(totals);
