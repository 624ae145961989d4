// Joins key, event stream, picture and page.

import { ageTimes, show } from './dom.js';
import { follow } from './live.js';
import * as model from './model.js';
import * as view from './view.js';

const STORED = 'tollgate-key';
const at = (id) => document.getElementById(id);
let picture = model.empty();
let link;
let isDrawing = false;

function takeKey() {
  const given = new URLSearchParams(location.hash.slice(1)).get('key');
  if (given) {
    sessionStorage.setItem(STORED, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(STORED);
}

function ask(why) {
  sessionStorage.removeItem(STORED);
  at('board').hidden = true;
  at('key-form').hidden = false;
  if (why) at('key-why').textContent = why;
  at('link-text').textContent = 'stale · no key';
  at('link').dataset.state = 'stale';
  at('key').focus();
}

function begin(key) {
  at('key-form').hidden = true;
  at('board').hidden = false;
  link = follow(key, {
    onState: (state) => { picture = model.load(state); draw(); },
    onEvent: (kind, data) => { model.apply(picture, kind, data); draw(); },
    onLink: draw,
    onRefused: () => ask('The hub does not know this key. It may have been revoked, or is for another hub.'),
  });
  draw();
}

async function acknowledge(alert, button) {
  button.disabled = true;
  try {
    const answer = await fetch(`/api/v1/alerts/${encodeURIComponent(alert.id)}/acknowledge`, {
      method: 'POST',
      headers: { authorization: `Bearer ${sessionStorage.getItem(STORED)}`, 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(8000),
    });
    if (!answer.ok) throw new Error((await answer.json()).detail ?? String(answer.status));
  } catch (error) {
    button.disabled = false;
    button.textContent = 'Not saved: try again';
    button.title = error.message;
  }
}

/** Draws at most once a frame. */
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    showLink();
    show(at('now'), { troubles: model.troubles(picture), isLive: link?.isLive ?? false }, view.now);
    show(at('canary'), model.deployments(picture), view.canary);
    show(at('probes'), model.probes(picture), view.probes);
    show(at('runs'), model.latestRuns(picture), view.runs);
    show(at('ratchet'), model.metrics(picture), view.ratchet);
    show(at('alerts'), model.alerts(picture), (all) => view.alerts(all, acknowledge));
  });
}

function showLink() {
  if (!link) return;
  const isLive = link.isLive;
  const seconds = link.heardAt === undefined ? undefined : Math.round((Date.now() - link.heardAt) / 1000);
  const heard = seconds === undefined ? 'never heard' : `${seconds} s ago`;
  const text = `${isLive ? 'live' : 'stale'} · seq ${link.seq} · ${heard}`;
  if (at('link-text').textContent !== text) at('link-text').textContent = text;
  at('link').dataset.state = isLive ? 'live' : 'stale';
  // Read aloud only when it changes, not each second.
  const word = isLive ? 'live' : 'stale: the hub is away';
  if (at('link-word').textContent !== word) at('link-word').textContent = word;
  at('board').dataset.stale = String(!isLive);
}

at('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const key = at('key').value.trim();
  if (!key) return;
  sessionStorage.setItem(STORED, key);
  at('key').value = '';
  begin(key);
});
setInterval(() => { showLink(); ageTimes(); }, 1000);

const key = takeKey();
if (key) begin(key);
else ask();
