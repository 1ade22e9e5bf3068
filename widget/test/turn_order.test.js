import assert from "node:assert/strict";
import { test } from "node:test";
import { TurnOrder } from "../src/protocol/turn_order.js";

const delta = (seq) => ({ type: "delta", turn_id: "t", seq });

test("frames pass once and in order", () => {
  const order = new TurnOrder();
  const said = [1, 2, 2, 1, 3].map((seq) => order.read(delta(seq)));
  assert.deepEqual(said, ["next", "next", "old", "old", "next"]);
  assert.deepEqual(order.unfinished, { turn_id: "t", after_seq: 3 });
});

test("a hole is told once; when the server has nothing better, the turn goes on", () => {
  const order = new TurnOrder();
  assert.equal(order.read(delta(1)), "next");
  assert.equal(order.read(delta(3)), "gap");
  assert.equal(order.read(delta(3)), "next");
  assert.equal(order.read(delta(5)), "gap");
});

test("the answer needs nothing before it and nothing after it", () => {
  const order = new TurnOrder();
  assert.equal(order.read({ type: "response", turn_id: "t", seq: 9 }), "next");
  assert.equal(order.read(delta(10)), "old");
  assert.equal(order.unfinished, null);
});

test("turns are counted apart; one that ended elsewhere has ended", () => {
  const order = new TurnOrder();
  order.begin("a");
  assert.deepEqual(order.unfinished, { turn_id: "a", after_seq: 0 });
  order.finish("a");
  assert.equal(order.read({ type: "delta", turn_id: "b", seq: 1 }), "next");
  assert.equal(order.read({ type: "delta", turn_id: "a", seq: 1 }), "old");
  assert.deepEqual(order.unfinished, { turn_id: "b", after_seq: 1 });
  order.clear();
  assert.equal(order.unfinished, null);
});
