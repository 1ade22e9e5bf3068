import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, pauseBefore } from "../src/protocol/connection.js";
import { READY, settled, Shelf, surroundings } from "./surroundings.js";

/** A connection that is open, unless `greeted` is false. */
async function connected({ greeted = true, world = surroundings(), device = new Shelf(), tab = new Shelf() } = {}) {
  const frames = [];
  const statuses = [];
  const connection = new Connection(
    {
      endpoint: "wss://shop/ws/chat/", tokenUrl: "https://shop/widget/v1/token", identity: () => world.identity ?? "",
      context: () => ({ locale: "en" }), onframe: (frame) => frames.push(frame), onstatus: (status) => statuses.push(status),
    },
    { device, tab },
    world,
  );
  connection.start();
  await settled();
  const socket = () => world.sockets.at(-1);
  const greet = (ready = {}) => {
    socket().open();
    socket().say({ ...READY, ...ready });
  };
  if (greeted) greet();
  return { connection, frames, statuses, socket, greet, world, device, tab, clock: world.clock };
}

const MESSAGE = { type: "user_message", client_msg_id: "m-1", text: "hello", lang: "en" };
const accepted = (id, turnId = "t-1", duplicate = false) => ({
  type: "accepted", client_msg_id: id, message_id: `stored-${id}`, turn_id: turnId, duplicate,
});
const types = (frames) => frames.map(({ type }) => type);

test("the first frame is hello, with the token and nothing to resume", async () => {
  const { socket, statuses } = await connected();
  assert.deepEqual(socket().sent, [{ type: "hello", v: 1, token: "token-1", caps: ["stream", "cards"] }]);
  assert.deepEqual(statuses, ["connecting", "open"]);
});

test("what is said before the greeting goes out after it", async () => {
  const { connection, socket, greet } = await connected({ greeted: false });
  connection.send(MESSAGE);
  assert.deepEqual(socket().frames("user_message"), []);
  greet();
  assert.deepEqual(socket().frames("user_message"), [MESSAGE]);
});

test("a message is sent again under the same id until it is accepted, then never", async () => {
  const { connection, socket, clock } = await connected();
  connection.send(MESSAGE);
  await clock.pass(11_000);
  socket().say({ type: "pong" });
  assert.deepEqual(socket().frames("user_message"), [MESSAGE, MESSAGE]);
  socket().say(accepted("m-1", "t-1", true));
  await clock.pass(20_000);
  assert.equal(socket().frames("user_message").length, 2);
});

test("what nobody ever acknowledges is told to have failed, with its id", async () => {
  const { connection, frames, socket, clock } = await connected();
  connection.send(MESSAGE);
  for (let second = 0; second < 60; second += 1) {
    await clock.pass(1000);
    socket().say({ type: "pong" });
  }
  const lost = { type: "error", code: "not_sent", message: "", client_msg_id: "m-1", retryable: true };
  assert.deepEqual(frames.filter(({ type }) => type === "error"), [lost]);
  assert.equal(socket().frames("user_message").length, 4);
});

test("a server that restarts takes nothing along: the same frame goes out again, in time or to the next one", async () => {
  const { connection, frames, socket, greet, clock } = await connected();
  const restarting = { type: "error", code: "restarting", client_msg_id: "m-1", retryable: true, retry_after_ms: 1000 };
  connection.send(MESSAGE);
  for (let sends = 1; sends < 8; sends += 1) {
    assert.deepEqual(socket().frames("user_message").length, sends);
    socket().say(restarting);
    await clock.pass(4000);
    socket().say({ type: "pong" });
    assert.equal(socket().frames("user_message").at(-1).client_msg_id, "m-1");
  }
  socket().say(restarting);
  socket().lose(1012);
  await clock.pass(400);
  greet();
  assert.deepEqual(socket().frames("user_message"), [MESSAGE]);
  assert.deepEqual(frames.filter(({ type }) => type === "error"), []);
});

test("a server that is busy is asked again by itself when it said, and in the end the shopper hears it", async () => {
  const { connection, frames, socket, clock } = await connected();
  const busy = { type: "error", code: "busy", client_msg_id: "m-1", retryable: true, retry_after_ms: 9000 };
  const asked = () => socket().frames("user_message").length;
  const pass = async (ms) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      await clock.pass(1000);
      socket().say({ type: "pong" });
    }
  };
  connection.send(MESSAGE);
  for (const sends of [1, 2, 3]) {
    socket().say(busy);
    await pass(8000);
    assert.equal(asked(), sends);
    await pass(4000);
    assert.equal(asked(), sends + 1);
  }
  assert.deepEqual(frames.filter(({ type }) => type === "error"), []);
  socket().say(busy);
  await pass(12000);
  assert.deepEqual(
    frames.filter(({ type }) => type === "error").map(({ code, retryable }) => [code, retryable]),
    [["not_sent", true]],
  );
  assert.equal(asked(), 4);
  assert.equal(connection.unacknowledged.length, 0);
});

test("a lost socket takes nothing along: a new one resumes and sends what was not acknowledged", async () => {
  const { connection, socket, greet, clock } = await connected();
  connection.send(MESSAGE);
  socket().say(accepted("m-1"), { type: "delta", turn_id: "t-1", seq: 1, text: "One" });
  connection.send({ ...MESSAGE, client_msg_id: "m-2" });
  socket().lose(1006);
  await clock.pass(400);
  greet();
  const [hello, again, ...more] = socket().sent;
  assert.equal(hello.conversation_id, "c-1");
  assert.deepEqual(hello.resume, { after_message_id: "stored-m-1", turn_id: "t-1", after_seq: 1 });
  assert.equal(again.client_msg_id, "m-2");
  assert.deepEqual(more, []);
});

test("the shopper's words outlive a reload of the tab", async () => {
  const first = await connected();
  first.connection.send(MESSAGE);
  const second = await connected({ tab: first.tab, device: first.device });
  assert.deepEqual(second.connection.unacknowledged, [MESSAGE]);
  assert.deepEqual(second.socket().frames("user_message"), [MESSAGE]);
  assert.equal(second.world.asked[0].previous, "token-1");
});

test("frames reach the page once and in order; a hole is asked for by resuming", async () => {
  const { socket, frames, greet } = await connected();
  const delta = (seq) => ({ type: "delta", turn_id: "t-1", seq, text: String(seq) });
  socket().say(delta(1), delta(1), delta(3));
  await settled();
  greet({ active_turn: { turn_id: "t-1", seq: 3 } });
  assert.deepEqual(socket().frames("hello")[0].resume, { turn_id: "t-1", after_seq: 1 });
  socket().say(delta(2), delta(3), { type: "response", turn_id: "t-1", seq: 4, content: "123" }, delta(5));
  assert.deepEqual(types(frames).filter((type) => type !== "ready"), ["delta", "delta", "delta", "response"]);
  assert.deepEqual(frames.filter(({ type }) => type === "delta").map(({ seq }) => seq), [1, 2, 3]);
});

test("a turn that the greeting tells as answered is not resumed any more", async () => {
  const { connection, socket, greet, clock } = await connected();
  connection.send(MESSAGE);
  socket().say(accepted("m-1"));
  socket().lose(1012);
  await clock.pass(400);
  greet({ messages: [{ message_id: "a-1", role: "assistant", content: "Yes.", turn_id: "t-1" }] });
  socket().lose(1012);
  await clock.pass(800);
  greet();
  assert.deepEqual(socket().frames("hello")[0].resume, { after_message_id: "a-1" });
});

test("pauses double up to half a minute, and differ from shopper to shopper", () => {
  const pauses = [0, 1, 2, 3, 20].map((attempt) => [pauseBefore(attempt, 0), pauseBefore(attempt, 1)]);
  assert.deepEqual(pauses, [[200, 400], [400, 800], [800, 1600], [1600, 3200], [15000, 30000]]);
});

for (const code of [1006, 1012, 1001, 1011]) {
  test(`close ${code}: the pause grows with each attempt and is small again after a steady time`, async () => {
    const { socket, world, clock, statuses, greet } = await connected({ greeted: false });
    socket().lose(code);
    assert.equal(statuses.at(-1), "waiting");
    await clock.pass(399);
    assert.equal(world.sockets.length, 1);
    await clock.pass(1);
    assert.equal(world.sockets.length, 2);
    socket().lose(code);
    await clock.pass(799);
    assert.equal(world.sockets.length, 2);
    await clock.pass(1);
    greet();
    await clock.pass(6000);
    socket().lose(code);
    await clock.pass(400);
    assert.equal(world.sockets.length, 4);
  });
}

test("a refused token is replaced twice at most", async () => {
  const { socket, world, statuses } = await connected({ greeted: false });
  for (let time = 0; time < 3; time += 1) {
    socket().open();
    socket().lose(4401);
    await settled();
  }
  assert.deepEqual(world.sockets.map((each) => each.frames("hello")[0].token), ["token-1", "token-2", "token-3"]);
  assert.equal(statuses.at(-1), "refused");
});

test("the server's fresh token is the one for the next socket, without another request", async () => {
  const { socket, world, clock, device, greet } = await connected();
  socket().say({ type: "token", token: "fresh", expires_in: 900 });
  socket().lose(1012);
  await clock.pass(400);
  greet();
  assert.equal(socket().frames("hello")[0].token, "fresh");
  assert.equal(world.asked.length, 1);
  assert.equal(device.get("token").token, "fresh");
});

test("a new conversation in one tab is not undone by another tab that is still in the old one", async () => {
  const device = new Shelf();
  const [first, second] = [await connected({ device }), await connected({ device })];
  first.connection.restart();
  second.socket().say({ type: "token", token: "old conversation", expires_in: 900 });
  await settled();
  first.greet({ conversation_id: "c-2" });
  first.socket().say({ type: "token", token: "new conversation", expires_in: 900 });
  second.socket().say({ type: "token", token: "old conversation, again", expires_in: 900 });
  assert.equal(device.get("token").token, "new conversation");
  assert.equal(first.world.asked[1].previous, undefined);
  second.connection.renew();
  await settled();
  assert.equal(second.world.asked.at(-1).previous, "old conversation, again");
  const third = await connected({ device });
  assert.equal(third.world.asked[0].previous, "new conversation");
});

test("an identity that is refused leaves a guest, not silence", async () => {
  const world = surroundings();
  world.identity = "expired.jwt";
  world.answers = [401];
  const { socket } = await connected({ world, greeted: false });
  assert.deepEqual(world.asked, [{ context: { locale: "en" }, identity: "expired.jwt" }, { context: { locale: "en" } }]);
  socket().open();
  assert.equal(socket().frames("hello")[0].token, "token-2");
});

const TOKEN_ANSWERS = [
  { answer: 403, says: "refused", retried: false },
  { answer: 429, says: "limited", retried: true },
  { answer: 503, says: "waiting", retried: true },
  { answer: 0, says: "waiting", retried: true },
];
for (const { answer, says, retried } of TOKEN_ANSWERS) {
  test(`token office answers ${answer || "not at all"}: ${says}`, async () => {
    const world = surroundings();
    world.answers = [answer];
    const { statuses, clock } = await connected({ world, greeted: false });
    assert.equal(statuses.at(-1), says);
    await clock.pass(10_000);
    assert.equal(world.sockets.length, retried ? 1 : 0);
  });
}

test("a conversation of somebody else is left and a new one begins", async () => {
  const { socket, frames, greet } = await connected();
  socket().lose(4403);
  await settled();
  greet({ conversation_id: "c-2" });
  assert.ok(types(frames).includes("forgotten"));
  assert.equal(socket().frames("hello")[0].conversation_id, undefined);
});

test("a page that may not, is left alone", async () => {
  const { socket, world, clock, statuses } = await connected({ greeted: false });
  socket().open();
  socket().lose(4403);
  await clock.pass(120_000);
  assert.equal(statuses.at(-1), "refused");
  assert.equal(world.sockets.length, 1);
});

test("a frame that the server calls broken is not sent for ever", async () => {
  const { connection, socket, frames, clock, greet } = await connected();
  connection.send(MESSAGE);
  socket().lose(4413);
  await clock.pass(400);
  greet();
  assert.equal(frames.find(({ type }) => type === "error").client_msg_id, "m-1");
  assert.deepEqual(socket().frames("user_message"), []);
});

test("a socket that went silent is replaced", async () => {
  const { socket, world, clock } = await connected();
  const first = socket();
  await clock.pass(25_000);
  assert.equal(first.frames("ping").length, 1);
  await clock.pass(10_400);
  assert.equal(world.sockets.length, 2);
  assert.equal(first.readyState, 3);
});

test("a tab that wakes up asks at once whether its socket lives", async () => {
  const { connection, socket, world, clock } = await connected();
  connection.wake();
  assert.equal(socket().frames("ping").length, 1);
  socket().say({ type: "pong", t: 1 });
  await clock.pass(5000);
  assert.equal(world.sockets.length, 1);
  connection.wake();
  await clock.pass(4400);
  assert.equal(world.sockets.length, 2);
});

test("waking up ends a long pause", async () => {
  const { connection, socket, world } = await connected({ greeted: false });
  socket().lose(1006);
  connection.wake();
  await settled();
  assert.equal(world.sockets.length, 2);
});

test("a stopped connection stays stopped", async () => {
  const { connection, world, clock, statuses } = await connected();
  connection.stop();
  connection.wake();
  await clock.pass(120_000);
  assert.equal(world.sockets.length, 1);
  assert.equal(statuses.at(-1), "idle");
});

test("garbage and unknown frames harm nothing", async () => {
  const { socket, frames } = await connected();
  socket().onmessage({ data: "{" });
  socket().say({ type: "from_the_future", x: 1 }, { type: "message", message_id: "a", role: "system", content: "hi" });
  assert.deepEqual(types(frames), ["ready", "from_the_future", "message"]);
});
