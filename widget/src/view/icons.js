/** Paths on a 24 by 24 grid, drawn as strokes; the style sheet turns some of them for their opposites. */
export const ICONS = {
  close: "M6 6l12 12M18 6L6 18",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  send: "M12 19V5.5M6 11l6-6 6 6",
  stop: "M7.5 7.5h9v9h-9z",
  up: "M7 10.5V20H4v-9.5h3zm0 0L11 3.5c1.5 0 2.5 1 2.2 2.6L12.6 9H18c1.3 0 2.2 1.1 1.9 2.4l-1.5 6.7c-.2 1.1-1.1 1.9-2.2 1.9H7",
  left: "M14.5 5.5L8 12l6.5 6.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  retry: "M20 12a8 8 0 1 1-2.5-5.8M20 3.5v4.5h-4.5",
};
