import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { chime } from "../src/view/chime.js";

afterEach(() => {
  mock.timers.reset();
  delete globalThis.AudioContext;
});

/** What a browser offers, as far as two notes need it. Suspended, it plays nothing and no note ever ends. */
class SuspendedAudio {
  static open = 0;
  currentTime = 0;
  destination = {};
  constructor() {
    SuspendedAudio.open += 1;
  }
  close() {
    SuspendedAudio.open -= 1;
    return Promise.resolve();
  }
  createGain = () => ({ connect() {}, gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} } });
  createOscillator = () => ({ connect() {}, start() {}, stop() {}, frequency: { setValueAtTime() {} } });
}

test("a browser that has no sound, or refuses it, hurts nobody", () => {
  chime();
  globalThis.AudioContext = class {
    constructor() {
      throw new DOMException("The number of hardware contexts reached the maximum.", "NotSupportedError");
    }
  };
  chime();
});

test("a browser that keeps it waiting is left with nothing that would sound later", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.AudioContext = SuspendedAudio;
  for (let heard = 0; heard < 20; heard += 1) chime();
  assert.equal(SuspendedAudio.open, 20);
  mock.timers.tick(1000);
  assert.equal(SuspendedAudio.open, 0);
});
