import { icon } from "./dom.js";

/**
 * @typedef {import("../types.js").Card} Card
 */

const WAITS_MS = 5000;
const SHOWN_MS = 4000;

/** "Add to cart" on a card: the price that the shopper saw goes along, the button tells how it went. */
export class CartButtons {
  #conversation;
  #words;
  /** @type {{asin: string, button: HTMLButtonElement, restore: () => void} | null} */
  #clicked = null;

  /**
   * @param {import("../state/conversation.js").Conversation} conversation
   * @param {() => import("../strings/index.js").Text} words
   */
  constructor(conversation, words) {
    this.#conversation = conversation;
    this.#words = words;
  }

  /**
   * @param {Card} card
   * @param {HTMLButtonElement} button
   */
  add(card, button) {
    const words = button.textContent;
    const { adding } = this.#words();
    const restore = () => {
      button.disabled = false;
      button.textContent = words;
    };
    button.disabled = true;
    button.textContent = adding;
    const { asin, price } = card.data;
    this.#clicked = { asin, button, restore };
    const quoted = price && { quoted: { amount: price.amount, currency: price.currency } };
    this.#conversation.ask(
      { type: "action", action: "add_to_cart", message_id: card.message_id, card_id: card.card_id, ...quoted },
      { saved: () => setTimeout(() => button.textContent === adding && restore(), WAITS_MS), failed: restore },
    );
  }

  /**
   * The server's word on a click.
   * @param {string} asin
   * @param {boolean} added
   */
  answered(asin, added) {
    const clicked = this.#clicked?.asin === asin ? this.#clicked : null;
    this.#clicked = null;
    clicked?.restore();
    if (!clicked || !added) return;
    clicked.button.replaceChildren(icon("check", 16), this.#words().added);
    setTimeout(clicked.restore, SHOWN_MS);
  }
}
