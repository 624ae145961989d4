// Looks at the dashboard as a person would, as `tests/tests/dashboard.rs` asks: one JSON command a
// line on standard input, one answer a line on standard output, `ok` or `fail: why`.
// Must not know which data the hub holds.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { launch } from './browser.mjs';

const PATIENCE_MS = 10_000;
const WHOLE_RUN_MS = 90_000;
const NETWORK = /net::ERR_(CONNECTION|INTERNET|EMPTY|NETWORK|SOCKET)/;

const browser = await launch();
const page = await browser.newPage({ viewport: { width: 1240, height: 900 }, colorScheme: 'light' });
page.setDefaultTimeout(PATIENCE_MS);
const seen = { errors: [], mayLoseHub: false, seq: undefined, gaps: [], replies: [] };
watch();

function watch() {
  page.on('pageerror', (error) => seen.errors.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    const text = `${message.text()} ${message.location().url}`;
    const isExpected = seen.mayLoseHub && NETWORK.test(text);
    if (['error', 'warning'].includes(message.type()) && !isExpected) seen.errors.push(`${message.type()}: ${text}`);
  });
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => hear(JSON.parse(payload))));
}

/** Follows the numbers of the events: a snapshot sets them, each event is the next one. */
function hear({ type, seq, payload }) {
  if (type === 'subscribed') seen.replies.push(payload.recovered);
  if (type === 'snapshot') seen.seq = seq;
  if (type !== 'event') return;
  if (seq !== seen.seq + 1) seen.gaps.push(`${seq} came after ${seen.seq}`);
  seen.seq = seq;
}

function must(isSo, why) {
  if (!isSo) throw new Error(why);
}

const inside = (section) => page.locator(section ? `#${section}` : 'body');

async function until(isSo, why, withinMs = PATIENCE_MS) {
  const end = Date.now() + withinMs;
  while (!(await isSo())) {
    must(Date.now() < end, typeof why === 'string' ? why : await why());
    await page.waitForTimeout(30);
  }
}

const commands = {
  async open({ url }) {
    await page.goto(url);
    const address = await page.evaluate(() => location.href);
    must(!address.includes('key'), `the address still is ${address}`);
  },

  /** The state beside the dot, such as `live`, and that the shown number is the last event's. */
  async link({ state, withinMs }) {
    const shown = () => page.locator('#link-text').innerText();
    await until(async () => (await shown()).startsWith(`${state} · seq ${seen.seq} · `),
      async () => `\`${await shown()}\` is not \`${state} · seq ${seen.seq}\``, withinMs);
  },

  async says({ section, texts }) {
    for (const text of texts) {
      await until(async () => (await inside(section).innerText()).includes(text),
        async () => `\`${text}\` is not in #${section}:\n${await inside(section).innerText()}`);
    }
  },

  async lacks({ section, texts }) {
    for (const text of texts) {
      await until(async () => !(await inside(section).innerText()).includes(text),
        async () => `\`${text}\` is still in #${section}:\n${await inside(section).innerText()}`);
    }
  },

  /** What a screen reader is told of pictures, such as the bar of the weights. */
  async labelled({ section, label }) {
    await inside(section).getByLabel(label, { exact: true }).waitFor();
  },

  /** Goes there with the Tab key alone, and presses Enter. */
  async tabTo({ label }) {
    const passed = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const name = await page.evaluate(() => {
        const it = document.activeElement;
        return it === document.body ? '' : it.getAttribute('aria-label') ?? it.textContent.trim();
      });
      if (name === label) break;
      passed.push(name);
      must(passed.length < 60, `the Tab key never reaches \`${label}\`, only ${JSON.stringify(passed)}`);
    }
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    must(outline !== 'none', `\`${label}\` does not show that it has the focus`);
    await page.keyboard.press('Enter');
  },

  /** From now on the hub may be away; a page without network can't come back before it may. */
  async away({ offline }) {
    seen.mayLoseHub = true;
    await page.context().setOffline(offline);
  },

  async back() {
    await page.context().setOffline(false);
    await commands.link({ state: 'live' });
    seen.mayLoseHub = false;
  },

  /** No event was missed, and the last connection went on where the one before had ended. */
  async wentOn() {
    must(seen.gaps.length === 0, seen.gaps.join(', '));
    must(seen.replies.length > 1 && seen.replies.at(-1) === true, `the hub's answers to resume were ${JSON.stringify(seen.replies)}`);
  },

  /** Nothing serious for those who see, hear or move otherwise, and nothing wider than the window. */
  async accessible({ scheme, width }) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
    const { violations } = await page.evaluate(() => window.axe.run(document));
    const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    must(bad.length === 0, bad.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html).join(' ')}`).join('\n'));
    const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    must(tooWide <= 0, `the page is ${tooWide} px wider than the window of ${width} px`);
  },

  async quiet() {
    must(seen.errors.length === 0, seen.errors.join('\n'));
  },
};

async function obey(line) {
  const { do: name, ...rest } = JSON.parse(line);
  try {
    await commands[name](rest);
    return 'ok';
  } catch (error) {
    const noise = seen.errors.length ? `; the console said ${seen.errors.join('; ')}` : '';
    return `fail: ${name}: ${error.message}${noise}`;
  }
}

// Whoever asks may be gone without a word.
setTimeout(() => process.exit(1), WHOLE_RUN_MS).unref();
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(line))}\n`);
}
await browser.close();
