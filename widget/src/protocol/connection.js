import { Outbox } from "./outbox.js";
import { TokenRefused, Tokens } from "./tokens.js";
import { TurnOrder } from "./turn_order.js";

/**
 * @typedef {import("../types.js").Frame} Frame
 * @typedef {import("../types.js").Sent} Sent
 * @typedef {import("../types.js").Status} Status
 */

const STEADY_MS = 5000;
const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 30000;
const SILENCE_MS = 10000;
const LOOK_FOR_LATE_MS = 2000;
const CLOSE = { frame: 4400, token: 4401, forbidden: 4403, size: 4413, rate: 4429 };
const OPEN = 1;
const CLOSING = 2;

/**
 * The pause before the next attempt, milliseconds: doubled each time, and at random shorter by up to a half, so that a
 * server that comes back is not met by everybody at once.
 * @param {number} attempt 0: the first
 * @param {number} random 0 to 1
 */
export function pauseBefore(attempt, random) {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + random / 2);
}

/**
 * One conversation over a WebSocket that may come and go (protocol v1).
 *
 * Tells `onframe` every server frame once and in order, and `onstatus` one of idle, connecting, open, waiting, limited,
 * refused. What `send` was given is sent again until the server has acknowledged it; `signal` is best effort.
 */
export class Connection {
  #options;
  #host;
  #tokens;
  #outbox;
  #order = new TurnOrder();
  /** @type {WebSocket | null} */
  #socket = null;
  #started = false;
  #run = 0; // a newer attempt voids older ones
  #attempt = 0;
  #openedAt = 0;
  #tokenRefusals = 0;
  #conversationId = "";
  #lastMessageId = "";
  /** @type {Record<string, number | undefined>} */
  #timers = {};
  /** @type {Status} */
  status = "idle";

  /**
   * @param {{endpoint: string, tokenUrl: string, identity(): string, context(): object, onframe(frame: Frame): void,
   *   onstatus(status: Status): void}} options
   * @param {{device: import("../types.js").Store, tab: import("../types.js").Store}} stores
   * @param {import("../types.js").Surroundings} surroundings
   */
  constructor(options, { device, tab }, surroundings) {
    this.#options = options;
    this.#host = surroundings;
    this.#tokens = new Tokens(options, device, surroundings);
    this.#outbox = new Outbox(tab);
  }

  /** Messages that this tab has not seen acknowledged, oldest first. */
  get unacknowledged() {
    return this.#outbox.messages;
  }

  get attempts() {
    return this.#attempt;
  }

  get started() {
    return this.#started;
  }

  start() {
    if (this.#started) return;
    this.#started = true;
    this.#lookForLate();
    this.#connect();
  }

  stop() {
    this.#started = false;
    this.#host.cancel(this.#timers.late);
    this.rest();
  }

  /** Lets the socket go until `wake`. */
  rest() {
    this.#letGo();
    this.#report("idle");
  }

  /** Leaves the conversation and begins another. */
  restart() {
    this.#tokens.forget();
    this.#outbox.clear();
    this.#forget();
    this.#attempt = 0;
    this.#letGo();
    if (this.#started) this.#connect();
  }

  /** A new token with what the page says now, on a new socket; nothing is lost on the way. */
  renew() {
    this.#tokens.expire();
    if (!this.#started) return;
    this.#letGo();
    this.#connect();
  }

  /** The device woke up, the tab or the network came back or went: connect, or see whether the socket is still alive. */
  wake() {
    if (!this.#started) return;
    this.#report(this.status);
    if (this.#socket?.readyState === OPEN) this.#probe(4000);
    else if (this.status === "waiting" || this.status === "idle") this.#connect();
  }

  /** @param {Sent} frame */
  send(frame) {
    this.#outbox.add(frame);
    if (this.status === "open") this.#transmit(frame);
  }

  /** @param {object} frame */
  signal(frame) {
    if (this.status === "open" && this.#socket?.readyState === OPEN) this.#socket.send(JSON.stringify(frame));
  }

  // Connecting

  async #connect() {
    const run = ++this.#run;
    this.#host.cancel(this.#timers.retry);
    this.#report("connecting");
    try {
      await this.#tokens.fetch();
    } catch (problem) {
      if (run === this.#run) this.#tokenFailed(problem);
      return;
    }
    if (run !== this.#run) return;
    const socket = (this.#socket = this.#host.connect(this.#options.endpoint));
    this.#timers.silence = this.#host.after(SILENCE_MS, () => this.#drop());
    socket.onopen = () => socket.send(JSON.stringify(this.#hello()));
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code);
  }

  #hello() {
    const turn = this.#order.unfinished;
    const after = this.#lastMessageId && { after_message_id: this.#lastMessageId };
    return {
      type: "hello",
      v: 1,
      token: this.#tokens.current,
      caps: ["stream", "cards"],
      ...(this.#conversationId && { conversation_id: this.#conversationId }),
      ...((after || turn) && { resume: { ...after, ...turn } }),
    };
  }

  /** @param {unknown} problem */
  #tokenFailed(problem) {
    if (problem instanceof TokenRefused && problem.status === 429) this.#pause("limited", 10000);
    else if (problem instanceof TokenRefused && problem.status < 500) this.#report("refused");
    else this.#pause("waiting");
  }

  // Losing the socket

  /** @param {number} code */
  #closed(code) {
    this.#letGo();
    if (this.#openedAt && this.#host.now() - this.#openedAt > STEADY_MS) this.#attempt = 0;
    this.#openedAt = 0;
    if (code === CLOSE.token && this.#tokenRefusals++ < 2) {
      this.#tokens.expire();
      this.#connect();
    } else if (code === CLOSE.forbidden && this.#conversationId) {
      // Signed in as somebody else meanwhile: that conversation stays theirs, a new one begins.
      this.#tokens.expire();
      this.#forget();
      this.#connect();
    } else if (code === CLOSE.forbidden || code === CLOSE.token) {
      this.#report("refused");
    } else if (code === CLOSE.rate) {
      this.#pause("limited", 5000);
    } else {
      if (code === CLOSE.frame || code === CLOSE.size) this.#giveUp(this.#outbox.frames);
      this.#pause("waiting");
    }
  }

  /**
   * @param {Status} status
   * @param {number} atLeast milliseconds
   */
  #pause(status, atLeast = 0) {
    const pause = Math.max(atLeast, pauseBefore(this.#attempt++, this.#host.random()));
    this.#report(status);
    this.#timers.retry = this.#host.after(pause, () => this.#connect());
  }

  #letGo() {
    this.#run += 1;
    for (const name of ["silence", "beat", "retry"]) this.#host.cancel(this.#timers[name]);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState < CLOSING) socket.close(1000);
  }

  /** The socket looks open but is dead: take a new one. */
  #drop() {
    if (this.#socket) this.#closed(1006);
  }

  /** @param {number} limit milliseconds for any answer */
  #probe(limit) {
    this.signal({ type: "ping", t: this.#host.now() });
    this.#host.cancel(this.#timers.silence);
    this.#timers.silence = this.#host.after(limit, () => this.#drop());
  }

  #forget() {
    this.#tokens.expire();
    this.#conversationId = this.#lastMessageId = "";
    this.#order.clear();
    this.#options.onframe({ type: "forgotten" });
  }

  /** @param {Status} status */
  #report(status) {
    this.status = status;
    this.#options.onstatus(status);
  }

  // Frames

  /** @param {string} data */
  #receive(data) {
    this.#host.cancel(this.#timers.silence);
    /** @type {Frame} */
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.type === "ready") this.#ready(frame);
    else if (frame.type === "token") this.#tokens.keep(frame.token);
    else if (frame.type !== "pong" && this.#isNext(frame)) this.#pass(frame);
  }

  /** @param {Frame} frame */
  #isNext(frame) {
    if (!frame.turn_id || frame.seq === undefined) return true;
    const place = this.#order.read(frame);
    if (place === "gap") {
      this.#letGo();
      this.#connect();
    }
    return place === "next";
  }

  /** @param {Frame} frame */
  #pass(frame) {
    const { type, turn_id: turnId, message_id: messageId, client_msg_id: id, code } = frame;
    if (type === "accepted" && turnId && !frame.duplicate) this.#order.begin(turnId);
    if (messageId) this.#lastMessageId = messageId;
    if (id && (code === "restarting" || code === "busy")) {
      this.#outbox.putOff(id, this.#host.now() + frame.retry_after_ms, code);
      return;
    }
    if (id && ["accepted", "saved", "error"].includes(type)) this.#outbox.acknowledge(id);
    this.#options.onframe(frame);
  }

  /** @param {Frame} frame */
  #ready(frame) {
    this.#openedAt = this.#host.now();
    this.#tokenRefusals = 0;
    frame.messages ??= [];
    if (frame.reset) this.#order.clear();
    this.#conversationId = frame.conversation_id;
    for (const { message_id: messageId, turn_id: turnId, role } of frame.messages) {
      this.#lastMessageId = messageId;
      if (turnId && role === "assistant") this.#order.finish(turnId);
    }
    this.#beat((frame.heartbeat_s || 25) * 1000);
    this.#options.onframe(frame);
    this.#report("open");
    for (const each of this.#outbox.frames) this.#transmit(each);
  }

  /** @param {number} every milliseconds */
  #beat(every) {
    this.#timers.beat = this.#host.after(every, () => {
      this.#probe(SILENCE_MS);
      this.#beat(every);
    });
  }

  // What must arrive

  /** @param {Sent} frame */
  #transmit(frame) {
    this.#outbox.sent(frame, this.#host.now());
    this.#socket?.send(JSON.stringify(frame));
  }

  #lookForLate() {
    this.#timers.late = this.#host.after(LOOK_FOR_LATE_MS, () => {
      if (this.status === "open") {
        const { again, lost } = this.#outbox.late(this.#host.now());
        this.#giveUp(lost);
        for (const frame of again) this.#transmit(frame);
      }
      this.#lookForLate();
    });
  }

  /** @param {Sent[]} frames */
  #giveUp(frames) {
    for (const { client_msg_id: id } of frames) {
      this.#outbox.acknowledge(id);
      this.#options.onframe({ type: "error", code: "not_sent", message: "", client_msg_id: id, retryable: true });
    }
  }
}
