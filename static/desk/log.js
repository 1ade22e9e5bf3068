/** The lines of the open conversation, and what went wrong with it. */

import { cardItem } from "./cards.js";
import { Refusal } from "./connection.js";
import { $, clock, el, W } from "./page.js";
import { desk, settings, typingUntil } from "./state.js";

let audio = null;

export function chime() {
  if (!settings.read().sound) return;
  audio ??= new AudioContext();
  // Born before the first click on the page, it sleeps until it is woken.
  if (audio.state === "suspended") audio.resume().catch(() => {});
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.35);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.35);
}

export function trouble(text) {
  const wasAtEnd = atEnd();
  $("trouble").textContent = text;
  if (wasAtEnd) toEnd();
}

/** Does what a click asked for; a refusal is told in words. The button waits meanwhile: a second click does nothing. */
export async function doing(button, work) {
  if (button?.getAttribute("aria-disabled") === "true") return;
  button?.setAttribute("aria-disabled", "true");
  try {
    trouble("");
    await work();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    trouble(refusal.message);
  } finally {
    button?.removeAttribute("aria-disabled");
  }
}

/** @param {Line} line */
export function lineItem(line) {
  const who = line.role === "agent" || line.role === "note" ? line.author || W.roles.agent : W.roles[line.role];
  const label = line.role === "note" ? `${who} · ${W.roles.note}` : who;
  return el(
    "div", { class: `line ${line.role}`, "data-line": line.id },
    el("p", { class: "line-who" }, label, " ", el("time", { datetime: line.at }, clock.format(new Date(line.at)))),
    line.text && el("p", { class: "line-text" }, line.text),
    line.cards.length > 0 && el("ul", { class: "cards" }, line.cards.map((card) => el("li", {}, cardItem(card)))),
  );
}

export const atEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 60;

export function toEnd() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
  $("jump").hidden = true;
}

export function showTyping() {
  const active = (typingUntil.get(desk.current) ?? 0) > Date.now();
  const text = active ? W.typing : "";
  if ($("typing").textContent !== text) $("typing").textContent = text;
}
