/** What every part of the desk uses: its words, elements, formats, and what this browser keeps. */

export const W = JSON.parse(document.getElementById("desk-words").textContent);

export const LANG = document.documentElement.lang;

export const $ = (id) => document.getElementById(id);

/** @param {Record<string, any>} [props] attributes; `on…` are listeners; null and false are left out */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ""));
  return node;
}

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));

export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Kept in this browser; without storage (a private window) it lasts as long as the page. */
export function kept(store, key, otherwise) {
  let value = otherwise;
  const read = () => {
    try {
      value = { ...otherwise, ...JSON.parse(store.getItem(key) ?? "{}") };
    } catch {
      value = otherwise;
    }
    return value;
  };
  return {
    read,
    write(next) {
      value = next;
      try {
        store.setItem(key, JSON.stringify(next));
      } catch {
        // Full or forbidden: the page still has it.
      }
    },
  };
}

export const day = new Intl.DateTimeFormat(LANG, { dateStyle: "medium" });

export const clock = new Intl.DateTimeFormat(LANG, { timeStyle: "short" });

export const money = ({ amount, currency }) => new Intl.NumberFormat(LANG, { style: "currency", currency }).format(Number(amount));

/** 0:42, 12:05, 3:10:00. */
export function age(since) {
  const s = Math.max(0, Math.floor((Date.now() - Date.parse(since)) / 1000));
  const two = (n) => String(n).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** An address that is a page and no script. */
export function safeUrl(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

export function announce(text) {
  const said = el("p", {}, text);
  $("announcer").append(said);
  setTimeout(() => said.remove(), 1500);
}
