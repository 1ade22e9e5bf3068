/**
 * @typedef {import("../types.js").Entry} Entry
 * @typedef {import("../types.js").Message} Message
 */

/**
 * What the shopper has just said.
 * @param {string} content
 * @param {string} id client_msg_id
 * @returns {Entry}
 */
export function mine(content, id) {
  return { role: "user", content, client_msg_id: id, state: "sending", at: new Date().toISOString() };
}

/**
 * An answer that begins.
 * @param {string} turnId
 * @returns {Entry}
 */
export function theirs(turnId) {
  const at = new Date().toISOString();
  return { role: "assistant", content: "", cards: [], turn_id: turnId, state: "sent", streaming: true, at };
}

/**
 * Whether a stored message is what an entry shows already: as its echo, its stream, or itself.
 * @param {Entry} entry
 * @param {Message} message
 */
export function isSame(entry, { message_id: id, client_msg_id: clientId, turn_id: turnId, role, content }) {
  return (
    (id && entry.message_id === id) ||
    (clientId && entry.client_msg_id === clientId) ||
    // The end of a handoff is told at once, and stored as well for who was away.
    (role === "system" && entry.handoff && !entry.message_id && entry.content === content) ||
    (role === "assistant" && turnId && entry.role === role && entry.turn_id === turnId)
  );
}
