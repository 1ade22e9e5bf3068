/** Everything that the chat tells its page, each as "manga-assist:…". */
export const EVENTS = [
  "ready", "open", "close", "message", "unread", "product-click", "add-to-cart", "cart", "handoff", "feedback", "language",
  "restart",
];

/** Those whose usual consequence the page may prevent. */
export const CANCELABLE = ["product-click", "add-to-cart"];
