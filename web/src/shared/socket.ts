/**
 * The agent's WebSocket: a single-use ticket, then messages in order. After a drop it asks for what followed the last
 * sequence it has seen, so nothing is lost or told twice.
 */

import { API, Problem, post } from "./api";
import { backoffMilliseconds } from "./backoff";

export interface Message {
  version: number;
  /** Null: a message that is not kept (`hello`, `queues`, `ping`). */
  sequence: number | null;
  at: string;
  type: string;
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

export interface SocketEvents {
  message(message: Message): void;
  /** Whether messages come now. */
  connected(yes: boolean): void;
  /** The server will not have this page any more; it does not try again. `code`: of the close frame. */
  refused(code: number): void;
}

/** The server pings more often than this; silence is a dead line. */
const SILENCE_MILLISECONDS = 30_000;
/** Close codes after which trying again is of no use: bad frame, not allowed, superseded (docs/agent-api.md). */
export const CLOSED_FOR_GOOD = { badFrame: 4400, notAllowed: 4403, superseded: 4409 } as const;
const FINAL: ReadonlySet<number> = new Set(Object.values(CLOSED_FOR_GOOD));

export class AgentSocket {
  #socket: WebSocket | null = null;
  #after: number | null = null;
  #tries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(readonly events: SocketEvents) {
    window.addEventListener("online", () => this.#again(0));
  }

  start(): void {
    this.#stopped = false;
    this.#again(0);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#socket?.close();
    this.#socket = null;
  }

  async #connect(): Promise<void> {
    if (this.#stopped || this.#socket !== null) return;
    let ticket: string;
    try {
      ({ ticket } = await post<{ ticket: string }>("/agents/me/tickets"));
    } catch (error) {
      if (error instanceof Problem && error.status >= 400 && error.status < 500 && error.status !== 429) return;
      this.#again();
      return;
    }
    if (this.#stopped || this.#socket !== null) return;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}${API}/agents/me/socket`);
    this.#socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ version: 1, ticket, after: this.#after }));
      this.#hear();
    };
    socket.onmessage = (event) => {
      this.#hear();
      this.#tries = 0;
      this.#take(JSON.parse(String(event.data)) as Message);
    };
    socket.onclose = (event) => this.#closed(socket, event.code);
  }

  #take(message: Message): void {
    if (message.sequence !== null) {
      if (this.#after !== null && message.sequence <= this.#after) return;
      this.#after = message.sequence;
    }
    if (message.type === "hello") {
      const hello = message.after as { sequence: number; resumed: boolean };
      if (!hello.resumed) this.#after = hello.sequence;
      this.events.connected(true);
    }
    this.events.message(message);
  }

  #closed(socket: WebSocket, code: number): void {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearTimeout(this.#watch);
    this.events.connected(false);
    if (FINAL.has(code)) {
      this.#stopped = true;
      this.events.refused(code);
      return;
    }
    this.#again();
  }

  #hear(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      const socket = this.#socket;
      if (socket === null) return;
      socket.close();
      this.#closed(socket, 1006);
    }, SILENCE_MILLISECONDS);
  }

  #again(milliseconds = backoffMilliseconds(this.#tries++)): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), milliseconds);
  }
}
