/**
 * <manga-assist>: the shop assistant's chat as one dependency-free custom element.
 *
 *   <script type="module" src="https://shop.example/widget/v1/widget.js"></script>
 *   <manga-assist lang="ja" context='{"series":"berserk"}'></manga-assist>
 *
 * Attributes: endpoint (default /ws/chat/ of this file's origin), token-url (/widget/v1/token), mode (launcher | page),
 * lang (en | ja), theme (auto | light | dark), title, accent (a CSS colour), identity (a JWT that the shop signed),
 * context (JSON: asin, series, category, query, locale, device).
 * Script: open(), close(), send(text), restart(), the `context` property. Events: see `#emit`.
 *
 * The page may forbid inline styles and scripts and require Trusted Types: everything is built with createElement and
 * textContent, and the one style sheet is a <link> to widget.css beside this file.
 */

const HERE = new URL(import.meta.url);

// --- Strings ----------------------------------------------------------------------------------------------

const STRINGS = {
  en: {
    name: "MangaAssist",
    tagline: "Knows every shelf",
    launcher: "Open the chat with {name}",
    launcherUnread: "Open the chat with {name}, new messages: {count}",
    close: "Close the chat",
    menu: "More options",
    restart: "New conversation",
    restartSure: "Leave this conversation and start a new one",
    wider: "Wider window",
    narrower: "Narrower window",
    person: "Talk to a person",
    personAsked: "Asking for a person…",
    transcript: "Conversation",
    field: "Your message",
    placeholder: "Ask about a title or an order…",
    send: "Send",
    stop: "Stop the answer",
    jump: "Latest messages",
    counter: "{left} characters left",
    tooLong: "{over} characters too many",
    you: "You",
    sending: "Sending…",
    notSent: "Not sent.",
    retry: "Try again",
    stopped: "Stopped.",
    noAnswer: "No answer came. Please try again.",
    connecting: "Connecting…",
    reconnecting: "The connection dropped. Reconnecting…",
    offline: "You are offline. What you send now goes out when you are back.",
    refused: "The chat cannot be opened from this page.",
    limited: "That was a lot at once. The chat continues in a moment.",
    plainLink: "Use the simple page",
    greeting: "Hello! What are you in the mood to read?",
    greetingMore: "I know this shop’s shelves, and read price and stock live for every answer.",
    suggestions: "Suggestions",
    suggest: {
      page: ["Is the next volume in stock?", "Where should I start?", "Something similar, please", "Is there a box set?"],
      query: ["Help me choose from “{query}”", "Which of these is best to start with?"],
      shop: ["Recommend me a manga", "Are there any promotions?", "Where is my order?", "How do returns work?"],
    },
    titles: "Titles",
    previous: "Previous titles",
    next: "Next titles",
    addToCart: "Add to cart",
    preOrder: "Pre-order",
    adding: "Adding…",
    added: "In your cart",
    noPrice: "Price not available right now",
    was: "Before",
    asOf: "Price and stock read at {time}",
    availability: {
      in_stock: "In stock", low_stock: "Only a few left", out_of_stock: "Out of stock", pre_order: "Pre-order",
      unknown: "Stock not known right now",
    },
    format: {
      paperback: "Paperback", hardcover: "Hardcover", ebook: "E-book", omnibus: "Omnibus", deluxe: "Deluxe",
      box_set: "Box set",
    },
    age: { mature: "Ages 17+", adult: "Ages 18+" },
    volume: "Vol. {volume}",
    volumes: "Vols. {first}–{last}",
    volumeCount: "{count} volumes",
    rating: "Rated {rating} out of 5",
    ratings: "{count} ratings",
    openSeries: "See the series",
    order: "Order {id}",
    placed: "Placed {date}",
    eta: "Expected {date}",
    tracking: "Tracking",
    quantity: "× {count}",
    percentOff: "{percent}% off",
    until: "Until {date}",
    sources: "Sources",
    good: "Helpful",
    bad: "Not helpful",
    thanks: "Thank you for telling us.",
    withdrawn: "Your rating is withdrawn.",
    why: "What was wrong?",
    reasons: {
      too_expensive: "Too expensive", wrong_facts: "Wrong facts", not_what_i_wanted: "Not what I wanted",
      out_of_stock: "Out of stock", other: "Something else",
    },
    comment: "Anything to add? (optional)",
    sendFeedback: "Send",
    skip: "Skip",
    queued: "Waiting for a person",
    withAgent: "You are talking with {name}",
    someone: "our team",
    position: "Place {position} in line",
    wait: "about {minutes} min",
    cancelWait: "Cancel",
    leaveAgent: "Back to the assistant",
    agentTyping: "{name} is typing…",
    agent: "Shop team",
    csat: "How was our help?",
    csatScale: ["Very bad", "Bad", "So-so", "Good", "Very good"],
    announce: "{name} says: {text}",
    announceCards: "Titles shown: {count}.",
  },
  ja: {
    name: "MangaAssist",
    tagline: "マンガ選びの相談相手",
    launcher: "{name}のチャットを開く",
    launcherUnread: "{name}のチャットを開く（新着{count}件）",
    close: "チャットを閉じる",
    menu: "その他の操作",
    restart: "新しい会話を始める",
    restartSure: "この会話を終えて、新しく始める",
    wider: "画面を広げる",
    narrower: "画面を狭める",
    person: "スタッフに相談",
    personAsked: "スタッフを呼んでいます…",
    transcript: "会話",
    field: "メッセージ",
    placeholder: "作品、巻数、ご注文についてどうぞ",
    send: "送信",
    stop: "回答を止める",
    jump: "最新のメッセージへ",
    counter: "あと{left}文字",
    tooLong: "{over}文字超えています",
    you: "あなた",
    sending: "送信中…",
    notSent: "送信できませんでした。",
    retry: "もう一度試す",
    stopped: "回答を止めました。",
    noAnswer: "回答が届きませんでした。もう一度お試しください。",
    connecting: "接続しています…",
    reconnecting: "接続が切れました。つなぎ直しています…",
    offline: "オフラインです。送信したメッセージは、接続が戻りしだい届きます。",
    refused: "このページではチャットをご利用いただけません。",
    limited: "送信が続いたため、少しだけお待ちください。",
    plainLink: "シンプル版のページを使う",
    greeting: "こんにちは。今日はどんなマンガをお探しですか？",
    greetingMore: "お店の品ぞろえからご案内します。価格と在庫は、お答えのたびに最新の情報を確認しています。",
    suggestions: "質問の例",
    suggest: {
      page: ["次の巻は在庫がありますか？", "どこから読み始めればいいですか？", "似た作品を教えてください", "セット版はありますか？"],
      query: ["「{query}」から選ぶのを手伝ってください", "最初に読むならどれがおすすめですか？"],
      shop: ["おすすめのマンガを教えてください", "お得なキャンペーンはありますか？", "注文の状況を知りたいです", "返品の方法を教えてください"],
    },
    titles: "作品",
    previous: "前の作品",
    next: "次の作品",
    addToCart: "カートに入れる",
    preOrder: "予約する",
    adding: "追加しています…",
    added: "カートに入りました",
    noPrice: "現在、価格を確認できません",
    was: "通常価格",
    asOf: "{time}時点の価格と在庫です",
    availability: {
      in_stock: "在庫あり", low_stock: "残りわずか", out_of_stock: "在庫切れ", pre_order: "予約受付中",
      unknown: "在庫を確認できません",
    },
    format: {
      paperback: "単行本", hardcover: "ハードカバー", ebook: "電子書籍", omnibus: "合本版", deluxe: "愛蔵版",
      box_set: "ボックスセット",
    },
    age: { mature: "17歳以上推奨", adult: "18歳以上" },
    volume: "{volume}巻",
    volumes: "{first}〜{last}巻",
    volumeCount: "全{count}巻",
    rating: "5点満点中{rating}点",
    ratings: "{count}件の評価",
    openSeries: "シリーズを見る",
    order: "ご注文 {id}",
    placed: "{date} 注文",
    eta: "{date} 到着予定",
    tracking: "追跡番号",
    quantity: "{count}点",
    percentOff: "{percent}%オフ",
    until: "{date}まで",
    sources: "参照元",
    good: "役に立った",
    bad: "役に立たなかった",
    thanks: "ご意見をありがとうございます。",
    withdrawn: "評価を取り消しました。",
    why: "どこが期待と違いましたか？",
    reasons: {
      too_expensive: "価格が高い", wrong_facts: "内容が間違っている", not_what_i_wanted: "求めていたものと違う",
      out_of_stock: "在庫がない", other: "その他",
    },
    comment: "ほかにお気づきの点があれば（任意）",
    sendFeedback: "送る",
    skip: "閉じる",
    queued: "スタッフにおつなぎしています",
    withAgent: "{name}が対応しています",
    someone: "スタッフ",
    position: "ただいま{position}番目",
    wait: "約{minutes}分",
    cancelWait: "取り消す",
    leaveAgent: "アシスタントに戻る",
    agentTyping: "{name}が入力中…",
    agent: "スタッフ",
    csat: "スタッフの対応はいかがでしたか？",
    csatScale: ["とても悪い", "悪い", "ふつう", "良い", "とても良い"],
    announce: "{name}：{text}",
    announceCards: "{count}件の作品を表示しました。",
  },
};

/** "…{name}…" with its values. */
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (slot, name) => (name in values ? String(values[name]) : slot));
}

// --- The conversation's line to the server (no DOM below, up to "Building blocks") --------------------------

const RENEWABLE_MS = 30 * 24 * 3600 * 1000;
const ACKNOWLEDGED_WITHIN_MS = 8000;
const RESENDS = 3;
const STEADY_MS = 5000;
const LONGEST_PAUSE_MS = 30000;
const CLOSE = { frame: 4400, token: 4401, forbidden: 4403, size: 4413, rate: 4429 };

/** A random UUID; pages without a secure context have no crypto.randomUUID. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** JSON values in a web storage; a page without one (blocked, full) keeps them for its own life only. */
class Drawer {
  #kept = new Map();
  #storage = null;
  #prefix;

  constructor(area, scope) {
    this.#prefix = `manga-assist:${scope}:`;
    try {
      this.#storage = window[area];
    } catch {
      // Storage is blocked here.
    }
  }

  get(name) {
    try {
      return JSON.parse(this.#storage.getItem(this.#prefix + name)) ?? this.#kept.get(name) ?? null;
    } catch {
      return this.#kept.get(name) ?? null;
    }
  }

  set(name, value) {
    this.#kept.set(name, value);
    try {
      if (value === null) this.#storage.removeItem(this.#prefix + name);
      else this.#storage.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // Kept in memory.
    }
  }
}

class TokenRefused extends Error {
  constructor(status) {
    super(`token: HTTP ${status}`);
    this.status = status;
  }
}

/**
 * One conversation over a WebSocket that may come and go (protocol v1).
 *
 * Tells `onframe` every server frame once and in order, and `onstatus` one of idle, connecting, open, waiting, limited,
 * refused. What `send` was given is sent again until the server has acknowledged it; `signal` is best effort.
 */
class Connection {
  #options;
  #device; // what this browser keeps: the last token
  #tab; // what this tab keeps: messages not acknowledged yet
  #socket = null;
  #run = 0; // a newer attempt voids older ones
  #attempt = 0;
  #openedAt = 0;
  #token = "";
  #tokenRefusals = 0;
  #conversationId = "";
  #lastMessageId = "";
  #turns = new Map(); // turn_id → {seq, done, asked}
  #pending = new Map(); // client_msg_id → {frame, sentAt, sends}
  #timers = {};
  #listening = null;
  status = "idle";

  constructor(options) {
    this.#options = options; // {endpoint, tokenUrl, identity(), context(), onframe(frame), onstatus(status)}
    this.#device = new Drawer("localStorage", options.tokenUrl);
    this.#tab = new Drawer("sessionStorage", options.endpoint);
    for (const frame of this.#tab.get("pending") ?? []) this.#pending.set(frame.client_msg_id, { frame, sends: 0 });
  }

  /** Messages that this tab has not seen acknowledged, oldest first. */
  get unacknowledged() {
    return [...this.#pending.values()].map(({ frame }) => frame).filter((frame) => frame.type === "user_message");
  }

  get attempts() {
    return this.#attempt;
  }

  start() {
    if (this.#listening) return;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    addEventListener("online", () => this.wake(), { signal });
    addEventListener("offline", () => this.#options.onstatus(this.status), { signal });
    addEventListener("pagehide", () => this.#rest(), { signal }); // so that the page may enter the back/forward cache
    addEventListener("pageshow", (event) => event.persisted && this.wake(), { signal });
    document.addEventListener("visibilitychange", () => !document.hidden && this.wake(), { signal });
    this.#timers.resend = setInterval(() => this.#resendLate(), 2000);
    this.#connect();
  }

  stop() {
    this.#listening?.abort();
    this.#listening = null;
    clearInterval(this.#timers.resend);
    this.#rest();
  }

  #rest() {
    this.#letGo();
    this.#report("idle");
  }

  /** Leaves the conversation and begins another. */
  restart() {
    this.#device.set("token", null);
    this.#pending.clear();
    this.#keepPending();
    this.#forget();
    this.#attempt = 0;
    this.#letGo();
    if (this.#listening) this.#connect();
  }

  /** A new token with what the page says now, on a new socket; nothing is lost on the way. */
  renew() {
    this.#token = "";
    if (!this.#listening) return;
    this.#letGo();
    this.#connect();
  }

  /** The device woke up, the tab came back: connect at once, or see whether the socket is still alive. */
  wake() {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#probe(4000);
    else if (this.status === "waiting" || this.status === "idle") this.#connect();
  }

  send(frame) {
    this.#pending.set(frame.client_msg_id, { frame, sends: 0 });
    this.#keepPending();
    if (this.status === "open") this.#transmit(this.#pending.get(frame.client_msg_id));
  }

  signal(frame) {
    if (this.status === "open" && this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  // Connecting

  async #connect() {
    const run = ++this.#run;
    clearTimeout(this.#timers.retry);
    this.#report("connecting");
    try {
      if (!this.#token) await this.#fetchToken();
    } catch (problem) {
      if (run === this.#run) this.#tokenFailed(problem);
      return;
    }
    if (run !== this.#run) return;
    const socket = new WebSocket(this.#options.endpoint);
    this.#socket = socket;
    this.#timers.silence = setTimeout(() => this.#drop(), 10000);
    socket.onopen = () => socket.send(JSON.stringify(this.#hello()));
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#closed(event.code);
  }

  #hello() {
    const hello = { type: "hello", v: 1, token: this.#token, caps: ["stream", "cards"] };
    if (this.#conversationId) hello.conversation_id = this.#conversationId;
    const [turnId, turn] = [...this.#turns].find(([, each]) => !each.done) ?? [];
    if (this.#lastMessageId || turnId) {
      hello.resume = {};
      if (this.#lastMessageId) hello.resume.after_message_id = this.#lastMessageId;
      if (turnId) Object.assign(hello.resume, { turn_id: turnId, after_seq: turn.seq });
    }
    return hello;
  }

  async #fetchToken() {
    const last = this.#device.get("token");
    const body = { context: this.#options.context() };
    if (last && Date.now() - last.at < RENEWABLE_MS) body.previous = last.token;
    if (this.#options.identity()) body.identity = this.#options.identity();
    let answer = await this.#postToken(body);
    if ([400, 401].includes(answer.status) && (body.identity || body.previous)) {
      // An identity that has expired must not take the chat away: the shopper goes on as a guest.
      answer = await this.#postToken({ context: body.context });
    }
    if (!answer.ok) throw new TokenRefused(answer.status);
    this.#keepToken((await answer.json()).token);
  }

  #postToken(body) {
    return fetch(this.#options.tokenUrl, {
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10000),
    });
  }

  #keepToken(token) {
    this.#token = token;
    this.#device.set("token", { token, at: Date.now() });
  }

  #tokenFailed(problem) {
    if (problem instanceof TokenRefused && problem.status === 429) this.#pause("limited", 10000);
    else if (problem instanceof TokenRefused && problem.status < 500) this.#report("refused");
    else this.#pause("waiting");
  }

  // Losing the socket

  #closed(code) {
    this.#letGo();
    if (Date.now() - this.#openedAt > STEADY_MS && this.#openedAt) this.#attempt = 0;
    this.#openedAt = 0;
    if (code === CLOSE.token && this.#tokenRefusals++ < 2) {
      this.#token = "";
      this.#connect();
    } else if (code === CLOSE.forbidden && this.#conversationId) {
      // Signed in as somebody else meanwhile: that conversation stays theirs, a new one begins.
      this.#token = "";
      this.#forget();
      this.#connect();
    } else if (code === CLOSE.forbidden || code === CLOSE.token) {
      this.#report("refused");
    } else if (code === CLOSE.rate) {
      this.#pause("limited", 5000);
    } else {
      if (code === CLOSE.frame || code === CLOSE.size) this.#giveUp([...this.#pending.keys()]);
      this.#pause("waiting");
    }
  }

  #pause(status, atLeast = 0) {
    const grown = Math.min(LONGEST_PAUSE_MS, 400 * 2 ** this.#attempt);
    this.#attempt += 1;
    this.#report(status);
    this.#timers.retry = setTimeout(() => this.#connect(), Math.max(atLeast, grown * (0.5 + Math.random() / 2)));
  }

  #letGo() {
    this.#run += 1;
    for (const name of ["silence", "beat", "retry"]) clearTimeout(this.#timers[name]);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState < WebSocket.CLOSING) socket.close(1000);
  }

  /** The socket looks open but is dead, or has lost a frame: take a new one. */
  #drop() {
    if (this.#socket) this.#closed(1006);
  }

  #probe(limit) {
    this.signal({ type: "ping", t: Date.now() });
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#drop(), limit);
  }

  #forget() {
    this.#token = "";
    this.#conversationId = this.#lastMessageId = "";
    this.#turns.clear();
    this.#options.onframe({ type: "forgotten" });
  }

  #report(status) {
    this.status = status;
    this.#options.onstatus(status);
  }

  // Frames

  #receive(data) {
    clearTimeout(this.#timers.silence);
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return;
    }
    if (frame.type === "ready") this.#ready(frame);
    else if (frame.type === "token") this.#keepToken(frame.token);
    else if (frame.type === "pong") return;
    else {
      if (frame.turn_id && frame.seq !== undefined && !this.#inOrder(frame)) return;
      if (frame.type === "accepted" && frame.turn_id && !frame.duplicate) this.#turn(frame.turn_id);
      if (frame.message_id) this.#lastMessageId = frame.message_id;
      if (["accepted", "saved"].includes(frame.type)) this.#acknowledged(frame.client_msg_id);
      if (frame.type === "error" && frame.client_msg_id) this.#acknowledged(frame.client_msg_id);
      this.#options.onframe(frame);
    }
  }

  #ready(frame) {
    this.#openedAt = Date.now();
    this.#tokenRefusals = 0;
    frame.messages ??= [];
    if (frame.reset) this.#turns.clear();
    this.#conversationId = frame.conversation_id;
    const last = frame.messages[frame.messages.length - 1];
    if (last) this.#lastMessageId = last.message_id;
    for (const { turn_id: turnId, role } of frame.messages) {
      if (turnId && role === "assistant") this.#turn(turnId).done = true;
    }
    const beat = () => {
      this.#probe(10000);
      this.#timers.beat = setTimeout(beat, (frame.heartbeat_s || 25) * 1000);
    };
    this.#timers.beat = setTimeout(beat, (frame.heartbeat_s || 25) * 1000);
    this.#options.onframe(frame);
    this.#report("open");
    for (const entry of this.#pending.values()) this.#transmit(entry);
  }

  #turn(turnId) {
    if (!this.#turns.has(turnId)) this.#turns.set(turnId, { seq: 0, done: false, asked: -1 });
    return this.#turns.get(turnId);
  }

  /** Whether a turn's frame is the next one. A hole is asked for once, by resuming; the answer needs none before it. */
  #inOrder({ type, turn_id: turnId, seq }) {
    const turn = this.#turn(turnId);
    if (turn.done || seq <= turn.seq) return false;
    if (type !== "response" && seq > turn.seq + 1 && turn.asked !== turn.seq) {
      turn.asked = turn.seq;
      this.#letGo();
      this.#connect();
      return false;
    }
    turn.seq = seq;
    turn.done = type === "response";
    return true;
  }

  // What must arrive

  #transmit(entry) {
    entry.sentAt = Date.now();
    entry.sends += 1;
    this.#socket.send(JSON.stringify(entry.frame));
  }

  #resendLate() {
    if (this.status !== "open") return;
    const late = [...this.#pending.values()].filter((entry) => Date.now() - entry.sentAt > ACKNOWLEDGED_WITHIN_MS);
    this.#giveUp(late.filter((entry) => entry.sends > RESENDS).map((entry) => entry.frame.client_msg_id));
    for (const entry of late.filter((each) => each.sends <= RESENDS)) this.#transmit(entry);
  }

  #giveUp(ids) {
    for (const id of ids) {
      this.#acknowledged(id);
      this.#options.onframe({ type: "error", code: "not_sent", message: "", client_msg_id: id, retryable: true });
    }
  }

  #acknowledged(id) {
    if (this.#pending.delete(id)) this.#keepPending();
  }

  #keepPending() {
    const frames = this.unacknowledged;
    this.#tab.set("pending", frames.length ? frames : null);
  }
}

// --- Building blocks ----------------------------------------------------------------------------------------

/** An element; `on…` attributes are listeners, null and false ones are left out, as are such children. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child || child === 0));
  return node;
}

const ICONS = {
  close: "M6 6l12 12M18 6L6 18",
  down: "M12 5v13M6 12.5l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  send: "M12 19V5.5M6 11l6-6 6 6",
  stop: "M7.5 7.5h9v9h-9z",
  up: "M7 10.5V20H4v-9.5h3zm0 0L11 3.5c1.5 0 2.5 1 2.2 2.6L12.6 9H18c1.3 0 2.2 1.1 1.9 2.4l-1.5 6.7c-.2 1.1-1.1 1.9-2.2 1.9H7",
  thumbDown: "M17 13.5V4h3v9.5h-3zm0 0L13 20.5c-1.5 0-2.5-1-2.2-2.6l.6-2.9H6c-1.3 0-2.2-1.1-1.9-2.4l1.5-6.7C5.8 4.8 6.7 4 7.8 4H17",
  left: "M14.5 5.5L8 12l6.5 6.5",
  right: "M9.5 5.5L16 12l-6.5 6.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  retry: "M20 12a8 8 0 1 1-2.5-5.8M20 3.5v4.5h-4.5",
};

function icon(name, size = 20) {
  return svg({ viewBox: "0 0 24 24", width: size, height: size, class: `icon icon-${name}` }, [["path", { d: ICONS[name] }]]);
}

function svg(attributes, shapes) {
  const make = (tag, values) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(values)) node.setAttribute(name, value);
    return node;
  };
  const node = make("svg", { ...attributes, "aria-hidden": "true", focusable: "false" });
  node.append(...shapes.map(([tag, values]) => make(tag, values)));
  return node;
}

const BOOK = [
  ["path", { class: "mark-book", d: "M24 15.5c-2.6-2-6.2-2.8-10.5-2.5v13.5c4.3-.3 7.9.5 10.5 2.5 2.6-2 6.2-2.8 10.5-2.5V13c-4.3-.3-7.9.5-10.5 2.5z" }],
  ["path", { class: "mark-fold", d: "M24 15.5V29" }],
];
const BALLOON = "M24 4c11.6 0 20 6.9 20 16.2S35.6 36.4 24 36.4c-2 0-3.9-.2-5.7-.6L8.5 43l1.9-10.3C6.5 29.7 4 25.3 4 20.2 4 10.9 12.4 4 24 4z";

/** The mark: a speech balloon that reads a book. */
function mark(size) {
  const balloon = ["path", { class: "mark-balloon", d: BALLOON }];
  return svg({ viewBox: "0 0 48 48", width: size, height: size, class: "mark" }, [balloon, ...BOOK]);
}

/** The mark's book alone, for the launcher, which is a balloon itself. */
function book(size) {
  return svg({ viewBox: "9 6 30 30", width: size, height: size, class: "mark" }, BOOK);
}

function iconButton(name, label, onclick, extra = {}) {
  return el("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...extra }, icon(name));
}

/** An http(s) address, relative ones against the server that speaks; "" for any other (javascript:, data:, …). */
function safeUrl(url, base) {
  try {
    const address = new URL(url, base);
    return ["http:", "https:"].includes(address.protocol) ? address.href : "";
  } catch {
    return "";
  }
}

/** A link; to another site it opens a tab of its own. Without a good address: the bare words. */
function link(url, base, attributes, ...children) {
  const href = typeof url === "string" && url ? safeUrl(url, base) : "";
  if (!href) return el("span", attributes, ...children);
  const elsewhere = new URL(href).origin !== location.origin;
  return el("a", { ...attributes, href, ...(elsewhere && { target: "_blank", rel: "noopener noreferrer" }) }, ...children);
}

const INLINE = /\*\*([^*\n]+)\*\*|\[([^\]\n]+)\]\(([^()\s]+)\)|(https?:\/\/[^\s<>"'()（）「」『』、。]+)/g;

function inline(text, base) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [all, bold, label, target, address] = match;
    parts.push(text.slice(from, match.index));
    from = match.index + all.length;
    if (bold) parts.push(el("strong", {}, bold));
    else if (label) parts.push(link(target, base, {}, label));
    else {
      const [url, tail] = /^(.*?)([.,;:!?]*)$/.exec(address).slice(1);
      parts.push(link(url, base, {}, url), tail);
    }
  }
  return [...parts, text.slice(from)];
}

/** Paragraphs, "- " and "1. " lists, **bold** and links, built as elements: no markup in the text is ever parsed. */
function formatted(text, base) {
  const blocks = new DocumentFragment();
  let list = null;
  let paragraph = null;
  for (const line of String(text).split("\n")) {
    const bullet = /^\s*(?:[-*•]\s+|・\s*)(.+)$/.exec(line);
    const numbered = /^\s*\d{1,3}[.)]\s+(.+)$/.exec(line);
    if (bullet || numbered) {
      const tag = bullet ? "ul" : "ol";
      if (list?.localName !== tag) blocks.append((list = el(tag)));
      list.append(el("li", {}, inline((bullet ?? numbered)[1], base)));
      paragraph = null;
    } else if (!line.trim()) {
      paragraph = list = null;
    } else if (paragraph) {
      paragraph.append(el("br"), ...inline(line, base));
    } else {
      blocks.append((paragraph = el("p", {}, inline(line, base))));
      list = null;
    }
  }
  return blocks;
}

/** Numbers, money and dates as this language writes them. */
class Locale {
  constructor(lang) {
    this.lang = lang;
  }

  money({ amount, currency }) {
    try {
      return new Intl.NumberFormat(this.lang, { style: "currency", currency }).format(amount);
    } catch {
      return `${amount} ${currency}`;
    }
  }

  number(value, digits = 0) {
    return new Intl.NumberFormat(this.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  }

  language(code) {
    try {
      return new Intl.DisplayNames(this.lang, { type: "language" }).of(code);
    } catch {
      return code;
    }
  }

  #date(value, options) {
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? "" : new Intl.DateTimeFormat(this.lang, options).format(date);
  }

  /** A date without a time ("2026-03-01") is that day everywhere. */
  day(value) {
    return this.#date(value, { month: "short", day: "numeric", ...(/^\d{4}-\d\d-\d\d$/.test(value) && { timeZone: "UTC" }) });
  }

  time(value) {
    return this.#date(value, { hour: "numeric", minute: "2-digit" });
  }

  moment(value) {
    const today = new Date(value).toDateString() === new Date().toDateString();
    return today ? this.time(value) : this.#date(value, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
  }
}

// --- Cards --------------------------------------------------------------------------------------------------

/** Draws cards. `page`: {text, locale, base, onaction(card, button)}. */
class CardPainter {
  constructor(page) {
    Object.assign(this, page);
  }

  draw(card) {
    const paint = { product: this.#product, series: this.#series, order: this.#order, promotion: this.#promotion }[card.kind];
    return paint && card.data ? paint.call(this, card, card.data) : null;
  }

  #cover(data, name) {
    const frame = el("div", { class: "cover", "data-name": name });
    const src = data.cover_url ? safeUrl(data.cover_url, this.base) : "";
    if (src) {
      const image = el("img", { src, alt: "", loading: "lazy", decoding: "async", onerror: () => image.remove() });
      frame.append(image);
    }
    return frame;
  }

  #product(card, data) {
    const title = data.title || data.series || data.asin;
    return el(
      "article", { class: "card product", "data-asin": data.asin },
      link(data.url, this.base, { class: "card-cover", tabindex: "-1", "aria-hidden": "true" }, this.#cover(data, title)),
      el(
        "div", { class: "card-body" },
        el("h3", { class: "card-title" }, link(data.url, this.base, {}, title)),
        el("p", { class: "card-meta" }, this.#facts(data)),
        this.#rating(data),
        this.#price(data),
        el("p", { class: `badge ${data.availability}` }, this.text.availability[data.availability] ?? this.text.availability.unknown),
        data.reason && el("p", { class: "card-reason" }, data.reason),
        this.#cartButton(card, data, title),
      ),
    );
  }

  #facts(data) {
    const volumes = Array.isArray(data.volumes) ? data.volumes : [];
    const many = volumes.length > 1 && fill(this.text.volumes, { first: volumes[0], last: volumes[volumes.length - 1] });
    const told = (data.title ?? "").match(/\d+/g)?.includes(String(data.volume));
    const one = data.volume && !told && fill(this.text.volume, { volume: data.volume });
    return [
      many || one,
      data.format && (this.text.format[data.format] ?? data.format),
      data.language && this.locale.language(data.language),
      this.text.age[data.age_rating],
    ].filter(Boolean).join(" · ");
  }

  #rating({ rating, rating_count: count }) {
    if (typeof rating !== "number" || rating <= 0) return null;
    const words = [fill(this.text.rating, { rating: this.locale.number(rating, 1) })];
    if (count) words.push(fill(this.text.ratings, { count: this.locale.number(count) }));
    const stars = el("span", { class: "stars", "aria-hidden": "true" });
    stars.style.setProperty("--filled", `${Math.min(100, rating * 20)}%`);
    return el(
      "p", { class: "rating" },
      stars,
      el("span", { "aria-hidden": "true" }, this.locale.number(rating, 1)),
      el("span", { class: "unseen" }, words.join(", ")),
    );
  }

  #price(data) {
    if (!data.price) return el("p", { class: "price none" }, this.text.noPrice);
    return el(
      "p", { class: "price" },
      el("strong", {}, this.locale.money(data.price)),
      data.list_price && el("s", {}, el("span", { class: "unseen" }, `${this.text.was} `), this.locale.money(data.list_price)),
    );
  }

  #cartButton(card, data, title) {
    if (data.availability === "out_of_stock") return null;
    const words = data.availability === "pre_order" ? this.text.preOrder : this.text.addToCart;
    const button = el(
      "button",
      { type: "button", class: "cart", disabled: !card.message_id, "aria-label": `${words}: ${title}`, onclick: () => this.onaction(card, button) },
      words,
    );
    return button;
  }

  #series(card, data) {
    const facts = [
      (data.authors ?? []).join(", "),
      data.volume_count && fill(this.text.volumeCount, { count: data.volume_count }),
      data.status_text,
      this.text.age[data.age_rating],
    ];
    return el(
      "article", { class: "card series" },
      link(data.url, this.base, { class: "card-cover", tabindex: "-1", "aria-hidden": "true" }, this.#cover(data, data.title)),
      el(
        "div", { class: "card-body" },
        el("h3", { class: "card-title" }, link(data.url, this.base, {}, data.title)),
        data.native_title && data.native_title !== data.title && el("p", { class: "native", lang: "ja" }, data.native_title),
        el("p", { class: "card-meta" }, facts.filter(Boolean).join(" · ")),
        data.url && link(data.url, this.base, { class: "cart quiet" }, this.text.openSeries),
      ),
    );
  }

  #order(card, data) {
    const dates = [
      data.placed_at && fill(this.text.placed, { date: this.locale.day(data.placed_at) }),
      data.eta && fill(this.text.eta, { date: this.locale.day(data.eta) }),
    ];
    return el(
      "article", { class: "card order" },
      el(
        "div", { class: "card-body" },
        el("h3", { class: "card-title" }, fill(this.text.order, { id: data.id })),
        el("p", { class: `badge order-${data.status}` }, data.status_text ?? data.status),
        el("p", { class: "card-meta" }, dates.filter(Boolean).join(" · ")),
        el("ul", { class: "lines" }, (data.lines ?? []).map((line) =>
          el("li", {}, el("span", {}, line.title || line.asin), el("span", {}, fill(this.text.quantity, { count: line.quantity }))))),
        data.tracking && el("p", { class: "card-meta" }, `${this.text.tracking}: ${[data.carrier, data.tracking].filter(Boolean).join(" ")}`),
      ),
    );
  }

  #promotion(card, data) {
    return el(
      "article", { class: "card promotion" },
      el("p", { class: "burst" }, fill(this.text.percentOff, { percent: data.percent_off })),
      el(
        "div", { class: "card-body" },
        el("h3", { class: "card-title" }, link(data.url, this.base, {}, data.title)),
        data.ends && el("p", { class: "card-meta" }, fill(this.text.until, { date: this.locale.day(data.ends) })),
      ),
    );
  }

  /** Cards below each other; several titles side by side, scrolled by touch, wheel, keys or the two arrows. */
  shelf(cards) {
    const drawn = cards.map((card) => this.draw(card)).filter(Boolean);
    if (!drawn.length) return null;
    const tiles = drawn.length > 1 && cards.every((card) => card.kind === "product");
    const row = el("ul", { class: tiles ? "shelf tiles" : "shelf", "aria-label": this.text.titles }, drawn.map((card) => el("li", {}, card)));
    const asOf = cards.map(({ data }) => data?.price?.as_of ?? data?.stock_as_of).filter(Boolean).sort().pop();
    const head = el("div", { class: "shelf-head" }, el("p", { class: "as-of" }, asOf && fill(this.text.asOf, { time: this.locale.moment(asOf) })));
    const box = el("div", { class: "shelf-box" }, (asOf || tiles) && head, row);
    if (tiles) head.append(this.#turns(row, box));
    return box;
  }

  #turns(row, box) {
    const turn = (way) => () => row.scrollBy({ left: way * row.clientWidth * 0.8 * (getComputedStyle(row).direction === "rtl" ? -1 : 1) });
    const back = iconButton("left", this.text.previous, turn(-1));
    const on = iconButton("right", this.text.next, turn(1));
    const refresh = () => {
      const more = row.scrollWidth - row.clientWidth;
      back.disabled = Math.abs(row.scrollLeft) < 4;
      on.disabled = Math.abs(row.scrollLeft) > more - 4;
      box.classList.toggle("scrolls", more > 4);
    };
    row.addEventListener("scroll", refresh, { passive: true });
    new ResizeObserver(refresh).observe(row);
    return el("div", { class: "turns" }, back, on);
  }
}

// --- The element --------------------------------------------------------------------------------------------

const MAX_TEXT = 4000;
// Longer than any turn may take: after it, waiting would be pretending.
const SILENT_TURN_MS = 45000;
const STATUS_SHOWN_AFTER_MS = 1200;
const TRIES_BEFORE_PLAIN = 4;
// Errors of the connection itself: it says so by its status, or tries again without a word.
const QUIET_ERRORS = new Set(["token", "forbidden", "no_hello", "hello_twice", "no_such_turn"]);

const length = (text) => [...text].length; // characters, as the server counts them

class MangaAssist extends HTMLElement {
  static observedAttributes = ["lang", "theme", "mode", "title", "accent", "identity", "context"];

  #shadow = this.attachShadow({ mode: "open" });
  #root = el("div", { class: "root", hidden: true });
  #ui = {};
  #text = STRINGS.en;
  #locale = new Locale("en");
  #painter = null;
  #connection = null;
  #tab = null;
  #device = null;
  #context = null;
  #title = "";
  #maxText = MAX_TEXT;
  #entries = []; // what was said, oldest first; see #draw for the fields
  #turns = new Map(); // running turns: turn_id → {entry, watchdog}
  #awaited = new Map(); // client_msg_id of an action, opinion or request → {saved(), failed()}
  #stopping = ""; // the turn that the shopper has stopped
  #carting = null; // the card whose "add to cart" is under way
  #handoff = { state: "bot" };
  #met = false; // the server has greeted this page: what comes with a later ready was missed
  #unread = 0;
  #open = false;
  #atEnd = true;
  #timers = {};
  #life = null;

  constructor() {
    super();
    const sheet = el("link", { rel: "stylesheet", href: new URL("widget.css", HERE).href });
    const show = () => (this.#root.hidden = false);
    sheet.addEventListener("load", show);
    sheet.addEventListener("error", show);
    this.#shadow.append(sheet, this.#root);
  }

  // Life

  connectedCallback() {
    if (this.#life) return;
    this.#life = new AbortController();
    const { signal } = this.#life;
    const endpoint = new URL(this.getAttribute("endpoint") || "/ws/chat/", HERE);
    endpoint.protocol = { "http:": "ws:", "https:": "wss:" }[endpoint.protocol] ?? endpoint.protocol;
    this.#tab ??= new Drawer("sessionStorage", endpoint.href);
    this.#device ??= new Drawer("localStorage", endpoint.href);
    this.#connection ??= new Connection({
      endpoint: endpoint.href,
      tokenUrl: new URL(this.getAttribute("token-url") || "/widget/v1/token", HERE).href,
      identity: () => this.getAttribute("identity") || "",
      context: () => this.#pageContext(),
      onframe: (frame) => this.#receive(frame),
      onstatus: () => this.#showStatus(),
    });
    const before = this.#tab.get("session") ?? {};
    this.#build();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint(), { signal });
    visualViewport?.addEventListener("resize", () => this.#fitViewport(), { signal });
    visualViewport?.addEventListener("scroll", () => this.#fitViewport(), { signal });
    this.#resume(before);
  }

  disconnectedCallback() {
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#connection.stop();
      this.#life?.abort();
      this.#life = null;
    });
  }

  attributeChangedCallback(name, before, now) {
    if (name === "title" && now !== null) {
      // Left on the element, every spot of the chat would show it as a tooltip.
      this.#title = now;
      this.removeAttribute("title");
      return;
    }
    if (!this.#life || before === now) return;
    if (name === "theme" || name === "accent") this.#paint();
    else if (name === "identity") this.#connection.renew();
    else if (name === "context") this.context = null;
    else this.#build();
  }

  /** What this tab was doing on the page before: an open panel stays open, a person who answers is not missed. */
  #resume({ open = false, engaged = false }) {
    for (const { text, client_msg_id: id } of this.#connection.unacknowledged) {
      this.#entries.push({ role: "user", content: text, client_msg_id: id, state: "sending", at: new Date().toISOString() });
    }
    this.#redraw();
    if (this.mode === "page") this.#connection.start();
    else if (open) this.open({ focus: false });
    else if (engaged || this.#entries.length) this.#connection.start();
  }

  #remember() {
    const engaged = this.#handoff.state !== "bot" || this.#turns.size > 0;
    this.#tab.set("session", { open: this.#open, engaged });
  }

  // For the page's own scripts

  get mode() {
    return this.getAttribute("mode") === "page" ? "page" : "launcher";
  }

  get context() {
    return this.#pageContext();
  }

  /** The page has changed under the chat: the next answers know it. null: what the attribute says. */
  set context(value) {
    this.#context = value;
    this.#showEmpty();
    this.#connection?.renew();
  }

  open({ focus = true } = {}) {
    if (this.mode === "page" || !this.#life) return;
    const was = this.#open;
    this.#open = true;
    this.#unread = 0;
    this.#showLauncher();
    this.#fitViewport();
    this.#connection.start();
    this.#remember();
    this.#follow({ force: true });
    if (focus) (onTouchScreen() ? this.#ui.heading : this.#ui.field).focus();
    if (!was) this.#emit("open");
  }

  close() {
    if (this.mode === "page" || !this.#open) return;
    const hadFocus = this.#ui.panel.contains(this.#shadow.activeElement);
    this.#open = false;
    this.#toggleMenu(false);
    this.#showLauncher();
    this.#remember();
    if (hadFocus) this.#ui.launcher.focus();
    this.#emit("close");
  }

  send(text) {
    const words = String(text).trim();
    if (!words || length(words) > this.#maxText || !this.#life) return;
    this.#connection.start();
    this.#post(words);
  }

  /** Begins a new conversation. */
  restart() {
    this.#connection?.restart();
    this.#emit("restart");
  }

  /** Events, all bubbling: open, close, ready, message, cart, handoff, feedback, restart; each "manga-assist:…". */
  #emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(`manga-assist:${name}`, { detail, bubbles: true, composed: true }));
  }

  // What the page says

  #pageContext() {
    const given = this.#context ?? this.#parsedContext();
    return { locale: this.#locale.lang, device: guessDevice(), ...given };
  }

  #parsedContext() {
    try {
      const value = JSON.parse(this.getAttribute("context") || "{}");
      return value && typeof value === "object" ? value : {};
    } catch {
      return {};
    }
  }

  get #name() {
    return this.#title || this.#text.name;
  }

  get #base() {
    return new URL(this.getAttribute("token-url") || "/", HERE).href;
  }

  // Building

  #build() {
    const asked = this.getAttribute("lang") || document.documentElement.lang || navigator.language || "en";
    const lang = asked.toLowerCase().startsWith("ja") ? "ja" : "en";
    const draft = this.#ui.field?.value ?? this.#tab.get("draft") ?? "";
    this.#text = STRINGS[lang];
    this.#locale = new Locale(lang);
    this.#painter = new CardPainter({
      text: this.#text,
      locale: this.#locale,
      base: this.#base,
      onaction: (card, button) => this.#addToCart(card, button),
    });
    this.#ui = {};
    this.#root.lang = lang;
    this.#root.className = "root";
    this.#root.dataset.mode = this.mode;
    this.#root.replaceChildren(...(this.mode === "page" ? [this.#panel()] : [this.#launcher(), this.#panel()]));
    this.#ui.field.value = draft;
    this.#paint();
    this.#fitField();
    this.#showLauncher();
    this.#showHandoff();
    this.#showStatus();
    this.#redraw();
  }

  #launcher() {
    this.#ui.badge = el("span", { class: "count", "aria-hidden": "true", hidden: true });
    return (this.#ui.launcher = el(
      "button", { type: "button", class: "launcher", "aria-controls": "panel", onclick: () => this.open() },
      book(46), this.#ui.badge,
    ));
  }

  #panel() {
    const inPage = this.mode === "page";
    const role = inPage ? "region" : "dialog";
    return (this.#ui.panel = el(
      "section", { id: "panel", class: "panel", role, "aria-labelledby": "heading", onkeydown: (event) => this.#panelKey(event), onclick: (event) => this.#panelClick(event) },
      this.#bar(inPage), this.#menu(inPage), this.#banner(), this.#transcript(), this.#composer(),
      (this.#ui.announcer = el("div", { class: "unseen announcer", "aria-live": "polite" })),
    ));
  }

  #bar(inPage) {
    const t = this.#text;
    this.#ui.heading = el("h2", { id: "heading", tabindex: "-1" }, this.#name);
    this.#ui.person = el("button", { type: "button", class: "person", onclick: () => this.#askForPerson() }, icon("person", 18), el("span", {}, t.person));
    this.#ui.more = iconButton("more", t.menu, () => this.#toggleMenu(), { "aria-expanded": "false", "aria-controls": "menu" });
    return el(
      "header", { class: "bar" },
      el("span", { class: "seal" }, mark(30)),
      el("div", { class: "names" }, this.#ui.heading, el("p", {}, t.tagline)),
      inPage && el("slot", { name: "nav" }),
      this.#ui.person,
      this.#ui.more,
      !inPage && iconButton("close", t.close, () => this.close()),
    );
  }

  #menu(inPage) {
    const t = this.#text;
    const restart = el("button", { type: "button", onclick: () => {
      if (restart.dataset.sure) {
        this.#toggleMenu(false);
        this.restart();
        this.#ui.field.focus();
      } else {
        restart.dataset.sure = "yes";
        restart.textContent = t.restartSure;
      }
    } }, t.restart);
    const wide = el("button", { type: "button", class: "widen", onclick: () => {
      this.#device.set("wide", !this.#device.get("wide"));
      this.#showWidth();
      this.#toggleMenu(false);
      this.#ui.more.focus();
    } });
    Object.assign(this.#ui, { restart, wide });
    this.#ui.menu = el("div", { id: "menu", class: "menu", hidden: true }, restart, !inPage && wide);
    this.#showWidth();
    return this.#ui.menu;
  }

  #showWidth() {
    const wide = Boolean(this.#device.get("wide"));
    this.#root.classList.toggle("wide", wide);
    this.#ui.wide.textContent = wide ? this.#text.narrower : this.#text.wider;
  }

  #toggleMenu(open = this.#ui.menu.hidden) {
    this.#ui.menu.hidden = !open;
    this.#ui.more.setAttribute("aria-expanded", String(open));
    delete this.#ui.restart.dataset.sure;
    this.#ui.restart.textContent = this.#text.restart;
    if (open) this.#ui.restart.focus();
  }

  #banner() {
    this.#ui.bannerText = el("p", {});
    this.#ui.bannerButton = el("button", { type: "button", onclick: () => this.#leavePerson() });
    return (this.#ui.banner = el("div", { class: "banner", hidden: true }, el("span", { class: "pulse" }), this.#ui.bannerText, this.#ui.bannerButton));
  }

  #transcript() {
    const t = this.#text;
    this.#ui.empty = el("div", { class: "empty" });
    // Not live: what is streamed would be read out piece by piece. The announcer reads each finished message once.
    this.#ui.log = el("div", { class: "log", role: "log", "aria-live": "off", "aria-label": t.transcript });
    this.#ui.typing = el("p", { class: "typing", role: "status" });
    this.#ui.replies = el("div", { class: "chips replies", role: "group", "aria-label": t.suggestions, hidden: true });
    this.#ui.scroll = el(
      "div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t.transcript, onscroll: () => this.#scrolled() },
      el("div", { class: "column" }, this.#ui.empty, this.#ui.log, this.#ui.typing, this.#ui.replies),
    );
    this.#ui.jump = iconButton("down", t.jump, () => this.#follow({ force: true, toEnd: true }), { class: "icon-button jump", hidden: true });
    return el("div", { class: "stage" }, this.#ui.scroll, this.#ui.jump);
  }

  #composer() {
    const t = this.#text;
    this.#ui.notice = el("p", { class: "notice", role: "status" });
    this.#ui.field = el("textarea", {
      rows: "1", "aria-label": t.field, placeholder: t.placeholder, "aria-describedby": "counter", enterkeyhint: "send", autocomplete: "off",
      onkeydown: (event) => this.#fieldKey(event),
      oninput: () => this.#typed(),
    });
    this.#ui.counter = el("p", { id: "counter", class: "counter", hidden: true });
    this.#ui.stop = iconButton("stop", t.stop, () => this.#stop(), { class: "icon-button stop", hidden: true });
    this.#ui.send = el("button", { type: "submit", class: "send", "aria-label": t.send, title: t.send }, icon("send", 22));
    this.#ui.plain = el("slot", { name: "plain" });
    this.#ui.plain.hidden = true;
    this.#ui.form = el(
      "form", { class: "composer", onsubmit: (event) => { event.preventDefault(); this.#submit(); } },
      el("div", { class: "field" }, this.#ui.field, this.#ui.stop, this.#ui.send),
      this.#ui.counter,
    );
    return el("footer", { class: "foot" }, this.#ui.notice, this.#ui.form, this.#ui.plain);
  }

  // Looks

  #paint() {
    const theme = this.getAttribute("theme");
    const dark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    this.#root.dataset.theme = dark ? "dark" : "light";
    const accent = this.getAttribute("accent") || "";
    const style = this.#root.style;
    for (const name of ["--accent", "--on-accent"]) style.removeProperty(name);
    if (!accent || !CSS.supports("color", accent)) return;
    style.setProperty("--accent", accent);
    style.setProperty("--on-accent", readableOn(accent));
  }

  /** On phones the panel fills what the keyboard leaves. */
  #fitViewport() {
    if (!visualViewport || visualViewport.scale > 1.01) return; // a reader who zooms in keeps the layout
    this.#root.style.setProperty("--seen-height", `${visualViewport.height}px`);
    this.#root.style.setProperty("--seen-top", `${visualViewport.offsetTop}px`);
  }

  #showLauncher() {
    if (!this.#ui.launcher) return;
    const { launcher, badge, panel } = this.#ui;
    panel.hidden = !this.#open;
    launcher.hidden = this.#open;
    launcher.setAttribute("aria-expanded", String(this.#open));
    badge.hidden = !this.#unread;
    badge.textContent = this.#unread > 9 ? "9+" : this.#unread || "";
    const words = this.#unread ? this.#text.launcherUnread : this.#text.launcher;
    launcher.setAttribute("aria-label", fill(words, { name: this.#name, count: this.#unread }));
  }

  #showStatus() {
    if (!this.#ui.notice) return;
    const { status, attempts } = this.#connection;
    const t = this.#text;
    clearTimeout(this.#timers.status);
    const say = (words) => this.#notice("status", words);
    const cut = status === "refused" || (attempts >= TRIES_BEFORE_PLAIN && navigator.onLine);
    if (cut || status === "open") this.#tab.set("cut", status === "open" ? null : true);
    this.#offerPlain(Boolean(this.#tab.get("cut")));
    if (status === "open") this.#sendStop();
    if (status === "open" || status === "idle") say("");
    else if (!navigator.onLine) say(t.offline);
    else if (status === "refused") say(t.refused);
    else if (status === "limited") say(t.limited);
    else if (!this.#ui.notice.textContent) {
      // Most drops are over before anybody would read about them.
      this.#timers.status = setTimeout(() => say(attempts ? t.reconnecting : t.connecting), STATUS_SHOWN_AFTER_MS);
    }
  }

  #noticed = { status: "", passing: "" };

  /** One line above the field: what the connection is doing, or else something that passes. */
  #notice(kind, words) {
    this.#noticed[kind] = words;
    this.#ui.notice.textContent = this.#noticed.status || this.#noticed.passing;
    if (this.#noticed.status && !this.#ui.plain.hidden && this.mode !== "page") {
      this.#ui.notice.append(" ", link("/chat/", this.#base, {}, this.#text.plainLink));
    }
    if (kind !== "passing" || !words) return;
    clearTimeout(this.#timers.passing);
    this.#timers.passing = setTimeout(() => this.#notice("passing", ""), 6000);
  }

  /** Where sockets do not get through, the page's plain form takes over. */
  #offerPlain(cut) {
    this.#ui.plain.hidden = !cut;
    this.#ui.form.hidden = cut && this.#ui.plain.assignedElements().length > 0;
  }

  #announce(words) {
    const line = el("p", {}, words);
    this.#ui.announcer.append(line);
    setTimeout(() => line.remove(), 1500);
  }

  // Scrolling

  #scrolled() {
    const { scroll, jump } = this.#ui;
    const below = scroll.scrollHeight - scroll.clientHeight - scroll.scrollTop;
    this.#atEnd = below < 60;
    jump.hidden = below < 120;
  }

  /** Keeps the newest words in view, but never scrolls the last question off: a long answer is read from its top. */
  #follow({ force = false, toEnd = false } = {}) {
    if (!force && !this.#atEnd) {
      this.#scrolled();
      return;
    }
    const { scroll, log } = this.#ui;
    const end = scroll.scrollHeight - scroll.clientHeight;
    const question = [...log.querySelectorAll(":scope > .user")].pop();
    const top = question && !toEnd ? question.offsetTop - 12 : end;
    scroll.scrollTop = Math.max(0, Math.min(end, top));
    this.#scrolled();
  }

  // The shopper writes

  #panelKey(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    if (!this.#ui.menu.hidden) {
      this.#toggleMenu(false);
      this.#ui.more.focus();
    } else {
      this.close();
    }
  }

  #panelClick({ target }) {
    const { menu, more } = this.#ui;
    if (!menu.hidden && !menu.contains(target) && !more.contains(target)) this.#toggleMenu(false);
  }

  /** Enter sends, but not the Enter that settles a Japanese conversion (Safari reports that one only as 229). */
  #fieldKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.#submit();
  }

  #typed() {
    this.#fitField();
    this.#tab.set("draft", this.#ui.field.value || null);
    if (this.#handoff.state !== "bot") this.#tellTyping();
  }

  #fitField() {
    const { field, counter, form } = this.#ui;
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 168)}px`;
    const left = this.#maxText - length(field.value.trim());
    counter.hidden = left > 400;
    counter.textContent = fill(left < 0 ? this.#text.tooLong : this.#text.counter, { left: this.#locale.number(left), over: this.#locale.number(-left) });
    field.setAttribute("aria-invalid", String(left < 0));
    form.classList.toggle("over", left < 0);
    form.classList.toggle("filled", Boolean(field.value.trim()) && left >= 0);
  }

  #tellTyping() {
    const now = Date.now();
    if (now - (this.#timers.typedAt ?? 0) > 3000) {
      this.#timers.typedAt = now;
      this.#connection.signal({ type: "typing", active: true });
    }
    clearTimeout(this.#timers.typing);
    this.#timers.typing = setTimeout(() => this.#endTyping(), 4000);
  }

  #endTyping() {
    clearTimeout(this.#timers.typing);
    if (!this.#timers.typedAt) return;
    this.#timers.typedAt = 0;
    this.#connection.signal({ type: "typing", active: false });
  }

  #submit() {
    const text = this.#ui.field.value.trim();
    if (!text || length(text) > this.#maxText) return;
    this.#ui.field.value = "";
    this.#typed();
    this.#endTyping();
    this.send(text);
  }

  #post(text, id = newId()) {
    const entry = { role: "user", content: text, client_msg_id: id, state: "sending", at: new Date().toISOString() };
    this.#entries.push(entry);
    this.#place(entry);
    this.#showReplies();
    this.#follow({ force: true });
    this.#connection.send({ type: "user_message", client_msg_id: id, text, lang: this.#locale.lang });
  }

  #retry(entry) {
    this.#entries = this.#entries.filter((each) => each !== entry);
    entry.node?.remove();
    this.#post(entry.content);
  }

  #stop() {
    [this.#stopping] = this.#turns.keys();
    this.#ui.stop.disabled = true;
    this.#sendStop();
  }

  /** Again after each reconnect, until the turn has ended. */
  #sendStop() {
    if (this.#turns.has(this.#stopping)) this.#connection.signal({ type: "stop", turn_id: this.#stopping });
  }

  /** Sends what the server answers with `saved`. */
  #ask(frame, { saved = () => {}, failed = () => {} } = {}) {
    const id = newId();
    this.#awaited.set(id, { saved, failed });
    this.#connection.send({ ...frame, client_msg_id: id });
  }

  #addToCart(card, button) {
    const words = button.textContent;
    const restore = () => {
      button.disabled = false;
      button.textContent = words;
    };
    button.disabled = true;
    button.textContent = this.#text.adding;
    const { price } = card.data;
    this.#carting = { asin: card.data.asin, button, restore };
    this.#ask(
      {
        type: "action", action: "add_to_cart", message_id: card.message_id, card_id: card.card_id,
        ...(price && { quoted: { amount: price.amount, currency: price.currency } }),
      },
      { saved: () => setTimeout(() => button.textContent === this.#text.adding && restore(), 5000), failed: restore },
    );
  }

  /** The answer to a click on "add to cart": what it said, and the cart's new count (null: not added). */
  #carted({ asin, content, cart_count: count = null }) {
    const clicked = this.#carting?.asin === asin ? this.#carting : null;
    this.#carting = null;
    clicked?.restore();
    if (clicked && count !== null) {
      clicked.button.replaceChildren(icon("check", 16), this.#text.added);
      setTimeout(clicked.restore, 4000);
    }
    this.#emit("cart", { asin, message: content, cart_count: count });
  }

  #askForPerson() {
    const { person } = this.#ui;
    person.disabled = true;
    this.#notice("passing", this.#text.personAsked);
    this.#connection.start();
    const done = () => (person.disabled = false);
    this.#ask({ type: "handoff" }, { saved: done, failed: done });
  }

  #leavePerson() {
    this.#ask({ type: "handoff", cancel: true });
  }

  // Frames

  #receive(frame) {
    const read = {
      ready: this.#ready,
      forgotten: this.#forgotten,
      accepted: this.#accepted,
      typing_indicator: this.#thinking,
      delta: this.#delta,
      card: this.#card,
      response: this.#response,
      message: this.#message,
      typing: this.#agentTypes,
      handoff_state: this.#handedOff,
      saved: this.#saved,
      error: this.#error,
    }[frame.type];
    read?.call(this, frame);
  }

  #ready(frame) {
    this.#maxText = frame.max_text || MAX_TEXT;
    if (frame.reset) this.#keepUnsent();
    const caughtUp = this.#met && !frame.reset;
    this.#met = true;
    const known = new Set(this.#entries.map((entry) => entry.message_id));
    const unsent = this.#entries.filter((entry) => entry.state === "sending");
    this.#entries = this.#entries.filter((entry) => entry.state !== "sending");
    for (const message of frame.messages) this.#take(message, unsent);
    this.#entries.push(...unsent.filter((entry) => entry.state === "sending"));
    this.#handoff = { ...(frame.state === this.#handoff.state && this.#handoff), state: frame.state };
    if (frame.active_turn) this.#begin(frame.active_turn.turn_id);
    else for (const turnId of this.#turns.keys()) this.#watch(turnId, 10000);
    this.#showHandoff();
    this.#redraw();
    this.#follow({ force: this.#atEnd });
    const missed = caughtUp ? this.#entries.filter((entry) => entry.message_id && entry.role !== "user" && !known.has(entry.message_id)) : [];
    for (const entry of missed) this.#heard(entry);
    this.#emit("ready", { conversation_id: frame.conversation_id });
  }

  #keepUnsent() {
    this.#entries = this.#entries.filter((entry) => entry.state === "sending");
    for (const turnId of [...this.#turns.keys()]) this.#end(turnId);
  }

  #forgotten() {
    this.#keepUnsent();
    if (!this.#connection.unacknowledged.length) this.#entries = [];
    this.#handoff = { state: "bot" };
    this.#met = false;
    this.#showHandoff();
    this.#redraw();
  }

  /** A stored message, in the place of its local echo or of its stream if there is one. Returns the entry. */
  #take(message, alsoIn = []) {
    const { message_id: id, client_msg_id: clientId, turn_id: turnId, role } = message;
    const known = [...this.#entries, ...alsoIn].find((entry) =>
      (id && entry.message_id === id) ||
      (clientId && entry.client_msg_id === clientId) ||
      // The end of a handoff is told at once, and stored as well for who was away.
      (role === "system" && entry.handoff && !entry.message_id && entry.content === message.content) ||
      (role === "assistant" && turnId && entry.role === role && entry.turn_id === turnId));
    const entry = known ?? {};
    const { type, seq, ...fields } = message;
    Object.assign(entry, fields, { state: "sent", streaming: false });
    entry.at ??= new Date().toISOString();
    if (!this.#entries.includes(entry)) this.#entries.push(entry);
    if (role === "assistant" && turnId) this.#end(turnId);
    return entry;
  }

  #accepted(frame) {
    const entry = this.#entries.find((each) => each.client_msg_id === frame.client_msg_id);
    if (entry) {
      Object.assign(entry, { state: "sent", message_id: frame.message_id, turn_id: frame.turn_id });
      this.#place(entry);
    }
    if (frame.turn_id && !frame.duplicate) this.#begin(frame.turn_id);
  }

  #thinking(frame) {
    this.#begin(frame.turn_id);
    this.#showTyping(frame.message);
  }

  #delta(frame) {
    const entry = this.#streamed(frame.turn_id);
    entry.content += frame.text;
    this.#showTyping("");
    this.#timers.paint ||= requestAnimationFrame(() => {
      this.#timers.paint = 0;
      for (const { entry: streaming } of this.#turns.values()) if (streaming) this.#paintStream(streaming);
      this.#follow();
    });
  }

  #card(frame) {
    const entry = this.#streamed(frame.turn_id);
    if (entry.cards.some((card) => card.card_id === frame.card_id)) return;
    entry.cards.push({ card_id: frame.card_id, kind: frame.kind, data: frame.data });
    this.#place(entry);
    this.#follow();
  }

  #response(frame) {
    const entry = this.#take({ ...frame, role: "assistant" });
    this.#place(entry);
    this.#showReplies();
    this.#follow();
    this.#heard(entry);
  }

  #message(frame) {
    const entry = this.#take(frame);
    if (frame.role === "agent") this.#showTyping("");
    this.#place(entry);
    this.#showReplies();
    this.#follow();
    if (frame.role !== "user") this.#heard(entry);
    if (frame.action === "add_to_cart") this.#carted(frame);
  }

  /** Somebody else has spoken: read it out, count it when the panel is closed, tell the page. */
  #heard(entry) {
    const name = entry.role === "agent" ? entry.name || this.#agentName : this.#name;
    const words = [entry.role === "system" ? entry.content : fill(this.#text.announce, { name, text: entry.content })];
    if (entry.cards?.length) words.push(fill(this.#text.announceCards, { count: entry.cards.length }));
    this.#announce(words.join(" "));
    if (this.mode === "launcher" && !this.#open) {
      this.#unread += 1;
      this.#showLauncher();
    }
    const { role, content, message_id: id } = entry;
    this.#emit("message", { role, content, message_id: id });
  }

  #saved(frame) {
    this.#awaited.get(frame.client_msg_id)?.saved();
    this.#awaited.delete(frame.client_msg_id);
  }

  #error(frame) {
    const { client_msg_id: id, turn_id: turnId, code, message } = frame;
    const entry = id && this.#entries.find((each) => each.client_msg_id === id);
    const awaited = this.#awaited.get(id);
    if (entry) {
      Object.assign(entry, { state: "failed", problem: message, retryable: frame.retryable, wait: frame.retry_after_ms ?? 0 });
      this.#place(entry);
      this.#follow();
    } else if (turnId && this.#turns.has(turnId) && code !== "no_such_turn") {
      this.#failTurn(turnId, message, frame.retryable);
    } else if (!QUIET_ERRORS.has(code)) {
      this.#notice("passing", message || this.#text.notSent);
    }
    if (awaited) {
      awaited.failed();
      this.#awaited.delete(id);
    } else if (!id && !turnId) {
      // It does not say whose fault it was: whatever waits may be tried again.
      for (const each of this.#awaited.values()) each.failed();
      this.#awaited.clear();
    }
  }

  // Turns

  #begin(turnId) {
    if (!this.#turns.has(turnId)) this.#turns.set(turnId, { entry: null });
    this.#watch(turnId, SILENT_TURN_MS);
    this.#showRunning();
  }

  /** No turn is waited for without end, whatever happens to the server. */
  #watch(turnId, limit) {
    const turn = this.#turns.get(turnId);
    clearTimeout(turn.watchdog);
    turn.watchdog = setTimeout(() => this.#failTurn(turnId, this.#text.noAnswer, true), limit);
  }

  #streamed(turnId) {
    this.#begin(turnId);
    const turn = this.#turns.get(turnId);
    if (!turn.entry) {
      turn.entry = { role: "assistant", content: "", cards: [], turn_id: turnId, streaming: true, at: new Date().toISOString() };
      this.#entries.push(turn.entry);
      this.#place(turn.entry);
    }
    return turn.entry;
  }

  #failTurn(turnId, words, retryable) {
    const entry = this.#turns.get(turnId)?.entry ?? { role: "assistant", cards: [], turn_id: turnId, at: new Date().toISOString() };
    Object.assign(entry, { content: words, status: "failed", retryable, streaming: false, cards: [] });
    if (!this.#entries.includes(entry)) this.#entries.push(entry);
    this.#end(turnId);
    this.#place(entry);
    this.#heard(entry);
    this.#follow();
  }

  #end(turnId) {
    const turn = this.#turns.get(turnId);
    if (!turn) return;
    clearTimeout(turn.watchdog);
    this.#turns.delete(turnId);
    this.#showRunning();
  }

  #showRunning() {
    const running = this.#turns.size > 0;
    if (!running) {
      this.#showTyping("");
      if (this.#shadow.activeElement === this.#ui.stop) this.#ui.field.focus();
    }
    this.#ui.stop.hidden = !running;
    this.#ui.stop.disabled = this.#turns.has(this.#stopping);
    this.#remember();
    this.#showReplies();
  }

  #showTyping(words) {
    const { typing } = this.#ui;
    if (typing.dataset.words === words) return;
    typing.dataset.words = words;
    const dots = () => el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
    typing.replaceChildren(...(words ? [dots(), el("span", {}, words)] : []));
    this.#follow();
  }

  // People

  get #agentName() {
    return this.#handoff.agent_name || this.#text.agent;
  }

  #agentTypes(frame) {
    clearTimeout(this.#timers.agent);
    this.#showTyping(frame.active ? fill(this.#text.agentTyping, { name: frame.name || this.#agentName }) : "");
    // An indicator whose end got lost ends by itself.
    if (frame.active) this.#timers.agent = setTimeout(() => this.#showTyping(""), 8000);
  }

  #handedOff(frame) {
    const before = this.#handoff.state;
    this.#handoff = frame;
    this.#showHandoff();
    // A turn that asked for a person says so itself.
    const toldByTurn = frame.state === "queued" && this.#turns.size > 0;
    const rate = frame.rate ? frame.handoff_id : "";
    const isAsked = rate && !this.#entries.some((entry) => entry.rate === rate);
    const stored = isAsked && this.#entries.findLast((entry) => entry.role === "system" && entry.message_id && entry.content === frame.message);
    if (stored) {
      Object.assign(stored, { handoff: true, rate });
      this.#redraw();
      this.#follow();
    } else if ((frame.state !== before || frame.notice || isAsked) && frame.message && !toldByTurn) {
      const entry = { role: "system", content: frame.message, state: "sent", at: new Date().toISOString(), handoff: true, rate };
      this.#entries.push(entry);
      this.#place(entry);
      this.#follow();
      this.#heard(entry);
    }
    this.#showReplies();
    this.#remember();
    const { state, agent_name: name = null, position = null, estimated_wait: wait = null } = frame;
    this.#emit("handoff", { state, agent_name: name, position, estimated_wait: wait });
  }

  #showHandoff() {
    const { state, agent_name: name, position, estimated_wait: wait } = this.#handoff;
    const { banner, bannerText, bannerButton, person } = this.#ui;
    const t = this.#text;
    banner.hidden = state === "bot";
    banner.dataset.state = state;
    person.hidden = state !== "bot";
    if (state === "bot") return;
    this.#notice("passing", "");
    const details = [
      position && fill(t.position, { position }),
      typeof wait === "number" && fill(t.wait, { minutes: Math.max(1, Math.ceil(wait / 60)) }),
    ].filter(Boolean);
    const words = state === "queued" ? t.queued : fill(t.withAgent, { name: name || t.someone });
    bannerText.replaceChildren(el("strong", {}, words), ...(state === "queued" && details.length ? [el("span", {}, details.join(" · "))] : []));
    bannerButton.textContent = state === "queued" ? t.cancelWait : t.leaveAgent;
  }

  // Drawing the transcript

  #redraw() {
    for (const entry of this.#entries) entry.node = null;
    this.#ui.log.replaceChildren();
    for (const entry of this.#entries) this.#place(entry);
    this.#showEmpty();
    this.#showReplies();
    this.#showRunning();
  }

  #place(entry) {
    const node = this.#draw(entry);
    if (entry.node?.isConnected) entry.node.replaceWith(node);
    else this.#ui.log.append(node);
    entry.node = node;
    this.#showEmpty();
  }

  #draw(entry) {
    const { role } = entry;
    if (role === "system") return entry.rate ? this.#drawRating(entry) : el("p", { class: "entry system" }, entry.content);
    if (role === "user") return this.#drawUser(entry);
    const name = role === "agent" ? entry.name || this.#agentName : this.#name;
    const body = el("div", { class: "words" }, formatted(entry.content, this.#base));
    entry.body = body;
    const cards = (entry.cards ?? []).map((card) => ({ ...card, message_id: entry.streaming ? "" : entry.message_id }));
    return el(
      "div", { class: `entry ${role}${entry.streaming ? " streaming" : ""}${entry.status === "failed" ? " failed" : ""}`, "data-message-id": entry.message_id },
      el("p", { class: "who" }, name),
      entry.content && el("div", { class: "balloon" }, body, this.#drawSources(entry)),
      this.#painter.shelf(cards),
      !entry.streaming && this.#drawFoot(entry),
    );
  }

  #paintStream(entry) {
    if (entry.body.isConnected) entry.body.replaceChildren(formatted(entry.content, this.#base));
    else this.#place(entry);
  }

  #drawUser(entry) {
    const t = this.#text;
    const node = el("div", { class: `entry user ${entry.state}` }, el("p", { class: "unseen" }, `${t.you}:`), el("p", { class: "balloon" }, entry.content));
    if (entry.state === "sending") node.append(el("p", { class: "fate late" }, t.sending));
    if (entry.state === "failed") {
      node.append(el("p", { class: "fate" }, entry.problem || t.notSent, entry.retryable !== false && this.#retryButton(() => this.#retry(entry), entry.wait)));
    }
    return node;
  }

  #retryButton(onclick, wait = 0) {
    const button = el("button", { type: "button", class: "retry", disabled: wait > 0, onclick }, icon("retry", 16), this.#text.retry);
    if (wait > 0) setTimeout(() => (button.disabled = false), wait);
    return button;
  }

  #drawSources({ citations }) {
    const sources = (citations ?? []).filter((source) => source.title || source.url);
    if (!sources.length) return null;
    return el(
      "p", { class: "sources" }, el("span", {}, this.#text.sources),
      sources.map((source) => link(source.url, this.#base, { class: "source" }, source.title || source.url)),
    );
  }

  #drawFoot(entry) {
    const t = this.#text;
    const failed = entry.status === "failed";
    const question = failed && this.#entries.find((each) => each.role === "user" && each.turn_id === entry.turn_id);
    const foot = el(
      "div", { class: "entry-foot" },
      el("time", { datetime: entry.at }, this.#locale.moment(entry.at)),
      entry.status === "stopped" && el("span", {}, t.stopped),
      question && entry.retryable !== false && this.#retryButton(() => this.#post(question.content)),
      entry.role === "assistant" && entry.message_id && !failed && this.#drawFeedback(entry),
    );
    return foot;
  }

  // Opinions

  #drawFeedback(entry) {
    const t = this.#text;
    const said = el("span", { class: "said", role: "status" });
    const box = el("div", { class: "opinion" });
    const thumbs = {
      up: iconButton("up", t.good, () => choose("up"), { class: "icon-button thumb" }),
      down: iconButton("thumbDown", t.bad, () => choose("down"), { class: "icon-button thumb" }),
    };
    const show = () => {
      for (const [rating, button] of Object.entries(thumbs)) button.setAttribute("aria-pressed", String(entry.rating === rating));
    };
    const tell = (rating, details, words) => {
      const before = entry.rating ?? null;
      entry.rating = rating;
      show();
      this.#ask({ type: "feedback", message_id: entry.message_id, rating, ...details }, {
        saved: () => {
          said.textContent = words;
          this.#emit("feedback", { message_id: entry.message_id, rating, ...details });
        },
        failed: () => {
          entry.rating = before;
          show();
        },
      });
    };
    const finish = () => {
      box.replaceChildren();
      thumbs.down.focus();
    };
    const choose = (rating) => {
      const withdrawn = entry.rating === rating;
      said.textContent = "";
      tell(withdrawn ? null : rating, {}, withdrawn ? t.withdrawn : rating === "up" ? t.thanks : "");
      box.replaceChildren();
      if (!withdrawn && rating === "down") {
        const ontell = (reason, comment) => {
          tell("down", { ...(reason && { reason }), ...comment }, t.thanks);
          finish();
        };
        box.append(this.#reasonForm(t.why, Object.entries(t.reasons), ontell, finish));
        this.#follow();
      }
    };
    show();
    return [thumbs.up, thumbs.down, said, box];
  }

  /** How it was with a person, asked once when they have gone. */
  #drawRating(entry) {
    const t = this.#text;
    const end = (words) => {
      Object.assign(entry, { rate: "", content: words || entry.content });
      this.#place(entry);
      if (words) this.#announce(words);
      this.#ui.field.focus({ preventScroll: true });
    };
    const ontell = (csat, comment) => csat && this.#ask(
      { type: "action", action: "rate_handoff", handoff_id: entry.rate, csat: Number(csat), ...comment },
      { saved: () => end(t.thanks) },
    );
    const scale = t.csatScale.map((words, place) => [place + 1, words]);
    return el("div", { class: "entry rating" }, el("p", { class: "entry system" }, entry.content), this.#reasonForm(t.csat, scale, ontell, () => end("")));
  }

  /** A choice and a comment. `ontell(value, {comment}?)`. */
  #reasonForm(legend, choices, ontell, onskip) {
    const t = this.#text;
    const name = `reason-${newId()}`;
    const comment = el("textarea", { rows: "2", maxlength: "1000", "aria-label": t.comment, placeholder: t.comment });
    const form = el(
      "form", {
        class: "reasons",
        onsubmit: (event) => {
          event.preventDefault();
          ontell(form.querySelector("input:checked")?.value, comment.value.trim() && { comment: comment.value.trim() });
        },
        onkeydown: (event) => {
          if (event.key !== "Escape" || event.isComposing) return;
          event.stopPropagation();
          onskip();
        },
      },
      el("fieldset", {}, el("legend", {}, legend), choices.map(([value, words]) =>
        el("label", {}, el("input", { type: "radio", name, value }), el("span", {}, words)))),
      comment,
      el("div", { class: "reason-buttons" },
        el("button", { type: "submit", class: "primary" }, t.sendFeedback),
        el("button", { type: "button", onclick: onskip }, t.skip)),
    );
    return form;
  }

  // Suggestions

  #showEmpty() {
    const { empty } = this.#ui;
    if (!empty) return;
    empty.hidden = this.#entries.length > 0;
    if (empty.hidden) return void empty.replaceChildren();
    const t = this.#text;
    const { asin, series, query } = this.#pageContext();
    const asks = asin || series ? t.suggest.page : query ? [...t.suggest.query.map((ask) => fill(ask, { query })), ...t.suggest.shop] : t.suggest.shop;
    empty.replaceChildren(
      el("div", { class: "frame" }, mark(76), el("p", { class: "greeting" }, t.greeting), el("p", {}, t.greetingMore)),
      el("div", { class: "chips", role: "group", "aria-label": t.suggestions }, asks.slice(0, 4).map((ask) => this.#chip(ask))),
    );
  }

  #chip(words) {
    return el("button", { type: "button", class: "chip", onclick: () => {
      // The chip goes away; on a touch screen the field would bring up the keyboard over the answer.
      (onTouchScreen() ? this.#ui.scroll : this.#ui.field).focus({ preventScroll: true });
      this.send(words);
    } }, words);
  }

  #showReplies() {
    const { replies } = this.#ui;
    const last = this.#entries.findLast((entry) => entry.role !== "system" || entry.handoff || entry.quick_replies);
    const offered = this.#turns.size === 0 && last?.role !== "user" ? (last?.quick_replies ?? []) : [];
    replies.hidden = !offered.length;
    replies.replaceChildren(...offered.map((words) => this.#chip(String(words))));
  }
}

function onTouchScreen() {
  return matchMedia("(pointer: coarse)").matches;
}

function guessDevice() {
  if (!onTouchScreen()) return "desktop";
  return Math.min(screen.width, screen.height) < 600 ? "mobile" : "tablet";
}

/** Black or white, whichever reads better on a colour (WCAG 2 relative luminance). */
function readableOn(colour) {
  const brush = el("canvas", { width: "1", height: "1" }).getContext("2d", { willReadFrequently: true });
  brush.fillStyle = colour;
  brush.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...brush.getImageData(0, 0, 1, 1).data].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? "#fff" : "#000";
}

if (!customElements.get("manga-assist")) customElements.define("manga-assist", MangaAssist);
