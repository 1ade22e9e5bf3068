const SHOWN_AFTER_MS = 1200;
const TRIES_BEFORE_PLAIN = 4;

/** Says how the connection is, and gives way to the page's plain form where no socket gets through. */
export class StatusLine {
  #composer;
  #text;
  #tab;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./composer.js").Composer} composer
   * @param {import("../strings/index.js").Text} text
   * @param {import("../types.js").Store} tab
   */
  constructor(composer, text, tab) {
    this.#composer = composer;
    this.#text = text;
    this.#tab = tab;
  }

  /** @param {Pick<import("../protocol/connection.js").Connection, "status" | "attempts">} connection */
  show({ status, attempts }) {
    const [composer, text] = [this.#composer, this.#text];
    clearTimeout(this.#timer);
    const cut = status === "refused" || (attempts >= TRIES_BEFORE_PLAIN && navigator.onLine);
    if (cut || status === "open") this.#tab.set("cut", status === "open" ? null : true);
    composer.offerPlain(Boolean(this.#tab.get("cut")));
    // A socket may look open for long after the network has gone.
    if (!navigator.onLine) composer.showStatus(text.offline);
    else if (status === "open" || status === "idle") composer.showStatus("");
    else if (status === "refused") composer.showStatus(text.refused);
    else if (status === "limited") composer.showStatus(text.problems.rate);
    else if (!composer.says) {
      // Most drops are over before anybody would read about them.
      const words = attempts ? text.reconnecting : text.connecting;
      this.#timer = setTimeout(() => composer.showStatus(words), SHOWN_AFTER_MS);
    }
  }
}
