/** The live board: tables kept as the stream tells them, each row replaced as a whole when it changed. */

import { get, words } from "../shared/api";
import { label } from "../shared/i18n";
import type { Me } from "../shared/session";
import { openStream } from "../shared/sse";
import type { Alarm, PauseReason, QueueRow, TableName, Tables } from "./types";
import { coded, t } from "./words";

type Kept = { [Name in TableName]: Map<string, Tables[Name]> };
type Frame = { [Name in TableName]?: Tables[Name][] };

const KEYS: Record<TableName, string> = {
  queues: "name",
  waiting: "uniqueid",
  agents: "number",
  menus: "call_id",
  alarms: "id",
  trunks: "name",
};
const TABLES = Object.keys(KEYS) as TableName[];
const NOTICES = 4;
const NOTICE_MILLISECONDS = 8000;
const COMMAND_TRIES = 16;
const COMMAND_MILLISECONDS = 500;

export interface Notice {
  id: number;
  kind: "good" | "bad" | "info";
  text: string;
}

export class Board {
  readonly tables: Kept = { queues: new Map(), waiting: new Map(), agents: new Map(), menus: new Map(), alarms: new Map(), trunks: new Map() };
  me: Me | null = null;
  reasons: PauseReason[] = [];
  /** What the board's alarms are about, by id. */
  alarms = new Map<number, Alarm>();
  link: "connecting" | "up" | "lost" | "refused" = "connecting";
  notices: Notice[] = [];
  readonly busy = new Set<string>();
  /** Some alarm is new. */
  onAlarm: (alarm: Alarm) => void = () => {};
  #noticed = 0;
  #loading = false;

  constructor(readonly changed: () => void) {}

  async start(): Promise<void> {
    [this.me, this.reasons] = await Promise.all([get<Me>("/auth/me"), get<PauseReason[]>("/pause-reasons")]);
    this.changed();
    openStream("/supervision/stream", {
      event: (name, data) => this.#take(name, data as Record<string, unknown>),
      connected: (yes) => {
        this.link = yes ? "up" : "lost";
        this.changed();
      },
      refused: () => {
        this.link = "refused";
        this.changed();
      },
    });
  }

  rows<Name extends TableName>(name: Name): Tables[Name][] {
    return [...this.tables[name].values()];
  }

  queueLabel(name: string | null): string {
    const queue: QueueRow | undefined = name === null ? undefined : this.tables.queues.get(name);
    return queue === undefined ? (name ?? "") : label(queue);
  }

  reasonLabel(code: string | null): string {
    const reason = this.reasons.find((one) => one.code === code);
    return reason === undefined ? (code ?? "") : label(reason);
  }

  #take(name: string, data: Record<string, unknown>): void {
    if (name === "board") {
      for (const table of TABLES) this.tables[table].clear();
      this.#put(data as Frame);
    } else if (name === "change") {
      this.#put(data["changed"] as Frame);
      for (const [table, keys] of Object.entries(data["removed"] as Record<TableName, string[]>)) {
        for (const key of keys) this.tables[table as TableName].delete(String(key));
      }
    } else return;
    void this.#nameAlarms();
    this.changed();
  }

  #put(frame: Frame): void {
    for (const table of TABLES) {
      const kept = this.tables[table] as Map<string, unknown>;
      for (const row of frame[table] ?? []) kept.set(String((row as unknown as Record<string, unknown>)[KEYS[table]]), row);
    }
  }

  /** The board tells of alarms by id; their titles are asked for when there is a new one. */
  async #nameAlarms(): Promise<void> {
    const unknown = this.rows("alarms").filter((row) => this.alarms.get(row.id)?.occurrences !== row.occurrences);
    if (unknown.length === 0 || this.#loading) return;
    this.#loading = true;
    try {
      const { items } = await get<{ items: Alarm[] }>("/alarms?state=open&limit=100");
      for (const alarm of items) {
        const isNew = !this.alarms.has(alarm.id);
        this.alarms.set(alarm.id, alarm);
        if (isNew && alarm.is_for_me) this.onAlarm(alarm);
      }
    } catch (error) {
      this.notice("bad", words(error));
    } finally {
      this.#loading = false;
    }
    this.changed();
  }

  // -- what the supervisor does

  /** Runs `work` once at a time per `key`; what goes wrong is said. Returns whether it went well. */
  async act(key: string, work: () => Promise<void>, done?: string): Promise<boolean> {
    if (this.busy.has(key)) return false;
    this.busy.add(key);
    this.changed();
    try {
      await work();
      if (done !== undefined) this.notice("good", done);
      return true;
    } catch (error) {
      this.notice("bad", words(error));
      return false;
    } finally {
      this.busy.delete(key);
      this.changed();
    }
  }

  /** Something that Asterisk is told: said when it was done, or why it was not. */
  async command(key: string, ask: () => Promise<{ command_id: number }>, done: string): Promise<boolean> {
    return this.act(key, async () => {
      const { command_id } = await ask();
      for (let tries = 0; tries < COMMAND_TRIES; tries++) {
        const { state, answer } = await get<{ state: string; answer: string | null }>(`/supervision/commands/${command_id}`);
        if (state === "done") {
          this.notice("good", done);
          return;
        }
        if (state !== "pending" && state !== "sent") {
          this.notice("bad", t("command.failed", { what: done, why: coded("answer", answer ?? state) }));
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, COMMAND_MILLISECONDS));
      }
      this.notice("bad", t("command.late", { what: done }));
    });
  }


  notice(kind: Notice["kind"], text: string): void {
    const one = { id: ++this.#noticed, kind, text };
    this.notices = [...this.notices.slice(1 - NOTICES), one];
    setTimeout(() => this.dismiss(one.id), NOTICE_MILLISECONDS);
    this.changed();
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((one) => one.id !== id);
    this.changed();
  }
}

export const seconds = (since: string): number => (Date.now() - Date.parse(since)) / 1000;
