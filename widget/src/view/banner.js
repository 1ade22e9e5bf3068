import { fill } from "../strings/index.js";
import { el } from "./dom.js";

/** @typedef {import("../types.js").Chat} Chat */

/** Who answers when it is not the assistant: the place in the queue, or the agent's name. */
export class Banner {
  #chat;
  #words = el("p");
  #button;
  node;

  /** @param {Chat} chat */
  constructor(chat) {
    this.#chat = chat;
    const leave = () => chat.conversation.ask({ type: "handoff", cancel: true });
    this.#button = el("button", { onclick: leave });
    this.node = el("div", { class: "banner", hidden: true }, el("span", { class: "pulse" }), this.#words, this.#button);
  }

  showState() {
    const { text, conversation } = this.#chat;
    const { state, agent_name: name, position, estimated_wait: wait } = conversation.handoff;
    this.node.hidden = state === "bot";
    this.node.dataset.state = state;
    if (state === "bot") return;
    const queued = state === "queued";
    const details = [
      position && fill(text.position, { position }),
      typeof wait === "number" && fill(text.wait, { minutes: Math.max(1, Math.ceil(wait / 60)) }),
    ].filter(Boolean).join(" · ");
    const words = queued ? text.queued : fill(text.withAgent, { name: name || text.someone });
    this.#words.replaceChildren(el("strong", {}, words), ...(queued && details ? [el("span", {}, details)] : []));
    this.#button.textContent = queued ? text.cancelWait : text.leaveAgent;
  }
}
