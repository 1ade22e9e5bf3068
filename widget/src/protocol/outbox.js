/** @typedef {import("../types.js").Sent} Sent */

const ACKNOWLEDGED_WITHIN_MS = 8000;
const RESENDS = 3;

/**
 * What must arrive: kept until the server has acknowledged it, and sent again under the same id. The shopper's words
 * outlive a reload of their tab.
 */
export class Outbox {
  #store;
  /** @type {Map<string, {frame: Sent, sentAt: number, sends: number}>} */
  #pending = new Map();

  /** @param {import("../types.js").Store} store of the tab */
  constructor(store) {
    this.#store = store;
    for (const frame of store.get("pending") ?? []) this.add(frame);
  }

  /** Everything not acknowledged, oldest first. */
  get frames() {
    return [...this.#pending.values()].map(({ frame }) => frame);
  }

  /** The shopper's messages among them. */
  get messages() {
    return this.frames.filter(({ type }) => type === "user_message");
  }

  /** @param {Sent} frame */
  add(frame) {
    this.#pending.set(frame.client_msg_id, { frame, sentAt: 0, sends: 0 });
    this.#keep();
  }

  /** @param {string} id */
  acknowledge(id) {
    if (this.#pending.delete(id)) this.#keep();
  }

  clear() {
    this.#pending.clear();
    this.#keep();
  }

  /**
   * Notes that a frame goes out.
   * @param {Sent} frame
   * @param {number} now
   */
  sent(frame, now) {
    const entry = this.#pending.get(frame.client_msg_id);
    if (entry) Object.assign(entry, { sentAt: now, sends: entry.sends + 1 });
  }

  /**
   * The server is about to restart: another one takes it, under the same id. Or it is busy: it is asked again then, as
   * often as one that says nothing.
   * @param {string} id
   * @param {number} until
   * @param {string | undefined} code
   */
  putOff(id, until, code) {
    const entry = this.#pending.get(id);
    if (entry) Object.assign(entry, { sentAt: until - ACKNOWLEDGED_WITHIN_MS }, code === "restarting" && { sends: 0 });
  }

  /**
   * What has waited too long for its acknowledgement: to be sent again, or to be given up.
   * @param {number} now
   */
  late(now) {
    const late = [...this.#pending.values()].filter(({ sentAt }) => now - sentAt > ACKNOWLEDGED_WITHIN_MS);
    return {
      again: late.filter(({ sends }) => sends <= RESENDS).map(({ frame }) => frame),
      lost: late.filter(({ sends }) => sends > RESENDS).map(({ frame }) => frame),
    };
  }

  #keep() {
    const { messages } = this;
    this.#store.set("pending", messages.length ? messages : null);
  }
}
