/** The documentation page: what one sets there is set on the widget of the same page, and written as code to copy. */

import { CANCELABLE, EVENTS } from "../events.js";
import { SENT, SHOWN } from "../frame/messages.js";

const LOG_LINES = 20;

/** @template {HTMLElement} T @param {string} selector @returns {T} */
const find = (selector) => /** @type {T} */ (document.querySelector(selector));

/** @param {string} selector @returns {NodeListOf<HTMLInputElement>} */
const fields = (selector) => document.querySelectorAll(selector);

let chat = /** @type {import("../element.js").MangaAssist} */ (find("manga-assist"));
const origin = find("main").dataset.origin ?? location.origin;
/** @type {Map<string, string>} */
const attributes = new Map();
/** @type {Map<string, string>} */
const properties = new Map();
/** @type {Map<string, string>} */
const slots = new Map();

for (const field of fields("[data-attributes]")) {
  field.addEventListener("settled" in field.dataset ? "change" : "input", () => {
    const { attributes: name = "" } = field.dataset;
    keep(attributes, name, field.value);
    if ("fresh" in field.dataset) putAnew();
    else if (field.value) chat.setAttribute(name, field.value);
    else chat.removeAttribute(name);
    write();
  });
}
for (const field of fields("[data-properties]")) {
  field.addEventListener("input", () => {
    const { properties: name = "", unit = "" } = field.dataset;
    const value = field.value && field.value + unit;
    keep(properties, name, value);
    if (value) chat.style.setProperty(name, value);
    else chat.style.removeProperty(name);
    write();
  });
}
for (const field of fields("[data-slots]")) {
  field.addEventListener("input", () => {
    keep(slots, field.dataset.slots ?? "", field.value);
    chat.replaceChildren(...[...slots].map(filled));
    write();
  });
}
for (const button of document.querySelectorAll("button[data-method]")) {
  button.addEventListener("click", () => call(/** @type {HTMLElement} */ (button).dataset.method ?? ""));
}
for (const form of document.querySelectorAll("form[data-method]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    chat.ask(/** @type {HTMLInputElement} */ (form.querySelector("input")).value);
  });
}
for (const name of EVENTS) {
  addEventListener(`manga-assist:${name}`, (event) => {
    const prevented = CANCELABLE.includes(name) && /** @type {HTMLInputElement} */ (find(`[data-prevent="${name}"]`)).checked;
    if (prevented) event.preventDefault();
    const line = document.createElement("p");
    line.textContent = `manga-assist:${name} ${JSON.stringify(/** @type {CustomEvent} */ (event).detail)}`;
    const log = find("#log");
    log.prepend(line);
    while (log.children.length > LOG_LINES) log.lastElementChild?.remove();
  });
}
for (const field of fields("[name=kind]")) field.addEventListener("change", write);
find("#copy").addEventListener("click", async () => {
  const button = find("#copy");
  const code = find("#snippet");
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.textContent = button.dataset.done ?? "";
  } catch {
    getSelection()?.selectAllChildren(code); // the reader's own copy works everywhere
  }
});
write();

/**
 * @param {Map<string, string>} kept
 * @param {string} name
 * @param {string} value "": as if it were not there
 */
function keep(kept, name, value) {
  if (value) kept.set(name, value);
  else kept.delete(name);
}

/** What is read once only shows on a widget that has just come. */
function putAnew() {
  const next = /** @type {typeof chat} */ (document.createElement("manga-assist"));
  for (const [name, value] of attributes) next.setAttribute(name, value);
  for (const [name, value] of properties) next.style.setProperty(name, value);
  next.append(...[...slots].map(filled));
  chat.replaceWith(next);
  chat = next;
}

/** @param {[string, string]} slot its name and words */
function filled([name, words]) {
  const node = document.createElement(name === "nav" ? "a" : name === "plain" ? "p" : "span");
  if (node instanceof HTMLAnchorElement) node.href = "/";
  node.slot = name;
  node.textContent = words;
  return node;
}

/** @param {string} method as documented */
function call(method) {
  if (method === "open()") chat.open();
  else if (method === "close()") chat.close();
  else chat.restart();
}

function write() {
  const kind = /** @type {HTMLInputElement} */ (find("[name=kind]:checked")).value;
  find("#snippet").textContent = kind === "plain" ? plainFrame() : element(kind);
}

/** @param {string} kind script or frame */
function element(kind) {
  const inFrame = kind === "frame";
  const [file, tag] = inFrame ? ["frame.js", "manga-assist-frame"] : ["widget.js", "manga-assist"];
  const possible = [...attributes].filter(([name]) => !inFrame || [...SENT, ...SHOWN].includes(name));
  const set = possible.map(([name, value]) => ` ${name}="${escaped(value)}"`).join("");
  const inside = inFrame ? [] : [...slots].map((slot) => `  ${markup(slot)}\n`);
  const lines = [
    `<script type="module" src="${origin}/widget/v1/${file}"></script>`,
    `<${tag}${set}>${inside.length ? "\n" : ""}${inside.join("")}</${tag}>`,
  ];
  if (!inFrame && properties.size) {
    const rules = [...properties].map(([name, value]) => `  ${name}: ${value};`);
    lines.push("", "/* CSS */", `${tag} {`, ...rules, "}");
  }
  return lines.join("\n");
}

/** @param {[string, string]} slot its name and words */
function markup(slot) {
  const { localName, textContent } = filled(slot);
  const target = localName === "a" ? ' href="/"' : "";
  return `<${localName} slot="${slot[0]}"${target}>${escaped(textContent ?? "")}</${localName}>`;
}

function plainFrame() {
  const query = new URLSearchParams([...attributes].filter(([name]) => [...SHOWN, "mode"].includes(name)));
  const address = `${origin}/widget/v1/frame${query.size ? `?${query}` : ""}`;
  return `<iframe src="${escaped(address)}" title="MangaAssist" width="400" height="640"></iframe>`;
}

/** For a quoted attribute, and for text. @param {string} value */
function escaped(value) {
  return value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
