import { el } from "./dom.js";

/**
 * Theme and brand colour.
 * @param {HTMLElement} root
 * @param {{theme: string | null, accent: string | null}} wished
 */
export function paint(root, { theme, accent }) {
  const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
  for (const name of ["--accent", "--on-accent"]) root.style.removeProperty(name);
  if (!accent || !CSS.supports("color", accent)) return;
  root.style.setProperty("--accent", accent);
  root.style.setProperty("--on-accent", readableOn(accent));
}

/** On phones the panel fills what the keyboard leaves. @param {HTMLElement} root */
export function fitViewport(root) {
  if (!visualViewport || visualViewport.scale > 1.01) return; // a reader who zooms in keeps the layout
  root.style.setProperty("--seen-height", `${visualViewport.height}px`);
  root.style.setProperty("--seen-top", `${visualViewport.offsetTop}px`);
}

/** mobile, tablet or desktop, as far as a page can tell. */
export function guessDevice() {
  if (!matchMedia("(pointer: coarse)").matches) return "desktop";
  return Math.min(screen.width, screen.height) < 600 ? "mobile" : "tablet";
}

/** Black or white, whichever reads better on a colour (WCAG 2 relative luminance). @param {string} colour CSS */
function readableOn(colour) {
  const brush = el("canvas", { width: "1", height: "1" }).getContext("2d", { willReadFrequently: true });
  if (!brush) return "#fff";
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...brush.getImageData(0, 0, 1, 1).data].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "#fff" : "#000";
}
