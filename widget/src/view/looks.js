import { el } from "./dom.js";

/**
 * Theme, side and brand colour: the attribute's, or the page's --manga-assist-accent.
 * @param {HTMLElement} root
 * @param {{theme: string | null, accent: string | null, position: string | null}} wished
 */
export function paint(root, { theme, accent, position }) {
  const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "dark" : "light";
  root.dataset.side = position ?? "";
  for (const name of ["--accent", "--on-accent"]) root.style.removeProperty(name);
  const colour = accent || getComputedStyle(root).getPropertyValue("--manga-assist-accent").trim();
  if (!colour || !CSS.supports("color", colour)) return;
  root.style.setProperty("--accent", colour);
  root.style.setProperty("--on-accent", readableOn(colour));
}

/** On phones the panel fills what the keyboard leaves. @param {HTMLElement} root */
export function fitViewport(root) {
  if (!visualViewport || visualViewport.scale > 1.01) return; // a reader who zooms in keeps the layout
  root.style.setProperty("--seen-height", `${visualViewport.height}px`);
  root.style.setProperty("--seen-top", `${visualViewport.offsetTop}px`);
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
