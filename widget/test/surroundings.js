/** A clock that a test turns, sockets whose other end it holds, stores, and a token office: what a connection runs in. */

import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto; // node 18 has it, but not under this name

export class Clock {
  time = 1_000_000;
  #tasks = [];
  #last = 0;

  now = () => this.time;

  after = (ms, task) => {
    this.#tasks.push({ id: ++this.#last, at: this.time + ms, task });
    return this.#last;
  };

  cancel = (timer) => {
    this.#tasks = this.#tasks.filter(({ id }) => id !== timer);
  };

  /** Lets time pass; what falls due runs in its order, and promises settle in between. */
  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await settled();
      const [next] = this.#tasks.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.id - b.id);
      if (!next) break;
      this.cancel(next.id);
      this.time = next.at;
      next.task();
    }
    this.time = end;
  }
}

/** Lets every promise that can settle do so. */
export async function settled() {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

/** The browser's end of a socket; `say`, `lose` and `frames` are the server's. */
export class Socket {
  readyState = 0;
  sent = [];

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  say(...frames) {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  lose(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  frames(type) {
    return this.sent.filter((frame) => frame.type === type);
  }
}

export class Shelf {
  kept = new Map();
  get = (name) => this.kept.get(name) ?? null;
  set = (name, value) => (value === null ? this.kept.delete(name) : this.kept.set(name, value));
}

/** Surroundings whose sockets are kept in `sockets` and whose token requests in `asked`; `answers` are the next statuses. */
export function surroundings() {
  const clock = new Clock();
  const world = {
    clock,
    sockets: [],
    asked: [],
    answers: [],
    connect: () => {
      world.sockets.push(new Socket());
      return world.sockets.at(-1);
    },
    post: async (_url, body) => {
      world.asked.push(body);
      const status = world.answers.shift() ?? 200;
      if (status === 0) throw new TypeError("network");
      return { ok: status < 300, status, json: async () => ({ token: `token-${world.asked.length}`, expires_in: 900 }) };
    },
    now: clock.now,
    after: clock.after,
    cancel: clock.cancel,
    random: () => 1,
  };
  return world;
}

export const READY = {
  type: "ready", conversation_id: "c-1", heartbeat_s: 25, max_text: 4000, token_expires_in: 900, messages: [],
  active_turn: null, state: "bot", reset: false,
};
