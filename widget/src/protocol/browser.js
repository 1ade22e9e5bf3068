/** The surroundings of a connection in a browser. */

/** @type {import("../types.js").Surroundings} */
export const browser = {
  connect: (url) => new WebSocket(url),
  post: (url, body) =>
    fetch(url, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10000),
    }),
  now: () => Date.now(),
  after: (ms, task) => window.setTimeout(task, ms),
  cancel: (timer) => clearTimeout(timer),
  random: () => Math.random(),
};

/** JSON values in a web storage; a page without one (blocked, full) keeps them for its own life only. */
export class Drawer {
  #kept = new Map();
  /** @type {Storage | null} */
  #storage = null;
  #prefix;

  /**
   * @param {"localStorage" | "sessionStorage"} area
   * @param {string} scope
   */
  constructor(area, scope) {
    this.#prefix = `manga-assist:${scope}:`;
    try {
      this.#storage = window[area];
    } catch {
      // Storage is blocked here.
    }
  }

  /** @param {string} name */
  get(name) {
    try {
      return JSON.parse(this.#storage?.getItem(this.#prefix + name) ?? "null") ?? this.#kept.get(name) ?? null;
    } catch {
      return this.#kept.get(name) ?? null;
    }
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  set(name, value) {
    this.#kept.set(name, value);
    try {
      if (value === null) this.#storage?.removeItem(this.#prefix + name);
      else this.#storage?.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // Kept in memory.
    }
  }
}

/**
 * Lets a connection rest and wake with its page: network, tab, back/forward cache.
 * @param {import("./connection.js").Connection} connection
 * @param {AbortSignal} signal
 */
export function followPage(connection, signal) {
  for (const change of ["online", "offline"]) addEventListener(change, () => connection.wake(), { signal });
  addEventListener("pagehide", () => connection.rest(), { signal }); // so that the page may enter the back/forward cache
  addEventListener("pageshow", (event) => event.persisted && connection.wake(), { signal });
  document.addEventListener("visibilitychange", () => !document.hidden && connection.wake(), { signal });
}
