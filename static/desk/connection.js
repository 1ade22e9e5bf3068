/** The desk's socket. Frames: docs/escalation.md, "The desk". */

import { newId, W } from "./page.js";

export class Refusal extends Error {
  constructor(code, message) {
    super(W.refused[code] ?? message);
    this.code = code;
  }
}

const ANSWER_WITHIN_MS = 15_000;

const PING_EVERY_MS = 20_000;

export class Connection {
  #socket = null;
  #ready = false;
  #tries = 0;
  /** client_id → {frame, resolve, reject, at} */
  #asked = new Map();
  #timer = 0;

  constructor({ onframe, onstate }) {
    this.onframe = onframe;
    this.onstate = onstate;
    setInterval(() => this.#check(), 5000);
    setInterval(() => this.#ready && this.ask("ping").catch(() => {}), PING_EVERY_MS);
    addEventListener("online", () => this.#again());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      if (this.#ready) this.ask("ping").catch(() => {});
      else this.#again();
    });
    this.#connect();
  }

  /** Resolves with the `done` frame; rejects with a Refusal. Asked again after a lost connection until answered. */
  ask(type, fields = {}, clientId = newId()) {
    const frame = { type, client_id: clientId, ...fields };
    return new Promise((resolve, reject) => {
      this.#asked.set(clientId, { frame, resolve, reject, at: Date.now() });
      if (this.#ready) this.#send(frame);
    });
  }

  /** Worth nothing later. */
  tell(type, fields) {
    if (this.#ready) this.#send({ type, client_id: newId(), ...fields });
  }

  #send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  #connect() {
    this.onstate("connecting");
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws/desk/`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => socket === this.#socket && this.#heard(JSON.parse(data));
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(code);
  }

  #heard(frame) {
    if (frame.type === "state") {
      this.#ready = true;
      this.#tries = 0;
      this.onstate("connected");
      // Before anything new is asked: what is looked at afterwards has what was written before in it.
      for (const asked of this.#asked.values()) {
        asked.at = Date.now();
        this.#send(asked.frame);
      }
      this.onframe(frame);
      return;
    }
    const asked = frame.client_id ? this.#asked.get(frame.client_id) : null;
    if (frame.type !== "done" && frame.type !== "refused") this.onframe(frame);
    else if (asked) {
      this.#asked.delete(frame.client_id);
      if (frame.type === "done") asked.resolve(frame);
      else asked.reject(new Refusal(frame.code, frame.message));
    } else if (frame.type === "refused" && !this.#ready) this.onframe(frame);
  }

  #lost(code) {
    this.#ready = false;
    if (code === 4401) {
      location.assign(`${document.body.dataset.signIn}?next=${encodeURIComponent(location.pathname)}`);
      return;
    }
    if (code === 4403) {
      this.onstate("forbidden");
      return;
    }
    this.onstate("lost");
    // Of no use later: the page looks again by itself.
    for (const [id, asked] of this.#asked) {
      if (["ping", "look", "find"].includes(asked.frame.type)) {
        this.#asked.delete(id);
        asked.reject(new Refusal("lost", W.lost));
      }
    }
    const pause = Math.min(15_000, 400 * 2 ** this.#tries++) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => this.#again(), pause);
  }

  #again() {
    if (this.#socket.readyState !== WebSocket.CLOSED) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** A connection that answers no more is none, whatever the browser believes. */
  #check() {
    const since = Date.now() - ANSWER_WITHIN_MS;
    if (this.#ready && [...this.#asked.values()].some(({ at }) => at < since)) {
      const dead = this.#socket;
      dead.onclose = null;
      dead.close();
      this.#lost(1006);
      clearTimeout(this.#timer);
      this.#connect();
    }
  }
}
