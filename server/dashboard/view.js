// The sections of the page, each made of its part of the picture. Must not know the event stream.

import { breakable, clock, duration, eValue, h, number, time } from './dom.js';
import { isBelowFloor, level, phaseLevel } from './model.js';

const OUTCOMES = { not_checked: 'not checked' };
const tag = (levelName, text) => h('span.tag', { 'data-level': levelName }, text);
const title = (id, text, aside) => h('header', {}, h('h2', { id: `${id}-title` }, text), aside && h('span.soft', {}, aside));
const none = (text) => h('p.none', {}, text);

export function now({ troubles, isLive }) {
  const n = troubles.length;
  const worst = troubles.some(([it]) => it === 'bad') ? 'bad' : n || !isLive ? 'warn' : 'ok';
  const headline = n ? `${n === 1 ? 'One thing needs' : `${n} things need`} a look` : isLive ? 'Nothing is wrong' : 'The hub is away';
  document.getElementById('now').dataset.level = worst;
  return [
    h('h2', { id: 'now-title' }, headline),
    n ? h('ul', {}, troubles.slice(0, 6).map(([it, text, where]) =>
      h('li', {}, tag(it, it === 'bad' ? 'wrong' : 'look'), h('a', { href: `#${where}-title` }, text))))
      : h('p', {}, isLive ? 'No alert fires, every probe passes, every floor holds.' : 'What follows is what it said last. This page tries again by itself.'),
    n > 6 && h('p', {}, `and ${n - 6} more below`),
  ].filter(Boolean);
}

export function canary([deployment, ...older]) {
  if (!deployment) return [title('canary', 'Canary'), none('No release has been tried yet.')];
  const it = deployment;
  const levelName = phaseLevel(it.phase);
  const weights = h('div.weights', { role: 'img', 'aria-label': `${number(it.weights.baseline)}% baseline, ${number(it.weights.canary)}% candidate`, 'data-level': levelName },
    h('span.base', {}), h('span.cand', {}));
  weights.children[0].style.flexGrow = it.weights.baseline;
  weights.children[1].style.flexGrow = it.weights.canary;
  return [
    title('canary', 'Canary', h('span', {}, 'began ', time(it.createdAt))),
    h('p.release', {}, h('strong', {}, it.service), h('span.mono', {}, `${it.baselineVersion} → ${it.candidateVersion}`), tag(levelName, it.phase)),
    h('p.soft', {}, it.reason),
    steps(it.phase),
    weights,
    h('p.legend', {}, h('span', {}, h('i', { 'aria-hidden': 'true' }), `baseline ${it.baselineVersion} · ${number(it.weights.baseline)}%`),
      h('span.cand', {}, h('i', { 'aria-hidden': 'true' }), `candidate ${it.candidateVersion} · ${number(it.weights.canary)}%`)),
    h('div.two', {},
      h('div', {}, h('h3', {}, 'Both arms'), arms(it.arms), evidence(it.evidence)),
      h('div', {}, h('h3', {}, 'Timeline'), timeline(it.timeline))),
    older.length > 0 && h('details.detail', { 'data-key': 'older' }, h('summary', {}, `${older.length} earlier`),
      h('ul', {}, older.slice(0, 10).map((old) => h('li', {}, `${old.service} ${old.candidateVersion} `, tag(phaseLevel(old.phase), old.phase), ' ', time(old.updatedAt))))),
  ].filter(Boolean);
}

function steps(phase) {
  const paths = {
    Inconclusive: ['Pending', 'Progressing', 'Inconclusive'],
    Aborted: ['Pending', 'Progressing', 'Aborted'],
    RollingBack: ['Pending', 'Progressing', 'RollingBack', 'RolledBack'],
    RolledBack: ['Pending', 'Progressing', 'RollingBack', 'RolledBack'],
  };
  const path = paths[phase] ?? ['Pending', 'Progressing', 'Promoting', 'Succeeded'];
  const at = path.indexOf(phase);
  return h('ol.steps', { 'aria-label': 'Phases' }, path.map((name, idx) => h('li', {
    'data-done': idx <= at,
    'data-level': idx <= at && phaseLevel(name) !== 'busy' ? phaseLevel(name) : undefined,
    'aria-current': idx === at && 'step',
  }, name)));
}

function arms({ baseline, canary }) {
  const rate = (arm) => (arm.requests ? arm.errors / arm.requests : 0);
  const cell = (text, worse) => h('td.right.num', {}, worse ? h('span.worse', {}, text) : text);
  const p95 = (arm) => (arm.latencyP95Ms === undefined ? '–' : duration(arm.latencyP95Ms));
  const isSlow = canary.latencyP95Ms > 1.25 * baseline.latencyP95Ms && canary.latencyP95Ms - baseline.latencyP95Ms > 5;
  const row = (name, arm, isWorse) => h('tr', {}, h('th', { scope: 'row' }, name), cell(number(arm.requests, 0)), cell(number(arm.errors, 0)),
    cell(`${number(100 * rate(arm), 2)}%`, isWorse && rate(arm) > rate(baseline) && arm.errors > 0), cell(p95(arm), isWorse && isSlow));
  return h('table', {}, h('thead', {}, h('tr', {}, h('th', {}, h('span.sr', {}, 'Arm')), ['Requests', 'Errors', 'Error rate', 'p95'].map((text) => h('th.right', { scope: 'col' }, text)))),
    h('tbody', {}, row('baseline', baseline, false), row('candidate', canary, true)));
}

function evidence(all) {
  if (!all.length) return none('No evidence yet.');
  return h('div', {}, h('h3', {}, 'Evidence against the candidate'), all.map(({ metric, value, limit }) => {
    // E-values grow by multiplication, so the bar is logarithmic.
    const share = limit > 0 ? Math.min(1, Math.log10(1 + value) / Math.log10(1 + limit)) : 0;
    const bar = h('div.track', { 'data-level': share >= 1 ? 'bad' : share > 0.6 ? 'warn' : 'busy' }, h('span', {}));
    bar.firstChild.style.width = `${(100 * share).toFixed(1)}%`;
    return h('div.gauge', {}, h('div', {}, h('span', {}, metric), h('span.num.soft', {}, `${eValue(value)} of ${number(limit, 0)}`)), bar);
  }));
}

function timeline(entries) {
  if (!entries.length) return none('Nothing has happened yet.');
  return h('ol.timeline', { tabindex: '0', 'aria-label': 'Timeline, newest first' }, [...entries].reverse().map((entry) =>
    h('li', { 'data-level': phaseLevel(entry.phase) }, h('time', { datetime: entry.at }, clock(entry.at)), entry.message)));
}

export function probes(all) {
  const n = all.filter((it) => it.state === 'pass').length;
  return [title('probes', 'Probes', all.length ? `${n} of ${all.length} pass` : ''),
    all.length ? h('ul.rows', {}, all.map(probe)) : none('No probe has reported yet.')];
}

function probe(it) {
  const last = it.recent.at(-1);
  return h('li', {},
    h('div.row', {}, tag(level(it.state), it.state),
      h('div.grow', {}, h('strong', {}, it.id), h('span.soft.small', {}, ` ${it.kind}`)),
      spark(it), h('span.num.small.latency', {}, last?.latencyMs === undefined ? '' : duration(last.latencyMs))),
    it.state !== 'pass' && h('p', { class: it.state === 'fail' ? 'why bad' : 'why' }, last?.message ?? 'no reason was given', it.failuresInRow > 1 ? ` · ${it.failuresInRow} in a row` : '', ' · since ', time(it.since)),
    h('p.soft.small', {}, h('span.mono', {}, it.target), ` · up ${number(it.uptimePercent, 2)}% · `, last ? time(last.at) : ''));
}

function spark(it) {
  const samples = it.recent;
  const values = samples.map((sample) => sample.latencyMs ?? 0);
  const max = Math.max(1, ...values);
  const x = (idx) => (samples.length > 1 ? (idx * 106) / (samples.length - 1) : 53) + 1;
  const y = (value) => 24 - (22 * value) / max;
  const points = values.map((value, idx) => `${x(idx).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  return h('svg.spark', { viewBox: '0 0 108 26', role: 'img', 'aria-label': `latency of the last ${samples.length} samples, at most ${duration(max)}` },
    h('polyline', { points }),
    samples.map((sample, idx) => sample.state === 'fail' && h('circle.fail', { cx: x(idx).toFixed(1), cy: y(values[idx]).toFixed(1), r: 2.4 })));
}

export function runs(all) {
  return [title('runs', 'Runs', all.length ? 'the latest of each tier' : ''),
    all.length ? h('ul.rows', {}, all.map(run)) : none('No tier has run yet.')];
}

function run(it) {
  const share = it.targetMs ? it.durationMs / it.targetMs : 0;
  const bar = h('div.track', { role: 'img', 'aria-label': `${number(100 * share, 0)}% of its target time`, 'data-level': it.criticalMs && it.durationMs > it.criticalMs ? 'bad' : share > 1 ? 'warn' : 'plain' }, h('span', {}));
  bar.firstChild.style.width = `${Math.min(100, 100 * share).toFixed(1)}%`;
  const bad = it.steps.filter((step) => step.outcome !== 'pass');
  const n_cached = it.steps.filter((step) => step.cached).length;
  return h('li', {},
    h('div.row', {}, tag(level(it.outcome), OUTCOMES[it.outcome] ?? it.outcome),
      h('div.grow', {}, h('strong', {}, it.tier.replace('tier', 'tier ')), h('span.soft.small', {}, ` ${it.projectId} · `, h('span.mono', {}, it.revision.slice(0, 10)))),
      h('span.num.small', {}, `${duration(it.durationMs)} of ${duration(it.targetMs)}`)),
    bar,
    h('p.soft.small', {}, it.reason, n_cached ? ` · ${n_cached} of ${it.steps.length} from the cache` : '', it.cold ? ' · cold' : '', ' · ', time(it.uploadedAt)),
    bad.map((step) => h('div', {}, h('p', { class: step.outcome === 'fail' ? 'why bad' : 'why' }, h('strong', {}, step.name), `: ${step.cause ?? OUTCOMES[step.outcome] ?? step.outcome}`),
      step.findings?.length > 0 && h('details.detail', { 'data-key': `${it.id} ${step.name}` }, h('summary', {}, `${step.findings.length} finding${step.findings.length > 1 ? 's' : ''}`),
        h('ul', {}, step.findings.slice(0, 20).map((finding) => h('li', {}, h('span.mono', {}, finding.path ? `${finding.path}${finding.line ? `:${finding.line}` : ''} ` : ''), finding.message, finding.hint ? h('span.soft', {}, ` · ${finding.hint}`) : '')))))));
}

export function ratchet(all) {
  const arrow = { up: '↑ higher is better', down: '↓ lower is better', fixed: '= stays as it is' };
  return [title('ratchet', 'Ratchet', all.length ? `${all.filter((it) => !isBelowFloor(it)).length} of ${all.length} floors hold` : ''),
    all.length ? h('table', {}, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'Metric'), h('th.right', { scope: 'col' }, 'Floor'), h('th.right', { scope: 'col' }, 'Now'), h('th.right', { scope: 'col' }, 'State'))),
      h('tbody', {}, all.map((it) => h('tr', {},
        h('th', { scope: 'row' }, breakable(it.metric), h('div.soft.small', {}, `${it.projectId} · ${arrow[it.direction]}`)),
        h('td.right.num', {}, it.floor === undefined ? '–' : `${number(it.floor, 2)} ${it.unit}`),
        h('td.right.num', {}, `${number(it.value, 2)} ${it.unit}`),
        h('td.right', {}, isBelowFloor(it) ? tag('bad', 'worse') : tag('ok', 'holds')))))) : none('No metric was reported yet.')];
}

export function alerts(all, acknowledge) {
  const n = all.filter((it) => it.state === 'firing').length;
  return [title('alerts', 'Alerts', all.length ? (n ? `${n} firing` : 'none firing') : ''),
    all.length ? h('ul.rows', {}, all.map((it) => alert(it, acknowledge))) : none('Nothing has fired.')];
}

function alert(it, acknowledge) {
  const isFiring = it.state === 'firing';
  return h('li', {},
    h('div.row.wraps', {}, tag(isFiring ? level(it.severity) : level(it.state), isFiring ? it.severity : it.state),
      h('div.grow', {}, h('strong', {}, it.summary)),
      isFiring && h('button', { type: 'button', 'data-key': it.id, 'aria-label': `Acknowledge: ${it.summary}`, onclick: (event) => acknowledge(it, event.currentTarget) }, 'Acknowledge')),
    it.description && h('p.why', {}, it.description),
    it.actions.length > 0 && h('ul.small', {}, it.actions.map((text) => h('li', {}, h('code', {}, text)))),
    h('p.soft.small', {}, `${it.component} · ${it.count > 1 ? `${it.count} times, ` : ''}first `, time(it.firstAt), it.acknowledgedBy ? ` · seen by ${it.acknowledgedBy}` : '', it.note ? `: ${it.note}` : ''));
}
