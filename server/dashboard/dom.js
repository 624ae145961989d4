// Small tools for elements. Must not know what is shown.

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an element: `h('p.soft', {title: 't'}, 'text', child)`. Text is never parsed as HTML. */
export function h(spec, attributes, ...children) {
  const [tag, ...classes] = spec.split('.');
  const isSvg = tag === 'svg' || tag === 'polyline' || tag === 'circle';
  const element = isSvg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  if (classes.length) element.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

const shown = new WeakMap();

/** Shows a section again, only when what it is made of has changed; keeps focus and open details. */
export function show(section, model, render) {
  const text = JSON.stringify(model);
  if (shown.get(section) === text) return;
  shown.set(section, text);
  const focused = section.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const open = new Set([...section.querySelectorAll('details[open]')].map((it) => it.dataset.key));
  section.replaceChildren(...render(model));
  for (const it of section.querySelectorAll('details')) if (open.has(it.dataset.key)) it.open = true;
  if (focused) section.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

/** A time as people say it, with the exact one as its title. It ages by `ageTimes`. */
export function time(at) {
  return h('time', { datetime: at, title: at, 'data-ago': '' }, ago(at));
}

/** Lets every shown time grow older. */
export function ageTimes() {
  for (const element of document.querySelectorAll('time[data-ago]')) {
    const text = ago(element.dateTime);
    if (element.textContent !== text) element.textContent = text;
  }
}

function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000));
  if (seconds < 5) return 'just now';
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/** The time of day of a moment. */
export function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
}

/** A number for people: at most `digits` after the point, thousands apart. */
export function number(value, digits = 1) {
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

/** An e-value: some grow beyond what anyone reads digit by digit. */
export function eValue(value) {
  if (value >= 1e6) return 'over a million';
  return number(value, value < 10 ? 2 : 0);
}

/** A name that may break after `_`, `-` and `/` where the room is short, and nowhere else. */
export function breakable(name) {
  return name.split(/(?<=[_\-/])/).flatMap((part, idx) => (idx ? [document.createElement('wbr'), part] : [part]));
}

/** A duration in milliseconds for people. */
export function duration(ms) {
  if (ms < 1000) return `${number(ms, ms < 10 ? 1 : 0)} ms`;
  if (ms < 90_000) return `${number(ms / 1000)} s`;
  return `${number(ms / 60_000)} min`;
}
