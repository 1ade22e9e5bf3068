// A plot's reading aid: the values of the point under the pointer, or of the one that the arrow keys have come to.
// They are read from the table below the plot, which says the same without any script.

function follow(figure) {
  const shapes = figure.querySelector("[data-shapes]");
  if (!shapes) return;
  const cursor = shapes.querySelector("[data-cursor]");
  const tip = shapes.querySelector("[data-tip]");
  const names = [...figure.querySelectorAll("thead th")].slice(1).map((cell) => cell.textContent);
  const rows = [...figure.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent));
  let place = -1;

  function show(next) {
    if (next === place) return;
    place = next;
    const [when, ...values] = rows[place];
    const title = document.createElement("strong");
    title.textContent = when;
    const lines = values.map((value, index) => {
      const line = document.createElement("span");
      const name = document.createElement("i");
      name.textContent = names[index];
      const figureOf = document.createElement("b");
      figureOf.textContent = value;
      line.append(name, " ", figureOf);
      return line;
    });
    tip.replaceChildren(title, ...lines);
    cursor.hidden = tip.hidden = false;
    const x = ((place + 0.5) / rows.length) * shapes.clientWidth;
    cursor.style.left = `${x}px`;
    // Beside the pointer, on the side with more room, and never outside of the plot.
    const left = x > shapes.clientWidth / 2 ? x - tip.offsetWidth - 12 : x + 12;
    tip.style.left = `${Math.max(0, Math.min(left, shapes.clientWidth - tip.offsetWidth))}px`;
  }

  function hide() {
    place = -1;
    cursor.hidden = tip.hidden = true;
  }

  shapes.addEventListener("pointermove", (event) => {
    const { left, width } = shapes.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * rows.length);
    show(Math.max(0, Math.min(rows.length - 1, at)));
  });
  shapes.addEventListener("pointerleave", hide);
  shapes.addEventListener("blur", hide);
  shapes.addEventListener("keydown", (event) => {
    const last = rows.length - 1;
    const from = place < 0 ? last + 1 : place;
    const to = { ArrowLeft: from - 1, ArrowRight: place < 0 ? 0 : from + 1, Home: 0, End: last }[event.key];
    if (event.key === "Escape") hide();
    if (to === undefined) return;
    event.preventDefault();
    show(Math.max(0, Math.min(last, to)));
  });
}

document.querySelectorAll("[data-plot]").forEach(follow);
