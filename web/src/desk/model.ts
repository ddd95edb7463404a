/** All that the desk shows, in one place, and how it changes: by the socket's messages and by what the agent does. */

import { get, post, Problem, put, words } from "../shared/api";
import { backoffMilliseconds, pause } from "../shared/backoff";
import { t as common } from "../shared/i18n";
import type { Me } from "../shared/session";
import { AgentSocket, CLOSED_FOR_GOOD, type Message } from "../shared/socket";
import { BrowserPhone } from "./phone";
import type {
  AgentState,
  Grade,
  Answer,
  Disposition,
  Hello,
  LiveCall,
  Note,
  PauseReason,
  Queue,
  QueueNow,
  ScreenPop,
  Seat,
  Telephone,
  Wanted,
} from "./types";

export interface Told {
  id: number;
  at: string;
  from: string;
  text: string;
}

/** How the page stands with the server. `superseded`: the agent has opened the desk elsewhere. */
export type Link = "connecting" | "up" | "lost" | "superseded" | "not-allowed" | "signed-out";

export interface Target {
  kind: string;
  to: string;
}

export interface Draft {
  note: string;
  answers: Record<string, Answer>;
  noteSaved: boolean;
  dispositionSaved: boolean;
}

export interface Notice {
  id: number;
  kind: "bad" | "good" | "info";
  text: string;
}

const WAY_TRIES = 8;
const WAY_MILLISECONDS = 400;
const NOTICE_MILLISECONDS = 8000;
const SAVE_AGAIN_MILLISECONDS = 1000;
const KEPT_MESSAGES = 20;

export class Desk {
  me: Me | null = null;
  agent: { number: string; display_name: string } | null = null;
  link: Link = "connecting";
  state: AgentState | null = null;
  telephone: Telephone | null = null;
  call: LiveCall | null = null;
  seats: Seat[] = [];
  reasons: PauseReason[] = [];
  queues: Queue[] = [];
  grades: Grade[] = [];
  queuesNow: QueueNow[] = [];
  pop: ScreenPop | null = null;
  popError = "";
  draft: Draft = emptyDraft();
  told: Told[] = [];
  notices: Notice[] = [];
  busy = new Set<string>();
  readonly phone: BrowserPhone;
  readonly #socket: AgentSocket;
  #popCallId: string | null = null;
  #popTurn = 0;
  #helloSequence = 0;
  #nextId = 1;
  #wasUp = false;

  constructor(readonly changed: () => void) {
    this.phone = new BrowserPhone(() => {
      if (this.phone.call?.state === "ringing") this.#awaitPop();
      changed();
    });
    this.#socket = new AgentSocket({
      message: (message) => this.#take(message),
      connected: (yes) => this.#connected(yes),
      refused: (code) => {
        this.link = code === CLOSED_FOR_GOOD.superseded ? "superseded" : "not-allowed";
        if (this.link === "superseded" && this.phone.call === null) this.phone.stop();
        changed();
      },
    });
  }

  /** Raises Problem when the log-in has no desk. */
  async start(): Promise<void> {
    this.me = await get<Me>("/auth/me");
    [this.agent, this.reasons, this.queues, this.grades] = await Promise.all([
      get<{ number: string; display_name: string }>("/agents/me"),
      get<PauseReason[]>("/pause-reasons"),
      get<Queue[]>("/queues"),
      get<Grade[]>("/vip-grades"),
    ]);
    this.changed();
    this.#socket.start();
  }

  /** After a new log-in on this page, without loading it again. */
  resume(): void {
    this.link = "connecting";
    this.changed();
    this.#socket.start();
  }

  signedOut(): void {
    this.#socket.stop();
    this.link = "signed-out";
    this.changed();
  }

  // -- what is true now

  get seat(): Seat | null {
    return this.seats.find((seat) => seat.name === this.state?.seat) ?? null;
  }

  get inBrowser(): boolean {
    return this.seat?.kind === "browser";
  }

  /** The telephone of the seat is there: without one nobody becomes available. */
  get canTakeCalls(): boolean {
    return this.telephone?.registered ?? false;
  }

  get isOnCall(): boolean {
    const activity = this.state?.activity;
    return this.phone.call !== null || activity === "ringing" || activity === "on_call";
  }

  /** What the conversation is doing, as far as anybody knows. */
  get phase(): "none" | "ringing" | LiveCall["state"] {
    if (this.call !== null && this.call.state !== "ended") {
      return this.call.state === "ringing" && this.phone.call?.state === "talking" ? "talking" : this.call.state;
    }
    if (this.phone.call !== null) return this.phone.call.state;
    if (this.state?.activity === "ringing") return "ringing";
    return this.state?.activity === "on_call" ? "talking" : "none";
  }

  get muted(): boolean {
    return this.inBrowser ? (this.phone.call?.muted ?? false) : (this.call?.muted ?? false);
  }

  get hasUnsavedWork(): boolean {
    return !this.draft.noteSaved || !this.draft.dispositionSaved;
  }

  gradeLabel(code: string): { label_zh: string; label_en: string } {
    return this.grades.find((grade) => grade.code === code) ?? { label_zh: code, label_en: code };
  }

  queueLabel(name: string): Queue | { label_zh: string; label_en: string } {
    return this.queues.find((queue) => queue.name === name) ?? { label_zh: name, label_en: name };
  }

  // -- what the agent does

  async want(wanted: Wanted, more: { seat?: string; reason?: string } = {}): Promise<boolean> {
    return this.act("state", async () => {
      await put("/agents/me/state", { wanted, ...more });
    });
  }

  /** A command about the call; its result comes as a message. */
  async command(name: string, body: Record<string, unknown> = {}): Promise<boolean> {
    return this.act(name, async () => {
      await post(`/agents/me/call/${name}`, body);
    });
  }

  /** Blind (`transfer`) or after asking (`consult`). */
  async passOn(how: "transfer" | "consult", to: Target): Promise<boolean> {
    return this.#toSomebody(how, `/agents/me/call/${how}`, to);
  }

  /** Click to dial: the own telephone rings first; one in the page answers by itself. */
  async dial(number: string): Promise<boolean> {
    const done = await this.#toSomebody("dial", "/agents/me/calls", { kind: "number", to: number });
    if (done && this.inBrowser) this.phone.expectOwnCall();
    return done;
  }

  /** Who does not want to be called is called only by an agent who is sure. */
  async #toSomebody(name: string, path: string, to: Target): Promise<boolean> {
    let isListed = false;
    const done = await this.act(name, async () => {
      try {
        await post(path, to);
      } catch (error) {
        if (!(error instanceof Problem && error.code === "do-not-call")) throw error;
        isListed = true;
      }
    });
    if (!isListed) return done;
    if (!(await this.confirm())) return false;
    return this.act(name, async () => {
      await post(path, { ...to, do_not_call_confirmed: true });
    });
  }

  /** Set by the page: whether the agent is sure to call who does not want to be called. */
  confirm: () => Promise<boolean> = async () => false;

  /** Runs one thing at a time of each name; what goes wrong is shown. Whether it went well. */
  async act(name: string, work: () => Promise<void>): Promise<boolean> {
    if (this.busy.has(name)) return false;
    this.busy.add(name);
    this.changed();
    try {
      await work();
      return true;
    } catch (error) {
      this.notice("bad", words(error));
      return false;
    } finally {
      this.busy.delete(name);
      this.changed();
    }
  }

  notice(kind: Notice["kind"], text: string): void {
    const id = this.#nextId++;
    this.notices = [...this.notices.filter((one) => one.text !== text), { id, kind, text }];
    setTimeout(() => this.dismiss(id), NOTICE_MILLISECONDS);
    this.changed();
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((one) => one.id !== id);
    this.changed();
  }

  // -- the screen pop

  async choosePatient(patientId: string): Promise<void> {
    await this.#changePop("patient", { patient_id: patientId });
  }

  async reveal(patientId: string, reason: string): Promise<void> {
    await this.#changePop("reveal", { patient_id: patientId, reason });
  }

  async saveNote(): Promise<void> {
    const pop = this.pop;
    if (pop === null || this.draft.noteSaved) return;
    if (this.busy.has("note")) {
      setTimeout(() => void this.saveNote(), SAVE_AGAIN_MILLISECONDS);
      return;
    }
    const text = this.draft.note;
    const draft = this.draft;
    await this.act("note", async () => {
      const note = await put<Note>(`/agents/me/calls/${pop.call_id}/note`, { text, version: pop.note?.version ?? 0 });
      if (this.pop?.call_id !== pop.call_id) return; // another call rings already
      this.pop.note = note;
      if (draft.note === text) draft.noteSaved = true;
    });
  }

  async saveDisposition(answers: Record<string, Answer>): Promise<boolean> {
    const pop = this.pop;
    const form = pop?.disposition_form;
    if (!pop || !form) return false;
    return this.act("disposition", async () => {
      const body = { queue: form.queue_name, form_version: form.version, answers };
      pop.disposition = await put<Disposition>(`/agents/me/calls/${pop.call_id}/disposition`, body);
      this.draft.dispositionSaved = true;
    });
  }

  closePop(): void {
    this.pop = null;
    this.draft = emptyDraft();
    this.changed();
  }

  /** The telephone in the page rings a moment before the message comes: nobody else's record may stand there. */
  #awaitPop(): void {
    const activity = this.state?.activity;
    if (this.pop === null || activity === "ringing" || activity === "on_call") return;
    void this.saveNote();
    this.pop = null;
    this.#popCallId = null;
    this.draft = emptyDraft();
  }

  async #changePop(what: "patient" | "reveal", body: object): Promise<void> {
    const callId = this.#popCallId;
    if (callId === null) return;
    await this.act(what, async () => {
      this.#popTurn++;
      const pop = await post<ScreenPop>(`/agents/me/calls/${callId}/${what}`, body);
      this.#popTurn++;
      if (callId === this.#popCallId) this.#showPop(pop);
    });
  }

  /** The call's page, from the first ring on. Its way through the menu may follow a moment later. */
  async #loadPop(callId: string): Promise<void> {
    if (callId === this.#popCallId) return;
    if (this.pop !== null && this.hasUnsavedWork) await this.saveNote();
    this.#popCallId = callId;
    this.popError = "";
    for (let tries = 0; tries < WAY_TRIES && callId === this.#popCallId; tries++) {
      if (tries > 0) await pause(WAY_MILLISECONDS);
      try {
        const pop = await this.#readPop(callId);
        if (pop?.way_known) return;
      } catch (error) {
        this.popError = words(error);
        this.changed();
      }
    }
  }

  async #refreshPop(): Promise<void> {
    const callId = this.#popCallId;
    if (callId === null || this.pop === null) return;
    await this.#readPop(callId).catch(() => undefined);
  }

  /** Null: meanwhile another call rings, or the agent has chosen or revealed: what was read before that is old. */
  async #readPop(callId: string): Promise<ScreenPop | null> {
    const turn = this.#popTurn;
    const pop = await get<ScreenPop>(`/agents/me/calls/${callId}/pop`);
    if (callId !== this.#popCallId || turn !== this.#popTurn) return null;
    this.#showPop(pop);
    return pop;
  }

  #showPop(pop: ScreenPop): void {
    if (this.pop?.call_id !== pop.call_id) {
      this.draft = {
        note: pop.note?.text ?? "",
        answers: { ...pop.disposition?.answers },
        noteSaved: true,
        dispositionSaved: true,
      };
    }
    this.popError = "";
    this.pop = pop;
    this.changed();
  }

  // -- the socket

  #connected(yes: boolean): void {
    if (yes) {
      if (this.#wasUp && this.link === "lost") this.notice("good", common("connection.back"));
      this.#wasUp = true;
      this.link = "up";
    } else if (this.link === "up") {
      this.link = "lost";
    }
    this.changed();
  }

  #take(message: Message): void {
    const after = message.after ?? {};
    const isNews = message.sequence === null || message.sequence > this.#helloSequence;
    switch (message.type) {
      case "hello":
        this.#hello(after as unknown as Hello);
        break;
      case "queues":
        this.queuesNow = (after as { queues: QueueNow[] }).queues;
        break;
      case "state":
        if (isNews) this.#newState(after as unknown as AgentState);
        if (isNews && (after as { cause?: string }).cause !== "agent") this.onChangedByOthers(message);
        break;
      case "telephone":
        if (isNews) this.telephone = after as unknown as Telephone;
        break;
      case "offer":
        if (isNews) void this.#loadPop((after as { call_id: string }).call_id);
        break;
      case "call":
        if (isNews) this.#newCall(after as unknown as LiveCall);
        break;
      case "command":
        if (isNews) this.#commandEnded(after as { action: string; state: string; reason?: string | null });
        break;
      case "score":
        if (isNews) this.onScored();
        break;
      case "message":
        this.#tell(message);
        break;
    }
    this.changed();
  }

  #hello(hello: Hello): void {
    this.#helloSequence = hello.sequence;
    this.agent = hello.agent;
    this.telephone = hello.telephone;
    this.call = hello.call ?? null;
    this.#newState(hello.state);
    if (this.call !== null) void this.#loadPop(this.call.call_id);
  }

  #newState(state: AgentState): void {
    const before = this.state;
    this.state = state;
    if (state.call_id !== null && (state.activity === "ringing" || state.activity === "on_call")) void this.#loadPop(state.call_id);
    if (state.activity === "idle" || state.activity === "wrap_up") {
      this.call = null;
      if (before !== null && before.activity !== state.activity) this.onCallEnded();
    }
    if (before?.activity === "ringing" && state.activity === "on_call") void this.#refreshPop();
    if (before === null || before.seat !== state.seat || state.wanted === "logged_out") void this.#followSeat();
  }

  /** Whether they could be read. */
  async #loadSeats(): Promise<boolean> {
    try {
      this.seats = await get<Seat[]>("/seats");
      return true;
    } catch {
      return this.link === "signed-out";
    }
  }

  /** The telephone in the page goes with the seat. */
  async #followSeat(): Promise<void> {
    for (let tries = 0; !(await this.#loadSeats()); tries++) await pause(backoffMilliseconds(tries));
    if (this.inBrowser) this.phone.start();
    else if (this.phone.call === null) this.phone.stop();
    this.changed();
  }

  #newCall(call: LiveCall): void {
    this.call = call.state === "ended" ? null : call;
    if (call.state !== "ended") void this.#loadPop(call.call_id);
  }

  #commandEnded(command: { action: string; state: string; reason?: string | null }): void {
    if (command.state === "done" || command.state === "pending" || command.state === "sent") return;
    this.onCommandFailed(command);
  }

  /** Set by the page: the figures of the day are others now. */
  onCallEnded: () => void = () => {};

  /** Set by the page: a conversation was scored, or a score was changed. */
  onScored: () => void = () => {};

  /** Set by the page, which has the words. */
  onCommandFailed: (command: { action: string; state: string; reason?: string | null }) => void = () => {};

  /** Set by the page: somebody else, or the system, changed what the agent wants. */
  onChangedByOthers: (message: Message) => void = () => {};

  #tell(message: Message): void {
    const { text = "", from = "" } = (message.after ?? {}) as { text?: string; from?: string };
    const told = { id: message.sequence ?? this.#nextId++, at: message.at, from, text };
    this.told = [told, ...this.told.filter((one) => one.id !== told.id)].slice(0, KEPT_MESSAGES);
  }
}

function emptyDraft(): Draft {
  return { note: "", answers: {}, noteSaved: true, dispositionSaved: true };
}
