import { newId } from "../protocol/ids.js";
import { el, iconButton } from "./dom.js";
import { said } from "./words.js";

/**
 * @typedef {import("../types.js").Chat} Chat
 * @typedef {import("../types.js").Entry} Entry
 */

/**
 * Thumbs below an answer; a thumb down asks why.
 * @param {Entry} entry
 * @param {Chat} chat
 */
export function drawFeedback(entry, chat) {
  const { text } = chat;
  const told = el("span", { class: "said", role: "status" }, said(text.reasons, entry.reason));
  const box = el("div", { class: "opinion" });
  /** @type {Record<"up" | "down", HTMLButtonElement>} */
  const thumbs = {
    up: iconButton("up", text.good, () => choose("up"), "thumb"),
    down: iconButton("up", text.bad, () => choose("down"), "thumb turned"),
  };
  const show = () => {
    for (const [rating, button] of Object.entries(thumbs)) button.setAttribute("aria-pressed", String(entry.rating === rating));
  };
  /**
   * @param {"up" | "down" | null} rating
   * @param {object} details
   * @param {string} words
   */
  const tell = (rating, details, words) => {
    const before = entry.rating ?? null;
    entry.rating = rating;
    show();
    chat.conversation.ask({ type: "feedback", message_id: entry.message_id, rating, ...details }, {
      saved: () => {
        told.textContent = words;
        chat.tell("feedback", { message_id: entry.message_id, rating, ...details });
      },
      failed: () => {
        entry.rating = before;
        show();
      },
    });
  };
  const finish = () => {
    box.replaceChildren();
    thumbs.down.focus();
  };
  /** @param {"up" | "down"} rating */
  const choose = (rating) => {
    const withdrawn = entry.rating === rating;
    told.textContent = "";
    tell(withdrawn ? null : rating, {}, withdrawn ? text.withdrawn : rating === "up" ? text.thanks : "");
    box.replaceChildren();
    if (withdrawn || rating === "up") return;
    box.append(reasonForm(text.why, Object.entries(text.reasons), text, (reason, comment) => {
      tell("down", { ...(reason && { reason }), ...comment }, text.thanks);
      finish();
    }, finish));
    box.scrollIntoView({ block: "nearest" });
  };
  show();
  return [thumbs.up, thumbs.down, told, box];
}

/**
 * How it was with a person, asked once when they have gone. `onend(words)`: it has been said ("": it was skipped).
 * @param {Entry} entry
 * @param {Chat} chat
 * @param {(words: string) => void} onend
 */
export function drawRating(entry, { text, conversation }, onend) {
  /** @type {[string, string][]} */
  const scale = text.csatScale.map((words, place) => [String(place + 1), words]);
  const form = reasonForm(text.csat, scale, text, (csat, comment) => {
    if (!csat) return;
    const rated = { type: "action", action: "rate_handoff", handoff_id: entry.rate, csat: Number(csat), ...comment };
    conversation.ask(rated, { saved: () => onend(text.thanks) });
  }, () => onend(""));
  return el("div", { class: "entry rating" }, el("p", { class: "entry system" }, entry.content), form);
}

/**
 * A choice and a comment.
 * @param {string} legend
 * @param {[string, string][]} choices value and words
 * @param {Chat["text"]} text
 * @param {(value: string, comment: {comment?: string}) => void} ontell value "": none chosen
 * @param {() => void} onskip
 */
function reasonForm(legend, choices, text, ontell, onskip) {
  const name = `reason-${newId()}`;
  const comment = el("textarea", { rows: "2", maxlength: "1000", "aria-label": text.comment, placeholder: text.comment });
  const form = el(
    "form", {
      class: "reasons",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector("input:checked"));
        const words = comment.value.trim();
        ontell(chosen?.value ?? "", words ? { comment: words } : {});
      },
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Escape" || event.isComposing) return;
        event.stopPropagation();
        onskip();
      },
    },
    el("fieldset", {}, el("legend", {}, legend), choices.map(([value, words]) =>
      el("label", {}, el("input", { type: "radio", name, value }), el("span", {}, words)))),
    comment,
    el("div", { class: "reason-buttons" },
      el("button", { type: "submit", class: "primary" }, text.sendFeedback),
      el("button", { onclick: onskip }, text.skip)),
  );
  return form;
}
