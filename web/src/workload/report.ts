/** What the page holds: the question, and the answers to it. A later question makes earlier answers void. */

import { blob, get, words } from "../shared/api";
import { label, language } from "../shared/i18n";
import type { Me } from "../shared/session";
import { agentWords } from "./figures";
import { beginning, daysOf, plus, today } from "./periods";
import type { Labelled, Question, Row, Workload } from "./types";
import { t } from "./words";

const ROWS_AT_ONCE = 200;
const MOST_ROWS = 500;

export class Report {
  me: Me | null = null;
  queues: ReadonlyMap<string, Labelled> = new Map();
  reasons: ReadonlyMap<string, Labelled> = new Map();
  question: Question = { from: "", until: "", interval: "period", group: "agent", agent: "", queue: "" };
  zone = "";
  /** Null until there is an answer to the question. */
  rows: Row[] | null = null;
  next: string | null = null;
  /** Of all rows, also of those not fetched yet; null: there are none. */
  total: Row | null = null;
  /** By interval alone, for the chart; null where the whole period is one. */
  course: Row[] | null = null;
  /** Number and words of who did anything in the period. */
  people: [string, string][] = [];
  error = "";
  busy = "";
  /** Counts answers: what is drawn from one, is drawn anew for the next. */
  version = 0;
  #asked = 0;

  constructor(readonly changed: () => void) {}

  async start(): Promise<void> {
    type Queue = Labelled & { name: string };
    type Reason = Labelled & { code: string };
    const [me, queues, reasons, { time_zone }] = await Promise.all([
      get<Me>("/auth/me"),
      get<Queue[]>("/queues"),
      get<Reason[]>("/pause-reasons"),
      get<Workload>("/workload?from=2026-01-01T00:00:00Z&until=2026-01-01T00:00:01Z&interval=period&group=none&limit=1"),
    ]);
    this.me = me;
    this.queues = new Map(queues.map((one) => [one.name, one]));
    this.reasons = new Map(reasons.map((one) => [one.code, one]));
    this.zone = time_zone;
    await this.ask(daysOf("today", today(time_zone)));
  }

  /** Change the question, and answer it. */
  async ask(change: Partial<Question>): Promise<void> {
    this.question = { ...this.question, ...change };
    const { from, until, interval, agent } = this.question;
    const asked = ++this.#asked;
    this.error = "";
    if (from === "" || until === "" || until < from) {
      this.error = t("period.wrong");
      this.busy = "";
      this.changed();
      return;
    }
    await this.#work("report", asked, async () => {
      const [first, [total], people, course] = await Promise.all([
        get<Workload>(this.#path({}, ROWS_AT_ONCE)),
        this.#all({ interval: "period", group: "none" }),
        this.#all({ interval: "period", group: "agent", agent: "" }),
        interval === "period" ? null : this.#all({ group: "none" }),
      ]);
      if (asked !== this.#asked) return;
      const found = people.map((row): [string, string] => [row.agent_number ?? "", agentWords(row)]);
      if (agent !== "" && !found.some(([number]) => number === agent)) found.push([agent, agent]);
      Object.assign(this, { rows: first.items, next: first.next_cursor, total: total ?? null, people: found, course });
      this.version++;
    });
  }

  async more(): Promise<void> {
    const asked = this.#asked;
    await this.#work("report", asked, async () => {
      const page = await get<Workload>(this.#path({}, ROWS_AT_ONCE, this.next));
      if (asked !== this.#asked) return;
      this.rows = [...(this.rows ?? []), ...page.items];
      this.next = page.next_cursor;
      this.version++;
    });
  }

  /** All rows as a file, into the browser's downloads. */
  async download(format: "csv" | "xlsx"): Promise<void> {
    const { from, until } = this.question;
    await this.#work(format, this.#asked, async () => {
      const url = URL.createObjectURL(await blob(`${this.#path({}, MOST_ROWS)}&format=${format}&language=${language()}`));
      const link = document.createElement("a");
      link.href = url;
      link.download = `workload-${from}${until === from ? "" : `-${until}`}.${format}`;
      link.click();
      URL.revokeObjectURL(url);
    });
  }

  queueWords(name: string | null): string {
    if (name === null) return t("queue.none");
    const queue = this.queues.get(name);
    return queue ? label(queue) : name;
  }

  reasonWords(code: string): string {
    if (code === "-") return t("reason.not_yet");
    const reason = this.reasons.get(code);
    return reason ? label(reason) : code;
  }

  async #all(change: Partial<Question>): Promise<Row[]> {
    const found: Row[] = [];
    let cursor: string | null = null;
    do {
      const page: Workload = await get<Workload>(this.#path(change, MOST_ROWS, cursor));
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return found;
  }

  #path(change: Partial<Question>, limit: number, cursor: string | null = null): string {
    const { from, until, interval, group, agent, queue } = { ...this.question, ...change };
    const query = new URLSearchParams({ from: beginning(from, this.zone), until: beginning(plus(until, 1), this.zone), interval, group, limit: String(limit) });
    if (agent !== "") query.set("agent", agent);
    if (queue !== "") query.set("queue", queue);
    if (cursor !== null) query.set("cursor", cursor);
    return `/workload?${query}`;
  }

  async #work(name: string, asked: number, work: () => Promise<void>): Promise<void> {
    this.busy = name;
    this.changed();
    try {
      await work();
    } catch (error) {
      if (asked === this.#asked) this.error = words(error);
    } finally {
      if (asked === this.#asked) this.busy = "";
      this.changed();
    }
  }
}
