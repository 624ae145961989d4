// The event stream: opens, resumes, notices silence. Must not know what an event is about.

const PING_MS = 2000;
const SILENT_MS = 6000;
const LOOK_MS = 500;
const RETRY_MS = [300, 700, 1500, 3000, 5000];

/**
 * Follows the hub for as long as the page lives.
 * `onState(state)` replaces all, `onEvent(kind, data)` changes one thing, `onLink()` tells that
 * the link changed, `onRefused()` that the key is not good.
 */
export function follow(key, { onState, onEvent, onLink, onRefused }) {
  const link = { isLive: false, seq: 0, heardAt: undefined };
  let epoch = '';
  let n_failed = 0;
  let socket;

  async function open() {
    try {
      const answer = await fetch('/api/v1/ws-tickets', {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(5000),
      });
      if (answer.status === 401 || answer.status === 403) return onRefused();
      if (!answer.ok) throw new Error(`ticket: ${answer.status}`);
      const { ticket } = await answer.json();
      connect(ticket);
    } catch {
      retry();
    }
  }

  function connect(ticket) {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const mine = new WebSocket(`${scheme}://${location.host}/ws?ticket=${encodeURIComponent(ticket)}`);
    socket = mine;
    let watch;
    const openedAt = Date.now();
    let pingedAt = openedAt;
    const send = (type, payload) => {
      if (mine.readyState === WebSocket.OPEN) mine.send(JSON.stringify({ type, payload }));
    };
    mine.onopen = () => send('resume', { epoch, since: link.seq, topics: ['*'] });
    mine.onmessage = ({ data }) => {
      // One that was given up may still speak while it closes.
      if (socket !== mine) return;
      link.heardAt = Date.now();
      receive(JSON.parse(data), send);
      onLink();
    };
    mine.onclose = (event) => {
      clearInterval(watch);
      if (socket !== mine) return;
      lost(event.code === 1012 ? Number(event.reason) : undefined);
    };
    watch = setInterval(() => {
      if (Date.now() - (link.heardAt ?? openedAt) > SILENT_MS && Date.now() - openedAt > SILENT_MS) {
        // The hub hangs or the network is gone; a close would wait for an answer that doesn't come.
        clearInterval(watch);
        socket = undefined;
        mine.close();
        lost();
      } else if (Date.now() - pingedAt >= PING_MS) {
        pingedAt = Date.now();
        send('ping', {});
      }
    }, LOOK_MS);
  }

  function receive(message, send) {
    switch (message.type) {
      case 'subscribed':
        epoch = message.epoch;
        if (message.payload.recovered) goLive(link.seq);
        break;
      case 'snapshot':
        onState(message.payload.state);
        goLive(message.seq);
        break;
      case 'event':
        link.seq = message.seq;
        onEvent(message.payload.kind, message.payload.data);
        break;
      case 'pong':
        if (link.isLive) send('ack', { seq: link.seq });
        break;
    }
  }

  function goLive(seq) {
    n_failed = 0;
    link.isLive = true;
    link.seq = seq;
  }

  function lost(hintMs) {
    link.isLive = false;
    onLink();
    retry(hintMs);
  }

  function retry(hintMs) {
    const wait = hintMs || RETRY_MS[Math.min(n_failed, RETRY_MS.length - 1)] * (0.8 + Math.random() * 0.4);
    n_failed += 1;
    setTimeout(open, wait);
  }

  open();
  return link;
}
