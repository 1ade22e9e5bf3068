import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../src/state/conversation.js";
import { Clock, READY } from "./surroundings.js";

/** A conversation, what it sent and what it told. */
function begun({ unacknowledged = [] } = {}) {
  const clock = new Clock();
  const sent = [];
  const signals = [];
  const told = [];
  const heard = [];
  const notices = [];
  const connection = { send: (frame) => sent.push(frame), signal: (frame) => signals.push(frame), unacknowledged };
  const nothing = () => {};
  const watcher = {
    entryChanged: nothing, entryRemoved: nothing, textGrew: nothing, everythingChanged: nothing, stateChanged: nothing,
    heard: ({ role, content }) => heard.push([role, content]),
    noticed: (code) => notices.push(code),
    told: (name, detail) => told.push([name, detail]),
  };
  const conversation = new Conversation(watcher, connection, clock);
  const say = (...frames) => frames.forEach((frame) => conversation.receive(frame));
  const shown = () => conversation.entries.map(({ role, content, state }) => `${role} ${state}: ${content}`);
  return { conversation, clock, sent, signals, told, heard, notices, say, shown };
}

const indicator = { type: "typing_indicator", turn_id: "t", seq: 1, message: "MangaAssist is thinking..." };
const delta = (text, seq = 2) => ({ type: "delta", turn_id: "t", seq, text });
const response = (more = {}) => ({
  type: "response", turn_id: "t", seq: 9, message_id: "a-1", content: "One two.", cards: [], quick_replies: ["More"],
  citations: [], status: "complete", ...more,
});

test("a message is shown at once, and once", () => {
  const { conversation, sent, say, shown } = begun();
  conversation.post("hello", "en");
  assert.deepEqual(shown(), ["user sending: hello"]);
  const { client_msg_id: id } = sent[0];
  say({ type: "accepted", client_msg_id: id, message_id: "m-1", turn_id: "t", duplicate: false });
  say({ type: "message", client_msg_id: id, message_id: "m-1", role: "user", content: "hello" });
  say({ ...READY, messages: [{ message_id: "m-1", role: "user", content: "hello" }] });
  assert.deepEqual(shown(), ["user sent: hello"]);
});

test("the answer replaces what was streamed", () => {
  const { conversation, say, shown, heard } = begun();
  say(indicator, delta("One "), delta("tw", 3));
  assert.deepEqual(shown(), ["assistant sent: One tw"]);
  assert.equal(conversation.entries[0].streaming, true);
  say(response());
  assert.deepEqual(shown(), ["assistant sent: One two."]);
  assert.equal(conversation.entries[0].streaming, false);
  assert.deepEqual(heard, [["assistant", "One two."]]);
  assert.deepEqual(conversation.quickReplies, ["More"]);
});

test("typing is told in the server's words and ends with the first word of the answer", () => {
  const { conversation, say } = begun();
  say(indicator);
  assert.deepEqual(conversation.typing, { by: "turn", words: "MangaAssist is thinking..." });
  say(delta("One"));
  assert.deepEqual(conversation.typing, { by: "", words: "" });
});

test("typing ends by itself when no answer ever comes, and the question can be asked again", async () => {
  const { conversation, clock, say, heard } = begun();
  conversation.post("hello", "en");
  say(indicator);
  await clock.pass(44_999);
  assert.equal(conversation.typing.by, "turn");
  await clock.pass(1);
  assert.equal(conversation.typing.by, "");
  assert.equal(conversation.turns.size, 0);
  const failed = conversation.entries.at(-1);
  assert.deepEqual([failed.status, failed.retryable, failed.content], ["failed", true, ""]);
  assert.deepEqual(heard, [["assistant", ""]]);
});

test("after a reconnect a turn that nobody runs any more ends within seconds", async () => {
  const { conversation, clock, say } = begun();
  say(READY, indicator, { ...READY, active_turn: null });
  await clock.pass(10_000);
  assert.equal(conversation.turns.size, 0);
  assert.equal(conversation.entries.at(-1).status, "failed");
});

test("an agent's typing ends by itself too", async () => {
  const { conversation, clock, say } = begun();
  say({ type: "typing", active: true, name: "Aiko" });
  assert.deepEqual(conversation.typing, { by: "agent", words: "Aiko" });
  await clock.pass(8000);
  assert.equal(conversation.typing.by, "");
});

test("a card comes once, and goes with a failure", () => {
  const { conversation, say } = begun();
  const card = { type: "card", turn_id: "t", seq: 2, card_id: "c", kind: "product", data: { asin: "B" } };
  say(indicator, card, { ...card, seq: 3 });
  assert.equal(conversation.entries[0].cards.length, 1);
  say({ type: "error", turn_id: "t", code: "internal", message: "It broke.", retryable: true });
  assert.deepEqual(conversation.entries[0].cards, []);
  assert.deepEqual([conversation.entries[0].content, conversation.entries[0].problem], ["", "internal"]);
});

test("an opinion given before, or in another tab, is shown here", () => {
  const { conversation, say } = begun();
  const answer = { role: "assistant", content: "One." };
  say({ ...READY, messages: [{ ...answer, message_id: "a-1", turn_id: "s", rating: "up" }, { ...answer, message_id: "a-2", turn_id: "t" }] });
  say({ type: "feedback", message_id: "a-2", rating: "down", reason: "other" }, { type: "feedback", message_id: "gone", rating: "up" });
  const shown = () => conversation.entries.map(({ rating, reason }) => [rating, reason]);
  assert.deepEqual(shown(), [["up", undefined], ["down", "other"]]);
  say({ type: "feedback", message_id: "a-2", rating: null });
  assert.deepEqual(shown()[1], [null, undefined]);
});

test("an error says which message was not taken, and when to try again", () => {
  const { conversation, sent, say } = begun();
  conversation.post("hello", "en");
  say({ type: "error", code: "rate", message: "Slowly.", client_msg_id: sent[0].client_msg_id, retryable: true, retry_after_ms: 900 });
  const [entry] = conversation.entries;
  assert.deepEqual([entry.state, entry.problem, entry.wait], ["failed", "rate", 900]);
  conversation.remove(entry);
  assert.deepEqual(conversation.entries, []);
  conversation.post(entry.content, "en", entry.client_msg_id);
  assert.deepEqual(sent[1], sent[0]);
  say({ type: "accepted", client_msg_id: sent[0].client_msg_id, message_id: "m-1", turn_id: "t", duplicate: true });
  assert.deepEqual(conversation.entries.map(({ state }) => state), ["sent"]);
});

test("an error without an address is a notice; one of the connection is none", () => {
  const { notices, say } = begun();
  say({ type: "error", code: "bad_frame", message: "What?" }, { type: "error", code: "token", message: "Expired." });
  assert.deepEqual(notices, ["bad_frame"]);
});

test("a stop is repeated until its turn has ended", () => {
  const { conversation, signals, say } = begun();
  say(indicator);
  conversation.stop();
  conversation.repeatStop();
  say(response({ status: "stopped" }));
  conversation.repeatStop();
  assert.deepEqual(signals, [{ type: "stop", turn_id: "t" }, { type: "stop", turn_id: "t" }]);
  assert.equal(conversation.entries[0].status, "stopped");
});

test("what the tab could not deliver is shown on its next page, after what the server knows", () => {
  const { conversation, say, shown } = begun({ unacknowledged: [{ client_msg_id: "m-2", text: "later" }] });
  conversation.recall();
  say({ ...READY, messages: [{ message_id: "m-1", role: "user", content: "before" }] });
  assert.deepEqual(shown(), ["user sent: before", "user sending: later"]);
});

test("what came while the page was away is heard; what it first finds is history", () => {
  const { say, heard } = begun();
  const old = { message_id: "a-0", role: "assistant", content: "Old." };
  say({ ...READY, messages: [old] });
  say({ ...READY, messages: [old, { message_id: "a-1", role: "agent", content: "Are you there?" }] });
  assert.deepEqual(heard, [["agent", "Are you there?"]]);
});

test("a reset keeps only what was not sent", () => {
  const { conversation, say, shown } = begun();
  say({ ...READY, messages: [{ message_id: "a-0", role: "assistant", content: "Old." }] });
  conversation.post("new", "en");
  say({ ...READY, reset: true });
  assert.deepEqual(shown(), ["user sending: new"]);
});

test("a handoff is told once, with place and name", () => {
  const { conversation, told, say, shown } = begun();
  say({ type: "handoff_state", state: "queued", message: "You are in the queue.", position: 2, estimated_wait: 240 });
  say({ type: "handoff_state", state: "queued", message: "You are in the queue.", position: 1, estimated_wait: 120 });
  say({ type: "handoff_state", state: "agent", message: "Aiko is here.", agent_name: "Aiko" });
  assert.deepEqual(shown(), ["system sent: You are in the queue.", "system sent: Aiko is here."]);
  assert.equal(conversation.handoff.agent_name, "Aiko");
  assert.deepEqual(told.map(([name, { position, agent_name }]) => [name, position, agent_name]), [
    ["handoff", 2, null], ["handoff", 1, null], ["handoff", null, "Aiko"],
  ]);
});

test("what a turn has said of a handoff is not said again by the frame after it", () => {
  const { say, shown } = begun();
  say(indicator, response({ content: "A person will come. Expect to wait about 4 minutes." }));
  say({ type: "handoff_state", state: "queued", message: "A person will come.", position: 1 });
  assert.deepEqual(shown(), ["assistant sent: A person will come. Expect to wait about 4 minutes."]);
  say({ type: "handoff_state", state: "agent", message: "Aiko is here.", agent_name: "Aiko" });
  assert.equal(shown().at(-1), "system sent: Aiko is here.");
});

test("who cancels and asks for a person again is told again", () => {
  const { say, shown } = begun();
  say(indicator, response({ content: "A person will come." }));
  say({ type: "handoff_state", state: "queued", message: "A person will come.", position: 1 });
  say({ type: "handoff_state", state: "bot", message: "Cancelled." });
  say({ type: "handoff_state", state: "queued", message: "A person will come.", position: 1 });
  assert.deepEqual(shown(), [
    "assistant sent: A person will come.", "system sent: Cancelled.", "system sent: A person will come.",
  ]);
});

test("what is asked for is answered once, well or badly", () => {
  const { conversation, sent, say } = begun();
  const answers = [];
  const then = (name) => ({ saved: () => answers.push(`${name} saved`), failed: () => answers.push(`${name} failed`) });
  for (const name of ["first", "second", "third"]) conversation.ask({ type: "feedback" }, then(name));
  const [first, second] = sent.map(({ client_msg_id: id }) => id);
  say({ type: "saved", client_msg_id: first }, { type: "saved", client_msg_id: first });
  say({ type: "error", code: "rate", message: "", client_msg_id: second });
  say({ type: "error", code: "internal", message: "Oh." });
  assert.deepEqual(answers, ["first saved", "second failed", "third failed"]);
});

test("what the shop has decided comes with the greeting, and a server that decides nothing leaves the widget's own", () => {
  const { conversation, say } = begun();
  say(READY);
  assert.deepEqual(conversation.assistant, {});
  const assistant = { greeting: { en: "Welcome to the Ink Cellar!" }, replies: { en: ["New this week?"] }, off: "handoff" };
  say({ ...READY, assistant });
  assert.deepEqual(conversation.assistant, assistant);
});
