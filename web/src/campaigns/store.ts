/** What the page holds: where it is, what it shows there, and how that is kept true while a campaign runs. */

import { blob, get, post, Problem, put, type Page } from "../shared/api";
import { language } from "../shared/i18n";
import type { Me } from "../shared/session";
import type { Audience, Campaign, Choices, Contact, ContactDetail, DoNotCallEntry, DryRun, Limits, Progress, Results, Standing, State, Whom } from "./types";
import { t, wordsOf } from "./words";

const TICK_MILLISECONDS = 2000;
const TICKS_OF_LIST = 5;
/** A campaign of a million is counted for a second: who looks on takes a tenth of that. */
const RESTS = 9;
const NOTICE_MILLISECONDS = 8000;
const NOTICES = 4;
const AT_ONCE = 50;

export type Tab = "progress" | "results" | "contacts" | "plan";
export type Place =
  | { view: "list" }
  | { view: "limits" }
  | { view: "do-not-call" }
  | { view: "wizard"; id: string | null }
  | { view: "one"; id: string; tab: Tab; contact: string | null };

interface Notice {
  id: number;
  kind: "good" | "bad" | "info";
  text: string;
}

export interface ContactFilter {
  state: string;
  status: string;
}

/** `#/`, `#/new`, `#/ID/edit`, `#/ID`, `#/ID/results`, `#/ID/plan`, `#/ID/contacts`, `#/ID/contacts/CONTACT`, `#/limits`, `#/do-not-call`. */
export function placeOf(hash: string): Place {
  const [id = "", what = "", contact = null] = hash.replace(/^#\/?/, "").split("/");
  if (id === "") return { view: "list" };
  if (id === "limits" || id === "do-not-call") return { view: id };
  if (id === "new") return { view: "wizard", id: null };
  if (what === "edit") return { view: "wizard", id };
  const tab = what === "results" || what === "contacts" || what === "plan" ? what : "progress";
  return { view: "one", id, tab, contact };
}

export class Store {
  me: Me | null = null;
  place: Place = { view: "list" };
  busy = new Set<string>();
  notices: Notice[] = [];
  choices: Choices | null = null;

  campaigns: Campaign[] | null = null;
  next: string | null = null;
  filter: State | "" = "";
  standings: ReadonlyMap<string, Standing> = new Map();

  /** The one that is looked at, or edited. */
  campaign: Campaign | null = null;
  progress: Progress | null = null;
  results: Results | null = null;
  contacts: Contact[] | null = null;
  nextContacts: string | null = null;
  contactFilter: ContactFilter = { state: "", status: "" };
  contact: ContactDetail | null = null;
  dryRun: DryRun | null = null;
  /** Null: it finds nobody by itself. */
  audience: Audience | null = null;
  /** Over all campaigns. */
  limits: Limits | null = null;
  /** The do-not-call list, or what stands there of whom was looked for. */
  entries: DoNotCallEntry[] | null = null;
  nextEntries: string | null = null;
  whom: Whom | null = null;
  /** Counts answers that a chart is drawn from. */
  version = 0;
  #noticed = 0;
  #ticks = 0;
  #ticking = false;
  #restUntil = 0;

  constructor(readonly changed: () => void) {}

  get mayChange(): boolean {
    return this.#has("scheduler");
  }

  get mayListUnwilling(): boolean {
    return this.#has("scheduler", "supervisor");
  }

  /** Takes people off the do-not-call list, and reads files of them; sees numbers in full. */
  get keepsUnwilling(): boolean {
    return this.#has("supervisor");
  }

  get isAdmin(): boolean {
    return this.#has();
  }

  /** Calls are records of their own, with rights of their own. */
  get mayReadCalls(): boolean {
    return this.#has("supervisor", "quality");
  }

  #has(...roles: string[]): boolean {
    return this.me?.roles.some((role) => role === "admin" || roles.includes(role)) ?? false;
  }

  async start(): Promise<void> {
    this.me = await get<Me>("/auth/me");
    addEventListener("hashchange", () => void this.go());
    document.addEventListener("visibilitychange", () => void this.#tick());
    setInterval(() => void this.#tick(), TICK_MILLISECONDS);
    await this.go();
  }

  /** To where the address says. */
  async go(): Promise<void> {
    if (location.hash === "#main") return; // the link that skips the bar
    const before = this.place;
    const place = placeOf(location.hash);
    this.place = place;
    const id = "id" in place ? place.id : null;
    if (this.campaign?.id !== id || place.view === "wizard") this.#forget();
    if (place.view !== "one" || place.contact === null) this.contact = null;
    if (before.view !== place.view) scrollTo(0, 0);
    this.changed();
    await this.act("load", async () => {
      if (place.view === "list") return this.loadList();
      if (place.view === "do-not-call") return this.lookUp(null);
      if (place.view === "limits") {
        this.limits = await get<Limits>("/campaigns/limits");
        return;
      }
      if (place.view === "wizard" && this.choices === null) this.choices = await get<Choices>("/campaigns/choices");
      if (id === null) return;
      const campaign = await get<Campaign>(`/campaigns/${id}`);
      if (this.place !== place) return;
      this.campaign = campaign;
      if (place.view === "one") await this.#loadTab(place);
    });
  }

  #forget(): void {
    Object.assign(this, { campaign: null, progress: null, results: null, contacts: null, contact: null, dryRun: null, audience: null });
    this.contactFilter = { state: "", status: "" };
  }

  async #loadTab(place: Place & { view: "one" }): Promise<void> {
    if (this.progress === null || place.tab === "progress") await this.#loadProgress(place.id);
    if (place.tab === "results") await this.#loadResults(place.id);
    if (place.tab === "plan") await Promise.all([this.loadDryRun(place.id), this.#loadAudience(place.id)]);
    if (place.tab === "contacts" && place.contact === null && this.contacts === null) await this.loadContacts();
    if (place.contact !== null) await this.loadContact(place.id, place.contact);
  }

  async loadList(cursor: string | null = null): Promise<void> {
    const query = new URLSearchParams({ limit: String(AT_ONCE) });
    if (this.filter !== "") query.set("state", this.filter);
    if (cursor !== null) query.set("cursor", cursor);
    const page = await get<Page<Campaign>>(`/campaigns?${query}`);
    this.campaigns = [...(cursor === null ? [] : (this.campaigns ?? [])), ...page.items];
    this.next = page.next_cursor;
    await this.#loadStandings(page.items);
  }

  async #loadStandings(of: Campaign[]): Promise<void> {
    if (of.length === 0) return;
    const query = new URLSearchParams(of.slice(0, 100).map(({ id }) => ["campaign", id]));
    const found = await get<Standing[]>(`/campaigns/standings?${query}`);
    this.standings = new Map([...this.standings, ...found.map((one): [string, Standing] => [one.campaign_id, one])]);
  }

  /** On the do-not-call list; null: everybody who is on it. */
  async lookUp(whom: Whom | null, cursor: string | null = null): Promise<void> {
    const of = whom === null ? {} : "number" in whom ? { number: whom.number } : { patient_id: whom.patient.id };
    const page = await post<Page<DoNotCallEntry>>("/do-not-call/search", { ...of, limit: AT_ONCE, cursor });
    this.entries = [...(cursor === null ? [] : (this.entries ?? [])), ...page.items];
    Object.assign(this, { nextEntries: page.next_cursor, whom });
  }

  async #loadProgress(id: string): Promise<void> {
    this.progress = await get<Progress>(`/campaigns/${id}/progress`);
  }

  async #loadResults(id: string): Promise<void> {
    this.results = await get<Results>(`/campaigns/${id}/results`);
    this.version++;
  }

  async loadDryRun(id: string, cursor: string | null = null): Promise<void> {
    const query = new URLSearchParams({ limit: String(AT_ONCE) });
    if (cursor !== null) query.set("cursor", cursor);
    const found = await get<DryRun>(`/campaigns/${id}/dry-run?${query}`);
    this.dryRun = { ...found, items: [...(cursor === null ? [] : (this.dryRun?.items ?? [])), ...found.items] };
  }

  async #loadAudience(id: string): Promise<void> {
    try {
      this.audience = await get<Audience>(`/campaigns/${id}/audience`);
    } catch (error) {
      if (!(error instanceof Problem && error.code === "campaign-audience-not-found")) throw error;
      this.audience = null;
    }
  }

  async putAudienceTime(id: string, atTime: string | null): Promise<void> {
    const body = { audience: this.audience?.audience, at_time: atTime };
    this.audience = await put<Audience>(`/campaigns/${id}/audience`, body);
  }

  /** The day's one look, now. */
  async lookNow(id: string): Promise<void> {
    this.audience = await post<Audience>(`/campaigns/${id}/audience/look`);
    await Promise.all([this.loadDryRun(id), this.#loadProgress(id)]);
  }

  async loadContacts(cursor: string | null = null): Promise<void> {
    if (this.campaign === null) return;
    const query = new URLSearchParams({ limit: String(AT_ONCE) });
    const { state, status } = this.contactFilter;
    if (state !== "") query.set("state", state);
    if (status !== "") query.set("status", status);
    if (cursor !== null) query.set("cursor", cursor);
    const page = await get<Page<Contact>>(`/campaigns/${this.campaign.id}/contacts?${query}`);
    this.contacts = [...(cursor === null ? [] : (this.contacts ?? [])), ...page.items];
    this.nextContacts = page.next_cursor;
  }

  async loadContact(id: string, contact: string): Promise<void> {
    this.contact = await get<ContactDetail>(`/campaigns/${id}/contacts/${contact}`);
  }

  /** Contacts were put in or taken out. */
  async contactsChanged(): Promise<void> {
    if (this.campaign === null) return;
    await Promise.all([this.loadContacts(), this.#loadProgress(this.campaign.id)]);
  }

  async setState(campaign: Campaign, state: State): Promise<void> {
    await this.act(
      "state",
      async () => {
        const changed = await put<Campaign>(`/campaigns/${campaign.id}/state`, { state });
        if (this.campaign?.id === changed.id) this.campaign = changed;
        this.campaigns = this.campaigns?.map((one) => (one.id === changed.id ? changed : one)) ?? null;
      },
      t(`done.${state}` as "done.running", { name: campaign.name }),
    );
  }

  /** The results as a file, into the browser's downloads. */
  async download(form: "csv" | "xlsx"): Promise<void> {
    const { campaign } = this;
    if (campaign === null) return;
    await this.act(form, async () => {
      const url = URL.createObjectURL(await blob(`/campaigns/${campaign.id}/results.${form}?language=${language()}`));
      const link = document.createElement("a");
      link.href = url;
      link.download = `campaign-${campaign.name.replace(/[^\p{L}\p{N}_-]+/gu, "-")}.${form}`;
      link.click();
      URL.revokeObjectURL(url);
    });
  }

  /** What moves by itself: every two seconds while it runs and somebody looks. */
  async #tick(): Promise<void> {
    if (document.hidden || this.#ticking || this.busy.size > 0 || performance.now() < this.#restUntil) return;
    const began = performance.now();
    const { place, campaign } = this;
    const turn = ++this.#ticks % TICKS_OF_LIST === 0;
    this.#ticking = true;
    try {
      if (place.view === "list" && turn && this.campaigns?.some((one) => one.state === "running")) {
        await this.#loadStandings(this.campaigns.filter((one) => one.state === "running"));
      } else if (place.view === "one" && campaign !== null && this.#moves(campaign)) {
        const [now, progress] = await Promise.all([get<Campaign>(`/campaigns/${place.id}`), get<Progress>(`/campaigns/${place.id}/progress`)]);
        if (this.place !== place || this.busy.size > 0) return;
        Object.assign(this, { campaign: now, progress });
        if (place.tab === "results" && turn) await this.#loadResults(place.id);
      } else return;
      this.dismissOf("tick");
    } catch (error) {
      this.notice("bad", wordsOf(error), "tick");
    } finally {
      this.#ticking = false;
      this.#restUntil = performance.now() + RESTS * (performance.now() - began);
      this.changed();
    }
  }

  #moves(campaign: Campaign): boolean {
    return campaign.state === "running" || (this.progress?.by_state["dialling"] ?? 0) > 0;
  }

  /** What is asked for by a person: one at a time of each kind; what goes wrong is told. */
  async act(key: string, work: () => Promise<void>, done?: string): Promise<boolean> {
    if (this.busy.has(key) && key !== "load") return false;
    this.busy.add(key);
    this.changed();
    try {
      await work();
      if (done !== undefined) this.notice("good", done);
      return true;
    } catch (error) {
      this.notice("bad", wordsOf(error));
      return false;
    } finally {
      this.busy.delete(key);
      this.changed();
    }
  }

  /** `of`: what it is about; a later one takes its place. */
  notice(kind: Notice["kind"], text: string, of?: string): void {
    if (of !== undefined && this.#about.has(of)) return;
    const one = { id: ++this.#noticed, kind, text };
    this.notices = [...this.notices.slice(1 - NOTICES), one];
    if (of === undefined) setTimeout(() => this.dismiss(one.id), NOTICE_MILLISECONDS);
    else this.#about.set(of, one.id);
    this.changed();
  }

  readonly #about = new Map<string, number>();

  dismissOf(of: string): void {
    const id = this.#about.get(of);
    if (id === undefined) return;
    this.#about.delete(of);
    this.dismiss(id);
  }

  dismiss(id: number): void {
    this.notices = this.notices.filter((one) => one.id !== id);
    this.changed();
  }
}
