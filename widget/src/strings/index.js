import { en } from "./en.js";
import { ja } from "./ja.js";

/** @typedef {typeof en} Text */

/** @type {Record<"en" | "ja", Text>} */
export const STRINGS = { en, ja };

/**
 * "…{name}…" with its values; a slot without a value stays.
 * @param {string} template
 * @param {Record<string, string | number>} values
 */
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (slot, name) => (name in values ? String(values[name]) : slot));
}

/**
 * The nearest language that the widget speaks to a BCP 47 tag.
 * @param {string} tag
 * @returns {"en" | "ja"}
 */
export function spoken(tag) {
  return tag.toLowerCase().startsWith("ja") ? "ja" : "en";
}
