const AGAIN_AFTER_MS = 3000;
const ENDS_AFTER_MS = 4000;

/** Tells an agent that the shopper is writing: now and then while they do, and once when they stop. */
export class TypingSignal {
  #connection;
  #clock;
  #toldAt = 0;
  /** @type {number | undefined} */
  #timer;

  /**
   * @param {Pick<import("./connection.js").Connection, "signal">} connection
   * @param {Pick<import("../types.js").Surroundings, "after" | "cancel" | "now">} clock
   */
  constructor(connection, clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  typed() {
    const now = this.#clock.now();
    if (now - this.#toldAt > AGAIN_AFTER_MS) {
      this.#toldAt = now;
      this.#connection.signal({ type: "typing", active: true });
    }
    this.#clock.cancel(this.#timer);
    this.#timer = this.#clock.after(ENDS_AFTER_MS, () => this.end());
  }

  end() {
    this.#clock.cancel(this.#timer);
    if (!this.#toldAt) return;
    this.#toldAt = 0;
    this.#connection.signal({ type: "typing", active: false });
  }
}
