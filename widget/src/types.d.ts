/** The frames of protocol v1, as far as the widget reads them, and what it makes of them. */

export interface Money {
  amount: string;
  currency: string;
  as_of?: string;
}

export interface Card {
  card_id: string;
  kind: string;
  /** Product, series, order or promotion data: read with care, for it comes from elsewhere. */
  data: any;
  /** The stored message that it belongs to; "" while that message still streams. */
  message_id?: string;
}

export interface Citation {
  title?: string;
  url?: string;
}

/** A message of the conversation, as stored by the server. */
export interface Message {
  message_id?: string;
  client_msg_id?: string;
  turn_id?: string | null;
  role: "user" | "assistant" | "agent" | "system";
  content: string;
  name?: string;
  cards?: Card[];
  quick_replies?: string[];
  citations?: Citation[];
  status?: "complete" | "stopped" | "failed";
  retryable?: boolean;
  rating?: "up" | "down" | null;
  /** Of a thumb down. */
  reason?: string;
  at?: string;
}

/** A message as this page shows it. */
export interface Entry extends Message {
  at: string;
  state: "sending" | "sent" | "failed";
  streaming?: boolean;
  /** The code of the error that it met. */
  problem?: string;
  /** Milliseconds before another try makes sense. */
  wait?: number;
  /** A change of who answers, told before its stored message came. */
  handoff?: boolean;
  /** The handoff that may still be rated. */
  rate?: string;
}

export type HandoffState = "bot" | "queued" | "agent";

export interface Handoff {
  state: HandoffState;
  message?: string;
  agent_name?: string | null;
  position?: number | null;
  estimated_wait?: number | null;
  rate?: boolean;
  handoff_id?: string;
  notice?: boolean;
}

/** A frame from the server: `type` and the fields of that type. */
export interface Frame {
  type: string;
  turn_id?: string;
  seq?: number;
  message_id?: string;
  client_msg_id?: string;
  [field: string]: any;
}

/** A frame that the server must acknowledge. */
export interface Sent {
  type: string;
  client_msg_id: string;
  [field: string]: any;
}

export type Status = "idle" | "connecting" | "open" | "waiting" | "limited" | "refused";

/** Values kept in a browser storage. null: nothing kept. */
export interface Store {
  get(name: string): any;
  set(name: string, value: unknown): void;
}

/** What the connection needs of its surroundings; a test brings its own. */
export interface Surroundings {
  connect(url: string): WebSocket;
  post(url: string, body: object): Promise<{ ok: boolean; status: number; json(): Promise<any> }>;
  now(): number;
  /** Runs `task` once after `ms`; the answer goes to `cancel`. */
  after(ms: number, task: () => void): number;
  cancel(timer: number | undefined): void;
  random(): number;
}

/** What the parts of the view share. */
/** What the shop has decided about its assistant: its own words by language, what is missing is the widget's. `off`: the
 * parts that are switched off, as a list of words; the style sheet hides them. */
export interface Assistant {
  greeting?: Record<string, string>;
  replies?: Record<string, string[]>;
  off?: string;
}

export interface Chat {
  text: import("./strings/index.js").Text;
  locale: import("./locale.js").Locale;
  /** Address that relative ones of the server are read against. */
  base: string;
  /** The assistant's name. */
  name: string;
  /** The shop's own first words; "": the widget's. */
  greeting: string;
  /** The whole page is the chat; otherwise it is a panel with a launcher. */
  inPage: boolean;
  conversation: import("./state/conversation.js").Conversation;
  /** What the page says that the shopper is looking at. */
  context(): Record<string, any>;
  /** `id`: of a message that was not sent, to be sent again. */
  say(text: string, id?: string): void;
  addToCart(card: Card, button: HTMLButtonElement): void;
  askForPerson(done: () => void): void;
  /** Reads words out to who cannot see them. */
  announce(words: string): void;
  focusField(): void;
  /** Tells the page. false: it has asked for the usual consequence to be left out. */
  tell(name: string, detail?: object): boolean;
  restart(): void;
  close(): void;
  /** A choice of this browser that outlives the page. */
  device: Store;
  widthChanged(): void;
  /** The shopper reads another language. */
  switchLanguage(): void;
}
