const RENEWABLE_MS = 30 * 24 * 3600 * 1000;

export class TokenRefused extends Error {
  /** @param {number} status HTTP */
  constructor(status) {
    super(`token: HTTP ${status}`);
    this.status = status;
  }
}

/** The token that a socket says hello with, and the one before it, by which a guest keeps their conversation. */
export class Tokens {
  #source;
  #store;
  #surroundings;
  /** This tab's last one. @type {{token: string, at: number} | null} */
  #last = null;
  current = "";

  /**
   * @param {{tokenUrl: string, identity(): string, context(): object}} source
   * @param {import("../types.js").Store} store of this browser
   * @param {import("../types.js").Surroundings} surroundings
   */
  constructor(source, store, surroundings) {
    this.#source = source;
    this.#store = store;
    this.#surroundings = surroundings;
  }

  /** The next socket asks for a new one. */
  expire() {
    this.current = "";
  }

  /** Whoever comes next is somebody else. */
  forget() {
    this.#store.set("token", { token: "", at: 0 });
    this.#last = null;
    this.current = "";
  }

  /** A tab that is still in an older conversation leaves the next page to the newer one. @param {string} token */
  keep(token) {
    const [stored, last] = [this.#store.get("token"), this.#last];
    this.current = token;
    this.#last = { token, at: this.#surroundings.now() };
    if (stored?.token === last?.token) this.#store.set("token", this.#last);
  }

  /** Asks for one if there is none. Raises TokenRefused, or what the network raises. */
  async fetch() {
    if (this.current) return;
    const { tokenUrl, identity, context } = this.#source;
    const last = (this.#last ??= this.#store.get("token"));
    const previous = last && this.#surroundings.now() - last.at < RENEWABLE_MS ? last.token : "";
    const body = { context: context(), ...(previous && { previous }), ...(identity() && { identity: identity() }) };
    let answer = await this.#surroundings.post(tokenUrl, body);
    if ([400, 401].includes(answer.status) && (body.identity || body.previous)) {
      // An identity that has expired must not take the chat away: the shopper goes on as a guest.
      answer = await this.#surroundings.post(tokenUrl, { context: body.context });
    }
    if (!answer.ok) throw new TokenRefused(answer.status);
    this.keep((await answer.json()).token);
  }
}
