/** The documentation page: what one sets there is set on the widget of the same page, and written as code to copy. */

import { EVENTS } from "../events.js";
import { SENT } from "../frame/messages.js";

const LOG_LINES = 20;

/** @template {HTMLElement} T @param {string} selector @returns {T} */
const find = (selector) => /** @type {T} */ (document.querySelector(selector));

const chat = /** @type {import("../element.js").MangaAssist} */ (find("manga-assist"));
const origin = find("main").dataset.origin ?? location.origin;
/** @type {Map<string, string>} */
const attributes = new Map();
/** @type {Map<string, string>} */
const properties = new Map();

for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-attributes]"))) {
  field.addEventListener("input", () => {
    const { attributes: name = "" } = field.dataset;
    keep(attributes, name, field.value);
    if (field.value) chat.setAttribute(name, field.value);
    else chat.removeAttribute(name);
    write();
  });
}
for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-properties]"))) {
  field.addEventListener("input", () => {
    const { properties: name = "" } = field.dataset;
    const value = field.type === "range" ? `${field.value}px` : field.value;
    keep(properties, name, value);
    if (value) chat.style.setProperty(name, value);
    else chat.style.removeProperty(name);
    write();
  });
}
for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-method]"))) {
  button.addEventListener("click", () => run(button.dataset.method ?? ""));
}
for (const name of EVENTS) {
  addEventListener(`manga-assist:${name}`, (event) => {
    const line = document.createElement("p");
    line.textContent = `manga-assist:${name} ${JSON.stringify(/** @type {CustomEvent} */ (event).detail)}`;
    const log = find("#log");
    log.prepend(line);
    while (log.children.length > LOG_LINES) log.lastElementChild?.remove();
  });
}
for (const field of document.querySelectorAll("[name=kind]")) field.addEventListener("change", write);
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

/** @param {string} method as documented */
function run(method) {
  if (method === "open()") chat.open();
  else if (method === "close()") chat.close();
  else if (method === "restart()") chat.restart();
  else chat.ask(document.documentElement.lang === "ja" ? "おすすめのマンガを教えてください" : "Recommend me a manga");
}

function write() {
  const kind = /** @type {HTMLInputElement} */ (find("[name=kind]:checked")).value;
  find("#snippet").textContent = kind === "plain" ? plainFrame() : element(kind);
}

/** @param {string} kind script or frame */
function element(kind) {
  const [file, tag] = kind === "frame" ? ["frame.js", "manga-assist-frame"] : ["widget.js", "manga-assist"];
  const set = [...attributes].map(([name, value]) => ` ${name}="${escaped(value)}"`).join("");
  const lines = [`<script type="module" src="${origin}/widget/v1/${file}"></script>`, `<${tag}${set}></${tag}>`];
  if (kind === "script" && properties.size) {
    const rules = [...properties].map(([name, value]) => `  ${name}: ${value};`);
    lines.push("", "/* CSS */", `${tag} {`, ...rules, "}");
  }
  return lines.join("\n");
}

function plainFrame() {
  const query = new URLSearchParams([...attributes].filter(([name]) => !SENT.includes(name)));
  const address = `${origin}/widget/v1/frame${query.size ? `?${query}` : ""}`;
  return `<iframe src="${escaped(address)}" title="MangaAssist" width="400" height="640"></iframe>`;
}

/** For a quoted attribute. @param {string} value */
function escaped(value) {
  return value.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
