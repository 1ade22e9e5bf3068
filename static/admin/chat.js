// Comforts of the operator's pages of chat: every one of them works without it, with a link or a button.
"use strict";

// A trace is fetched when it is opened, once.
document.addEventListener(
  "toggle",
  async (event) => {
    const details = event.target;
    if (!(details instanceof HTMLDetailsElement) || !details.open || !details.dataset.src) return;
    const source = details.dataset.src;
    delete details.dataset.src;
    try {
      const answer = await fetch(source, { headers: { "X-Requested-With": "fetch" }, redirect: "error" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      details.querySelector(".ma-trace-place").replaceChildren(...page.body.childNodes);
    } catch {
      details.dataset.src = source; // The link in its place leads to the same; opened again, it is tried again.
    }
  },
  true,
);

// A link is selected by a touch, so that it is copied with one key.
document.addEventListener("focusin", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.readOnly) event.target.select();
});

// The queue by keyboard, where it is wanted: single keys can be switched off (WCAG 2.1.4), and never act while one types.
const review = document.getElementById("ma-review");
if (review) {
  const on = document.getElementById("ma-keys-on");
  on.checked = localStorage.getItem("ma-keys") !== "off";
  on.addEventListener("change", () => localStorage.setItem("ma-keys", on.checked ? "on" : "off"));
  const press = (id) => document.getElementById(id)?.click();
  const keys = {
    j: () => press("ma-older"),
    k: () => press("ma-newer"),
    r: () => press("ma-resolve"),
    n: () => document.getElementById("ma-note").focus(),
    a: () => {
      const to = document.getElementById("ma-to");
      to.value = to.dataset.me;
    },
  };
  document.addEventListener("keydown", (event) => {
    if (!on.checked || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (/^[1-9]$/.test(event.key)) {
      const cause = review.querySelectorAll("input[name=label]")[Number(event.key)];
      if (cause) cause.checked = true;
    } else if (Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}
