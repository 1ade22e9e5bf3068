/** Taking, giving and closing a conversation, and the agent's settings. */

import { showComposer } from "./composer.js";
import { doing, trouble } from "./log.js";
import { $, el, fill, W } from "./page.js";
import { desk, keepDraft, settings } from "./state.js";
import { open } from "./talk.js";

/** Resolves with the dialog's form when it is confirmed, else with null. */
function askIn(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "ok" ? dialog.querySelector("form") : null), { once: true });
  });
}

const choice = (name, value, checked, ...label) => el("label", { class: "check" }, el("input", { type: "radio", name, value, checked, required: true }), el("span", {}, label));

export async function closeIt() {
  const id = desk.current;
  const box = $("close-reasons");
  box.replaceChildren(box.querySelector("legend"), ...W.closeChoices.map((reason, at) => choice("reason", reason, at === 0, W.closeReasons[reason])));
  const form = await askIn($("close-dialog"));
  if (!form) return;
  const { reason, detail } = Object.fromEntries(new FormData(form));
  form.elements.detail.value = "";
  await doing($("close"), () => desk.connection.ask("close", { id, reason, detail }));
}

export async function giveIt(type) {
  const id = desk.current;
  const others = desk.agents.filter((agent) => agent.status === "available" && agent.id !== desk.currentRow.agent_id && (type === "assign" || agent.id !== desk.me.id || desk.me.lead));
  if (!others.length) return trouble(W.nobodyElse);
  const box = $("give-agents");
  box.replaceChildren(box.querySelector("legend"), ...others.map((agent, at) => choice("to", agent.id, at === 0, agent.name, " ", el("span", { class: "soft" }, fill(W.load, agent)))));
  $("give-detail").hidden = type === "assign";
  const form = await askIn($("give-dialog"));
  if (!form) return undefined;
  const { to, detail } = Object.fromEntries(new FormData(form));
  form.elements.detail.value = "";
  return doing($(type), () => desk.connection.ask(type, { id, to: Number(to), ...(type === "transfer" ? { detail } : {}) }));
}

export async function takeIt(id) {
  await doing($("take"), async () => {
    desk.taking = id;
    keepDraft(id, { mode: "reply" });
    if (id !== desk.current) open(id, { write: true });
    else showComposer();
    try {
      await desk.connection.ask("take", { id });
      desk.wantsToWrite = true;
    } catch (refusal) {
      desk.taking = "";
      showComposer();
      throw refusal;
    }
  });
}

export async function showSettings() {
  const { elements } = $("settings").querySelector("form");
  const now = settings.read();
  for (const name of ["keys", "enter", "sound"]) elements[name].checked = now[name];
  const form = await askIn($("settings"));
  if (form) settings.write({ keys: elements.keys.checked, enter: elements.enter.checked, sound: elements.sound.checked });
}
