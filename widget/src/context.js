/** mobile, tablet or desktop, as far as a page can tell. */
export function guessDevice() {
  if (!matchMedia("(pointer: coarse)").matches) return "desktop";
  return Math.min(screen.width, screen.height) < 600 ? "mobile" : "tablet";
}

/** The attribute `context`; what is no JSON object says nothing. @param {string | null} attribute */
export function readContext(attribute) {
  try {
    const value = JSON.parse(attribute || "{}");
    return value && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}
