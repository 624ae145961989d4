// Takes the picture of the dashboard for the README: `node tests/node/picture.mjs [file] [light|dark] [width]`.
// A hub of its own gets an example release; `TOLLGATE_HUB` names its binary when it is not the one
// of `cargo build`. Must not know how the page is made.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './browser.mjs';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const [file = at('docs/dashboard.png'), scheme = 'light', width = '1200'] = process.argv.slice(2);
const KEY = `tg_${'0a'.repeat(32)}`;
const BINARY = process.env.TOLLGATE_HUB ?? join(process.env.CARGO_TARGET_DIR ?? at('target'), 'debug/tollgate-hub');
const ago = (seconds) => new Date(Date.now() - 1000 * seconds).toISOString();

/** Starts a hub; returns the process and its address. */
async function startHub(folder) {
  const hub = spawn(BINARY, ['--listen', '127.0.0.1:0', '--database', join(folder, 'hub.db')],
    { env: { ...process.env, TOLLGATE_HUB_ADMIN_KEY: KEY }, stdio: ['ignore', 'pipe', 'inherit'] });
  const base = await new Promise((resolve, reject) => {
    hub.on('error', reject);
    hub.on('exit', (code) => reject(new Error(`the hub ended with ${code}`)));
    hub.stdout.on('data', (data) => resolve(String(data).match(/http:\/\/\S+/)[0]));
  });
  return { hub, base };
}

async function send(base, method, path, body) {
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  const answer = await fetch(base + path, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// The same numbers each time, so that only a changed page changes the picture.
let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;

const step = (name, outcome = 'pass', more = {}) => ({ name, outcome, durationMs: 400, cached: false, ...more });
const run = (tier, outcome, reason, durationMs, targetMs, steps) =>
  ({ tier, revision: '7f3c91d2ab04', branch: 'main', outcome, reason, startedAt: ago(70), durationMs, targetMs, criticalMs: 2 * targetMs, steps });
const metric = (name, value, unit, floor, direction) => ({ metric: name, value, unit, floor, direction, at: ago(41) });

const PROBES = [['hub-health', 'http', '/health', 2, 1], ['hub-journey', 'journey', '/api/v1', 14, 6], ['hub-events', 'websocket', '/ws', 3, 2], ['hub-ready', 'http', '/ready', 3, 1]];

function samplesOf([probeId, kind, path, base, spread], n = 40) {
  return Array.from({ length: n }, (_, idx) => {
    const isBad = probeId === 'hub-events' && idx >= n - 2;
    return {
      probeId, kind, target: `http://127.0.0.1:7700${path}`, state: isBad ? 'fail' : 'pass',
      latencyMs: base + spread * random() * (isBad ? 4 : 1), at: ago(30 * (n - idx) - 28),
      ...(isBad && { message: 'welcome: expected within 2 s, got nothing' }),
    };
  });
}

const CANARY = {
  phase: 'Progressing',
  weights: { baseline: 90, canary: 10 },
  arms: { baseline: { requests: 5127, errors: 3, latencyP95Ms: 12.4 }, canary: { requests: 569, errors: 7, latencyP95Ms: 13.1 } },
  evidence: [{ metric: 'error_rate', value: 38.6, limit: 200 }, { metric: 'latency', value: 0.7, limit: 200 }, { metric: 'probes', value: 0.1, limit: 200 }],
  reason: '10% of the traffic; some evidence against the candidate, not enough for a verdict',
  timeline: [
    [48, 'Pending', 'the release begins'],
    [44, 'Pending', 'the candidate answers its probes'],
    [43, 'Progressing', '1% of the traffic goes to the candidate'],
    [26, 'Progressing', '10%: nothing stands against the candidate after 57 requests'],
    [9, 'Progressing', 'first failed request of the candidate: 500 from POST /api/v1/alerts'],
  ].map(([seconds, phase, message]) => ({ at: ago(seconds), phase, message })),
};

async function tell(base) {
  const post = (path, body) => send(base, 'POST', path, body);
  await post('/api/v1/projects', { id: 'tollgate', name: 'Tollgate' });
  const runs = [
    run('tier0', 'pass', '6 steps passed, 4 of them from the cache', 8_400, 45_000, ['format', 'lint', 'contract', 'codegen', 'unit', 'ratchet'].map((name) => step(name))),
    run('tier1', 'pass', '9 steps passed', 131_000, 180_000, [step('test')]),
    run('tier2', 'fail', '1 of 7 steps failed', 402_000, 600_000, [
      step('mutation', 'fail', { cause: '2 mutants live', findings: [{ code: 'mutant-lives', severity: 'error', message: 'no test sees `>=` become `>`', path: 'canary/src/weight.rs', line: 42, hint: 'add a case at the limit' }, { code: 'mutant-lives', severity: 'error', message: 'no test sees `false` returned', path: 'canary/src/replay.rs', line: 88 }] }),
      step('database', 'not_checked', { cause: '`postgres` is missing; cargo xtask setup' }),
    ]),
  ];
  for (const body of runs) await post('/api/v1/projects/tollgate/runs', body);
  await post('/api/v1/projects/tollgate/metrics', {
    metrics: [metric('coverage_percent', 84.2, '%', 82.5, 'up'), metric('flaky_tests', 0, 'tests', 0, 'down'), metric('lint_warnings', 3, 'warnings', 0, 'down'), metric('mutation_score', 78.9, '%', 75, 'up'), metric('test_duration', 41.2, 's', 60, 'down')],
  });
  for (const probe of PROBES) await post('/api/v1/probes', { samples: samplesOf(probe) });
  const before = await post('/api/v1/deployments', { service: 'hub', baselineVersion: '0.1.0', candidateVersion: '0.1.1' });
  await send(base, 'PUT', `/api/v1/deployments/${before.id}`, { ...CANARY, phase: 'Succeeded', weights: { baseline: 0, canary: 100 } });
  const { id } = await post('/api/v1/deployments', { service: 'hub', baselineVersion: '0.1.1', candidateVersion: '0.2.0' });
  await send(base, 'PUT', `/api/v1/deployments/${id}`, CANARY);
  await post('/api/v1/alerts', { fingerprint: 'probe/hub-events', component: 'hub', severity: 'critical', status: 'firing', summary: 'hub-events fails, 2 times in a row', description: 'welcome: expected within 2 s, got nothing', actions: ['cargo xtask probe run hub-events'], at: ago(31) });
  await post('/api/v1/alerts', { fingerprint: 'ratchet/lint_warnings', component: 'tollgate', severity: 'warning', status: 'firing', summary: '3 lint warnings, the floor is 0', at: ago(50) });
  const old = { fingerprint: 'disk', component: 'hub', severity: 'warning', summary: 'the disk is 85% full', at: ago(4000) };
  await post('/api/v1/alerts', { ...old, status: 'firing' });
  await post('/api/v1/alerts', { ...old, status: 'resolved', at: ago(3000) });
}

const folder = mkdtempSync(join(tmpdir(), 'tollgate-picture-'));
const { hub, base } = await startHub(folder);
try {
  await tell(base);
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: Number(width), height: 900 }, colorScheme: scheme, reducedMotion: 'reduce' });
  await page.goto(`${base}/#key=${KEY}`);
  await page.locator('#link[data-state=live]').waitFor();
  await page.getByText('hub-journey').waitFor();
  await page.screenshot({ path: file, fullPage: true });
  await browser.close();
} finally {
  hub.removeAllListeners('exit');
  hub.kill();
  rmSync(folder, { recursive: true, force: true });
}
