import { ICONS } from "./icons.js";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An element; `on…` attributes are listeners, null and false ones are left out, as are such children. A button submits
 * nothing unless it says so.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} attributes
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  /** @type {Record<string, any>} */
  const all = { ...(tag === "button" && { type: "button" }), ...attributes };
  for (const [name, value] of Object.entries(all)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child || child === 0) node.append(/** @type {Node | string} */ (child));
  return node;
}

/**
 * @param {keyof typeof ICONS} name
 * @param {number} size pixels
 */
export function icon(name, size = 20) {
  return svg({ viewBox: "0 0 24 24", width: size, height: size, class: `icon icon-${name}` }, [["path", { d: ICONS[name] }]]);
}

/**
 * @param {Record<string, string | number>} attributes
 * @param {[string, Record<string, string>][]} shapes
 */
function svg(attributes, shapes) {
  /**
   * @param {string} tag
   * @param {Record<string, string | number>} values
   */
  const make = (tag, values) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(values)) node.setAttribute(name, String(value));
    return node;
  };
  const node = make("svg", { ...attributes, "aria-hidden": "true", focusable: "false" });
  node.append(...shapes.map(([tag, values]) => make(tag, values)));
  return node;
}

/** @type {[string, Record<string, string>][]} */
const BOOK = [
  ["path", { class: "mark-book", d: "M24 15.5c-2.6-2-6.2-2.8-10.5-2.5v13.5c4.3-.3 7.9.5 10.5 2.5 2.6-2 6.2-2.8 10.5-2.5V13c-4.3-.3-7.9.5-10.5 2.5z" }],
  ["path", { class: "mark-fold", d: "M24 15.5V29" }],
];
const BALLOON = "M24 4c11.6 0 20 6.9 20 16.2S35.6 36.4 24 36.4c-2 0-3.9-.2-5.7-.6L8.5 43l1.9-10.3C6.5 29.7 4 25.3 4 20.2 4 10.9 12.4 4 24 4z";

/** The mark: a speech balloon that reads a book. @param {number} size pixels */
export function mark(size) {
  return svg({ viewBox: "0 0 48 48", width: size, height: size, class: "mark" }, [
    ["path", { class: "mark-balloon", d: BALLOON }],
    ...BOOK,
  ]);
}

/** The mark's book alone, for the launcher, which is a balloon itself. @param {number} size pixels */
export function book(size) {
  return svg({ viewBox: "9 6 30 30", width: size, height: size, class: "mark" }, BOOK);
}

/**
 * @param {keyof typeof ICONS} name
 * @param {string} label
 * @param {() => void} onclick
 * @param {string} look more classes; "turned": the icon stands on its head
 */
export function iconButton(name, label, onclick, look = "") {
  return el("button", { class: `icon-button ${look}`, "aria-label": label, title: label, onclick }, icon(name));
}

/** Whether a finger, not a pointer, does the pointing here. */
export function onTouchScreen() {
  return matchMedia("(pointer: coarse)").matches;
}
