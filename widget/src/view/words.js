import { el } from "./dom.js";

/**
 * An http(s) address, relative ones against the server that speaks; "" for any other (javascript:, data:, …).
 * @param {string} url
 * @param {string} base
 */
export function safeUrl(url, base) {
  try {
    const address = new URL(url, base);
    return ["http:", "https:"].includes(address.protocol) ? address.href : "";
  } catch {
    return "";
  }
}

/**
 * A link; to another site, or out of a frame, it opens a tab of its own. Without a good address: the bare words.
 * @param {unknown} url
 * @param {string} base
 * @param {Record<string, any>} attributes
 * @param {...(import("./dom.js").Child | import("./dom.js").Child[])} children
 */
export function link(url, base, attributes, ...children) {
  const href = typeof url === "string" && url ? safeUrl(url, base) : "";
  if (!href) return el("span", attributes, ...children);
  const elsewhere = new URL(href).origin !== location.origin || window.top !== window;
  return el("a", { ...attributes, href, ...(elsewhere && { target: "_blank", rel: "noopener noreferrer" }) }, ...children);
}

const INLINE = /\*\*([^*\n]+)\*\*|\[([^\]\n]+)\]\(([^()\s]+)\)|(https?:\/\/[^\s<>"'()（）「」『』、。]+)/g;

/**
 * @param {string} text
 * @param {string} base
 */
function inline(text, base) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [all, bold, label, target, address] = match;
    parts.push(text.slice(from, match.index));
    from = match.index + all.length;
    if (bold) parts.push(el("strong", {}, bold));
    else if (label) parts.push(link(target, base, {}, label));
    else {
      const [, url = "", tail = ""] = /^(.*?)([.,;:!?]*)$/.exec(address) ?? [];
      parts.push(link(url, base, {}, url), tail);
    }
  }
  return [...parts, text.slice(from)];
}

/**
 * Paragraphs, "- " and "1. " lists, **bold** and links, built as elements: no markup in the text is ever parsed.
 * @param {string} text
 * @param {string} base
 */
export function formatted(text, base) {
  const blocks = new DocumentFragment();
  let list = /** @type {HTMLElement | null} */ (null);
  let paragraph = /** @type {HTMLElement | null} */ (null);
  for (const line of String(text).split("\n")) {
    const bullet = /^\s*(?:[-*•]\s+|・\s*)(.+)$/.exec(line);
    const numbered = /^\s*\d{1,3}[.)]\s+(.+)$/.exec(line);
    const item = bullet ?? numbered;
    if (item) {
      const tag = bullet ? "ul" : "ol";
      if (list?.localName !== tag) blocks.append((list = el(tag)));
      list.append(el("li", {}, inline(item[1], base)));
      paragraph = null;
    } else if (!line.trim()) {
      paragraph = list = null;
    } else if (paragraph) {
      paragraph.append(el("br"), ...inline(line, base));
    } else {
      blocks.append((paragraph = el("p", {}, inline(line, base))));
      list = null;
    }
  }
  return blocks;
}

/**
 * A word of a table of the strings; "": none.
 * @param {Record<string, string>} words
 * @param {unknown} key
 */
export function said(words, key) {
  return typeof key === "string" && Object.hasOwn(words, key) ? words[key] : "";
}
