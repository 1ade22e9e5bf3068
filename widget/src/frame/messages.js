/**
 * What the two sides of an iframe embed say to each other by postMessage. Each message is {manga_assist: 1, …}:
 *
 *   page → frame   hello {attributes} · set {name, value} · call {name: open | close | ask | restart, words}
 *   frame → page   event {name, detail} · size {open, width, height} (pixels that the launcher needs)
 *
 * The frame answers the page that said hello and no other; both look at the other's window and origin.
 */

/** @typedef {{say: "hello" | "set" | "call" | "event" | "size", [field: string]: any}} Message */

/**
 * The message in an event, if it is one of ours from that window and an origin that may speak.
 * @param {MessageEvent} event
 * @param {MessageEventSource | null | undefined} from
 * @param {string[]} origins
 * @returns {Message | null}
 */
export function read({ data, source, origin }, from, origins) {
  const isOurs = from && source === from && origins.includes(origin) && data?.manga_assist === 1;
  return isOurs && typeof data.say === "string" ? data : null;
}

/**
 * @param {Window | null} to
 * @param {string} origin
 * @param {Message} message
 */
export function post(to, origin, message) {
  to?.postMessage({ manga_assist: 1, ...message }, origin);
}

/** Attributes that travel by message only: they do not belong into an address. */
export const SENT = ["identity", "context"];

/** Attributes that the frame's address may carry. */
export const SHOWN = ["lang", "theme", "title", "greeting", "accent", "position", "launcher", "launcher-label"];
