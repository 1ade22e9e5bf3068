import assert from "node:assert/strict";
import { test } from "node:test";
import { post, read, SENT, SHOWN } from "../src/frame/messages.js";

const PARTNER = "https://partner.example";
const page = { name: "the page around" };
const other = { name: "another window" };
const hello = { manga_assist: 1, say: "hello" };

const EVENTS = [
  { what: "the page that may", event: { source: page, origin: PARTNER, data: hello }, heard: true },
  { what: "another window of that site", event: { source: other, origin: PARTNER, data: hello }, heard: false },
  { what: "a site that may not", event: { source: page, origin: "https://evil.example", data: hello }, heard: false },
  { what: "an origin that only begins alike", event: { source: page, origin: `${PARTNER}.evil`, data: hello }, heard: false },
  { what: "no origin", event: { source: page, origin: "null", data: hello }, heard: false },
  { what: "another library", event: { source: page, origin: PARTNER, data: { say: "hello" } }, heard: false },
  { what: "text", event: { source: page, origin: PARTNER, data: "hello" }, heard: false },
  { what: "nothing", event: { source: page, origin: PARTNER, data: null }, heard: false },
  { what: "a word that is none", event: { source: page, origin: PARTNER, data: { manga_assist: 1, say: 7 } }, heard: false },
];
for (const { what, event, heard } of EVENTS) {
  test(`from ${what}: ${heard ? "heard" : "not heard"}`, () => {
    assert.equal(read(event, page, [PARTNER]), heard ? event.data : null);
  });
}

test("without a window around it nobody is heard", () => {
  assert.equal(read({ source: null, origin: PARTNER, data: hello }, null, [PARTNER]), null);
});

test("a message goes to one origin only", () => {
  const posted = [];
  post({ postMessage: (...given) => posted.push(given) }, PARTNER, { say: "call", name: "open" });
  assert.deepEqual(posted, [[{ manga_assist: 1, say: "call", name: "open" }, PARTNER]]);
});

test("who the shopper is never stands in an address", () => {
  assert.ok(SENT.includes("identity"));
  assert.deepEqual(SHOWN.filter((name) => SENT.includes(name)), []);
});
