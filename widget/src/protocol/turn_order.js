/** @typedef {{seq: number, done: boolean, asked: number}} Place */

/** Which frames of which turn have come: each is passed on once and in order. */
export class TurnOrder {
  /** @type {Map<string, Place>} */
  #turns = new Map();

  clear() {
    this.#turns.clear();
  }

  /** @param {string} turnId */
  begin(turnId) {
    return this.#place(turnId);
  }

  /** Its answer has come by another way. @param {string} turnId */
  finish(turnId) {
    this.#place(turnId).done = true;
  }

  /**
   * Whether a turn's frame is the next one. A hole ("gap") is told once, so that it can be asked for; the answer needs
   * nothing before it, for it replaces all that.
   * @param {import("../types.js").Frame} frame with turn_id and seq
   * @returns {"next" | "old" | "gap"}
   */
  read({ type, turn_id: turnId = "", seq = 0 }) {
    const turn = this.#place(turnId);
    if (turn.done || seq <= turn.seq) return "old";
    if (type !== "response" && seq > turn.seq + 1 && turn.asked !== turn.seq) {
      turn.asked = turn.seq;
      return "gap";
    }
    turn.seq = seq;
    turn.done = type === "response";
    return "next";
  }

  /** Where to go on after a drop: the turn that has not ended. */
  get unfinished() {
    for (const [turnId, { seq, done }] of this.#turns) if (!done) return { turn_id: turnId, after_seq: seq };
    return null;
  }

  /**
   * @param {string} turnId
   * @returns {Place}
   */
  #place(turnId) {
    let turn = this.#turns.get(turnId);
    if (!turn) this.#turns.set(turnId, (turn = { seq: 0, done: false, asked: -1 }));
    return turn;
  }
}
