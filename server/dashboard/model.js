// What the hub has told us, and what follows from it. Pure: must not know elements or sockets.

/** An empty picture. */
export function empty() {
  return { projects: new Map(), runs: new Map(), metrics: new Map(), deployments: new Map(), probes: new Map(), alerts: new Map() };
}

const KEPT_MAX = 60;
const runKey = (run) => `${run.projectId} ${run.tier}`;
const metricKey = (metric) => `${metric.projectId} ${metric.metric}`;

/** Replaces the picture by a snapshot. */
export function load(state) {
  const picture = empty();
  for (const it of state.projects) picture.projects.set(it.id, it);
  // Snapshots are newest first; maps keep the newest last, as events add them.
  for (const it of [...state.runs].reverse()) picture.runs.set(runKey(it), it);
  for (const it of [...state.deployments].reverse()) picture.deployments.set(it.id, it);
  for (const it of [...state.alerts].reverse()) picture.alerts.set(it.id, it);
  for (const it of state.metrics) picture.metrics.set(metricKey(it), it);
  for (const it of state.probes) picture.probes.set(it.id, it);
  return picture;
}

/** Applies one event. */
export function apply(picture, kind, data) {
  const put = (map, key) => map.set(key, data);
  // Releases and alerts never stop coming; of the rest there are as many as the hub has names.
  const keep = (map, key) => {
    put(map, key);
    while (map.size > KEPT_MAX) map.delete(leastNeeded(map));
  };
  switch (kind.split('.')[0]) {
    case 'project': return put(picture.projects, data.id);
    case 'run': return put(picture.runs, runKey(data));
    case 'metric': return put(picture.metrics, metricKey(data));
    case 'deployment': return keep(picture.deployments, data.id);
    case 'probe': return put(picture.probes, data.id);
    case 'alert': return keep(picture.alerts, data.id);
  }
}

/** The oldest one that is over, or else the oldest. */
function leastNeeded(map) {
  for (const [key, it] of map) if (it.state === 'resolved') return key;
  return map.keys().next().value;
}

const newestFirst = (map) => [...map.values()].reverse();

/** Deployments, newest first. */
export const deployments = (picture) => newestFirst(picture.deployments);

/** The latest run of each tier of each project, by name. */
export const latestRuns = (picture) => [...picture.runs.values()].sort((a, b) => runKey(a).localeCompare(runKey(b)));

/** Probes, the ones in trouble first. */
export function probes(picture) {
  const rank = { fail: 0, error: 1, degraded: 2, pass: 3 };
  return [...picture.probes.values()].sort((a, b) => rank[a.state] - rank[b.state] || a.id.localeCompare(b.id));
}

/** Ratchet metrics by name. */
export const metrics = (picture) => [...picture.metrics.values()].sort((a, b) => metricKey(a).localeCompare(metricKey(b)));

/** Alerts: open ones first, then the worst, then the newest. */
export function alerts(picture) {
  const rank = { firing: 0, acknowledged: 1, resolved: 2 };
  const severity = { critical: 0, warning: 1, info: 2 };
  const order = (it) => rank[it.state] * 10 + (it.state === 'resolved' ? 0 : severity[it.severity]);
  return newestFirst(picture.alerts).sort((a, b) => order(a) - order(b)).slice(0, 12);
}

/** Whether a metric is worse than its floor. */
export function isBelowFloor({ value, floor, direction }) {
  if (floor === undefined) return false;
  if (direction === 'up') return value < floor;
  if (direction === 'down') return value > floor;
  return value !== floor;
}

/** The level of a phase: ok, warn, bad or busy. */
export function phaseLevel(phase) {
  return { Succeeded: 'ok', RolledBack: 'bad', RollingBack: 'bad', Inconclusive: 'warn', Aborted: 'warn' }[phase] ?? 'busy';
}

/** The level of an outcome or a state. */
export function level(word) {
  return { pass: 'ok', ok: 'ok', resolved: 'ok', warn: 'warn', warning: 'warn', degraded: 'warn', error: 'warn', not_checked: 'warn', inconclusive: 'warn', fail: 'bad', critical: 'bad' }[word] ?? 'plain';
}

/** Everything that is wrong now, worst first: level, text, where. */
export function troubles(picture) {
  const found = [];
  // One trouble is one line: an alert that names a probe or a metric speaks for it.
  const named = new Set();
  for (const alert of picture.alerts.values()) {
    if (alert.state !== 'firing' || alert.severity === 'info') continue;
    found.push([level(alert.severity), alert.summary, 'alerts']);
    for (const word of `${alert.fingerprint} ${alert.summary}`.split(/[^\w.-]+/)) named.add(word);
  }
  const [newest] = deployments(picture);
  if (newest && phaseLevel(newest.phase) === 'bad') {
    found.push(['bad', `${newest.service} ${newest.candidateVersion} ${newest.phase === 'RolledBack' ? 'was rolled back' : 'is being rolled back'}: ${newest.reason}`, 'canary']);
  } else if (newest?.phase === 'Inconclusive') {
    found.push(['warn', `canary of ${newest.service} is inconclusive: ${newest.reason}`, 'canary']);
  }
  for (const probe of picture.probes.values()) {
    if (probe.state !== 'pass' && !named.has(probe.id)) found.push([level(probe.state), `probe ${probe.id}: ${probe.recent.at(-1)?.message ?? probe.state}`, 'probes']);
  }
  for (const run of latestRuns(picture)) {
    if (run.outcome === 'fail') found.push(['bad', `${run.tier} of ${run.projectId} is red: ${run.reason}`, 'runs']);
  }
  for (const metric of picture.metrics.values()) {
    if (isBelowFloor(metric) && !named.has(metric.metric)) found.push(['bad', `${metric.metric} is ${metric.value}, its floor is ${metric.floor} ${metric.unit}`, 'ratchet']);
  }
  return found.sort(([a], [b]) => (a === 'bad' ? 0 : 1) - (b === 'bad' ? 0 : 1));
}
